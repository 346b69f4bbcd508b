"""Secrets with known names, for what ADD and contexts fetch: HTTP_AUTH_TOKEN_<host> and GIT_AUTH_TOKEN and their kin.

Spec: docker's documentation, "Build secrets": HTTP authentication for ADD, Git authentication for remote contexts.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from capas.build.git_address import Login
from capas.build.secrets import Secrets

_USER = "x-access-token"


def find_authorization(secrets: Secrets, url: str) -> str:
    """The header `Authorization` for a download from this URL, "" for none. Raises: NotFound; Exhausted."""
    for host in _hosts(url):
        header = _text(secrets, f"HTTP_AUTH_HEADER_{host}")
        token = _text(secrets, f"HTTP_AUTH_TOKEN_{host}")
        if header or token:
            return header or f"Bearer {token}"
    return ""


def find_git_header(secrets: Secrets, url: str) -> str:
    """The header `Authorization` for a repository, where the secret of its host or that of all gives one whole."""
    return _of_any(secrets, "GIT_AUTH_HEADER", url)


def find_git_login(secrets: Secrets, url: str) -> Login:
    """The login that a token is, of this repository's host or of all."""
    token = _of_any(secrets, "GIT_AUTH_TOKEN", url)
    return Login(_USER, token) if token else Login()


def _of_any(secrets: Secrets, name: str, url: str) -> str:
    names = [*(f"{name}.{host}" for host in _hosts(url)), name]
    return next((found for found in (_text(secrets, each) for each in names) if found), "")


def _hosts(url: str) -> list[str]:
    """The host as secrets may call it: with its port, and without."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return list(dict.fromkeys([host, parts.hostname or host]))


def _text(secrets: Secrets, name: str) -> str:
    found = secrets.find(name)
    return "" if found is None else found.reveal().decode(errors="replace").strip()
