"""Package managers: what they install, bring or clean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from capas.dockerfile.checks.shell import Command
from capas.dockerfile.meaning.sentence import Plain, Sentence, counted, told

Handler = Callable[[Command], Sentence | None]
Verbs = Mapping[str, Handler]


def _items(one: Sentence, many: Sentence, *with_value: str, program: str = "") -> Handler:
    """Of the words after the verb."""

    def handle(command: Command) -> Sentence | None:
        words = [word.text for word in command.plain(*with_value)][1:]
        if not words:
            return None
        return counted(one.template, many.template, words, program=Plain(program or command.name.text))

    return handle


def _fixed(sentence: Sentence) -> Handler:
    return lambda command: sentence._replace(facts={"program": Plain(command.name.text)})


def _by_verb(verbs: Verbs, *with_value: str) -> Handler:
    """By the first word that is no flag."""

    def handle(command: Command) -> Sentence | None:
        for word in command.plain(*with_value):
            if word.text in verbs:
                start = command.words.index(word)
                return verbs[word.text](command._replace(words=command.words[start:]))
        return None

    return handle


_INSTALL = (
    told("installs the package {items} with {program}"),
    told("installs the packages {items} with {program}"),
)
_REMOVE = (told("removes the package {items}"), told("removes the packages {items}"))
_LISTS = _fixed(told("brings the newest lists of packages, without which {program} finds nothing to install"))
_CLEAN = _fixed(told("deletes what {program} downloaded, so that it is not in the layer"))
_UPGRADE = _fixed(told("brings every package that is installed to its newest version"))
_UNNEEDED = _fixed(told("removes packages that came with others and that nothing needs any more"))
_APT_VALUES = ("t", "target-release", "o", "option", "c")

_APT = _by_verb({
    "update": _LISTS, "upgrade": _UPGRADE, "dist-upgrade": _UPGRADE, "full-upgrade": _UPGRADE, "clean": _CLEAN,
    "autoclean": _CLEAN, "install": _items(*_INSTALL, *_APT_VALUES), "remove": _items(*_REMOVE, *_APT_VALUES),
    "purge": _items(told("removes the package {items}, its settings too"),
                    told("removes the packages {items}, their settings too"), *_APT_VALUES),
    "autoremove": _UNNEEDED,
    "build-dep": _items(told("installs what is needed to build {items}"),
                        told("installs what is needed to build {items}")),
    "download": _items(told("downloads the package {items}"), told("downloads the packages {items}")),
}, *_APT_VALUES)  # fmt: skip


def _apk_add(command: Command) -> Sentence | None:
    virtual = command.flag_value("t", "virtual")
    packages = [word.text for word in command.plain("t", "virtual", "repository", "X")][1:]
    if not packages:
        return None
    if virtual:
        return counted("installs the package {items} with apk under the name {group}, so that it can be removed again",
                       "installs the packages {items} with apk under the name {group}, so that they can be removed "
                       "together", packages, group=virtual)  # fmt: skip
    return counted(_INSTALL[0].template, _INSTALL[1].template, packages, program=Plain("apk"))


_APK = _by_verb({
    "add": _apk_add, "del": _items(*_REMOVE), "update": _LISTS, "upgrade": _UPGRADE,
}, "X", "repository", "p", "root")  # fmt: skip
_RPM_GROUP = _items(told("installs the group of packages {items} with {program}"),
                    told("installs the groups of packages {items} with {program}"))  # fmt: skip
_DNF = _by_verb({
    "install": _items(*_INSTALL), "localinstall": _items(*_INSTALL), "groupinstall": _RPM_GROUP,
    "remove": _items(*_REMOVE), "erase": _items(*_REMOVE), "update": _UPGRADE, "upgrade": _UPGRADE,
    "makecache": _LISTS, "clean": _CLEAN, "autoremove": _UNNEEDED,
    "config-manager": _fixed(told("changes where {program} gets packages from")),
    "module": _fixed(told("chooses the version of a group of packages (a module)")),
})  # fmt: skip
_ZYPPER = _by_verb({
    "install": _items(*_INSTALL), "in": _items(*_INSTALL), "remove": _items(*_REMOVE), "rm": _items(*_REMOVE),
    "refresh": _LISTS, "ref": _LISTS, "update": _UPGRADE, "up": _UPGRADE, "dup": _UPGRADE, "dist-upgrade": _UPGRADE,
    "clean": _CLEAN, "cc": _CLEAN,
})  # fmt: skip
_PIP_VALUES = (
    "c",
    "constraint",
    "i",
    "index-url",
    "extra-index-url",
    "f",
    "find-links",
    "t",
    "target",
    "prefix",
    "root",
    "trusted-host",
    "platform",
    "python-version",
    "no-binary",
    "only-binary",
    "progress-bar",
    "timeout",
    "retries",
)


def _pip_install(command: Command) -> Sentence | None:
    files = [value for value in (command.flag_value("r", "requirement"),) if value]
    editable = command.flag_value("e", "editable")
    packages = [word.text for word in command.plain("r", "requirement", "e", "editable", *_PIP_VALUES)][1:]
    if files and not packages:
        return told("installs the Python packages that {file} lists", file=files[0])
    if editable:
        return told("installs the Python project in {folder} without copying it: changes there count at once",
                    folder=editable)  # fmt: skip
    if packages == ["."]:
        return told("installs the Python project of this directory, with what it needs")
    if not packages:
        return None
    return counted("installs the Python package {items}", "installs the Python packages {items}", packages)


_PIP = _by_verb({
    "install": _pip_install,
    "download": _items(told("downloads the Python package {items}"), told("downloads the Python packages {items}"),
                       *_PIP_VALUES),
    "uninstall": _items(told("removes the Python package {items}"), told("removes the Python packages {items}")),
    "wheel": _fixed(told("builds wheels, which are Python packages ready to install")),
    "cache": _fixed(told("deletes what {program} downloaded, so that it is not in the layer")),
})  # fmt: skip


def _python(command: Command) -> Sentence | None:
    texts = [word.text for word in command.words]
    if texts[:1] == ["-m"] and len(texts) > 1:
        module = texts[1]
        rest = command._replace(name=command.words[1], words=command.words[2:])
        if module == "pip":
            return _PIP(rest)
        if module == "venv" and rest.plain():
            return told("makes a Python environment of its own in {folder}", folder=rest.plain()[-1].text)
        if module == "compileall":
            return told("compiles Python files beforehand, so that programs start faster")
        return told("runs the Python module {module}", module=" ".join(texts[1:]))
    if texts[:1] == ["-c"]:
        return told("runs a few lines of Python: {code}", code=" ".join(texts[1:]))
    if texts and not texts[0].startswith("-"):
        return told("runs the Python program {program}", program=" ".join(texts))
    return None


def _npm_install(command: Command) -> Sentence | None:
    packages = [word.text for word in command.plain("prefix", "registry", "cache")][1:]
    if not packages:
        return told("installs the packages that package.json lists")
    if command.has_flag("g", "global"):
        return counted("installs the program {items} with {program}, for everybody",
                       "installs the programs {items} with {program}, for everybody", packages,
                       program=Plain(command.name.text))  # fmt: skip
    return counted(_INSTALL[0].template, _INSTALL[1].template, packages, program=Plain(command.name.text))


_RUN_SCRIPT = _items(told("runs the script {items} of package.json"), told("runs {items} of package.json"))
_NPM: dict[str, Handler] = {
    "install": _npm_install, "i": _npm_install, "add": _npm_install,
    "ci": _fixed(told("installs exactly the packages that package-lock.json lists")),
    "run": _RUN_SCRIPT, "run-script": _RUN_SCRIPT, "exec": _items(told("runs {items}"), told("runs {items}")),
    "test": _fixed(told("runs the tests of the project")),
    "build": _fixed(told("runs the build of the project")),
    "start": _fixed(told("starts the project")),
    "prune": _fixed(told("removes packages that are only for development")),
    "cache": _CLEAN,
    "config": _fixed(told("changes the settings of {program}")),
}  # fmt: skip


def _yarn(command: Command) -> Sentence | None:
    return _by_verb(_NPM)(command) or (
        told("installs the packages that package.json lists") if not command.plain() else None
    )


_GEM = _by_verb({
    "install": _items(told("installs the Ruby package {items}"), told("installs the Ruby packages {items}"), "v",
                      "version"),
    "update": _UPGRADE,
})  # fmt: skip
_BUNDLE = _by_verb({
    "install": _fixed(told("installs the Ruby packages that Gemfile lists")),
    "config": _fixed(told("changes the settings of {program}")),
    "exec": _items(told("runs {items}"), told("runs {items}")),
})  # fmt: skip


def _go_build(command: Command) -> Sentence | None:
    output = command.flag_value("o")
    what = [word.text for word in command.plain("o", "ldflags", "tags", "gcflags", "mod", "p")][1:] or ["."]
    if output:
        return counted("compiles the Go program {items} into {output}",
                       "compiles the Go packages {items} into {output}",
                       what, output=output)  # fmt: skip
    return counted("compiles the Go program {items}", "compiles the Go packages {items}", what)


_GO = _by_verb({
    "build": _go_build,
    "install": _items(told("compiles and installs the Go program {items}"),
                      told("compiles and installs the Go programs {items}"), "ldflags", "tags"),
    "get": _items(told("brings the Go module {items}"), told("brings the Go modules {items}")),
    "mod": _fixed(told("brings the modules that go.mod lists, or puts them in order")),
    "test": _fixed(told("runs the tests of the Go project")),
    "vet": _fixed(told("looks for likely mistakes in the Go code")),
    "generate": _fixed(told("makes the Go code that is generated")),
    "run": _items(told("runs the Go program {items}"), told("runs the Go program {items}")),
})  # fmt: skip


def _cargo_build(command: Command) -> Sentence:
    if command.has("--release"):
        return told("compiles the Rust project, optimised, into target/release")
    return told("compiles the Rust project into target/debug")


_CARGO = _by_verb({
    "build": _cargo_build,
    "install": _items(told("compiles and installs the Rust program {items}"),
                      told("compiles and installs the Rust programs {items}"), "path", "version", "features", "root"),
    "fetch": _fixed(told("brings what the Rust project needs")),
    "test": _fixed(told("runs the tests of the Rust project")),
    "new": _fixed(told("makes an empty Rust project")), "init": _fixed(told("makes an empty Rust project")),
})  # fmt: skip


def _uv(command: Command) -> Sentence | None:
    words = [word.text for word in command.plain("python", "p")]
    if words[:1] == ["pip"]:
        start = next(place for place, word in enumerate(command.words) if word.text == "pip")
        return _PIP(command._replace(words=command.words[start + 1 :]))
    return _by_verb({
        "sync": _fixed(told("installs exactly the Python packages that uv.lock lists")),
        "venv": _fixed(told("makes a Python environment of its own")),
        "add": _items(told("adds the Python package {items} to the project"),
                      told("adds the Python packages {items} to the project")),
        "run": _items(told("runs {items}"), told("runs {items}")),
    })(command)  # fmt: skip


_JAVA = _fixed(told("builds the Java project with {program}"))
MANAGERS: Verbs = MappingProxyType({
    "apt-get": _APT, "apt": _APT, "aptitude": _APT, "apk": _APK, "dnf": _DNF, "yum": _DNF, "microdnf": _DNF,
    "tdnf": _DNF, "zypper": _ZYPPER, "pip": _PIP, "pip3": _PIP, "pip2": _PIP, "python": _python, "python3": _python,
    "npm": _by_verb(_NPM), "pnpm": _yarn, "yarn": _yarn, "bun": _yarn, "gem": _GEM, "bundle": _BUNDLE,
    "bundler": _BUNDLE, "go": _GO, "cargo": _CARGO, "uv": _uv, "mvn": _JAVA, "mvnw": _JAVA, "gradle": _JAVA,
    "gradlew": _JAVA,
    "poetry": _by_verb({
        "install": _fixed(told("installs the Python packages that poetry.lock lists")),
        "add": _items(told("adds the Python package {items} to the project"),
                      told("adds the Python packages {items} to the project")),
        "config": _fixed(told("changes the settings of {program}")),
    }),
    "pipenv": _by_verb({"install": _fixed(told("installs the Python packages that Pipfile lists"))}),
    "conda": _by_verb({"install": _items(*_INSTALL, "c", "n", "channel", "name"), "clean": _CLEAN,
                       "env": _fixed(told("makes or changes an environment of conda"))}),
    "composer": _by_verb({"install": _fixed(told("installs the PHP packages that composer.lock lists")),
                          "require": _items(told("adds the PHP package {items} to the project"),
                                            told("adds the PHP packages {items} to the project"))}),
    "dotnet": _by_verb({"restore": _fixed(told("brings the packages that the .NET project needs")),
                        "build": _fixed(told("compiles the .NET project")),
                        "publish": _fixed(told("compiles the .NET project and puts all that it needs in one folder")),
                        "test": _fixed(told("runs the tests of the .NET project"))}),
    "apt-mark": _by_verb({
        "manual": _items(told("keeps the package {items} when others go"),
                         told("keeps the packages {items} when others go")),
        "auto": _items(told("lets the package {items} go once nothing needs it"),
                       told("lets the packages {items} go once nothing needs them")),
        "hold": _items(told("keeps the package {items} at its version"),
                       told("keeps the packages {items} at their versions")),
    }),
    "dpkg": lambda command: (
        told("installs the package file {file}", file=command.plain()[-1].text)
        if command.has_flag("i", "install") and command.plain() else None
    ),
    "rpm": lambda command: (
        told("installs the package file {file}", file=command.plain()[-1].text)
        if command.has_flag("i", "U", "install", "upgrade") and command.plain() else None
    ),
    "docker-php-ext-install": lambda command: counted(
        "compiles and installs the PHP extension {items}", "compiles and installs the PHP extensions {items}",
        [word.text for word in command.plain("j")],
    ),
})  # fmt: skip
