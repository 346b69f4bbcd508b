"""Where files to copy come from: a directory of the host, the tree of an image or an archive, the Dockerfile itself."""
