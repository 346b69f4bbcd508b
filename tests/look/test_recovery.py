"""A Dockerfile recovered from an image: what it makes is the image again, as far as history can tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capas.build.request import BuildRequest
from capas.dockerfile.parse import parse_dockerfile
from capas.engine.engine import Engine
from capas.look.settings import list_settings
from capas.oci.config import Execution, Healthcheck
from support.changesets import directory, file
from support.looking import make_engine, put_image
from support.terminal import Terminal

DOCKERFILE = """\
FROM base
ARG MODE=fast
ENV GREETING="hello world" PRICE=$5 PATH=/app/bin:$PATH
LABEL org.example.note="a \\"note\\" of $5"
WORKDIR /app
COPY --chown=7:7 one.txt two.txt ./
COPY folder /app/folder
EXPOSE 80 53/udp
VOLUME ["/data"]
USER 7:7
HEALTHCHECK --interval=5s --retries=2 CMD /app/bin/check "it"
STOPSIGNAL SIGINT
ENTRYPOINT ["/app/bin/serve", "--greet", "a b"]
CMD ["--port", "80"]
"""
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def recovered(engine: Engine, name: str) -> str:
    return "".join(f"{line.text}\n" for line in engine.look.recover(name))


def sure(engine: Engine, name: str) -> dict[str, str]:
    return {line.text: line.sure for line in engine.look.recover(name)}


def build(engine: Engine, context: Path, text: str, name: str) -> str:
    (context / "Dockerfile").write_text(text)
    return str(engine.images.build(BuildRequest(context=str(context)), tags=[name]).image.id)


def test_building_the_recovered_dockerfile_gives_the_same_layers_and_config(engine: Engine, tmp_path: Path) -> None:
    put_image(engine, "base", [directory("etc"), file("etc/os-release", b"ID=none\n")], steps=["RUN make"])
    context = tmp_path / "context"
    (context / "folder").mkdir(parents=True)
    for name in ("one.txt", "two.txt", "folder/three"):
        (context / name).write_text(name)
    build(engine, context, DOCKERFILE, "app")
    build(engine, context, recovered(engine, "app"), "again")
    app, again = engine.images.get("app"), engine.images.get("again")
    assert [layer.diff_id for layer in app.layers] == [layer.diff_id for layer in again.layers]
    assert app.config.execution == again.config.execution


def test_a_base_that_is_here_is_named_and_its_steps_are_not_repeated(engine: Engine) -> None:
    base = [file("a", b"1")]
    put_image(engine, "me/base:1", base, steps=["RUN make"])
    put_image(engine, "app", base, [file("b", b"2")], steps=["RUN make", "RUN more"])
    assert recovered(engine, "app") == "FROM me/base:1\nRUN more\n"


def test_of_bases_with_the_same_layers_it_is_the_one_whose_config_is_nearest(engine: Engine) -> None:
    base = [file("a", b"1")]
    for version in ("1", "2", "3"):
        labels = Execution(labels={"version": version})
        put_image(engine, f"me/base:{version}", base, steps=["RUN make"], execution=labels)
    put_image(
        engine,
        "app",
        base,
        [file("b", b"2")],
        steps=["RUN make", "RUN more"],
        execution=Execution(labels={"version": "2"}),
    )
    assert recovered(engine, "app") == "FROM me/base:2\nRUN more\n"


def test_without_a_base_all_steps_stand_on_scratch(engine: Engine) -> None:
    put_image(engine, "app", [file("a", b"1")], steps=["RUN make"])
    assert list(sure(engine, "app")) == ["FROM scratch", "RUN make", 'CMD ["sh"]']


def test_how_sure_a_line_is_depends_on_what_proves_it(engine: Engine) -> None:
    steps = ["COPY app /app # buildkit", "COPY /out/tool /bin/ # buildkit", "#ENV A=old", "#ENV A=new", "RUN make"]
    layers = [[file("app", b"1")], [file("bin/tool", b"2")], [file("c", b"3")]]
    put_image(engine, "app", *layers, steps=steps, execution=Execution(env=("A=new",)))
    found = sure(engine, "app")
    assert len(found) == len(engine.look.recover("app")) == 6
    assert found["COPY app /app"] == "likely" and found["COPY /out/tool /bin/"] == "guess"
    assert found['ENV A="old"'] == "likely" and found['ENV A="new"'] == "certain" and found["RUN make"] == "likely"


def test_names_that_an_old_builder_did_not_note_come_from_the_layer(engine: Engine) -> None:
    steps = ["/bin/sh -c #(nop) COPY file:3a8b2c in /usr/bin/ ", "/bin/sh -c #(nop) ADD dir:77 in /srv "]
    put_image(engine, "app", [file("usr/bin/tool", b"1")], [file("srv/a", b"1"), file("srv/b/c", b"2")], steps=steps)
    assert {"COPY tool /usr/bin/", "ADD a b /srv"} <= set(sure(engine, "app"))


def test_a_layer_that_nothing_tells_of_is_a_guess(engine: Engine) -> None:
    put_image(engine, "app", [file("a", b"1")], [file("b", b"2")], steps=["bazel build //:image"])
    found = sure(engine, "app")
    assert found["# bazel build //:image"] == found["ADD layer0.tar /"] == found["ADD layer1.tar /"] == "guess"


def test_what_no_dockerfile_can_say_is_a_comment(engine: Engine) -> None:
    put_image(engine, "app", [file("a", b"1")], steps=["RUN make"], execution=Execution(labels={"a=b": "c"}))
    assert sure(engine, "app")['# LABEL a=b="c"'] == "guess"


def test_a_hostile_history_makes_no_lines_of_its_own(engine: Engine) -> None:
    steps = ["#USER me\nRUN evil", "RUN a\x1b[2J"]
    put_image(engine, "app", [file("a", b"1")], steps=steps, execution=Execution(user="x\nRUN worse", cmd=("sh",)))
    lines = [line.text for line in engine.look.recover("app")]
    assert not [line for line in lines if line.startswith(("RUN evil", "RUN worse")) or "\n" in line]
    capas = Terminal(engine.settings.root.parent)
    assert "\x1b" not in capas.ok("image", "dockerfile", "app")


def test_the_command_line_says_how_sure_each_line_is_in_the_readers_language(engine: Engine) -> None:
    put_image(engine, "app", [file("a", b"1")], steps=["RUN make"])
    capas = Terminal(engine.settings.root.parent)
    text = capas.ok("image", "dockerfile", "app")
    assert "# certain: the config has it" in text and len(parse_dockerfile(text).stages) == 1
    assert "# seguro:" in capas.ok("image", "dockerfile", "app", LANG="es_ES.UTF-8")
    assert '"Sure": "likely"' in capas.ok("image", "dockerfile", "--format", "json", "app")


@given(
    st.builds(
        Execution,
        env=st.dictionaries(NAMES, TEXTS, max_size=3).map(lambda found: tuple(f"{k}={v}" for k, v in found.items())),
        labels=st.dictionaries(NAMES.map("org.{}".format), TEXTS, max_size=3).map(lambda found: found or None),
        cmd=st.lists(TEXTS, max_size=3).map(lambda found: tuple(found) or None),
        entrypoint=st.lists(TEXTS, max_size=3).map(lambda found: tuple(found) or None),
        healthcheck=st.none() | st.builds(Healthcheck, test=st.just(("CMD", "a b", "c")), retries=st.integers(1, 9)),
    )
)
def test_the_settings_of_a_config_make_it_again(wanted: Execution) -> None:
    from capas.engine.changes import change_execution

    made = change_execution(Execution(), list_settings(Execution(), wanted))
    assert (made.env or ()) == (wanted.env or ()) and made.labels == wanted.labels
    assert (made.cmd, made.entrypoint, made.healthcheck) == (wanted.cmd, wanted.entrypoint, wanted.healthcheck)
