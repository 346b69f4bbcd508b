"""Docker's words for our errors: clients look for them, and people find them in its manuals.

What Capas alone says stays in its own words, with its hint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from capas.errors import CapasError, Invalid, NotFound, fill
from capas.reference import Reference
from capas.registry.trust import is_loopback

Facts = Mapping[str, Any]
_POLICY = "invalid restart policy: "


class Worded(CapasError):
    """What docker says, and its status."""

    def __init__(self, status: int, message: str, **facts: object) -> None:
        super().__init__(message, hint="", **facts)
        self.status = status


def message_of(error: CapasError) -> str:
    """What the client prints."""
    words = _WORDS.get(error.message)
    if words is not None:
        return words(error.facts) if callable(words) else fill(words, error.facts)
    return f"{error} ({error.hint})" if error.hint else str(error)


def start_failure(error: CapasError, runtime: str, command: str) -> CapasError:
    """A command that is missing (its client ends with 127) or forbidden (126); any other error as it is."""
    if "command" not in error.facts:
        return error
    words = "failed to create task for container: failed to create shim task: OCI runtime create failed: "
    words += f"{runtime} create failed: unable to start container process: "
    return Worded(400, words + _exec_words(error, command))


def exec_failure(error: CapasError) -> str:
    """What docker writes into the output of an exec that cannot be."""
    failed = "OCI runtime exec failed: exec failed: unable to start container process: "
    if "command" in error.facts:
        return failed + _exec_words(error, str(error.facts["command"]))
    if "working directory" in error.message:
        return f"{failed}{error}: unknown"
    return message_of(error)


def _exec_words(error: CapasError, command: str) -> str:
    if not isinstance(error, NotFound):
        return f'exec: "{command}": permission denied: unknown'
    if "/" in command:
        return f'exec: "{command}": stat {command}: no such file or directory: unknown'
    return f'exec: "{command}": executable file not found in $PATH: unknown'


def exit_code_in(error: CapasError) -> int:
    """The exit code of the command of a build that failed, which docker's client makes its own; 0 for other errors."""
    code = error.facts.get("exit_code", 0)
    return code if isinstance(code, int) else 0


def _in_dockerfile(facts: Facts) -> str:
    """An error with its place: docker tells a line; what Capas shows of it stays below."""
    if "exit_code" in facts:
        command = str(facts["command"]).removeprefix("RUN ")
        try:
            words = " ".join(json.loads(command))
        except (ValueError, TypeError):
            words = f"/bin/sh -c {command}"
        return f"The command '{words}' returned a non-zero code: {facts['exit_code']}"
    return f"dockerfile parse error on line {facts['line']}: {facts['problem']}\n{facts['excerpt']}"


def _no_image(facts: Facts) -> str:
    try:
        name = Reference.parse(str(facts["image"])).with_default_tag().familiar
    except Invalid:
        name = str(facts["image"])
    return f"No such image: {name}"


def _reference(facts: Facts) -> str:
    text = str(facts["reference"])
    if "lower case" not in str(facts["why"]):
        return "invalid reference format"
    path = text.rpartition("@")[0] or text
    path = path.rpartition(":")[0] or path
    return f"invalid reference format: repository name ({path if '/' in path else f'library/{path}'}) must be lowercase"


def _image_in_use(facts: Facts) -> str:
    """A name and an id are refused in words of their own."""
    if facts["name"]:
        return (
            f'conflict: unable to remove repository reference "{facts["name"]}" (must force) - '
            f"container {facts['container']} is using its referenced image {facts['image']}"
        )
    force = "cannot" if facts["state"] == "running" else "must"
    return (
        f"conflict: unable to delete {facts['image']} ({force} be forced) - "
        f"image is being used by {facts['state']} container {facts['container']}"
    )


def _filter(facts: Facts) -> str:
    return f"invalid filter '{str(facts['filter']).partition('=')[0]}'"


def _change(facts: Facts) -> str:
    return f"{str(facts['change']).split(None, 1)[0].upper()} is not a valid change command"


def _wrong_change(facts: Facts) -> str:
    return _change(facts) if "unknown instruction" in str(facts["why"]) else str(facts["why"]).partition("\n")[0]


def _policy(facts: Facts) -> str:
    name, colon, _ = str(facts["policy"]).partition(":")
    if name not in ("no", "always", "on-failure", "unless-stopped"):
        return f"{_POLICY}unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
    if colon and name != "on-failure":
        return f"{_POLICY}maximum retry count can only be used with 'on-failure'"
    return f"{_POLICY}maximum retry count cannot be negative"


def _health(facts: Facts) -> str:
    return f"{str(facts['name']).title().replace(' ', '')} in Healthcheck cannot be less than 1ms"


def _processors(facts: Facts) -> str:
    most = facts["most"]
    return f"Range of CPUs is from 0.01 to {most}.00, as there are only {most} CPUs available"


def _network_name(facts: Facts) -> str:
    if facts["name"] in ("bridge", "host", "none", "default"):
        return f"operation is not permitted on predefined {facts['name']} network"
    return f"invalid network name: {facts['name']}"


def _unreachable(facts: Facts) -> str:
    host, reason = str(facts["host"]), facts["reason"]
    scheme = "http" if is_loopback(host) else "https"
    why = {"refused": f"dial tcp {host}: connect: connection refused",
           "unknown host": f"dial tcp: lookup {host.partition(':')[0]}: no such host"}  # fmt: skip
    return f'Get "{scheme}://{host}/v2/": {why.get(str(reason), facts["why"])}'


def _wrong_login(facts: Facts) -> str:
    domain = str(facts["domain"])
    scheme = "http" if is_loopback(domain) else "https"
    return f'Get "{scheme}://{domain}/v2/": unauthorized: wrong user name or password'


def _missing(facts: Facts) -> str:
    said, image = str(facts["said"]), str(facts["image"])
    if "repository" in said or "name unknown" in said:
        return f"repository {Reference.parse(image).familiar_name} not found: name unknown: {said}"
    return f"manifest for {image} not found: manifest unknown: {said}"


BIND_SOURCE = "invalid mount config for type \"bind\": invalid mount path: '{source}' mount path must be absolute"
_VOLUME_NAME = (
    'create {name}: "{name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" '
    "are allowed. If you intended to pass a host directory, use absolute path"
)
_NAME_TAKEN = (
    'Conflict. The container name "/{name}" is already in use by container "{id}". You have to remove (or rename) '
    "that container to be able to reuse that name."
)

_WORKDIR = "the working directory '{{{}}}' is invalid, it needs to be an absolute path"

# by our own template; a text has the same facts in docker's order
_WORDS: Mapping[str, str | Callable[[Facts], str]] = MappingProxyType({
    # images
    "no such image: {image}": _no_image,
    "no such image here: {image}": _no_image,
    "invalid reference {reference!r}: {why}": _reference,
    "image {image} has names in several repositories: {names}":
        "conflict: unable to delete {image} (must be forced) - image is referenced in multiple repositories",
    "image {image} is used by {state} container {container}": _image_in_use,
    "--change {change!r}: this instruction makes files": _change,
    "--change {change!r}: {why}": _wrong_change,
    "truncated tar stream": "unexpected EOF",
    # builds
    "{dockerfile}:{line}:{column}: {problem}\n{excerpt}": _in_dockerfile,
    "no stage {target!r} in the Dockerfile": 'target stage "{target}" could not be found',
    # filters
    "not an image filter: {filter!r}": _filter,
    "not a container filter: {filter!r}": _filter,
    "not a network filter: {filter!r}": _filter,
    "not a filter: {filter!r}": _filter,
    "dangling is true or false, not {value!r}": "invalid filter 'dangling=[{value}]'",
    "a container is never {status!r}": "invalid filter 'status={status}'",
    "no health of a container: {health!r}": "unrecognized filter value for health: {health}",
    "exited={code!r} is not an exit code":
        "invalid filter 'exited={code}': strconv.Atoi: parsing \"{code}\": invalid syntax",
    "not a time: {text!r}": 'failed to parse value as time or duration: "{text}"',
    # containers
    "no such container: {container}": "No such container: {container}",
    "the container name {name} is in use": _NAME_TAKEN,
    "not a container name: {name!r}": "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    "container {container} is running":
        'cannot remove container "/{container}": container is running: '
        "stop the container before removing or force remove",
    "container {container} is not running": "container {id} is not running",
    "container {container} is not paused": "Container {id} is not paused",
    "container {container} is already paused": "Container {id} is already paused",
    "no user {user} in the image's /etc/passwd": "unable to find user {user}: no matching entries in passwd file",
    "no group {group} in the image's /etc/group": "unable to find group {group}: no matching entries in group file",
    "no such signal: {signal!r}": "invalid signal: {signal}",
    "no such capability: {name}": 'invalid CapAdd: unknown capability: "{name}"',
    "not a restart policy: {policy!r}": _policy,
    "a memory limit is at least 6m": "Minimum memory limit allowed is 6MB",
    "from 0.01 to {most} processors can be given here": _processors,
    "oom-score-adj is a number from -1000 to 1000, not {value}":
        "Invalid value {value}, range for oom score adj is [-1000, 1000]",
    "memory-swap counts memory and swap together: it cannot be below memory":
        "Minimum memoryswap limit should be larger than memory limit, see usage",
    "the {name} of a health check is at least 1ms": _health,
    "the working directory {cwd!r} is not an absolute path": _WORKDIR.format("cwd"),
    "the working directory {path!r} is not an absolute path": _WORKDIR.format("path"),
    "port {port}/{protocol} of the host is in use": "Bind for {address}:{port} failed: port is already allocated",
    # mounts, volumes and networks
    "volume {text!r}: unknown option {option!r}": "invalid mode: {option}",
    "tmpfs {text!r}: unknown option {option!r}": 'invalid tmpfs option "{option}"',
    "a mount's target is an absolute path, not {target!r}":
        "invalid mount path: '{target}' mount path must be absolute",
    "{path} is not there to be mounted":
        'invalid mount config for type "bind": bind source path does not exist: {path}',
    "two mounts on {target}": "Duplicate mount point: {target}",
    "not a volume name: {name!r}": _VOLUME_NAME,
    "no such volume: {name}": "get {name}: no such volume",
    "the volume {name} is in use by {users}": "remove {name}: volume is in use - [{users}]",
    "not a name for a network: {name!r}": _network_name,
    # registries
    "cannot reach {host}: {why}": _unreachable,
    "wrong user name or password for {domain}": _wrong_login,
    "no such image: {image}: {registry} says: {said}": _missing,
})  # fmt: skip
