"""The JSON API of the hub, under /api/v1: structs in, structs out, and an OpenAPI document made of them."""
