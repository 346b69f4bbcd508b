"""Commands of a shell line in words, with the reader's own packages, files and addresses."""

from __future__ import annotations

import pytest

from support.explaining import explain_last

SAID = {
    "apt-get update": "brings the newest lists of packages",
    "apt-get install -y --no-install-recommends curl git=2": "installs the packages `curl` and `git=2` with apt-get",
    "apt-get -o x=1 install -y curl": "installs the package `curl`",
    "apk add --no-cache --virtual .build gcc musl-dev": "the packages `gcc` and `musl-dev` with apk under the name "
    "`.build`",
    "dnf install -y httpd": "installs the package `httpd` with dnf",
    "pip install --no-cache-dir -r requirements.txt": "installs the Python packages that `requirements.txt` lists",
    "python3 -m pip install flask": "installs the Python package `flask`",
    "python3 -m venv /opt/venv": "makes a Python environment of its own in `/opt/venv`",
    "npm ci --omit=dev": "installs exactly the packages that package-lock.json lists",
    "npm run build": "runs the script `build` of package.json",
    "go build -o /out/app ./cmd/app": "compiles the Go program `./cmd/app` into `/out/app`",
    "cargo build --release": "compiles the Rust project, optimised",
    "make -j4 all": "makes `all`, as the Makefile describes",
    "./configure --prefix=/usr": "prepares the build (configure)",
    "curl -fsSLo /tmp/a.tgz https://x.io/a.tgz": "downloads `https://x.io/a.tgz` into `/tmp/a.tgz`",
    "curl https://x.io/a": "downloads `https://x.io/a` and prints it",
    "wget -qO- https://x.io/a": "downloads `https://x.io/a` and prints it",
    "tar -xzf a.tgz -C /opt": "unpacks `a.tgz` into `/opt`",
    "git clone --depth 1 -b v1 https://x.io/a.git": "brings the git repository `https://x.io/a.git` as it is at `v1`",
    "useradd -m -u 1000 app": "makes the user `app` with the number `1000`",
    "chmod +x /a /b": "makes `/a` and `/b` executable (+x)",
    "chmod 640 /a": "the owner may read and write; the group may read; others may do nothing",
    "chown -R app:app /srv": "gives `/srv` to `app:app`",
    "ln -sf /dev/stdout /var/log/x": "makes `/var/log/x` a link to `/dev/stdout`: what is written there is seen by "
    "`capas logs`",
    "rm -rf /var/lib/apt/lists/*": "deletes apt's lists of packages",
    "rm -rf /tmp/x": "deletes `/tmp/x`",
    "mkdir -p /a /b": "makes the directories `/a` and `/b`",
    "cp -r a b /c": "copies `a` and `b` to `/c`",
    "echo hello >> /etc/motd": "writes `hello`, at the end of the file `/etc/motd`",
    "cd /srv": "goes to the directory `/srv`, for the rest of this line only",
    "sudo env A=b apt-get update": "brings the newest lists of packages",
    "sed -i 's/a/b/' /etc/x": "changes text in `/etc/x` by the rule `s/a/b/`",
    "sed -e s/a/b/": "changes the text that it reads by the rule `s/a/b/`",
    "find /usr -name '*.pyc' -delete": "looks through `/usr` for files and deletes those that fit",
    "if [ -f /x ]; then cp /x /y; fi": "if so: copies `/x` to `/y`",
    "/usr/bin/frobnicate --hard": "runs the command `/usr/bin/frobnicate --hard`",
    "systemctl enable nginx": "nothing of it is left when this step ends",
    "bash -c 'make all'": "starts a shell that runs `make all`",
}


@pytest.mark.parametrize("command", SAID)
def test_a_command_is_told_with_its_own_words(command: str) -> None:
    assert SAID[command] in explain_last(f"FROM a\nRUN {command}")


def test_a_row_of_commands_is_told_to_stop_at_the_first_failure() -> None:
    told = explain_last("FROM a\nRUN a && b && c")
    assert "3 commands, each only if the one before went well (&&)" in told


@pytest.mark.parametrize(
    ("operator", "said"), [("||", "only if that failed:"), ("|", "which reads what the one before prints:")]
)
def test_what_binds_two_commands_is_told(operator: str, said: str) -> None:
    assert f"{said} runs the command `b`" in explain_last(f"FROM a\nRUN a {operator} b")


def test_commands_inside_a_substitution_are_part_of_the_command_around_them() -> None:
    told = explain_last("FROM a\nRUN frob $(date) x")
    assert "runs the command `frob $(date) x`" in told
    assert "`date`" not in told


def test_errors_that_are_thrown_away_are_no_file() -> None:
    assert "file" not in explain_last("FROM a\nRUN frob 2>/dev/null >/dev/null").partition("frob")[2].partition("\n")[0]


def test_exec_form_is_told_to_have_no_shell() -> None:
    told = explain_last('FROM a\nRUN ["apt-get", "update"]')
    assert "Exec form: no shell is needed" in told
    assert "brings the newest lists" in told


def test_a_script_is_told_command_by_command() -> None:
    told = explain_last("FROM a\nRUN <<EOF\nmkdir /x\nchown app /x\nEOF")
    assert "The lines up to `EOF` are one script for `/bin/sh -c`" in told
    assert "makes the directory `/x`\ngives `/x` to `app`" in told
    assert "`set -e` as its first line would" in told


def test_a_script_of_another_program_is_not_read_as_shell() -> None:
    told = explain_last("FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nimport os\nEOF")
    assert "The script begins with `#!/usr/bin/env python3`: that program runs it" in told
    assert "`import os`" not in told
