"""Search for images in a registry, or in docker.io by its mirrors and Docker Hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from capas.errors import CapasError, Denied, Invalid, NotFound, Unauthenticated, Unavailable, Unsupported
from capas.reference import DEFAULT_DOMAIN
from capas.registry.client import Client
from capas.registry.endpoint import Endpoint, mirrors_of, origin_of
from capas.registry.search import (
    DOCKER_HUB,
    DOCKER_INDEX,
    MOST,
    ORDERS,
    Hits,
    Wanted,
    search_docker_hub,
    search_index,
    search_registry,
)

_OFFICIAL = "library/"


def search(client: Client, wanted: Wanted) -> Hits:
    """What is found, by names that can be pulled. A registry may be named before the words: `localhost:5000/nginx`.

    Mirrors of docker.io are asked before it. Raises: Invalid; Unauthenticated; Unavailable; Unsupported.
    """
    domain, text = split_term(wanted.text)
    if not 1 <= wanted.limit <= MOST:
        raise Invalid("the limit is a number from 1 to {most}", most=MOST)
    if wanted.order not in ORDERS:
        raise Invalid("the order is one of {orders}", orders=", ".join(ORDERS))
    answers, failures = list[Hits](), list[CapasError]()
    for ask in _ways(client, domain, wanted._replace(text=text)):
        try:
            found = _name(domain, ask())
        except (Unavailable, Unsupported, NotFound, Denied, Unauthenticated) as error:
            failures.append(error)
            continue
        if found.hits:
            return found
        answers.append(found)
    if not answers:
        raise failures[-1]  # the registry's own: mirrors come before it
    return next((one for one in answers if one.suggestions), answers[0])


def split_term(term: str) -> tuple[str, str]:
    """The registry and the words of a term, told apart as docker does.

    A registry's address with a slash alone asks for all that it has. Raises: Invalid for docker.io without words.

    >>> split_term("localhost:5000/nginx"), split_term("acme/web"), split_term("docker.io/library/nginx")
    (('localhost:5000', 'nginx'), ('docker.io', 'acme/web'), ('docker.io', 'nginx'))
    """
    first, slash, rest = term.strip().partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    domain, text = (first, rest) if is_host else (DEFAULT_DOMAIN, term.strip())
    domain = DEFAULT_DOMAIN if domain in ("index.docker.io", "registry-1.docker.io") else domain
    if domain == DEFAULT_DOMAIN:
        text = text.removeprefix(_OFFICIAL)
    if domain == DEFAULT_DOMAIN and not text.strip():
        raise Invalid("what is to be searched for?", hint="name a word, like nginx")
    return domain, text


def _ways(client: Client, domain: str, wanted: Wanted) -> Iterator[Callable[[], Hits]]:
    """Whom to ask, in turn."""
    for mirror in mirrors_of(domain, client.settings):
        yield _asker(client, mirror, wanted)
    if domain == DEFAULT_DOMAIN:
        yield lambda: _ask_docker(client, wanted)
    else:
        yield _asker(client, origin_of(domain, client.settings), wanted)


def _asker(client: Client, endpoint: Endpoint, wanted: Wanted) -> Callable[[], Hits]:
    return lambda: client.converse(search_registry(client.session(endpoint), wanted))


def _ask_docker(client: Client, wanted: Wanted) -> Hits:
    try:
        return client.converse(search_docker_hub(client.session(DOCKER_HUB), wanted))
    except (Unavailable, Unsupported, Denied):
        return client.converse(search_index(client.session(DOCKER_INDEX), wanted))


def _name(domain: str, found: Hits) -> Hits:
    """The same by the names that people type to pull."""

    def full(name: str) -> str:
        return name.removeprefix(_OFFICIAL) if domain == DEFAULT_DOMAIN else f"{domain}/{name}"

    return Hits(
        tuple(hit._replace(name=full(hit.name)) for hit in found.hits), tuple(full(name) for name in found.suggestions)
    )
