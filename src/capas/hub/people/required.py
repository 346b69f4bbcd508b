"""What has to be so before something is done: raised where it is not, in words that tell nothing of what is hidden."""

from __future__ import annotations

from capas.errors import CapasError, Denied, NotFound
from capas.hub.hub import Hub
from capas.hub.people.access import Action, Identity, Role, at_least


def require(hub: Hub, identity: Identity, repository: str, action: Action) -> None:
    """Raises: NotFound as for a repository that is not there; Denied where it may be seen, but this not be done."""
    if hub.authorise(identity, repository, action):
        return
    if hub.authorise(identity, repository, "pull"):
        raise Denied("you may not do this in {repository}", repository=repository[:255])
    raise missing(repository)


def missing(repository: str) -> NotFound:
    """What a repository is that is not there, or that nobody may know of."""
    return NotFound("there is no repository {repository} here", repository=repository[:255])


def require_admin(hub: Hub, identity: Identity) -> None:
    """Raises: Denied for whoever does not administer the hub."""
    if not hub.rights.is_admin(identity):
        raise Denied("this is for administrators of the hub")


def require_role(hub: Hub, identity: Identity, namespace: str, least: Role) -> None:
    """In a whole namespace. Raises: NotFound for whoever has no role there at all; Denied for a lower one."""
    role = hub.rights.role_in(identity, namespace)
    if role is None:
        raise not_yours(namespace)
    if not at_least(role, least):
        raise Denied("you may not do this in {namespace}", namespace=namespace[:100])


def not_yours(namespace: str) -> CapasError:
    """What a namespace is that is not there, or where the asker is nobody."""
    return NotFound("there is no user or organisation of yours called {name}", name=namespace[:100])


def require_self(hub: Hub, identity: Identity, name: str) -> None:
    """That this very person asks, with all rights. Raises: NotFound as for somebody who is not there."""
    if not is_self(hub, identity, name):
        raise not_yours(name)


def is_self(hub: Hub, identity: Identity, name: str) -> bool:
    """Whether this very person asks, with all rights."""
    return identity.name == name and hub.rights.person_of(identity) is not None
