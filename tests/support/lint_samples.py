"""Dockerfiles for checks: of each of hadolint's rules that Capas has, ones that break it and ones that do not.

A sample is all that follows its FROM (or a whole file, where it has one). What is found must be what hadolint finds.
"""

from __future__ import annotations

SAMPLES: dict[str, tuple[str, ...]] = {
    "DL3000": ("WORKDIR usr/src", "WORKDIR /usr/src", "WORKDIR $HOME/x", 'WORKDIR "/a b"'),
    "DL3001": ("RUN ps", "RUN service nginx start", "RUN vim x && top", "RUN mount -a", "RUN echo ps", "RUN a; ssh x"),
    "DL3002": ("USER root", "USER root\nUSER 1000", "USER 1000\nUSER 0", "USER root:root", "USER 0:0", "USER app"),
    "DL3003": ("RUN cd /tmp", "RUN cd /tmp && make", "RUN (cd x; make)", "RUN echo cd", "RUN a && cd /x"),
    "DL3004": ("RUN sudo make", "RUN a && sudo b", "RUN apt-get install -y sudo=1", "RUN echo sudo"),
    "DL3006": (
        "FROM debian", "FROM debian:12", "FROM debian@sha256:" + "a" * 64, "FROM scratch",
        "FROM debian:12 AS a\nFROM a",
        "FROM localhost:5000/app", "FROM a/b/c", "ARG x=y\nFROM debian:${x}", "FROM debian:12 AS b\nFROM c",
    ),
    "DL3007": ("FROM debian:latest", "FROM debian:latest AS x", "FROM a/latest:1", "FROM x:5000/debian:latest"),
    "DL3008": (
        "RUN apt-get update && apt-get install -y curl", "RUN apt-get install -y curl=7.88.1-10",
        "RUN apt-get install -y ./x.deb", "RUN apt-get -y --no-install-recommends install a=1 b=2",
        "RUN apt-get install -y curl/bookworm", "RUN apt-get install -y -t bookworm-backports curl=1",
        "RUN DEBIAN_FRONTEND=noninteractive apt-get install -y a=1", "RUN apt-get remove curl", "RUN apt-get update",
        "RUN if true; then apt-get install -y x; fi", "RUN <<EOF\napt-get install -y x\nEOF",
        "RUN apt-get install -y \\\n  a=1 \\\n  # comment\n  b", 'RUN ["apt-get", "install", "-y", "x"]',
    ),
    "DL3009": (
        "RUN apt-get update", "RUN apt-get update && apt-get install -y a=1",
        "RUN apt-get update && rm -rf /var/lib/apt/lists/*",
        "RUN apt-get update && apt-get install -y a=1 && rm -rf /var/lib/apt/lists/*",
        "RUN --mount=type=cache,target=/var/lib/apt/lists apt-get update",
        "RUN --mount=type=cache,target=/var/lib/apt --mount=type=cache,target=/var/cache/apt apt-get update",
        "FROM debian:12 AS build\nRUN apt-get update\nFROM debian:12", "RUN apt-get install -y a=1",
        "FROM debian:12 AS build\nRUN apt-get update\nFROM build",
    ),
    "DL3010": (
        "COPY a.tar.gz /tmp/\nRUN tar -xzf /tmp/a.tar.gz", "COPY a.tar.gz /tmp/\nRUN tar --extract -f /tmp/a.tar.gz",
        "COPY a.tar.gz /tmp/", "COPY a.tar.gz /tmp/b.tar\nRUN tar -xf /tmp/b.tar", "COPY a.gz /\nRUN gunzip /a.gz",
        "COPY a.tar.gz /tmp/\nRUN tar -tf /tmp/a.tar.gz", "ADD a.tar.gz /tmp/\nRUN tar -xf /tmp/a.tar.gz",
        "COPY a.txt /\nRUN tar -xf a.txt", "COPY --from=x a.tar /\nRUN tar -xf /a.tar",
    ),
    "DL3013": (
        "RUN pip install flask", "RUN pip install flask==3", "RUN pip3 install 'flask>=3' jinja2",
        "RUN pip install -r requirements.txt", "RUN pip install .", "RUN pip install --requirement r.txt",
        "RUN python3 -m pip install flask", "RUN pip install ./x.whl", "RUN pip install git+https://x/y@v1",
        "RUN pip install git+https://x/y", "RUN pip install --index-url https://x flask==1", "RUN pip download x",
        "RUN pip install -c c.txt flask", "RUN pip install --no-cache-dir --upgrade pip", "RUN pip uninstall x",
        "RUN pip3.11 install flask", "RUN pip install -i https://x flask",
    ),
    "DL3014": (
        "RUN apt-get install a=1", "RUN apt-get install -y a=1", "RUN apt-get -qq install a=1",
        "RUN apt-get --yes install a=1", "RUN apt-get install --assume-yes a=1", "RUN apt-get -q install a=1",
        "RUN apt-get install -qy a=1", "RUN apt-get -q -q install a=1", "RUN apt-get -q=2 install a=1",
    ),
    "DL3015": (
        "RUN apt-get install -y a=1", "RUN apt-get install -y --no-install-recommends a=1",
        'RUN apt-get install -y -o APT::Install-Recommends=false a=1',
    ),
    "DL3016": (
        "RUN npm install express", "RUN npm install express@4", "RUN npm install", "RUN npm install -g @a/b",
        "RUN npm install @a/b@1", "RUN npm install ./x", "RUN npm install git+https://x/y#v1", "RUN npm ci",
        "RUN npm install git+https://x/y", "RUN npm install x.tgz", "RUN npm run install",
    ),
    "DL3018": (
        "RUN apk add --no-cache curl", "RUN apk add --no-cache curl=8", "RUN apk add --no-cache 'curl~8'",
        "RUN apk add --no-cache -t deps curl=1", "RUN apk add --no-cache --virtual .deps a=1 b",
        "RUN apk add --no-cache x.apk", "RUN apk --no-cache add curl",
    ),
    "DL3019": ("RUN apk add curl=8", "RUN apk add --no-cache curl=8", "RUN apk update", "RUN apk add -U curl=8"),
    "DL3020": (
        "ADD file /", "ADD a.tar.gz /", "ADD https://x/y /", "ADD http://x/y /", "ADD a b.zip /c/", "ADD 'x' /",
        "ADD a.tar.gz b /", "ADD x.tar /",
    ),
    "DL3021": ("COPY a b /c", "COPY a b /c/", "COPY a /c", 'COPY ["a", "b", "/c"]', "COPY a b ."),
    "DL3022": (
        "COPY --from=x /a /b", "FROM a:1 AS x\nFROM b:1\nCOPY --from=x /a /b", "COPY --from=debian:12 /a /b",
        "FROM a:1 AS x\nFROM b:1\nCOPY --from=y /a /b",
    ),
    "DL3023": ("FROM a:1 AS x\nCOPY --from=x /a /b", "FROM a:1 AS x\nFROM b:1 AS y\nCOPY --from=x /a /b"),
    "DL3024": ("FROM a:1 AS x\nFROM b:1 AS x", "FROM a:1 AS x\nFROM b:1 AS y"),
    "DL3025": ('CMD ["a"]', "CMD a b", "ENTRYPOINT a", 'ENTRYPOINT ["a", "b"]'),
    "DL3027": ("RUN apt install -y x", "RUN apt-get install -y x=1", "RUN echo apt", "RUN a && apt update"),
    "DL3028": (
        "RUN gem install bundler", "RUN gem install bundler:2", "RUN gem install bundler -v 2", "RUN gem list",
        "RUN gem install bundler --version=2", "RUN gem i rake", "RUN gem install a:1 b",
    ),
    "DL3029": ("FROM --platform=linux/amd64 a:1", "FROM a:1"),
    "DL3030": ("RUN yum install httpd-2.4", "RUN yum install -y httpd-2.4", "RUN yum -y install x-1", "RUN yum list"),
    "DL3032": (
        "RUN yum install -y httpd-2.4", "RUN yum install -y httpd-2.4 && yum clean all",
        "RUN yum install -y httpd-2.4 && rm -rf /var/cache/yum/*", "RUN yum update",
    ),
    "DL3033": (
        "RUN yum install -y httpd", "RUN yum install -y httpd-2.4.6", "RUN yum install -y ./x.rpm", "RUN yum remove x",
        "RUN yum install -y openssl-devel", "RUN yum install -y a-1.0 b",
    ),
    "DL3034": (
        "RUN zypper install httpd=1", "RUN zypper -n install httpd=1", "RUN zypper install -y httpd=1",
        "RUN zypper --non-interactive in x=1", "RUN zypper search x",
    ),
    "DL3035": ("RUN zypper dist-upgrade", "RUN zypper dup", "RUN zypper update"),
    "DL3036": (
        "RUN zypper install -y a=1", "RUN zypper install -y a=1 && zypper clean", "RUN zypper in -y a=1 && zypper cc",
    ),
    "DL3037": ("RUN zypper install -y httpd", "RUN zypper install -y 'httpd>=2'", "RUN zypper install -y x.rpm"),
    "DL3038": ("RUN dnf install httpd-2", "RUN dnf install -y httpd-2", "RUN microdnf install x-1", "RUN dnf list"),
    "DL3040": (
        "RUN dnf install -y httpd-2", "RUN dnf install -y httpd-2 && dnf clean all", "RUN microdnf install -y x-1",
        "RUN microdnf install -y x-1 && microdnf clean all",
    ),
    "DL3041": (
        "RUN dnf install -y httpd", "RUN dnf install -y httpd-2.4.6", "RUN dnf install -y openssl-devel",
        "RUN dnf install -y x.rpm", "RUN microdnf install -y tar",
    ),
    "DL3042": (
        "RUN pip install flask==1", "RUN pip install --no-cache-dir flask==1",
        "ENV PIP_NO_CACHE_DIR=1\nRUN pip install a==1",
        "RUN pip3 install -r r.txt", "RUN PIP_NO_CACHE_DIR=1 pip install a==1", "RUN pipx install a==1",
        "ENV PIP_NO_CACHE_DIR=0\nRUN pip install a==1", "RUN pip --no-cache-dir install a==1",
        "FROM a:1 AS x\nENV PIP_NO_CACHE_DIR=1\nFROM x\nRUN pip install a==1",
    ),
    "DL3044": (
        "ENV a=1 b=$a", "ENV a=1\nENV b=$a", "ENV a=1 b=${a}x", "ENV a=$a", "ENV a=1\nENV a=2 b=$a", "ENV a=1 b=$ab",
    ),
    "DL3045": (
        "COPY a b", "COPY a /b", "WORKDIR /x\nCOPY a b", "COPY a $b/c", 'COPY a "/b"', "COPY a .",
        "FROM a:1 AS x\nWORKDIR /x\nFROM x\nCOPY a b", "FROM a:1 AS x\nWORKDIR /x\nFROM b:1\nCOPY a b",
    ),
    "DL3046": (
        "RUN useradd -u 123456 x", "RUN useradd -l -u 123456 x", "RUN useradd -u 1000 x",
        "RUN useradd --no-log-init -u 123456 x",
    ),
    "DL3047": (
        "RUN wget https://x", "RUN wget -q https://x", "RUN wget --progress=dot:giga https://x", "RUN wget -nv https://x",
        "RUN wget -qO- https://x", "RUN wget -o log https://x", "RUN wget -O f https://x", "RUN wget --quiet x",
    ),
    "DL3048": (
        "LABEL a.b=c", "LABEL A=b", "LABEL a_b=c", "LABEL com.docker.x=y", "LABEL a..b=c", "LABEL a-b=c", 'LABEL "a"=b',
        "LABEL a=b C=d",
    ),
    "DL3059": (
        "RUN a\nRUN b", "RUN a\nCOPY x /y\nRUN b", "RUN a && b && c\nRUN d", "RUN a\n# comment\nRUN b",
        "RUN a\nRUN b && c && d", "RUN --mount=type=cache,target=/x a\nRUN b", "RUN a\nRUN b\nRUN c",
    ),
    "DL3060": ("RUN yarn install", "RUN yarn install && yarn cache clean", "RUN yarn build"),
    "DL3062": ("RUN go install example.com/x", "RUN go install example.com/x@v1", "RUN go build ./..."),
    "DL3064": ("ARG MY_TOKEN", "ENV DB_PASSWORD=x", "ENV name=x"),
    "DL3065": ("FROM --platform=$TARGETPLATFORM a:1", "FROM --platform=${TARGETPLATFORM} a:1", "FROM a:1"),
    "DL3066": ("USER app", "USER 1000", "USER 1000:app", "USER app:1000"),
    "DL3067": ("FROM a:1 AS x\nFROM scratch\nCOPY --from=x / /", "FROM a:1 AS x\nFROM scratch\nCOPY --from=x /a /"),
    "DL4000": ("MAINTAINER x", "LABEL maintainer=x"),
    "DL4001": ("RUN wget -q a && curl b", "RUN wget -q a\nRUN curl b", "RUN curl a\nRUN curl b", "RUN wget -q a"),
    "DL4003": ('CMD ["a"]\nCMD ["b"]', 'CMD ["a"]'),
    "DL4004": ('ENTRYPOINT ["a"]\nENTRYPOINT ["b"]', 'ENTRYPOINT ["a"]'),
    "DL3012": ("HEALTHCHECK CMD a\nHEALTHCHECK CMD b", "HEALTHCHECK CMD a"),
    "DL4005": ("RUN ln -sf /bin/bash /bin/sh", "RUN ln -s a b"),
    "DL4006": (
        "RUN curl x | sh", 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN curl x | sh', "RUN a || b",
        'SHELL ["/bin/bash", "-c"]\nRUN curl x | sh', "RUN set -o pipefail && a | b", 'SHELL ["pwsh", "-c"]\nRUN a | b',
        'RUN bash -o pipefail -c "a | b"', "RUN echo 'a | b'",
    ),
}  # fmt: skip


def whole(sample: str) -> str:
    """A sample as a file."""
    return sample if sample.startswith(("FROM", "ARG x")) else f"FROM debian:12\n{sample}"
