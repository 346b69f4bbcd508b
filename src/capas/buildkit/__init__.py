"""BuildKit's control API over gRPC, so that docker's buildx builds on our graph: `capas buildkitd`."""
