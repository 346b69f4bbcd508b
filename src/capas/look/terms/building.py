"""Terms of builds: what a Dockerfile is read with."""

from __future__ import annotations

from capas.dockerfile.meaning.sentence import told
from capas.look.terms.term import term

TERMS = (
    term(
        "Dockerfile", "Dockerfile",
        told("A text that says step by step how an image is made: FROM a base, then files, commands and settings"),
        told("`capas build .` makes the image, `capas explain .` tells what each line does"),
        see="instruction, stage, context",
    ),
    term(
        "instruction", "instrucción",
        told("A line of a Dockerfile: RUN, COPY, ADD and WORKDIR make layers, the others only change the config"),
        see="RUN, COPY, FROM, layer",
    ),
    term(
        "context, build context", "contexto, contexto de construcción",
        told("The directory (or git address) after `capas build`: COPY and ADD see its files and no others"),
        told("`.dockerignore` leaves files out of it; `capas builder context .` shows what is sent"),
        drawing="context", see=".dockerignore, COPY, ADD",
    ),
    term(
        ".dockerignore", ".dockerignore",
        told("A file in the build context with a pattern a line: what fits is not seen by COPY and ADD"),
        told("`**` is any number of directories, `!` before a pattern takes files in again, `#` begins a comment"),
        told("A file `app.Dockerfile.dockerignore` is for `app.Dockerfile` alone"),
        see="context",
    ),
    term(
        "stage, multi-stage", "etapa, multietapa",
        told("A FROM and what follows it. Only the last stage is the image; others are there to copy from"),
        told("So compilers and sources stay out of the image: `COPY --from=build /out/app /app`"),
        drawing="stages", see="FROM, COPY",
    ),
    term(
        "cache, build cache", "caché, caché de construcción",
        told("What builds did before: a step with the same command on the same layers and files is not done again"),
        told("The first step that differs is done, and all that stand on it: what changes often belongs below"),
        told("`capas build --explain-cache` says why a step is done again"),
        drawing="cache", see="layer, context",
    ),
    term(
        "cache mount", "caché montada",
        told("A directory that RUN finds again in the next build and that is in no layer: "
             "`RUN --mount=type=cache,target=/root/.cache pip install …`"),
        see="cache, RUN",
    ),
    term(
        "secret, build secret", "secreto, secreto de construcción",
        told("A file or a variable that one RUN sees and that is in no layer, history or cache"),
        told("`RUN --mount=type=secret,id=token` uses it, `capas build --secret id=token,src=FILE` gives it"),
        see="RUN, ARG",
    ),
    term(
        "build argument", "argumento de construcción",
        told("A variable of the build alone, declared by ARG and given by `--build-arg NAME=value`"),
        see="ARG, ENV",
    ),
    term(
        "heredoc", "heredoc",
        told("Lines written in the Dockerfile itself, from `<<EOF` to a line `EOF`: a script for RUN, a file for COPY"),
        see="RUN, COPY", examples=("RUN <<EOF\nset -e\napt-get update\nEOF",),
    ),
    term(
        "provenance, attestation", "procedencia, atestación",
        told("A signed or unsigned statement beside an image of how it was built: `capas build --provenance`"),
        see="sbom",
    ),
)  # fmt: skip
