"""Finding images: search, stars, pulls, and what tags are the same image."""
