"""The graph: a Dockerfile becomes vertices, vertices become layers."""
