"""`capas hub token`: access tokens and robots, for the keeper of a hub on its machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas import chance
from capas.cli.app import App, pass_app
from capas.cli.hub_records import by_keeper, open_records, place_options
from capas.cli.lazy import Command
from capas.cli.options import format_option
from capas.cli.table import Column, print_rows, spoken
from capas.cli.units import iso
from capas.errors import Invalid

if TYPE_CHECKING:
    from capas.hub.people.access import Scope

_COLUMNS = (
    Column("Login", "LOGIN"),
    Column("Name", "NAME"),
    Column("Scopes", "REPOSITORIES"),
    Column("ExpiresAt", "EXPIRES AT"),
    Column("UsedAt", "LAST USED"),
)
_robot_option = click.option("--robot", is_flag=True, help="A robot, which logs in as OWNER+NAME, not a person's token")


@click.command(
    cls=Command, help="Make an access token of a user, or a robot of a user or organisation, and print it once"
)
@click.argument("owner")
@click.argument("name")
@_robot_option
@click.option(
    "--scope", "scopes", multiple=True, metavar="PATTERN:ROLE", help="What it is for: acme/*:writer (may be repeated)"
)
@click.option("--days", type=int, metavar="NUMBER", help="How long it lasts; without end if not given")
@place_options
@pass_app
def create(
    app: App,
    /,
    *,
    owner: str,
    name: str,
    robot: bool,
    scopes: tuple[str, ...],
    days: int | None,
    root: Path | None,
    config: Path | None,
) -> None:
    """To standard output the token alone, for a pipe."""
    from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken, create_token

    bounds = tuple(_parse_scope(text) for text in scopes) or None
    new = NewToken(owner, name, bounds, days, ROBOT if robot else PERSONAL)
    with open_records(app, root, config) as database:
        click.echo(create_token(database, new, chance.token(), by_keeper()))
    app.warn("The token is not shown again. Log in with it as {login}", login=f"{owner}+{name}" if robot else owner)


@click.command(cls=Command, help="List the access tokens of a user, or the robots of a user or organisation")
@click.argument("owner")
@_robot_option
@format_option
@place_options
@pass_app
def ls(app: App, /, *, owner: str, robot: bool, format: str | None, root: Path | None, config: Path | None) -> None:
    """One row a token; never the token itself."""
    from capas.hub.people.tokens import PERSONAL, ROBOT, list_tokens

    with open_records(app, root, config) as database:
        found = list_tokens(database, owner, ROBOT if robot else PERSONAL)
    rows = [
        {
            "Login": one.login,
            "Name": one.name,
            "Scopes": "*" if one.scopes is None else ",".join(":".join(scope) for scope in one.scopes),
            "ExpiresAt": iso(one.expires_ns) if one.expires_ns else "",
            "UsedAt": iso(one.used_ns) if one.used_ns else "",
        }
        for one in found
    ]
    print_rows(rows, spoken(_COLUMNS, app.words), format)


@click.command(cls=Command, help="Revoke an access token or a robot: it lets nobody in any more")
@click.argument("owner")
@click.argument("name")
@_robot_option
@place_options
@pass_app
def rm(app: App, /, *, owner: str, name: str, robot: bool, root: Path | None, config: Path | None) -> None:
    """At once, in every process."""
    from capas.hub.people.tokens import PERSONAL, ROBOT, revoke_token

    with open_records(app, root, config) as database:
        revoke_token(database, owner, ROBOT if robot else PERSONAL, name, by_keeper())
    click.echo(name)


def _parse_scope(text: str) -> Scope:
    from capas.hub.people.access import ROLES, Scope

    pattern, _, role = text.rpartition(":")
    for known in ROLES:
        if role == known:
            return Scope(pattern, known)
    raise Invalid(
        "not a pattern and a role: {text}",
        text=text[:100],
        hint="write acme/*:writer; roles are {roles}",
        roles=", ".join(ROLES),
    )
