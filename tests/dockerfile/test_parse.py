"""A Dockerfile's text becomes stages of values."""

from __future__ import annotations

import pytest

from capas.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.parse import parse_dockerfile, parse_instructions, parse_triggers
from capas.dockerfile.position import NOWHERE
from capas.errors import Invalid


def one(text: str) -> Instruction:
    (instruction,) = parse_dockerfile(f"FROM scratch\n{text}").stages[0].instructions
    return instruction


def test_stages_have_names_bases_and_platforms() -> None:
    text = "ARG V=1\nFROM --platform=$BUILDPLATFORM debian:$V AS Build\nRUN a\nfrom build as two\nFROM scratch"
    dockerfile = parse_dockerfile(text)
    assert [(s.index, s.name, s.base, s.platform) for s in dockerfile.stages] == [
        (0, "build", "debian:$V", "$BUILDPLATFORM"),
        (1, "two", "build", ""),
        (2, "", "scratch", ""),
    ]
    assert dockerfile.global_args[0].pairs == (("V", "1"),)
    assert [len(stage.instructions) for stage in dockerfile.stages] == [1, 0, 0]


def test_a_stage_is_found_by_name_in_any_case_and_by_number() -> None:
    dockerfile = parse_dockerfile("FROM a AS x\nFROM b AS y\nFROM c AS x")
    indexes = [dockerfile.find_stage(word) for word in ("X", "y", "0", "2", "3", "z")]
    assert [stage and stage.index for stage in indexes] == [2, 1, 0, 2, None, None]


def test_only_stages_before_are_meant_from_inside_one() -> None:
    dockerfile = parse_dockerfile("FROM a AS x\nFROM x\nFROM c AS x")
    assert dockerfile.find_stage("x", before=1) is dockerfile.stages[0]
    assert dockerfile.find_stage("x", before=0) is None
    assert dockerfile.find_stage("0", before=1, numbers=False) is None


def test_run_has_a_shell_form_and_an_exec_form() -> None:
    shell, words = one("RUN  a  b && c"), one('RUN ["a", "b c"]')
    assert isinstance(shell, Run) and isinstance(words, Run)
    assert shell.command.argv(("/bin/sh", "-c")) == ("/bin/sh", "-c", "a  b && c")
    assert words.command.argv(("/bin/sh", "-c")) == ("a", "b c")


@pytest.mark.parametrize("text", ["[a]", "['a']", '["a", ]', '["a"', '["a"] && b', "[ -f x ] && y", "[" * 20_000])
def test_a_list_that_is_not_json_is_the_shell_form(text: str) -> None:
    run = one(f"RUN {text}")
    assert isinstance(run, Run)
    assert run.command == Command((text,), shell=True)


def test_json_escapes_and_halves_of_letters_are_read_as_go_reads_them() -> None:
    run = one('RUN ["\\u00e9", "\\ud83d\\ude00", "\\ud83d"]')
    assert isinstance(run, Run)
    assert run.command.args == ("é", "😀", "\N{REPLACEMENT CHARACTER}")


def test_cmd_and_entrypoint_can_be_cleared() -> None:
    cmd, entrypoint = one("CMD []"), one("ENTRYPOINT []")
    assert isinstance(cmd, Cmd) and isinstance(entrypoint, Entrypoint)
    assert cmd.command == entrypoint.command == Command((), shell=False)


def test_run_flags_are_values() -> None:
    run = one("RUN --mount=type=cache,target=/c --mount=target=/x --network=none --security=insecure make")
    assert isinstance(run, Run)
    assert [(mount.type, mount.target) for mount in run.mounts] == [("cache", "/c"), ("bind", "/x")]
    assert (run.network, run.security, run.command.args) == ("none", "insecure", ("make",))


def test_a_flag_loses_its_quotes_and_two_dashes_end_the_flags() -> None:
    run = one("RUN --network='none' -- --mount=x")
    assert isinstance(run, Run)
    assert (run.network, run.command.args) == ("none", ("--mount=x",))


def test_copy_has_sources_a_target_and_flags() -> None:
    copy = one("COPY --from=build --chown=1:2 --chmod=0644 --link --parents --exclude=*.o --exclude=*.a a b c/")
    assert isinstance(copy, Copy)
    assert (copy.sources, copy.target, copy.origin) == (("a", "b"), "c/", "build")
    assert (copy.chown, copy.chmod, copy.link, copy.parents) == ("1:2", "0644", True, True)
    assert copy.exclude == ("*.o", "*.a")


def test_copy_takes_a_json_list_for_names_with_blanks() -> None:
    copy = one('COPY ["a b", "c d/"]')
    assert isinstance(copy, Copy)
    assert (copy.sources, copy.target) == (("a b",), "c d/")


def test_a_switch_says_on_off_or_nothing() -> None:
    found = [one(f"ADD {flag} a /") for flag in ("", "--keep-git-dir", "--keep-git-dir=FALSE", "--unpack=true")]
    assert [(add.keep_git_dir, add.unpack) for add in found if isinstance(add, Add)] == [
        (None, None), (True, None), (False, None), (None, True),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["0", "755", "0644", "07777", "u=rwX,go=rX", "+x", "a-w", "g+s", "u+x-w", "$MODE"])
def test_a_mode_is_octal_or_symbolic(mode: str) -> None:
    assert isinstance(one(f"COPY --chmod={mode} a b"), Copy)


def test_env_and_label_keep_their_words_as_written() -> None:
    env, label = one("ENV a=b c=\"d e\" f='g h' i=j\\ k l="), one('LABEL "com.example.x"="y z" v=1')
    assert isinstance(env, Env) and isinstance(label, Label)
    assert env.pairs == (("a", "b"), ("c", '"d e"'), ("f", "'g h'"), ("i", "j\\ k"), ("l", ""))
    assert label.pairs == (('"com.example.x"', '"y z"'), ("v", "1"))


def test_the_old_form_of_env_takes_the_rest_of_the_line() -> None:
    env = one('ENV name  many words = "here"')
    assert isinstance(env, Env)
    assert (env.pairs, env.legacy) == ((("name", 'many words = "here"'),), True)


def test_arg_may_have_no_default() -> None:
    arg = one('ARG a b= c="d e"')
    assert isinstance(arg, Arg)
    assert arg.pairs == (("a", None), ("b", ""), ("c", '"d e"'))


def test_healthcheck_has_times_and_two_forms() -> None:
    text = "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0s --start-interval=1.5s --retries=3 CMD x || y"
    check = one(text)
    assert isinstance(check, Healthcheck)
    assert check.test == ("CMD-SHELL", "x || y")
    times = (check.interval_ns, check.timeout_ns, check.start_period_ns, check.start_interval_ns)
    assert (times, check.retries) == ((90 * 10**9, 5 * 10**8, 0, 1_500_000_000), 3)
    listed, none = one('HEALTHCHECK CMD ["a", "b"]'), one("HEALTHCHECK none")
    assert isinstance(listed, Healthcheck) and isinstance(none, Healthcheck)
    assert (listed.test, none.test) == (("CMD", "a", "b"), ("NONE",))


def test_the_small_instructions_keep_their_words() -> None:
    found = [one(text) for text in ("EXPOSE 80 8000-8010/udp", 'VOLUME ["/a b"]', "VOLUME /a /b", "USER me:us",
                                    "WORKDIR /a b", "STOPSIGNAL SIGRTMIN+3", "MAINTAINER a b <c@d>",
                                    'SHELL ["/bin/bash", "-c"]')]  # fmt: skip
    expose, listed, volume, user, workdir, signal, maintainer, shell = found
    assert isinstance(expose, Expose) and expose.ports == ("80", "8000-8010/udp")
    assert isinstance(listed, Volume) and listed.paths == ("/a b",)
    assert isinstance(volume, Volume) and volume.paths == ("/a", "/b")
    assert isinstance(user, User) and user.user == "me:us"
    assert isinstance(workdir, Workdir) and workdir.path == "/a b"
    assert isinstance(signal, Stopsignal) and signal.signal == "SIGRTMIN+3"
    assert isinstance(maintainer, Maintainer) and maintainer.author == "a b <c@d>"
    assert isinstance(shell, Shell) and shell.shell == ("/bin/bash", "-c")


def test_onbuild_keeps_the_text_and_the_value_of_its_trigger() -> None:
    onbuild = one("ONBUILD COPY --from=x a \\\n b")
    assert isinstance(onbuild, Onbuild)
    assert onbuild.trigger == "COPY --from=x a  b"
    assert isinstance(onbuild.inner, Copy) and onbuild.inner.origin == "x"


def test_an_onbuild_with_a_heredoc_can_be_triggered_later() -> None:
    onbuild = one("ONBUILD RUN cat <<A\nb\nA")
    assert isinstance(onbuild, Onbuild)
    (run,) = parse_triggers([onbuild.trigger])
    assert isinstance(run, Run)
    assert run.heredocs[0].content == "b\n"
    assert run.position == NOWHERE


@pytest.mark.parametrize("trigger", ["FROM x", "ONBUILD RUN x", "MAINTAINER x", "RUN a\nRUN b", "", "NOPE x"])
def test_a_trigger_of_a_base_image_is_checked(trigger: str) -> None:
    with pytest.raises(Invalid):
        parse_triggers([trigger])


def test_instructions_without_from_serve_commit_and_import() -> None:
    assert [type(each) for each in parse_instructions("CMD a\nENV b=c")] == [Cmd, Env]
    with pytest.raises(Invalid, match="FROM cannot stand here"):
        parse_instructions("FROM x")


def test_the_original_text_of_an_instruction_is_one_line_for_the_history() -> None:
    run = one("  run a \\\n  # comment\n\n    && b  ")
    assert run.original == "run a     && b"


def test_positions_span_an_instruction_and_its_heredocs() -> None:
    (stage,) = parse_dockerfile("FROM x\n\n  RUN a \\\n  b\nCOPY <<A /\nz\nA\nCMD c").stages
    assert [(i.position.line, i.position.column, i.position.end_line) for i in stage.instructions] == [
        (3, 3, 4), (5, 1, 7), (8, 1, 8),
    ]  # fmt: skip
