"""People and rights: accounts, organisations, tokens, and who may do what."""
