"""The command table: where each verb lives. Help is printed from it, and only the verb that runs is imported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Verb(NamedTuple):
    """`module` in capas.cli, the attribute that is the click command, and its one-line summary."""

    module: str
    attribute: str
    summary: str


def _table(**verbs: tuple[str, str, str]) -> Mapping[str, Verb]:
    return MappingProxyType({name.rstrip("_").replace("_", "-"): Verb(*verb) for name, verb in verbs.items()})


IMAGE = _table(
    build=("build", "build", "Build an image from a Dockerfile"),
    cat=("look_files", "cat", "Print files of an image, without unpacking it"),
    diff=("look_diff", "diff", "Show what differs between two images"),
    explore=("explore", "explore", "Look through an image's layers and files, with keys and mouse"),
    find=("look_files", "find", "Find files in an image, as find does"),
    dockerfile=("recover", "dockerfile", "Recover a Dockerfile from an image"),
    draw=("draw", "draw", "Draw the layers of images to scale"),
    history=("image", "history", "Show how an image came to be, step by step"),
    import_=("archive", "import_", "Make an image of a tar of files"),
    inspect=("image", "inspect", "Show everything about images, as JSON"),
    load=("archive", "load", "Read images from an archive"),
    ls=("image", "ls", "List images"),
    ls_files=("look_files", "ls_files", "List the files of an image, or of one of its layers"),
    prune=("image", "prune", "Remove images that nothing uses"),
    pull=("transfer", "pull", "Bring an image from a registry"),
    push=("transfer", "push", "Send an image to a registry"),
    rm=("image", "rm", "Remove images"),
    save=("archive", "save", "Write images to an archive"),
    sbom=("sbom", "sbom", "Print the packages in an image, as an SBOM"),
    tag=("image", "tag", "Give an image another name"),
    waste=("look_waste", "waste", "Show the bytes of an image that are of no use, and how to save them"),
)
CONTAINER = _table(
    attach=("attach", "attach", "Join the terminal or the streams of a running container"),
    commit=("container_files", "commit", "Make an image of a container's changes"),
    cp=("container_files", "cp", "Copy files into and out of a container"),
    create=("run", "create", "Create a container without starting it"),
    diff=("container_files", "diff", "Show what a container changed in its files"),
    exec=("exec", "exec_", "Run a command in a running container"),
    export=("container_files", "export", "Write a container's files as a tar"),
    inspect=("container", "inspect", "Show everything about containers, as JSON"),
    kill=("container", "kill", "Send running containers a signal"),
    logs=("container", "logs", "Show what a container printed"),
    ls=("ps", "ls", "List containers"),
    prune=("container", "prune", "Remove stopped containers"),
    pause=("life", "pause", "Hold all processes of containers still"),
    port=("life", "port", "Show where a container's ports are published"),
    rename=("container", "rename", "Give a container another name"),
    restart=("life", "restart", "Stop and start containers"),
    rm=("container", "rm", "Remove containers"),
    run=("run", "run", "Create a container and run it"),
    start=("container", "start", "Start stopped containers"),
    stats=("stats", "stats", "Show what containers use, as it changes"),
    stop=("container", "stop", "Stop running containers"),
    top=("top", "top", "Show what runs in a container"),
    unpause=("life", "unpause", "Let paused containers go on"),
    update=("life", "update", "Give containers other limits or another restart policy"),
    wait=("container", "wait", "Wait until containers have ended, and print their exit codes"),
)
BUILDER = _table(
    context=("context", "context", "Show what a build would send, and what is left out"),
    du=("builder", "du", "Show what the build cache holds"),
    mounts=("groups", "mounts", "Carry cache mounts from one machine to another"),
    prune=("builder", "prune", "Forget what the build cache holds, the longest unused first"),
)
MOUNTS = _table(
    export=("mounts", "export", "Send cache mounts to a registry or a directory"),
    import_=("mounts", "import_", "Bring cache mounts from a registry or a directory"),
)
NETWORK = _table(
    connect=("network", "connect", "Connect a container to a network"),
    create=("network", "create", "Make a network, whose containers know each other by name"),
    disconnect=("network", "disconnect", "Take a container from a network"),
    inspect=("network", "inspect", "Show everything about networks, as JSON"),
    ls=("network", "ls", "List networks"),
    prune=("network", "prune", "Remove the networks that no container is on"),
    rm=("network", "rm", "Remove networks"),
)
SYSTEM = _table(
    check=("system", "check", "Read everything that is stored and tell what is damaged"),
    df=("system", "df", "Show how much disk is used"),
    draw=("draw", "draw_store", "Draw all images here, and what they share"),
    info=("system", "info", "Show what this machine allows and what was chosen"),
)
HUB = _table(
    collect=("hub_store", "collect", "Free the blobs that no image of a hub needs"),
    fsck=("hub_store", "fsck", "Tell what is missing or damaged in a hub"),
    replicate=("hub_replicate", "replicate", "Copy images to or from another registry by a rule of a hub"),
    retention=("hub_retention", "retention", "Keep to the retention rules of a hub, or say what they would do"),
    serve=("hub", "serve", "Serve a registry from a directory"),
    token=("groups", "hub_token", "Access tokens and robots of a hub"),
    user=("groups", "hub_user", "Accounts of a hub"),
)
HUB_TOKEN = _table(
    create=("hub_token", "create", "Make an access token or a robot, and print it once"),
    ls=("hub_token", "ls", "List access tokens or robots"),
    rm=("hub_token", "rm", "Revoke an access token or a robot"),
)
HUB_USER = _table(
    create=("hub_user", "create", "Make an account"),
    demote=("hub_user", "demote", "Let a user administer the hub no longer"),
    disable=("hub_user", "disable", "Close an account"),
    enable=("hub_user", "enable", "Open an account again"),
    ls=("hub_user", "ls", "List accounts"),
    password=("hub_user", "password", "Give an account another password"),
    promote=("hub_user", "promote", "Let a user administer the hub"),
    rm=("hub_user", "rm", "Delete an account"),
)
MAIN = _table(
    bake=("bake", "bake", "Build many targets at once, from a bake file"),
    builder=("groups", "builder", "The build cache"),
    buildkitd=("buildkitd", "buildkitd", "Build for docker's buildx on a socket"),
    completion=("completion", "completion", "Print the completion script of a shell"),
    container=("groups", "container", "The verbs about containers"),
    dockerd=("dockerd", "dockerd", "Answer docker's own client on a socket"),
    explain=("explain", "explain", "Explain a Dockerfile, an image or a word"),
    hub=("groups", "hub", "The registry server"),
    image=("groups", "image", "The verbs about images"),
    inspect=("inspect", "inspect", "Show everything about images or containers, as JSON"),
    lint=("lint", "lint", "Tell what is wrong in a Dockerfile, and mend it"),
    login=("login", "login", "Log in to a registry"),
    logout=("login", "logout", "Log out of a registry"),
    network=("groups", "network", "The verbs about networks"),
    search=("search", "search", "Find images in a registry"),
    system=("groups", "system", "What is here and what this machine allows"),
    version=("system", "version", "Show the versions of Capas and of what it uses"),
)
# docker's short forms: the same commands under the names everybody types
SHORT: Mapping[str, Verb] = MappingProxyType(
    {name: IMAGE[name] for name in ("build", "history", "import", "load", "pull", "push", "save", "tag")}
    | {"images": IMAGE["ls"], "rmi": IMAGE["rm"], "ps": CONTAINER["ls"], "info": SYSTEM["info"]}
    | {name: verb for name, verb in CONTAINER.items() if name not in ("ls", "inspect", "prune")}
)
