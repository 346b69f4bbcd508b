"""Text: a Dockerfile read, checked and expanded. No I/O."""
