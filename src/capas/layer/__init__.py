"""Changesets: tar streams in and out, apply and diff."""
