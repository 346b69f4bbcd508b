"""Package managers: questions that nobody can answer, lists and caches that stay in a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capas.dockerfile.checks.finding import Edit, Finding, note
from capas.dockerfile.checks.packages import is_pip
from capas.dockerfile.checks.rule import Rule, Severity, hadolint_rule
from capas.dockerfile.checks.shell import Command, Script, Word
from capas.dockerfile.checks.subject import RunScript, Subject
from capas.dockerfile.instructions import Env

_ASKS = "A step has nobody to answer a question"
_CACHE = "The cache stays in the layer, and nobody uses it"
APT_YES = hadolint_rule("DL3014", Severity.WARNING, _ASKS)
APT_RECOMMENDS = hadolint_rule("DL3015", Severity.INFO, "Recommended packages make the image larger than it need be")
APT_LISTS = hadolint_rule("DL3009", Severity.INFO, "The package lists stay in the layer, and are stale tomorrow")
APT_FOR_PEOPLE = hadolint_rule("DL3027", Severity.WARNING, "apt is made for people, and its options change")
APK_CACHE = hadolint_rule("DL3019", Severity.INFO, _CACHE)
YUM_YES = hadolint_rule("DL3030", Severity.WARNING, _ASKS)
YUM_CLEAN = hadolint_rule("DL3032", Severity.WARNING, _CACHE)
ZYPPER_YES = hadolint_rule("DL3034", Severity.WARNING, _ASKS)
ZYPPER_UPGRADE = hadolint_rule("DL3035", Severity.WARNING, "What the base image is made of is its makers' business")
ZYPPER_CLEAN = hadolint_rule("DL3036", Severity.WARNING, _CACHE)
DNF_YES = hadolint_rule("DL3038", Severity.WARNING, _ASKS)
DNF_CLEAN = hadolint_rule("DL3040", Severity.WARNING, _CACHE)
PIP_CACHE = hadolint_rule("DL3042", Severity.WARNING, _CACHE)
YARN_CACHE = hadolint_rule("DL3060", Severity.INFO, _CACHE)
RULES = (
    APT_YES, APT_RECOMMENDS, APT_LISTS, APT_FOR_PEOPLE, APK_CACHE, YUM_YES, YUM_CLEAN, ZYPPER_YES, ZYPPER_UPGRADE,
    ZYPPER_CLEAN, DNF_YES, DNF_CLEAN, PIP_CACHE, YARN_CACHE,
)  # fmt: skip

_APT_SAME = frozenset({"install", "update", "upgrade", "remove", "purge", "autoremove", "clean", "download"})
_YUM_CACHE, _DNF_CACHE = "/var/cache/yum", "/var/cache/dnf"
_CLEAN = {"zypper": ("clean",), "yarn": ("cache", "clean")}
_TRUE = frozenset({"1", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES"})


def check_answers(subject: Subject) -> Iterator[Finding]:
    """Installs that would ask."""
    for found in subject.runs:
        for command in found.script.commands:
            rule = _asks(command)
            if rule is ZYPPER_YES:
                yield _flag_missing(rule, found.script, command, command.name, "-n")
            elif rule is not None:
                yield _flag_missing(rule, found.script, command, _verb(command, _INSTALLS), "-y")


def check_apt(subject: Subject) -> Iterator[Finding]:
    """apt-get's recommended packages, and apt itself."""
    for found in subject.runs:
        for command in found.script.commands:
            name = command.name
            if command.is_call("apt-get", "install") and not _without_recommends(command):
                yield note(
                    APT_RECOMMENDS, found.script.at(name), "apt-get installs recommended packages too",
                    hint="add --no-install-recommends, and name what of them is needed",
                )  # fmt: skip
            elif name.text == "apt":
                same = bool(command.words) and command.plain()[:1] and command.plain()[0].text in _APT_SAME
                place = found.script.at(name)
                yield note(
                    APT_FOR_PEOPLE, place, "apt in a script", hint="write apt-get, or apt-cache to look something up",
                    edits=[Edit(place, "apt-get")] if same and name.end > name.start else (),
                )  # fmt: skip


def check_caches(subject: Subject) -> Iterator[Finding]:
    """Lists and caches left behind by the step that made them."""
    kept = _list_kept(subject)
    for found in subject.runs:
        if found.stage.stage.index in kept:
            yield from _apt_lists(found)
        for command in found.script.commands if not _mounted(found, "/var/cache/apk") else ():
            if command.is_call("apk", "add") and not command.has_flag("no-cache"):
                yield _flag_missing(APK_CACHE, found.script, command, _verb(command, {"add"}), "--no-cache")
        yield from _uncleaned(found, YUM_CLEAN, "yum", _YUM_CACHE)
        yield from _uncleaned(found, DNF_CLEAN, "dnf", _DNF_CACHE)
        yield from _uncleaned(found, DNF_CLEAN, "microdnf", _DNF_CACHE)
        yield from _uncleaned(found, ZYPPER_CLEAN, "zypper", "/var/cache/zypp")
        yield from _uncleaned(found, YARN_CACHE, "yarn", "/usr/local/share/.cache")


def check_upgrade(subject: Subject) -> Iterator[Finding]:
    """zypper dist-upgrade."""
    for found in subject.runs:
        for command in found.script.commands:
            if command.name.text == "zypper" and (command.has("dist-upgrade") or command.has("dup")):
                yield note(
                    ZYPPER_UPGRADE, found.script.at(command.name), "zypper upgrades the whole distribution",
                    hint="take a newer base image",
                )  # fmt: skip


def check_pip(subject: Subject) -> Iterator[Finding]:
    """pip's cache of downloads."""
    quiet: set[int] = set()
    for stage in subject.stages:
        below = subject.find_stage(stage.stage.base, stage.stage.index)
        envs = [step.instruction for step in stage.steps if isinstance(step.instruction, Env)]
        inherited = below is not None and below.stage.index in quiet
        if inherited or any(_sets_no_cache(env) for env in envs):
            quiet.add(stage.stage.index)
    for found in subject.runs:
        if found.stage.stage.index in quiet or _mounted(found, "/root/.cache") or _in_script(found.script):
            continue
        for command in found.script.commands:
            if is_pip(command) and not command.has("--no-cache-dir"):
                yield _flag_missing(PIP_CACHE, found.script, command, _verb(command, {"install"}), "--no-cache-dir")


_INSTALLS = frozenset({"install", "localinstall", "groupinstall", "reinstall", "group", "in", "remove", "rm", "si"})


def _asks(command: Command) -> Rule | None:
    name = command.name.text
    yes = command.has_flag("y", "yes", "assumeyes")
    if name == "apt-get" and command.has("install"):
        quiet = command.count_flag("q") > 1 or command.flag_value("q") == "2" or command.has_flag("assume-yes")
        return None if yes or quiet else APT_YES
    if name == "yum" and not yes and _says(command, "install", "groupinstall", "localinstall"):
        return YUM_YES
    if name in ("dnf", "microdnf") and not yes and _says(command, "install", "groupinstall", "localinstall"):
        return DNF_YES
    if name == "zypper" and not yes and not command.has_flag("n", "non-interactive", "no-confirm"):
        return ZYPPER_YES if _says(command, "install", "in", "remove", "rm", "source-install", "si", "patch") else None
    return None


def _says(command: Command, *verbs: str) -> bool:
    return any(word.text in verbs for word in command.words)


def _without_recommends(command: Command) -> bool:
    return command.has_flag("no-install-recommends") or any(
        "APT::Install-Recommends=" in word.text for word in command.words
    )


def _apt_lists(found: RunScript) -> Iterator[Finding]:
    update = next((command for command in found.script.commands if command.is_call("apt-get", "update")), None)
    cleans = any(
        command.name.text == "rm" and any(word.text.startswith("/var/lib/apt/lists") for word in command.words)
        for command in found.script.commands
    )
    if update is None or cleans or _mounted(found, "/var/lib/apt"):
        return
    yield note(
        APT_LISTS, found.script.at(update.name), "The lists that apt-get update brought are not deleted",
        hint="end this RUN with && rm -rf /var/lib/apt/lists/*, or mount a cache on /var/lib/apt",
    )  # fmt: skip


def _list_kept(subject: Subject) -> set[int]:
    """The stages whose layers are part of the image in the end: the last one, and what it stands on."""
    kept: set[int] = set()
    stage = subject.stages[-1] if subject.stages else None
    while stage is not None:
        kept.add(stage.stage.index)
        stage = subject.find_stage(stage.stage.base, stage.stage.index)
    return kept


def _uncleaned(found: RunScript, rule: Rule, name: str, cache: str) -> Iterator[Finding]:
    commands = found.script.commands
    installs = [command for command in commands if command.name.text == name and _says(command, "install", "in")]
    clean = _CLEAN.get(name, ("clean", "all"))
    cleaned = any(
        (command.name.text == name and (command.has(*clean) or (name == "zypper" and command.has("cc"))))
        or (command.name.text == "rm" and any(word.text.startswith(cache) for word in command.words))
        for command in commands
    )
    if installs and not cleaned and not _mounted(found, cache):
        yield note(
            rule, found.script.at(installs[0].name), "{command} leaves its cache behind", command=name,
            clean=f"{name} {' '.join(clean)}",
            hint="end this RUN with && {clean}, or mount a cache on {cache}", cache=cache,
        )  # fmt: skip


def _mounted(found: RunScript, path: str) -> bool:
    return any(mount.type in ("cache", "tmpfs") and mount.target.startswith(path) for mount in found.run.mounts)


def _sets_no_cache(env: Env) -> bool:
    return any(pair.key == "PIP_NO_CACHE_DIR" and pair.value.strip("\"'") in _TRUE for pair in env.pairs)


def _in_script(script: Script) -> bool:
    _, found, rest = script.text.partition("PIP_NO_CACHE_DIR=")
    return bool(found) and any(rest.startswith(each) for each in _TRUE)


def _verb(command: Command, verbs: Iterable[str]) -> Word:
    return next((word for word in command.words if word.text in verbs), command.name)


def _flag_missing(rule: Rule, script: Script, command: Command, after: Word, flag: str) -> Finding:
    place = script.at(after)
    end = place._replace(line=place.end_line, column=place.end_column)
    return note(
        rule, script.at(command.name), "{command} without {flag}", command=f"{command.name.text} {after.text}"
        if after is not command.name else command.name.text, flag=flag, hint="add {flag}",
        edits=[Edit(end, f" {flag}")] if after.end > after.start else (),
    )  # fmt: skip
