"""Ordinary users work in a user namespace of their own."""

from __future__ import annotations

from capas.errors import CapasError


def is_root() -> bool:
    """Whether this process is the machine's root, not that of a user namespace."""
    from capas.snapshot.namespaces import identity

    return identity() == "root"


def enter_if_possible() -> None:
    """As `enter_if_needed`, for a verb that may touch no tree after all: where it is forbidden, nothing happens."""
    try:
        enter_if_needed()
    except CapasError:
        pass  # whoever needs the tree asks again, and says why not


def enter_if_needed() -> None:
    """Root stays as it is; any other user enters a user namespace once, before the first tree is touched.

    Raises: Unsupported where user namespaces are forbidden or threads run already.
    """
    if not is_root():
        from capas.snapshot.namespaces import enter_user_namespace

        enter_user_namespace()
