"""Terms of images at rest: what they are made of, and how they are named."""

from __future__ import annotations

from capas.dockerfile.meaning.sentence import told
from capas.look.terms.term import term

TERMS = (
    term(
        "image", "imagen",
        told("A file system and some settings, made once and then never changed: what a container starts from"),
        told("It is a stack of layers, and a config that says which command runs, as whom and where"),
        told("It is no running program and no virtual machine: it has no kernel of its own"),
        drawing="layers", see="layer, config, container, tag",
    ),
    term(
        "layer", "capa",
        told("A tar of files that one step added, changed or deleted, laid over the layers below it"),
        told("A layer is never changed: what a later step deletes is hidden by a mark, and its bytes stay"),
        told("Images that begin with the same steps share their layers: they are stored and fetched once"),
        drawing="layers", see="whiteout, diff_id, digest, cache",
    ),
    term(
        "digest", "resumen, digest",
        told("The name of some bytes, computed from them: `sha256:` and 64 hex digits"),
        told("Other bytes have another digest, so whoever knows it can tell that what came is what was meant"),
        told("`debian@sha256:…` is one image for ever; `debian:12` is whatever its makers put there last"),
        drawing="reference", see="tag, blob, image id",
    ),
    term(
        "tag", "etiqueta, tag",
        told("A name after the colon, as `12` in `debian:12`, that points at an image and may be moved"),
        told("Several tags may point at one image, and nothing is copied when one is added: `capas tag` does it"),
        told("Without a tag `latest` is meant, which is a name like any other and need not be the newest"),
        drawing="tags", see="digest, reference, repository",
    ),
    term(
        "reference, image name", "referencia, nombre de imagen",
        told("What names an image: registry, repository, tag and digest, of which only the repository must be there"),
        told("`debian` is short for `docker.io/library/debian:latest`"),
        drawing="reference", see="registry, repository, tag, digest",
    ),
    term(
        "registry, hub", "registro, hub",
        told("A server that keeps images and hands them out, as docker.io or the one of `capas hub serve`"),
        told("Its name is the first part of a reference if it has a dot or a colon; without one it is docker.io"),
        drawing="reference", see="repository, push, pull",
    ),
    term(
        "repository", "repositorio",
        told("The images of one name in a registry, told apart by their tags: versions of one thing"),
        drawing="tags", see="registry, tag",
    ),
    term(
        "manifest", "manifiesto",
        told("A short JSON document that lists an image's config and layers by digest and size"),
        told("Whoever pulls reads it first, and then fetches only the blobs that are not here yet"),
        drawing="documents", see="config, index, blob",
    ),
    term(
        "index, manifest list", "índice, lista de manifiestos",
        told("A document that lists manifests, one for each platform, under a single tag"),
        told("`capas pull` takes the one that fits this machine; `--platform` takes another"),
        drawing="documents", see="platform, manifest",
    ),
    term(
        "config", "configuración, config",
        told("The JSON document that says what a container of the image runs, as whom, with which variables and ports"),
        told("It also has the history, and the diff_id of every layer; its digest is the image id"),
        drawing="documents", see="image id, history, diff_id",
    ),
    term(
        "blob", "blob",
        told("Bytes that are stored under their digest: a layer, a config or a manifest"),
        told("One that several images need is there once"),
        drawing="documents", see="digest, layer",
    ),
    term(
        "image id", "id de imagen",
        told("The digest of an image's config; its first 12 digits are what `capas images` shows"),
        told("It is the same wherever the image is, however its layers were packed"),
        drawing="documents", see="config, digest",
    ),
    term(
        "diff_id", "diff_id",
        told("The digest of a layer's tar before it was compressed"),
        told("A layer packed by gzip or by zstd has two digests, and one diff_id: that of its content"),
        drawing="ids", see="chain_id, digest, layer",
    ),
    term(
        "chain_id", "chain_id",
        told("The name of a whole stack of layers: a digest made of the chain_id below and the diff_id on top"),
        told("Two images with one chain_id have the same files, whatever their configs say"),
        drawing="ids", see="diff_id, layer",
    ),
    term(
        "platform", "plataforma",
        told("The system and the processor that an image is for, as `linux/amd64` or `linux/arm64/v8`"),
        told("Programs of another processor need an emulator, and are slow"),
        drawing="documents", see="index",
    ),
    term(
        "whiteout", "borrado, whiteout",
        told("A mark in a layer, an empty file `.wh.NAME`, which says that `NAME` of the layers below is deleted"),
        told("The deleted file is not seen any more, and its bytes are still fetched: delete in the RUN that made it"),
        drawing="whiteout", see="layer",
    ),
    term(
        "annotation", "anotación",
        told("A note on a manifest or an index, outside of the config: registries show it, containers do not see it"),
        see="label, manifest",
    ),
    term(
        "history", "historial",
        told("The steps that made an image, oldest first, as its builder wrote them into the config"),
        told("`capas history IMAGE` lists them; `capas explain IMAGE` tells what each did"),
        drawing="layers", see="layer, config",
    ),
    term(
        "base image", "imagen base",
        told("The image that FROM names: its layers are the lowest ones, its settings hold until they are changed"),
        drawing="layers", see="FROM, scratch, layer",
    ),
    term(
        "scratch", "scratch",
        told("The empty image: a Dockerfile may begin with `FROM scratch`, but it cannot be pulled or run"),
        see="FROM, base image",
    ),
    term(
        "sbom", "sbom, lista de componentes",
        told("The list of the packages in an image, with versions and licences: `capas sbom IMAGE` prints it"),
        see="layer",
    ),
)  # fmt: skip
