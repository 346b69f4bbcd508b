"""`capas login` and `capas logout`."""

from __future__ import annotations

import sys

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.errors import Invalid
from capas.reference import DEFAULT_DOMAIN


@click.command(cls=Command, help="Log in to a registry (Docker Hub when none is named)")
@click.argument("server", required=False)
@click.option("-u", "--username", metavar="NAME", help="Your user name")
@click.option(
    "-p", "--password", metavar="WORD", help="Your password: seen by everybody on this machine, use --password-stdin"
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input")
@pass_app
def login(app: App, /, *, server: str | None, username: str | None, password: str | None, password_stdin: bool) -> None:
    """The registry is asked before anything is kept."""
    domain = registry_name(server)
    if password_stdin and not username:
        raise Invalid("--password-stdin needs a --username")
    if password_stdin and password:
        raise Invalid("--password and --password-stdin exclude each other")
    if password:
        app.warn("WARNING! A password on the command line can be read by others: use --password-stdin.")
    if password_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    if not username or not password:
        if not sys.stdin.isatty():
            raise Invalid("a user name and a password are needed", hint="use --username and --password-stdin")
        username = username or click.prompt(app.words("Username"), err=True)
        password = password or click.prompt(app.words("Password"), hide_input=True, err=True)
    if not username or not password:
        raise Invalid("a user name and a password are needed", hint="use --username and --password-stdin")
    app.engine.logins.login(domain, username, password)
    app.say("Login Succeeded")


@click.command(cls=Command, help="Forget the credentials of a registry")
@click.argument("server", required=False)
@pass_app
def logout(app: App, /, *, server: str | None) -> None:
    """Says so when there were none."""
    domain = registry_name(server)
    if app.engine.logins.logout(domain):
        app.say("Removing login credentials for {domain}", domain=domain)
    else:
        app.say("Not logged in to {domain}", domain=domain)


def registry_name(server: str | None) -> str:
    """The registry of what people type: a host, an address, or nothing for Docker Hub."""
    host = (server or "").removeprefix("https://").removeprefix("http://").split("/")[0]
    return DEFAULT_DOMAIN if host in ("", "index.docker.io", "registry-1.docker.io") else host
