"""The distribution API: the protocol that every client of a registry speaks."""
