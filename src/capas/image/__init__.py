"""Images over any source of bytes; edits, validation, archives."""
