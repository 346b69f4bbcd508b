"""The registry at the other end of a rule, asked with the rule's login and only where the hub may connect to."""

from __future__ import annotations

from capas.errors import NotFound
from capas.hub.copying.replication.rules import Rule
from capas.hub.hub import Hub
from capas.oci.descriptor import Descriptor
from capas.reference import Reference
from capas.registry.client import Client, Repository
from capas.registry.credentials import Login
from capas.registry.transport import HttpTransport
from capas.settings import RegistrySettings, Settings


def open_client(hub: Hub, rule: Rule, settings: Settings) -> Client:
    """The client of one run. Raises: Denied, Invalid for an address not to be asked; Corrupt for the secret."""
    hub.outside.check_url(rule.registry)
    secret = hub.seal.open(rule.secret) if rule.secret is not None else ""
    login = Login(rule.username, secret) if rule.username else None
    known = settings.registry(rule.host)
    plain = rule.registry.startswith("http:")
    own = settings._replace(registries={rule.host: RegistrySettings(insecure=plain, ca_bundle=known.ca_bundle)})
    transport = HttpTransport(own, manager=hub.outside.manager)
    return Client(own, find=lambda domain, path: login if domain == rule.host else None, transport=transport)


def open_repository(client: Client, rule: Rule, path: str) -> Repository:
    """A repository at the other end."""
    return client.repository(Reference(rule.host, path))


def find_there(repository: Repository, reference: str) -> Descriptor | None:
    """What a tag or digest is at the other end, None where it is not."""
    try:
        return repository.head_manifest(reference)
    except NotFound:
        return None
