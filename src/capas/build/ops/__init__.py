"""What makes a layer: one file per kind of op."""
