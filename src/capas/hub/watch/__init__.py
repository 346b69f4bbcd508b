"""Watching a running hub: metrics, health, logs."""
