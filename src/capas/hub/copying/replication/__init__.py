"""Replication: images copied to and from other registries by rule."""
