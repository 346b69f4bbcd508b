"""Conversations with registries."""
