"""What finding out who asks stands on: the keys of passes, what was proved, how requests come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from capas.hub.people.keys import Algorithm, Keys
from capas.hub.people.oidc import OidcConfig, Provider, open_providers
from capas.hub.people.origin import Origins
from capas.hub.people.proofs import Proofs
from capas.hub.records.database import Database
from capas.hub.seal import Seal

T = TypeVar("T")


class LoginConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[login]`: `algorithm` signs the tokens of docker's token protocol."""

    algorithm: Algorithm = "EdDSA"


class Doors(NamedTuple):
    """Of one process."""

    origins: Origins
    keys: Keys
    proofs: Proofs
    once: Once
    providers: Mapping[str, Provider]


class Once:
    """What several requests wait for is done once, and all of them get what came of it. Of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, asyncio.Future[Any]] = {}

    async def do(self, key: bytes, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, begun now or by another request with the same key."""
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = asyncio.ensure_future(work())
            found.add_done_callback(lambda _: self._under_way.pop(key, None))
        result: T = await asyncio.shield(found)
        return result


def open_doors(
    database: Database,
    seal: Seal,
    config: LoginConfig,
    origins: Origins,
    *,
    providers: Mapping[str, OidcConfig],
    now_ns: Callable[[], int],
    new_token: Callable[[], str],
) -> Doors:
    """The doors of a hub. `new_token` draws the key under which proofs are remembered.

    Raises: Invalid for a provider that cannot be asked.
    """
    keys = Keys(database, seal, config.algorithm, now_ns=now_ns, new_token=new_token)
    return Doors(origins, keys, Proofs(bytes.fromhex(new_token())), Once(), open_providers(providers, now_ns))
