"""Processes: containers under an OCI runtime."""
