"""The Docker Engine API: docker's own client, and whatever speaks to its socket, drives Capas."""
