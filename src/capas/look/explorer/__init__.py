"""An image looked through on a terminal: its layers, the tree that each leaves, and what it changed in it."""
