"""`capas hub user`: accounts, for the keeper of a hub on its machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.hub_records import by_keeper, open_records, place_options
from capas.cli.lazy import Command
from capas.cli.options import format_option
from capas.cli.table import Column, print_rows, spoken
from capas.cli.units import iso
from capas.errors import Invalid

_COLUMNS = (
    Column("Name", "NAME"),
    Column("DisplayName", "FULL NAME"),
    Column("Email", "EMAIL", False),
    Column("Admin", "ADMINISTRATOR"),
    Column("Active", "ACTIVE"),
    Column("CreatedAt", "CREATED AT"),
)
_EVERY = 1_000_000
_stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input")


@click.command(cls=Command, help="Make an account")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Let the user administer the hub")
@click.option("--display-name", default="", metavar="TEXT", help="The full name")
@click.option("--email", default="", metavar="ADDRESS", help="The address of electronic mail")
@_stdin_option
@place_options
@pass_app
def create(
    app: App,
    /,
    *,
    name: str,
    admin: bool,
    display_name: str,
    email: str,
    password_stdin: bool,
    root: Path | None,
    config: Path | None,
) -> None:
    """The password comes from a prompt or standard input, never from the command line."""
    from capas.hub.people.accounts import NewUser, create_user

    with open_records(app, root, config) as database:
        password = ask_password(app, from_stdin=password_stdin)
        create_user(database, NewUser(name, password, display_name, email, admin), by_keeper())
    click.echo(name)


@click.command(cls=Command, help="List accounts")
@format_option
@place_options
@pass_app
def ls(app: App, /, *, format: str | None, root: Path | None, config: Path | None) -> None:
    """One row an account."""
    from capas.hub.people.accounts import list_users

    with open_records(app, root, config) as database:
        found = list_users(database, limit=_EVERY)
    rows = [
        {
            "Name": user.name,
            "DisplayName": user.display_name,
            "Email": user.email,
            "Admin": user.is_admin,
            "Active": user.is_active,
            "CreatedAt": iso(user.created_ns),
        }
        for user in found
    ]
    print_rows(rows, spoken(_COLUMNS, app.words), format)


@click.command(cls=Command, help="Give an account another password, and end its sessions in browsers")
@click.argument("name")
@_stdin_option
@place_options
@pass_app
def password(app: App, /, *, name: str, password_stdin: bool, root: Path | None, config: Path | None) -> None:
    """As in `create`."""
    from capas.hub.people.accounts import set_password

    with open_records(app, root, config) as database:
        set_password(database, name, ask_password(app, from_stdin=password_stdin), by_keeper())
    app.say("{name} has another password now", name=name)


def _switch(help: str, flag: str, value: bool) -> click.Command:
    """A command that opens or closes an account, or makes an administrator or an ordinary user of it."""

    @click.command(cls=Command, help=help)
    @click.argument("name")
    @place_options
    @pass_app
    def switch(app: App, /, *, name: str, root: Path | None, config: Path | None) -> None:
        from capas.hub.people.accounts import set_active, set_admin

        with open_records(app, root, config) as database:
            (set_active if flag == "active" else set_admin)(database, name, value, by_keeper())
        click.echo(name)

    return switch


enable = _switch("Open an account again", "active", True)
disable = _switch("Close an account: nothing of it lets anybody in", "active", False)
promote = _switch("Let a user administer the hub", "admin", True)
demote = _switch("Let a user administer the hub no longer", "admin", False)


@click.command(cls=Command, help="Delete an account with its tokens and roles")
@click.argument("name")
@click.option("--repositories", is_flag=True, help="Delete its repositories too")
@click.option("-f", "--force", is_flag=True, help="Do not ask")
@place_options
@pass_app
def rm(app: App, /, *, name: str, repositories: bool, force: bool, root: Path | None, config: Path | None) -> None:
    """Asks before."""
    from capas.hub.people.closing import delete_user

    if not force and not app.confirm("This deletes the account for good. Go on?"):
        raise Invalid("nothing was deleted", hint="say so with --force")
    with open_records(app, root, config) as database:
        delete_user(database, name, by_keeper(), with_repositories=repositories)
    click.echo(name)


def ask_password(app: App, *, from_stdin: bool) -> str:
    """A new password: a line of standard input, or typed twice. Raises: Invalid without either."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Invalid("a password is needed", hint="give it on standard input with --password-stdin")
    typed = str(click.prompt(app.words("Password"), hide_input=True, err=True))
    if typed != click.prompt(app.words("Once more"), hide_input=True, err=True):
        raise Invalid("the two passwords differ")
    return typed
