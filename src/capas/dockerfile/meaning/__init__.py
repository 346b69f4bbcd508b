"""Meaning: what a Dockerfile's lines do, why people write them and what can go wrong, as sentences in any language."""
