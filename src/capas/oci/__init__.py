"""The words of the field: digests, media types, documents. No I/O, no clock."""
