"""Copies of what other registries have: a cache that fills as it is asked, and replication by rule both ways."""
