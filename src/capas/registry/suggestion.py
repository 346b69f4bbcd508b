"""Names that may have been meant by one that is not there, from registries that say where such are found: hubs of ours.

Their refusals lead to them (`search_of`). Whoever sends no such link is not asked.
Spec: the hub's `/api/v1/openapi.json`.
"""

from __future__ import annotations

from collections.abc import Iterable

from capas.errors import CapasError
from capas.oci.document import MAX_BYTES, decode
from capas.reference import Reference
from capas.registry.message import Conversation
from capas.registry.scope import CATALOG
from capas.registry.search import Ours
from capas.registry.session import Session

_MOST = 3  # names
_NEAR = 0.6  # how like two names are, from 0 to 1


def find_near(session: Session, url: str) -> Conversation[list[str]]:
    """Repositories near the one that was asked for, of those that our login there may see. Raises: Unavailable."""
    response = yield from session.ask("GET", "/v2/", scopes=CATALOG, tries=1)  # lets us in: private ones count too
    response.discard()
    response = yield from session.ask("GET", url, scopes=CATALOG, headers={"Accept": "application/json"}, tries=1)
    if response.status != 200:
        response.discard()
        return []
    found = decode(response.data(MAX_BYTES), Ours, "search results")
    return found.suggestions or [one.name for one in found.items]


def familiar_names(reference: Reference, paths: Iterable[str]) -> list[str]:
    """Repositories of the same registry as people would write them; what is no name, or not like it, is left out."""
    near = (path for path in paths if path != reference.path and _is_near(reference.path, path))
    return [name for path in near if (name := _familiar(reference, path))][:_MOST]


def _is_near(wanted: str, found: str) -> bool:
    """Whether one may have been written for the other; that both are of one owner says nothing."""
    from difflib import SequenceMatcher

    owner, _, name = wanted.rpartition("/")
    if owner and found.startswith(f"{owner}/"):
        wanted, found = name, found[len(owner) + 1 :]
    return SequenceMatcher(None, wanted, found).ratio() >= _NEAR


def _familiar(reference: Reference, path: str) -> str:
    try:
        return Reference.parse(f"{reference.domain}/{path}").familiar_name
    except CapasError:
        return ""
