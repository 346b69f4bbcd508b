"""Bytes by name: blobs, ingests, records."""
