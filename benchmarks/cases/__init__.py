"""The cases: each module's `CASES` are pieces of work that Capas and its peers do side by side."""
