"""Scopes: what a token is asked for.

Spec: distribution's "Docker Registry Token Scope and Access".
"""

from __future__ import annotations

CATALOG = frozenset({"registry:catalog:*"})


def pulling(path: str) -> frozenset[str]:
    """To read a repository."""
    return frozenset({f"repository:{path}:pull"})


def pushing(path: str, *sources: str) -> frozenset[str]:
    """To write a repository, and to read those that blobs are mounted from."""
    return frozenset({f"repository:{path}:pull,push", *(f"repository:{source}:pull" for source in sources)})


def deleting(path: str) -> frozenset[str]:
    """To delete in a repository."""
    return frozenset({f"repository:{path}:pull,delete"})
