"""One object, every verb."""
