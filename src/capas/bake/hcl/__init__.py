"""HCL's native syntax: bodies, expressions and templates, read and evaluated."""
