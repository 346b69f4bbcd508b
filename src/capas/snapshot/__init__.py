"""Trees: stacks of layers made visible."""
