"""Ordinary users work in a user namespace of their own."""

from __future__ import annotations

import os


def enter_if_needed() -> None:
    """Root stays as it is; any other user enters a user namespace once, before the first tree is touched.

    Raises: Unsupported where user namespaces are forbidden or threads run already.
    """
    if os.geteuid() != 0:
        from capas.snapshot.namespaces import enter_user_namespace

        enter_user_namespace()
