"""The nouns: groups of verbs, each from its table."""

from __future__ import annotations

from types import MappingProxyType

from capas.cli.commands import BUILDER, CONTAINER, HUB, HUB_TOKEN, HUB_USER, IMAGE, MOUNTS, NETWORK, SYSTEM
from capas.cli.lazy import LazyGroup

_NONE = MappingProxyType({})  # type: ignore[var-annotated]
image = LazyGroup(name="image", help="The verbs about images", table=IMAGE, hidden=_NONE)
container = LazyGroup(name="container", help="The verbs about containers", table=CONTAINER, hidden=_NONE)
system = LazyGroup(name="system", help="What is here and what this machine allows", table=SYSTEM, hidden=_NONE)
builder = LazyGroup(name="builder", help="The build cache", table=BUILDER, hidden=_NONE)
mounts = LazyGroup(name="mounts", help="Carry cache mounts from one machine to another", table=MOUNTS, hidden=_NONE)
network = LazyGroup(name="network", help="The verbs about networks", table=NETWORK, hidden=_NONE)
hub = LazyGroup(name="hub", help="The registry server", table=HUB, hidden=_NONE)
hub_token = LazyGroup(name="token", help="Access tokens and robots of a hub", table=HUB_TOKEN, hidden=_NONE)
hub_user = LazyGroup(name="user", help="Accounts of a hub", table=HUB_USER, hidden=_NONE)
