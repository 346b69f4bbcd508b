"""Everything a Dockerfile can say, by instruction: what `docs/dockerfile.md` must have a line for, each with a test.

The order is that of the Dockerfile reference. A feature's text is what a test names in `@pytest.mark.covers`.
"""

from __future__ import annotations

FEATURES: dict[str, tuple[str, ...]] = {
    "format": (
        "comments", "continuations", "blank lines in a continuation", "heredocs", "heredoc <<-", "heredoc quoted",
        "several heredocs", "case of instructions", "byte order mark", "CRLF",
    ),
    "directives": ("syntax", "escape", "check=skip", "check=error", "check=experimental"),
    "variables": (
        "$name", "${name}", "\\$name", ":-", "-", ":+", "+", ":?", "?", "#", "##", "%", "%%", "/", "//", "nested",
        "one instruction, one value",
    ),
    ".dockerignore": ("patterns", "**", "! exceptions", "comments", "<name>.dockerignore"),
    "FROM": ("image", "digest", "scratch", "stage", "AS", "--platform", "global ARG"),
    "RUN": (
        "shell form", "exec form", "heredoc", "heredoc with #!", "--mount=type=bind", "--mount=type=cache",
        "--mount=type=tmpfs", "--mount=type=secret", "--mount=type=ssh", "--network=default", "--network=none",
        "--network=host", "--security=sandbox", "--security=insecure", "--device",
    ),
    "RUN --mount=type=bind": ("target", "source", "from", "rw"),
    "RUN --mount=type=cache": ("target", "id", "source", "from", "sharing", "uid, gid", "mode", "ro"),
    "RUN --mount=type=tmpfs": ("target", "size"),
    "RUN --mount=type=secret": ("id", "target", "env", "required", "uid, gid", "mode"),
    "RUN --mount=type=ssh": ("id", "target", "required", "uid, gid", "mode"),
    "CMD": ("exec form", "shell form", "parameters of ENTRYPOINT"),
    "LABEL": ("name=value", "several", "inherited"),
    "MAINTAINER": ("name",),
    "EXPOSE": ("port", "port/protocol", "range"),
    "ENV": ("name=value", "several", "name value"),
    "ADD": (
        "files", "directories", "wildcards", "archives", "URL", "git repository", "heredoc", "JSON form",
        "--keep-git-dir", "--checksum", "--chown", "--chmod", "--link", "--unpack", "--exclude",
    ),
    "COPY": (
        "files", "directories", "wildcards", "heredoc", "JSON form", "--from=stage", "--from=image", "--from=context",
        "--chown", "--chmod", "--chmod symbolic", "--link", "--parents", "--exclude",
    ),
    "ENTRYPOINT": ("exec form", "shell form"),
    "VOLUME": ("JSON form", "words"),
    "USER": ("user", "user:group"),
    "WORKDIR": ("absolute", "relative", "variables"),
    "ARG": (
        "name", "name=default", "several", "before FROM", "scope", "ENV wins", "proxies", "platform arguments",
        "TARGETSTAGE", "SOURCE_DATE_EPOCH", "BUILDKIT_DOCKERFILE_CHECK", "BUILDKIT_SYNTAX",
        "BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS",
        "BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE",
    ),
    "ONBUILD": ("triggers", "heredoc", "COPY --from", "refused: ONBUILD, FROM, MAINTAINER"),
    "STOPSIGNAL": ("name", "number"),
    "HEALTHCHECK": (
        "CMD", "NONE", "--interval", "--timeout", "--start-period", "--start-interval", "--retries",
    ),
    "SHELL": ("JSON form",),
}  # fmt: skip

REFUSED = frozenset({("RUN", "--device")})
"""What is refused on purpose, with a reason; its test shows the refusal."""

ABSENT = {
    ("ARG", "BUILDKIT_SBOM_SCAN_CONTEXT"): "only the image that is built is looked through",
    ("ARG", "BUILDKIT_SBOM_SCAN_STAGE"): "only the image that is built is looked through",
}
"""What is not done, and what happens instead."""
