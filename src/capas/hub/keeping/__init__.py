"""Keeping images: what is freed, what is held, what is told and copied elsewhere."""
