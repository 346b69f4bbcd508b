"""Pictures and words: what an image is made of, for people, wherever it is."""
