"""The config: what each instruction leaves in it and in the history, and what a stage inherits."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.image.image import Image
from capas.oci.config import Execution
from support.building import Workshop


def image_of(workshop: Workshop, context: Path, text: str, **wishes: object) -> Image:
    return workshop.build(context, dockerfile_text=text, **wishes).image


def execution_of(workshop: Workshop, context: Path, text: str, **wishes: object) -> Execution:
    return image_of(workshop, context, text, **wishes).config.execution


def texts(image: Image) -> list[str]:
    return [step.created_by for step in image.history]


def test_scratch_begins_with_a_path_and_a_root(workshop: Workshop, tmp_path: Path) -> None:
    execution = execution_of(workshop, tmp_path, "FROM scratch")
    assert execution.env == ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    assert execution.working_dir == "/"


def test_env_keeps_the_place_of_a_variable_it_changes(workshop: Workshop, tmp_path: Path) -> None:
    execution = execution_of(workshop, tmp_path, "FROM base\nENV A=1 B=2\nENV PATH=/x:$PATH A=3")
    assert execution.env == ("PATH=/x:/bin", "A=3", "B=2")


def test_an_argument_is_seen_but_not_kept(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base\nARG NAME=world\nENV GREETING=hello-$NAME"
    assert execution_of(workshop, tmp_path, text).env == ("PATH=/bin", "GREETING=hello-world")
    assert execution_of(workshop, tmp_path, text, build_args={"NAME": "you"}).env == ("PATH=/bin", "GREETING=hello-you")


def test_an_argument_by_name_alone_comes_from_outside(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base\nARG NAME\nENV A=$NAME"
    wishes = {"build_args": {"NAME": None}, "environ": {"NAME": "outside"}}
    assert execution_of(workshop, tmp_path, text, **wishes).env == ("PATH=/bin", "A=outside")


def test_a_global_argument_must_be_declared_again(workshop: Workshop, tmp_path: Path) -> None:
    text = "ARG V=7\nFROM base\nENV A=$V\nARG V\nENV B=$V"
    assert execution_of(workshop, tmp_path, text).env == ("PATH=/bin", "A=", "B=7")


def test_platform_arguments_are_there_to_be_declared(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base\nARG TARGETARCH\nARG TARGETPLATFORM\nENV A=$TARGETARCH B=$TARGETPLATFORM"
    assert execution_of(workshop, tmp_path, text).env == ("PATH=/bin", "A=amd64", "B=linux/amd64")


def test_an_entrypoint_clears_the_command_of_the_base(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make_image("base", execution=Execution(cmd=("old",), entrypoint=("one",)))
    execution = execution_of(workshop, tmp_path, 'FROM base\nENTRYPOINT ["two"]')
    assert (execution.entrypoint, execution.cmd) == (("two",), None)


def test_an_entrypoint_leaves_the_command_of_its_own_stage(workshop: Workshop, tmp_path: Path) -> None:
    execution = execution_of(workshop, tmp_path, 'FROM base\nCMD ["mine"]\nENTRYPOINT ["two"]')
    assert (execution.entrypoint, execution.cmd) == (("two",), ("mine",))


def test_the_shell_goes_before_shell_forms(workshop: Workshop, tmp_path: Path) -> None:
    execution = execution_of(workshop, tmp_path, 'FROM base\nCMD a b\nSHELL ["/bin/bash", "-lc"]\nENTRYPOINT c d')
    assert execution.cmd == ("/bin/sh", "-c", "a b")
    assert execution.entrypoint == ("/bin/bash", "-lc", "c d")
    assert execution.shell == ("/bin/bash", "-lc")


def test_workdirs_add_up(workshop: Workshop, tmp_path: Path) -> None:
    assert execution_of(workshop, tmp_path, "FROM base\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c").working_dir == "/a/c"


def test_a_workdir_makes_a_layer_only_where_it_is_missing(workshop: Workshop, tmp_path: Path) -> None:
    image = image_of(workshop, tmp_path, "FROM base\nWORKDIR /tmp\nWORKDIR /new/deep")
    assert [step.empty_layer for step in image.history] == [False, True, False]
    assert [entry.path for entry in workshop.layer_entries(image)] == [b"new", b"new/deep"]


def test_a_workdir_belongs_to_the_user(workshop: Workshop, tmp_path: Path) -> None:
    image = image_of(workshop, tmp_path, "FROM base\nUSER app\nWORKDIR /home/app")
    assert {(entry.uid, entry.gid) for entry in workshop.layer_entries(image)} == {(1001, 1002)}


def test_a_workdir_through_a_link_stays_inside_the_image(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make_image("base", {"out": "../../../../../" + str(tmp_path).lstrip("/"), "tmp": None})
    image = image_of(workshop, tmp_path, "FROM base\nWORKDIR /out/made")
    assert not (tmp_path / "made").exists()
    assert workshop.layer_entries(image)[-1].path.endswith(b"/made")


def test_labels_of_the_command_line_win(workshop: Workshop, tmp_path: Path) -> None:
    text = "FROM base\nLABEL b=1 a=2"
    assert execution_of(workshop, tmp_path, text, labels={"a": "3"}).labels == {"a": "3", "b": "1"}


def test_ports_and_volumes_are_sets(workshop: Workshop, tmp_path: Path) -> None:
    execution = execution_of(workshop, tmp_path, 'FROM base\nEXPOSE 80 53/udp\nEXPOSE 80/tcp\nVOLUME ["/b", "/a"]')
    assert list(execution.exposed_ports or {}) == ["53/udp", "80/tcp"]
    assert list(execution.volumes or {}) == ["/a", "/b"]


def test_the_history_speaks_as_buildkit_does(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    text = """\
FROM base
ARG V=1
ENV A=b
LABEL x="y z"
COPY --chown=app --chmod=755 f /f
ADD f /g
EXPOSE 80
VOLUME /data
USER app
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=90s --retries=3 CMD true
ENTRYPOINT ["/bin/x", "a \\"b\\""]
CMD ["-v"]
MAINTAINER me
"""
    assert texts(image_of(workshop, tmp_path, text))[1:] == [
        "ARG V=1",
        "ENV A=b",
        "LABEL x=y z",
        "COPY --chown=app --chmod=755 f /f # buildkit",
        "ADD f /g # buildkit",
        "EXPOSE map[80/tcp:{}]",
        "VOLUME [/data]",
        "USER app",
        "STOPSIGNAL SIGQUIT",
        "HEALTHCHECK {Test:[CMD-SHELL true] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:3}",
        'ENTRYPOINT ["/bin/x" "a \\"b\\""]',
        'CMD ["-v"]',
        "MAINTAINER me",
    ]


def test_history_of_the_base_is_kept_and_layers_match_it(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    image = image_of(workshop, tmp_path, "FROM base\nLABEL a=b\nCOPY f /")
    assert [(step.comment, step.empty_layer) for step in image.history] == [
        ("", False), ("capas", True), ("capas", False),
    ]  # fmt: skip
    assert sum(not step.empty_layer for step in image.history) == len(image.layers)


def test_triggers_of_the_base_are_pulled_once(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("from the trigger")
    workshop.make_image("base", execution=Execution(on_build=("COPY f /f", "ENV T=1")))
    image = image_of(workshop, tmp_path, "FROM base AS one\nFROM one\nLABEL a=b")
    assert workshop.read(image, "f") == b"from the trigger"
    assert image.config.execution.on_build is None
    assert [text for text in texts(image) if text == "ENV T=1"] == ["ENV T=1"]


def test_triggers_of_a_stage_are_pulled_by_the_next(workshop: Workshop, tmp_path: Path) -> None:
    image = image_of(workshop, tmp_path, "FROM base AS one\nONBUILD ENV T=1\nFROM one")
    assert "T=1" in (image.config.execution.env or ())


def test_triggers_are_kept_for_who_builds_on_the_image(workshop: Workshop, tmp_path: Path) -> None:
    assert execution_of(workshop, tmp_path, "FROM base\nONBUILD RUN make").on_build == ("RUN make",)


def test_a_bad_trigger_says_where_it_is_from(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make_image("base", execution=Execution(on_build=("FROM x",)))
    with pytest.raises(Invalid, match="ONBUILD of the base image:1:1:"):
        image_of(workshop, tmp_path, "FROM base")


def test_arguments_for_nothing_are_warned_of(workshop: Workshop, tmp_path: Path) -> None:
    built = workshop.build(tmp_path, dockerfile_text="FROM scratch", build_args={"NOBODY": "1", "HTTP_PROXY": "x"})
    assert built.warnings == ("[Warning] One or more build-args [NOBODY] were not consumed",)
