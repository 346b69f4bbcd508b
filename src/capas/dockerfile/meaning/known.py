"""What names are known for: variables, labels, ports, signals, build arguments."""

from __future__ import annotations

from types import MappingProxyType

from capas.dockerfile.meaning.sentence import told

VARIABLES = MappingProxyType({
    "PYTHONUNBUFFERED": told("Python then prints at once: logs are not held back"),
    "PYTHONDONTWRITEBYTECODE": told("Python then writes no .pyc files, which would only make the layer larger"),
    "PYTHONPATH": told("Python looks for modules there first"),
    "PIP_NO_CACHE_DIR": told("pip then keeps no downloads, which would stay in the layer"),
    "DEBIAN_FRONTEND": told("`noninteractive` keeps apt from asking questions; as an ENV it holds in containers too"),
    "NODE_ENV": told("npm and many libraries leave out what is only for development if it is `production`"),
    "LANG": told("The language and the encoding of programs; `C.UTF-8` is plain English with every letter"),
    "LC_ALL": told("The language and the encoding of programs, before LANG"),
    "TZ": told("The time zone of programs, if the image has its data (tzdata)"),
    "GOPATH": told("Where go keeps modules and programs"),
    "CGO_ENABLED": told("`0` makes go build programs that need no C library: they run on scratch too"),
    "JAVA_HOME": told("Where programs look for Java"),
    "HOME": told("The home directory of whoever is at work, whatever /etc/passwd says"),
    "GOFLAGS": told("Flags that every go command has"),
    "RUSTFLAGS": told("Flags that every Rust compilation has"),
})  # fmt: skip
LABELS = MappingProxyType({
    "maintainer": told("who looks after it"),
    "org.opencontainers.image.title": told("its name for people"),
    "org.opencontainers.image.description": told("what it is for"),
    "org.opencontainers.image.source": told("where its source is"),
    "org.opencontainers.image.url": told("where to read about it"),
    "org.opencontainers.image.documentation": told("where its documentation is"),
    "org.opencontainers.image.version": told("the version of what is in it"),
    "org.opencontainers.image.revision": told("the commit that it was built from"),
    "org.opencontainers.image.licenses": told("its licences"),
    "org.opencontainers.image.authors": told("who made it"),
    "org.opencontainers.image.vendor": told("who distributes it"),
    "org.opencontainers.image.created": told("when it was made"),
    "org.opencontainers.image.base.name": told("what it was built on"),
    "org.opencontainers.image.base.digest": told("the exact image that it was built on"),
})  # fmt: skip
FAMILIAR_PORTS = MappingProxyType({
    "21": "FTP", "22": "SSH", "25": "SMTP", "53": "DNS", "80": "HTTP", "443": "HTTPS", "1883": "MQTT",
    "3000": "HTTP (Node.js, Grafana)", "3306": "MySQL, MariaDB", "5000": "HTTP (Flask, registry)",
    "5432": "PostgreSQL", "5672": "AMQP (RabbitMQ)", "6379": "Redis", "8000": "HTTP (Python)", "8080": "HTTP",
    "8443": "HTTPS", "9000": "FastCGI, HTTP", "9090": "Prometheus", "9200": "Elasticsearch", "11211": "memcached",
    "27017": "MongoDB",
})  # fmt: skip
SIGNALS = MappingProxyType({
    "TERM": told("SIGTERM (15) asks a program to end, and is what would be sent anyway"),
    "15": told("15 is SIGTERM, which would be sent anyway"),
    "INT": told("SIGINT (2) is what Ctrl-C sends; PostgreSQL closes its connections at it"),
    "2": told("2 is SIGINT, which Ctrl-C sends"),
    "QUIT": told("SIGQUIT (3) lets nginx and php-fpm finish the requests at hand"),
    "3": told("3 is SIGQUIT: nginx and php-fpm finish the requests at hand"),
    "KILL": told("SIGKILL (9) ends a program at once: it cannot put anything in order"),
    "9": told("9 is SIGKILL: it ends a program at once, which cannot put anything in order"),
    "HUP": told("SIGHUP (1) makes many servers only read their settings again"),
    "1": told("1 is SIGHUP, at which many servers only read their settings again"),
    "WINCH": told("SIGWINCH (28) lets Apache finish the requests at hand"),
    "USR1": told("SIGUSR1 (10) means what the program likes"),
    "USR2": told("SIGUSR2 (12) means what the program likes"),
    "RTMIN+3": told("SIGRTMIN+3 asks systemd to halt"),
})  # fmt: skip
_PLATFORM = told("The builder gives it by itself: what the image is for (TARGET…) or what builds (BUILD…)")
_PROXY = told("A proxy: RUN has it even without this line, and it is kept neither in the image nor in the cache")
ARGUMENTS = MappingProxyType(
    dict.fromkeys(
        (f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")), _PLATFORM
    )
    | dict.fromkeys(
        (
            name
            for proxy in ("HTTP", "HTTPS", "FTP", "NO", "ALL")
            for name in (f"{proxy}_PROXY", f"{proxy.lower()}_proxy")
        ),
        _PROXY,
    )
    | {
        "TARGETSTAGE": told("The builder gives it by itself: the stage that is built (`--target`), or `default`"),
        "SOURCE_DATE_EPOCH": told(
            "Seconds since 1970 that every date in the image is set back to: the same input gives the same image"
        ),
        "BUILDKIT_SYNTAX": told("To the builder itself: the language of the file, before its `# syntax=` line"),
        "BUILDKIT_DOCKERFILE_CHECK": told("To the builder itself: options of its checks, before the `# check=` line"),
        "BUILDKIT_CONTEXT_KEEP_GIT_DIR": told("To the builder itself: a git context keeps its .git folder"),
        "BUILDKIT_SANDBOX_HOSTNAME": told("To the builder itself: the name of the host that RUN sees"),
        "BUILDKIT_CACHE_MOUNT_NS": told("To the builder itself: a name before the id of every cache mount"),
        "BUILDKIT_INLINE_CACHE": told("To the builder itself: notes of the cache are put into the image"),
        "BUILDKIT_SBOM_SCAN_CONTEXT": told(
            "docker's builder looks for packages in the build context too; Capas looks through the image alone"
        ),
        "BUILDKIT_SBOM_SCAN_STAGE": told(
            "docker's builder looks for packages in this stage too; Capas looks through the image alone"
        ),
        "DEBIAN_FRONTEND": told("`noninteractive` keeps apt from asking questions while building"),
    }
)
