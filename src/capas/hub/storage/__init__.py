"""Where the hub keeps the bytes of blobs: a directory, or an object store that several machines share."""
