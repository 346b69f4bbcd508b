"""The steps, each one a revision that names the one before it."""
