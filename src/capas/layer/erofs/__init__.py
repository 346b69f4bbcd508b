"""A layer as one file: its tar, byte for byte, and an EROFS filesystem whose inodes point into it."""
