"""Bake files: many builds described at once, in HCL, JSON or compose. Text in, targets out; no I/O."""
