"""Terms of containers and of what goes to and from registries."""

from __future__ import annotations

from capas.dockerfile.meaning.sentence import told
from capas.look.terms.term import term

TERMS = (
    term(
        "container", "contenedor",
        told("A process, or several, that see the files of an image and nothing else of the machine"),
        told("What it writes goes to a layer of its own on top, which is deleted with it; the image stays as it was"),
        told("It shares the kernel of the machine, so it starts at once: it is no virtual machine"),
        drawing="container", see="image, volume, network",
    ),
    term(
        "volume", "volumen",
        told("A directory outside of containers that one or several of them see at a path of theirs"),
        told("It outlives the container: data belong there, `-v data:/var/lib/data`"),
        drawing="volume", see="VOLUME, container, bind mount",
    ),
    term(
        "bind mount, mount", "montaje, carpeta montada",
        told("A directory of the machine that a container sees at a path of its own: `-v ./site:/srv/site`"),
        told("What one of them changes the other sees; `:ro` lets the container only read"),
        drawing="volume", see="volume",
    ),
    term(
        "network", "red",
        told("What containers talk over: on one network they find each other by name"),
        told("From outside a container is reached by a port that was published with `-p`"),
        drawing="port", see="port, EXPOSE",
    ),
    term(
        "port, publish, -p, EXPOSE vs -p", "puerto, publicar, EXPOSE o -p",
        told("A number that a program listens on. EXPOSE only notes it in the image; `-p` opens it on the machine"),
        told("`-p 8080:80`: who comes to port 8080 of the machine reaches port 80 of the container"),
        drawing="port", see="EXPOSE, network",
    ),
    term(
        "pull", "traer, pull",
        told("To bring an image from a registry: its manifest first, then the blobs that are not here, each verified"),
        drawing="documents", see="push, registry, digest",
    ),
    term(
        "push", "subir, push",
        told("To send an image to a registry: the blobs that it lacks, then the manifest, then the tag is moved"),
        drawing="documents", see="pull, registry, tag",
    ),
    term(
        "snapshot", "instantánea",
        told("A tree of files made of a stack of layers; an active one takes what a container writes"),
        drawing="container", see="layer, chain_id",
    ),
    term(
        "exec form, shell form", "forma exec, forma shell",
        told("`[\"nginx\", \"-g\"]` is the exec form: the program is started itself and gets the signals"),
        told("`nginx -g` is the shell form: `/bin/sh -c` reads the line, so variables, pipes and && work"),
        see="CMD, ENTRYPOINT, SHELL", examples=('CMD ["nginx", "-g", "daemon off;"]', "CMD nginx -g 'daemon off;'"),
    ),
    term(
        "ENTRYPOINT vs CMD, entrypoint or cmd", "ENTRYPOINT o CMD",
        told("ENTRYPOINT is the program, CMD are its usual words; `capas run IMAGE WORDS…` replaces CMD alone"),
        told("With CMD alone the whole command can be replaced; with ENTRYPOINT the image is used like a program"),
        drawing="start", see="ENTRYPOINT, CMD, exec form",
    ),
)  # fmt: skip
