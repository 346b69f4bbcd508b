"""The usual programs of a shell line: files, downloads, archives, users, compilers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from types import MappingProxyType

from capas.dockerfile.checks.shell import Command
from capas.dockerfile.meaning.owners import explain_chmod
from capas.dockerfile.meaning.sentence import Listed, Plain, Sentence, counted, told

Handler = Callable[[Command], Sentence | None]


def _all(one: Sentence, many: Sentence, *with_value: str) -> Handler:
    """Over every word that is no flag."""

    def handle(command: Command) -> Sentence | None:
        words = [word.text for word in command.plain(*with_value)]
        return counted(one.template, many.template, words) if words else None

    return handle


def _last(sentence: Sentence, *with_value: str) -> Handler:
    """Over the last word that is no flag."""

    def handle(command: Command) -> Sentence | None:
        words = command.plain(*with_value)
        return told(sentence.template, item=words[-1].text) if words else None

    return handle


def _to_last(sentence: Sentence, *with_value: str) -> Handler:
    """From all words but the last, to the last."""

    def handle(command: Command) -> Sentence | None:
        words = [word.text for word in command.plain(*with_value)]
        if len(words) < 2:
            return None
        return told(sentence.template, items=Listed(tuple(words[:-1])), target=words[-1])

    return handle


def _after_first(sentence: Sentence, *with_value: str) -> Handler:
    """Of the first word, over the others: `chown app /srv`."""

    def handle(command: Command) -> Sentence | None:
        words = [word.text for word in command.plain(*with_value)]
        if len(words) < 2:
            return None
        return told(sentence.template, first=words[0], items=Listed(tuple(words[1:])))

    return handle


def _fixed(sentence: Sentence) -> Handler:
    return lambda command: sentence


def _rm(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain()]
    if words and all(word.startswith("/var/lib/apt/lists") for word in words):
        return told("deletes apt's lists of packages ({items}): they are of no use later, and only take room",
                    items=Listed(tuple(words)))  # fmt: skip
    return counted("deletes {items}", "deletes {items}", words) if words else None


def _ln(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("t", "S")]
    if len(words) != 2:
        return None
    if words[0] in ("/dev/stdout", "/dev/stderr"):
        return told("makes {link} a link to {target}: what is written there is seen by `capas logs`", link=words[1],
                    target=words[0])  # fmt: skip
    if command.has_flag("s", "symbolic"):
        return told("makes {link} a link to {target}", link=words[1], target=words[0])
    return told("makes {link} a second name of the file {target}", link=words[1], target=words[0])


def _chmod(command: Command) -> Sentence | None:
    words = [word.text for word in command.words if not (word.text.startswith("-") and word.text.strip("-Rvfc") == "")]
    if len(words) < 2:
        return None
    if words[0] in ("+x", "a+x", "u+x", "755", "0755"):
        return told("makes {items} executable ({mode})", items=Listed(tuple(words[1:])), mode=Plain(words[0]))
    meaning = next((part for part in explain_chmod(words[0]) if isinstance(part, Sentence)), None)
    if meaning is not None and words[0].isdecimal():
        facts = {name: fact for name, fact in meaning.facts.items() if name != "mode"}
        return told("sets the permissions of {items}: the owner may {owner}; the group may {group}; others may "
                    "{others}",
                    items=Listed(tuple(words[1:])), **facts)  # fmt: skip
    return told("changes the permissions of {items} ({mode})", items=Listed(tuple(words[1:])), mode=Plain(words[0]))


def _curl(command: Command) -> Sentence | None:
    addresses = [word.text for word in command.words if "://" in word.text]
    if not addresses:
        return None
    output = command.flag_value("o", "output")
    if output is None:
        letters = [
            word.text[-1:] == "o" for word in command.words if word.text.startswith("-") and word.text[:2] != "--"
        ]
        output = _after_bundle(command, "o") if any(letters) else None
    if output:
        return told("downloads {address} into {file}", address=addresses[0], file=output)
    if command.has_flag("O", "remote-name"):
        return told("downloads {address} under its own name", address=addresses[0])
    return told("downloads {address} and prints it", address=addresses[0])


def _wget(command: Command) -> Sentence | None:
    addresses = [word.text for word in command.words if "://" in word.text]
    output = command.flag_value("O", "output-document") or _after_bundle(command, "O")
    if not addresses:
        return None
    if output == "-" or any(word.text.startswith("-") and word.text.endswith("O-") for word in command.words):
        return told("downloads {address} and prints it", address=addresses[0])
    if output:
        return told("downloads {address} into {file}", address=addresses[0], file=output)
    return told("downloads {address} under its own name", address=addresses[0])


def _after_bundle(command: Command, letter: str) -> str | None:
    """The value of a flag of one letter that stands last among others: the file of `-fsSLo file`."""
    for word, after in zip(command.words, command.words[1:], strict=False):
        text = word.text
        if text.startswith("-") and not text.startswith("--") and text.endswith(letter):
            return after.text
    return None


def _tar(command: Command) -> Sentence | None:
    first = command.words[0].text.lstrip("-") if command.words else ""
    letters = (
        "".join(word.text for word in command.words if word.text.startswith("-") and word.text[:2] != "--") + first
    )
    archive = command.flag_value("f", "file") or _after_bundle(command, "f")
    if archive is None and first.endswith("f") and len(command.words) > 1:
        archive = command.words[1].text
    folder = command.flag_value("C", "directory")
    from_pipe = archive in (None, "-")
    if "x" in letters or command.has("--extract"):
        return _unpack(None if from_pipe else archive, folder)
    if "c" in letters and archive and not from_pipe:
        return told("packs files into the archive {archive}", archive=archive)
    return None


def _unpack(archive: str | None, folder: str | None) -> Sentence:
    if archive and folder:
        return told("unpacks {archive} into {folder}", archive=archive, folder=folder)
    if archive:
        return told("unpacks {archive} here", archive=archive)
    if folder:
        return told("unpacks the archive that it reads into {folder}", folder=folder)
    return told("unpacks the archive that it reads")


def _git(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("b", "branch", "depth", "C", "c")]
    if words[:1] == ["clone"] and len(words) > 1:
        branch = command.flag_value("b", "branch")
        if branch:
            return told("brings the git repository {address} as it is at {branch}", address=words[1], branch=branch)
        return told("brings the git repository {address}", address=words[1])
    if words[:1] == ["checkout"] and len(words) > 1:
        return told("changes the git repository to {item}", item=words[-1])
    if words[:1] == ["submodule"]:
        return told("brings the repositories that this one contains (submodules)")
    return None


def _user(command: Command) -> Sentence | None:
    values = ("u", "uid", "g", "gid", "G", "groups", "s", "shell", "d", "home", "home-dir", "c", "comment", "h", "k",
              "gecos", "ingroup", "base-dir", "b", "K")  # fmt: skip
    words = [word.text for word in command.plain(*values)]
    if not words:
        return None
    number = command.flag_value("u", "uid")
    if number:
        return told("makes the user {name} with the number {number}", name=words[0], number=number)
    return told("makes the user {name}", name=words[0])


def _group(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("g", "gid", "K")]
    number = command.flag_value("g", "gid")
    if not words:
        return None
    if number:
        return told("makes the group {name} with the number {number}", name=words[-1], number=number)
    return told("makes the group {name}", name=words[-1])


def _make(command: Command) -> Sentence | None:
    targets = [word.text for word in command.plain("C", "f", "j", "directory", "file") if "=" not in word.text]
    targets = [target for target in targets if not target.isdecimal()]
    if not targets:
        return told("builds what the Makefile describes")
    if targets == ["install"]:
        return told("installs what was built, where the Makefile says")
    return counted("makes {items}, as the Makefile describes", "makes {items}, as the Makefile describes", targets)


def _cmake(command: Command) -> Sentence:
    if command.has("--build"):
        return told("builds the project in {folder}", folder=command.flag_value("build") or ".")
    if command.has("--install"):
        return told("installs what was built")
    return told("looks at the machine and prepares the build of the project (cmake)")


def _compiler(command: Command) -> Sentence | None:
    sources = [word.text for word in command.plain("o", "I", "L", "l", "D")]
    output = command.flag_value("o")
    if not sources:
        return None
    if output:
        return told("compiles {items} into {output}", items=Listed(tuple(sources)), output=output)
    return told("compiles {items}", items=Listed(tuple(sources)))


def _set(command: Command) -> Sentence | None:
    texts = " ".join(word.text for word in command.words)
    if "e" in texts.partition(" ")[0]:
        return told("asks the shell to end at the first command that fails ({flags})", flags=f"set {texts}")
    return told("changes how the shell works ({flags})", flags=f"set {texts}")


def _echo(command: Command) -> Sentence:
    text = " ".join(word.text for word in command.words if word.text not in ("-e", "-n"))
    return told("writes {text}", text=text) if text.strip() else told("writes an empty line")


def _install(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("m", "mode", "o", "owner", "g", "group", "t")]
    if command.has_flag("d", "directory"):
        owner = command.flag_value("o", "owner")
        if owner:
            return counted("makes the directory {items}, which belongs to {owner}",
                           "makes the directories {items}, which belong to {owner}", words, owner=owner)  # fmt: skip
        return counted("makes the directory {items}", "makes the directories {items}", words) if words else None
    if len(words) < 2:
        return None
    return told("copies {items} to {target}, with its permissions", items=Listed(tuple(words[:-1])), target=words[-1])


def _shell(command: Command) -> Sentence | None:
    words = [word.text for word in command.words]
    if "-c" in words and words.index("-c") + 1 < len(words):
        return told("starts a shell that runs {line}", line=words[words.index("-c") + 1])
    plain = [word for word in words if not word.startswith("-")]
    if plain:
        return told("runs the script {script}", script=" ".join(plain))
    return told("runs the script that it reads")


def _sed(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("e", "expression", "f", "file")]
    rule = command.flag_value("e", "expression")
    if rule is None and words:
        rule, words = words[0], words[1:]
    if rule is None:
        return None
    if words:
        return told("changes text in {items} by the rule {rule}", items=Listed(tuple(words)), rule=rule)
    return told("changes the text that it reads by the rule {rule}", rule=rule)


def _find(command: Command) -> Sentence:
    folders = list(takewhile(lambda text: text[:1] not in ("-", "(", "!"), (word.text for word in command.words)))
    where = Listed(tuple(folders or ["."]))
    if command.has("-delete") or (command.has("-exec") and command.has("rm")):
        return told("looks through {where} for files and deletes those that fit", where=where)
    return told("looks through {where} for files", where=where)


def _sum(command: Command) -> Sentence | None:
    if command.has_flag("c", "check"):
        return told("compares files with the digests that are written down, and fails if one is another")
    return None


def _service(command: Command) -> Sentence:
    return told("asks a service to start or stop with {command}; nothing of it is left when this step ends, only "
                "files are",
                command=" ".join(word.text for word in (command.name, *command.words)))  # fmt: skip


def _node(command: Command) -> Sentence | None:
    words = command.plain("e", "eval", "r")
    return told("runs the JavaScript program {item}", item=" ".join(word.text for word in words)) if words else None


TOOLS: Mapping[str, Handler] = MappingProxyType({
    "rm": _rm, "ln": _ln, "chmod": _chmod, "curl": _curl, "wget": _wget, "tar": _tar, "git": _git, "make": _make,
    "cmake": _cmake, "set": _set, "echo": _echo, "printf": _echo, "install": _install, "sh": _shell, "bash": _shell,
    "ash": _shell, "dash": _shell, "useradd": _user, "adduser": _user, "groupadd": _group, "addgroup": _group,
    "gcc": _compiler, "g++": _compiler, "cc": _compiler, "clang": _compiler, "sha256sum": _sum, "sha512sum": _sum,
    "md5sum": _sum, "service": _service, "systemctl": _service, "node": _node,
    "mkdir": _all(told("makes the directory {items}"), told("makes the directories {items}"), "m", "mode"),
    "rmdir": _all(told("deletes the empty directory {items}"), told("deletes the empty directories {items}")),
    "touch": _all(told("makes the empty file {items}"), told("makes the empty files {items}"), "d", "t", "r"),
    "cat": _all(told("reads out {items}"), told("reads out {items}, one after the other")),
    "cp": _to_last(told("copies {items} to {target}"), "t"),
    "mv": _to_last(told("moves {items} to {target}"), "t"),
    "chown": _after_first(told("gives {items} to {first}")),
    "chgrp": _after_first(told("gives {items} to the group {first}")),
    "cd": _last(told("goes to the directory {item}, for the rest of this line only")),
    "export": _all(told("sets {items}, for the rest of this line only"),
                   told("sets {items}, for the rest of this line only")),
    "source": _last(told("reads the settings of {item} into this shell")),
    ".": _last(told("reads the settings of {item} into this shell")),
    "sed": _sed, "find": _find,
    "grep": _after_first(told("looks for {first} in {items}"), "e", "f", "m"),
    "unzip": _last(told("unpacks {item}"), "d"), "gunzip": _last(told("unpacks {item}")),
    "usermod": _last(told("changes the user {item}"), "a", "G", "u", "g", "s", "d", "aG"),
    "userdel": _last(told("deletes the user {item}")),
    "passwd": _last(told("changes the password of {item}")),
    "chpasswd": _fixed(told("changes passwords")),
    "configure": _fixed(told("looks at the machine and prepares the build (configure)")),
    "ldconfig": _fixed(told("tells programs which libraries there are now")),
    "update-ca-certificates": _fixed(told("makes programs trust the certificates that are installed")),
    "locale-gen": _fixed(told("makes the languages and encodings that were chosen")),
    "strip": _all(told("takes what only debuggers need out of {items}"),
                  told("takes what only debuggers need out of {items}")),
    "setcap": _after_first(told("lets {items} do one thing that only root may ({first})")),
    "patch": _fixed(told("changes files as a patch says")),
    "apt-key": _fixed(told("adds a key that packages are signed with")),
    "gpg": _fixed(told("checks or converts a signature or a key")),
    "a2enmod": _all(told("switches on the Apache module {items}"), told("switches on the Apache modules {items}")),
    "sleep": _last(told("waits {item} seconds")), "true": _fixed(told("does nothing, and always goes well")),
    "test": _fixed(told("checks a condition, and fails if it does not hold")),
    "[": _fixed(told("checks a condition, and fails if it does not hold")),
    "[[": _fixed(told("checks a condition, and fails if it does not hold")),
    "exit": _fixed(told("ends the script")),
    "ls": _fixed(told("lists files; it is only seen in the output of the build")),
    "tee": _last(told("writes what it reads into {item}")),
    "xargs": _fixed(told("runs a command with what it reads as its words")),
    "npx": _all(told("runs {items}"), told("runs {items}")),
    "corepack": _fixed(told("chooses the package manager of the project")),
    "pytest": _fixed(told("runs the tests of the project")), "javac": _compiler, "rustc": _compiler,
    "ninja": _make,
})  # fmt: skip
