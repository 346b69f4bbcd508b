"""What comes out of a build: one file per kind of output, and what they share."""
