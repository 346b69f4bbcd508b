"""Checks: what a Dockerfile says that it had better not, found in its text alone. Pure: text in, findings out."""
