"""Randomness: its only home. Composition roots draw from it; every other room is given a value."""

from __future__ import annotations

import os


def token() -> str:
    """A fresh 64-digit hexadecimal name, as docker gives its containers."""
    return os.urandom(32).hex()


def pick(names: list[str]) -> str:
    """One of the names."""
    return names[int.from_bytes(os.urandom(4), "big") % len(names)]


def fraction() -> float:
    """A number from 0 up to 1."""
    return int.from_bytes(os.urandom(4), "big") / 2**32
