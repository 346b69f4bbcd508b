"""The examples of the Dockerfile reference: each means what the document says it means."""

from __future__ import annotations

import pytest

from capas.dockerfile.expand import Expander, expand_instruction, expand_word
from capas.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Onbuild,
    Run,
    Shell,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.parse import parse_dockerfile, parse_triggers
from capas.dockerfile.scope import Scope, global_scope
from capas.errors import Invalid


def read(text: str, number: int = -1, **build_args: str) -> list[Instruction]:
    """The instructions of a stage as they are carried out, variables and all."""
    dockerfile = parse_dockerfile(text)
    scope = Scope.begin({}, build_args, global_scope(dockerfile, build_args, {}))
    found: list[Instruction] = []
    for instruction in dockerfile.stages[number].instructions:
        if isinstance(instruction, Arg):
            scope = scope.with_arg(dockerfile, instruction)
            continue
        found.append(expand_instruction(instruction, Expander(scope.variables, dockerfile.escape)))
        if isinstance(found[-1], Env):
            scope = scope.with_env(found[-1].pairs)
    return found


def commands(text: str) -> list[str]:
    """What the shell of each RUN, CMD and ENTRYPOINT is given."""
    shells = [one for one in read(f"FROM x\n{text}") if isinstance(one, Run | Cmd | Entrypoint)]
    return [" ".join(one.command.args) for one in shells]


def only(text: str) -> Instruction:
    (instruction,) = read(f"FROM x\n{text}")
    return instruction


# Format


@pytest.mark.covers("format", "case of instructions")
def test_instructions_are_read_in_any_case() -> None:
    texts = ("from x as Y\nrUn a\ncOpY b c", "FROM x AS y\nRUN a\nCOPY b c")
    lower, upper = map(parse_dockerfile, texts)
    assert lower.stages[0].name == upper.stages[0].name
    assert [type(one) for one in lower.stages[0].instructions] == [type(one) for one in upper.stages[0].instructions]


@pytest.mark.covers("format", "comments")
def test_a_comment_inside_a_continuation_is_removed_and_a_hash_elsewhere_is_text() -> None:
    assert commands("# Comment\nRUN echo 'we are running some # of cool things'") == [
        "echo 'we are running some # of cool things'"
    ]
    assert (
        commands("RUN echo hello \\\n# comment\nworld") == commands("RUN echo hello \\\nworld") == ["echo hello world"]
    )


@pytest.mark.covers("format", "continuations")
def test_leading_blanks_go_before_instructions_and_stay_in_their_arguments() -> None:
    indented = commands("        # this is a comment-line\n    RUN echo hello\nRUN echo world")
    assert indented == commands("# this is a comment-line\nRUN echo hello\nRUN echo world")
    assert commands('RUN echo "\\\n     hello\\\n     world"') == ['echo "     hello     world"']


# Parser directives


@pytest.mark.parametrize(
    "line", ["#escape=`", "# escape =`", "#\tescape= `", "# escape = `", "#\t  eScApE=`", "# escape=`  "]
)
@pytest.mark.covers("directives", "escape")
def test_directives_may_have_blanks_and_any_case(line: str) -> None:
    assert parse_dockerfile(f"{line}\nFROM ImageName").escape == "`"


@pytest.mark.parametrize(
    "text",
    ["# About my dockerfile\n# escape=`\nFROM x", "FROM x\n# escape=`",
     "# unknowndirective=value\n# escape=`\nFROM x", "\n# escape=`\nFROM x"],
)  # fmt: skip
def test_what_is_no_directive_is_a_comment(text: str) -> None:
    assert parse_dockerfile(text).escape == "\\"


def test_a_directive_is_not_continued() -> None:
    with pytest.raises(Invalid, match="unknown instruction"):
        parse_dockerfile("# esc \\\nape=`\nFROM ImageName")


def test_a_directive_twice_is_an_error() -> None:
    with pytest.raises(Invalid, match="only one escape"):
        parse_dockerfile("# escape=`\n# escape=\\\nFROM ImageName")


def test_backslashes_at_the_ends_of_lines_join_what_windows_meant_apart() -> None:
    (copy,) = read("FROM microsoft/nanoserver\nCOPY testfile.txt c:\\\\\nRUN dir c:\\", 0)[:1]
    assert isinstance(copy, Copy) and copy.target == "c:\\"


@pytest.mark.covers("directives", "escape")
def test_the_backtick_as_escape_leaves_windows_paths_alone() -> None:
    copy, run = read("# escape=`\n\nFROM microsoft/nanoserver\nCOPY testfile.txt c:\\\nRUN dir c:\\")
    assert isinstance(copy, Copy) and (copy.sources, copy.target) == (("testfile.txt",), "c:\\")
    assert isinstance(run, Run) and run.command.args == ("dir c:\\",)
    shell, one, add, two = read(
        '# escape=`\n\nFROM microsoft/nanoserver\nSHELL ["powershell","-command"]\n'
        "RUN New-Item -ItemType Directory C:\\Example\nADD Execute-MyCmdlet.ps1 c:\\example\\\n"
        "RUN c:\\example\\Execute-MyCmdlet -sample 'hello world'"
    )
    assert isinstance(shell, Shell) and isinstance(one, Run) and isinstance(add, Add) and isinstance(two, Run)
    assert add.target == "c:\\example\\"
    assert two.command.argv(shell.shell) == (
        "powershell", "-command", "c:\\example\\Execute-MyCmdlet -sample 'hello world'",
    )  # fmt: skip


@pytest.mark.covers("directives", "syntax")
def test_the_syntax_is_docker_s_whichever_version_of_it() -> None:
    for tag in ("", ":1", ":1.2", ":1.2.1", ":labs", ":1-labs", ":1.2-labs", ":1.2.1-labs", ":1.0-experimental"):
        assert parse_dockerfile(f"# syntax=docker/dockerfile{tag}\nFROM x").directives[0][0] == "syntax"


# Environment replacement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("${str#f*b}", "arbaz", marks=pytest.mark.covers("variables", "#")),
        pytest.param("${str##f*b}", "az", marks=pytest.mark.covers("variables", "##")),
        pytest.param("${str%b*}", "foobar", marks=pytest.mark.covers("variables", "%")),
        pytest.param("${str%%b*}", "foo", marks=pytest.mark.covers("variables", "%%")),
        pytest.param("${str/ba/fo}", "fooforbaz", marks=pytest.mark.covers("variables", "/")),
        pytest.param("${str//ba/fo}", "fooforfoz", marks=pytest.mark.covers("variables", "//")),
        pytest.param("${str}_bar", "foobarbaz_bar", marks=pytest.mark.covers("variables", "${name}")),
        pytest.param("$str", "foobarbaz", marks=pytest.mark.covers("variables", "$name")),
        pytest.param("${unset:-word}${empty:-word}", "wordword", marks=pytest.mark.covers("variables", ":-")),
        pytest.param("${unset-word}${empty-word}", "word", marks=pytest.mark.covers("variables", "-")),
        pytest.param("${str:+word}${empty:+word}", "word", marks=pytest.mark.covers("variables", ":+")),
        pytest.param("${empty+word}${unset+word}", "word", marks=pytest.mark.covers("variables", "+")),
        pytest.param("${str:?needed}", "foobarbaz", marks=pytest.mark.covers("variables", ":?")),
        pytest.param("${empty?needed}", "", marks=pytest.mark.covers("variables", "?")),
        pytest.param("${a:-${b:-$str}}", "foobarbaz", marks=pytest.mark.covers("variables", "nested")),
        pytest.param("\\$foo \\${foo}", "$foo ${foo}", marks=pytest.mark.covers("variables", "\\$name")),
    ],
)
def test_variables_are_replaced_as_documented(text: str, expected: str) -> None:
    assert expand_word(text, {"str": "foobarbaz", "empty": ""}) == expected


@pytest.mark.parametrize("text", ["${unset:?needed}", "${empty:?needed}", "${unset?needed}"])
def test_a_value_that_is_needed_and_not_there_is_an_error_in_its_own_words(text: str) -> None:
    with pytest.raises(Invalid, match="needed"):
        expand_word(text, {"empty": ""})


def test_patterns_match_stars_and_question_marks_literally_behind_a_backslash() -> None:
    assert expand_word("${v%\\?*}", {"v": "a?b"}) == "a"
    assert expand_word("${v#*\\*}", {"v": "a*b"}) == "b"


def test_instructions_that_take_variables_take_them() -> None:
    workdir, add, copy = read("FROM busybox\nENV FOO=/bar\nWORKDIR ${FOO}\nADD . $FOO\nCOPY \\$FOO /quux")[1:]
    assert isinstance(workdir, Workdir) and workdir.path == "/bar"
    assert isinstance(add, Add) and add.target == "/bar"
    assert isinstance(copy, Copy) and copy.sources == ("$FOO",)


@pytest.mark.covers("variables", "one instruction, one value")
def test_one_instruction_sees_one_value_of_a_variable() -> None:
    found = read("FROM x\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc")
    pairs = {pair.key: pair.value for one in found if isinstance(one, Env) for pair in one.pairs}
    assert (pairs["def"], pairs["ghi"]) == ("hello", "bye")


# Shell and exec form


def test_the_exec_form_is_json_and_anything_else_is_shell() -> None:
    run = only('RUN ["c:\\windows\\system32\\tasklist.exe"]')
    assert isinstance(run, Run) and run.command.shell
    run = only('RUN ["c:\\\\windows\\\\system32\\\\tasklist.exe"]')
    assert isinstance(run, Run) and run.command.args == ("c:\\windows\\system32\\tasklist.exe",)
    entrypoint = only('ENTRYPOINT ["/bin/bash", "-c", "echo hello"]')
    assert isinstance(entrypoint, Entrypoint) and entrypoint.command.args == ("/bin/bash", "-c", "echo hello")
    run = only("RUN ['echo']")
    assert isinstance(run, Run) and run.command.shell


def test_run_s_own_variables_are_left_to_its_shell() -> None:
    assert commands('RUN [ "echo", "$HOME" ]\nRUN echo $HOME') == ["echo $HOME", "echo $HOME"]
    assert commands("RUN source $HOME/.bashrc && \\\necho $HOME") == ["source $HOME/.bashrc && echo $HOME"]


# FROM


@pytest.mark.covers("FROM", "global ARG")
def test_from_sees_what_stands_before_it() -> None:
    text = "ARG  CODE_VERSION=latest\nFROM base:${CODE_VERSION}\nCMD  /code/run-app\n\nFROM extras:${CODE_VERSION}"
    dockerfile = parse_dockerfile(text)
    for given, tag in (({}, "latest"), ({"CODE_VERSION": "2"}, "2")):
        values = global_scope(dockerfile, given, {})
        assert [expand_word(stage.base, values) for stage in dockerfile.stages] == [f"base:{tag}", f"extras:{tag}"]


@pytest.mark.covers("ARG", "before FROM")
def test_an_arg_before_from_is_seen_in_a_stage_that_declares_it_again() -> None:
    assert only_env("ARG VERSION=latest\nFROM busybox:$VERSION\nENV v=$VERSION") == ""
    assert only_env("ARG VERSION=latest\nFROM busybox:$VERSION\nARG VERSION\nENV v=$VERSION") == "latest"


def only_env(text: str, **build_args: str) -> str:
    (env,) = (one for one in read(text, **build_args) if isinstance(one, Env))
    return env.pairs[0].value


# LABEL, EXPOSE, ENV, ADD, COPY


@pytest.mark.covers("LABEL", "several")
def test_labels_take_quotes_blanks_and_several_lines() -> None:
    label = only(
        'LABEL multi.label1="value1" multi.label2="value2" other="value3"\\\n'
        '  "com.example.vendor"="ACME Incorporated" description="This text illustrates \\\nthat label-values can span'
        ' multiple lines."'
    )
    assert isinstance(label, Label)
    assert dict(label.pairs) == {
        "multi.label1": "value1", "multi.label2": "value2", "other": "value3",
        "com.example.vendor": "ACME Incorporated",
        "description": "This text illustrates that label-values can span multiple lines.",
    }  # fmt: skip


@pytest.mark.covers("EXPOSE", "port/protocol")
def test_ports_are_tcp_unless_they_say_otherwise() -> None:
    ports = [one.ports for one in read("FROM x\nEXPOSE 80/udp\nEXPOSE 80/tcp\nEXPOSE 80") if isinstance(one, Expose)]
    assert ports == [("80/udp",), ("80/tcp",), ("80/tcp",)]


@pytest.mark.covers("ENV", "several")
def test_env_takes_quotes_and_backslashes() -> None:
    text = 'ENV MY_NAME="John Doe" MY_DOG=Rex\\ The\\ Dog \\\n    MY_CAT=fluffy'
    env = only(text)
    assert isinstance(env, Env)
    assert dict(env.pairs) == {"MY_NAME": "John Doe", "MY_DOG": "Rex The Dog", "MY_CAT": "fluffy"}


@pytest.mark.covers("ENV", "name value")
def test_the_old_form_of_env_takes_all_that_follows() -> None:
    env = only("ENV ONE TWO= THREE=world")
    assert isinstance(env, Env) and env.pairs == (("ONE", "TWO= THREE=world"),)


@pytest.mark.covers("COPY", "JSON form")
def test_paths_with_blanks_are_written_as_a_list() -> None:
    copy = only('COPY ["a file", "b c/"]')
    assert isinstance(copy, Copy) and (copy.sources, copy.target) == (("a file",), "b c/")


def test_a_bracket_in_a_wildcard_is_escaped_by_brackets() -> None:
    copy = only("COPY arr[[]0].txt /dest/")
    assert isinstance(copy, Copy) and copy.sources == ("arr[[]0].txt",)


# VOLUME, USER, WORKDIR, ARG


@pytest.mark.covers("VOLUME", "words")
def test_volumes_are_words_or_a_list() -> None:
    found = [one.paths for one in read('FROM x\nVOLUME ["/var/log/"]\nVOLUME /var/log\nVOLUME /var/log /var/db')
             if isinstance(one, Volume)]  # fmt: skip
    assert found == [("/var/log/",), ("/var/log",), ("/var/log", "/var/db")]


@pytest.mark.covers("ARG", "scope")
def test_an_arg_counts_from_its_line_on() -> None:
    text = "FROM busybox\nUSER ${username:-some_user}\nARG username\nUSER $username"
    assert [one.user for one in read(text, username="what_user") if isinstance(one, User)] == ["some_user", "what_user"]


@pytest.mark.covers("ARG", "ENV wins")
def test_env_wins_over_an_arg_of_its_name() -> None:
    assert only_env("FROM ubuntu\nARG CONT_IMG_VER\nENV CONT_IMG_VER=v1.0.0", CONT_IMG_VER="v2.0.1") == "v1.0.0"
    text = "FROM ubuntu\nARG CONT_IMG_VER\nENV CONT_IMG_VER=${CONT_IMG_VER:-v1.0.0}"
    assert (only_env(text), only_env(text, CONT_IMG_VER="v2.0.1")) == ("v1.0.0", "v2.0.1")


@pytest.mark.covers("ARG", "several")
def test_one_arg_declares_several() -> None:
    assert only_env("FROM x\nARG user1=someuser buildno=1\nENV v=$user1-$buildno", buildno="7") == "someuser-7"


# ONBUILD, HEALTHCHECK, SHELL


@pytest.mark.covers("ONBUILD", "triggers")
def test_triggers_are_kept_as_they_are_written() -> None:
    text = "FROM x\nONBUILD ADD . /app/src\nONBUILD RUN /usr/local/bin/python-build --dir /x"
    found = [one.trigger for one in read(text) if isinstance(one, Onbuild)]
    assert found == ["ADD . /app/src", "RUN /usr/local/bin/python-build --dir /x"]
    assert [type(one) for one in parse_triggers(found)] == [Add, Run]


@pytest.mark.covers("ONBUILD", "heredoc")
def test_a_trigger_has_its_heredoc_with_it() -> None:
    (trigger,) = (one.trigger for one in read("FROM x\nONBUILD COPY <<a /\nhello\na") if isinstance(one, Onbuild))
    (copy,) = parse_triggers([trigger])
    assert isinstance(copy, Copy) and copy.heredocs[0].content == "hello\n"


@pytest.mark.parametrize("text", ["ONBUILD ONBUILD RUN x", "ONBUILD FROM x", "ONBUILD MAINTAINER x"])
@pytest.mark.covers("ONBUILD", "refused: ONBUILD, FROM, MAINTAINER")
def test_what_cannot_be_a_trigger_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        only(text)
    with pytest.raises(Invalid):
        parse_triggers([text.removeprefix("ONBUILD ")])


@pytest.mark.covers("HEALTHCHECK", "CMD")
def test_a_health_check_has_its_times_and_its_command() -> None:
    check = only("HEALTHCHECK --interval=5m --timeout=3s \\\n  CMD curl -f http://localhost/ || exit 1")
    assert isinstance(check, Healthcheck)
    assert check.test == ("CMD-SHELL", "curl -f http://localhost/ || exit 1")
    assert (check.interval_ns, check.timeout_ns) == (300 * 10**9, 3 * 10**9)


@pytest.mark.covers("SHELL", "JSON form")
def test_shell_counts_for_what_follows_it() -> None:
    text = (
        'RUN echo default\nSHELL ["powershell", "-command"]\nRUN Write-Host hello\n'
        'SHELL ["cmd", "/S", "/C"]\nRUN echo hello'
    )
    shell, seen = ("/bin/sh", "-c"), []
    for one in read(f"FROM microsoft/windowsservercore\n{text}"):
        shell = one.shell if isinstance(one, Shell) else shell
        seen += [one.command.argv(shell)] if isinstance(one, Run) else []
    assert seen == [
        ("/bin/sh", "-c", "echo default"), ("powershell", "-command", "Write-Host hello"),
        ("cmd", "/S", "/C", "echo hello"),
    ]  # fmt: skip


# Here-documents


@pytest.mark.covers("format", "heredocs")
def test_a_heredoc_is_one_script() -> None:
    run = only("RUN <<EOF\n  source $HOME/.bashrc\n  echo $HOME\nEOF")
    assert isinstance(run, Run)
    assert run.full_command.args == ("  source $HOME/.bashrc\n  echo $HOME\n",)


@pytest.mark.covers("format", "several heredocs")
def test_several_files_are_written_beside_each_other() -> None:
    copy = only(
        "COPY <<robots.txt <<humans.txt /usr/share/nginx/html/\n(robots content)\nrobots.txt\n(humans)\nhumans.txt"
    )
    assert isinstance(copy, Copy)
    assert [(doc.name, doc.data) for doc in copy.heredocs] == [
        ("robots.txt", "(robots content)\n"), ("humans.txt", "(humans)\n"),
    ]  # fmt: skip


@pytest.mark.covers("format", "heredoc quoted")
def test_a_quoted_delimiter_keeps_variables_as_they_are() -> None:
    one, two = read('FROM x\nENV FOO=bar\nCOPY <<-EOT /script.sh\n\techo "hello ${FOO}"\nEOT\n'
                    "COPY <<-'EOT' /script.sh\n\techo \"hello ${FOO}\"\nEOT")[1:]  # fmt: skip
    assert isinstance(one, Copy) and isinstance(two, Copy)
    assert [doc.data for doc in (*one.heredocs, *two.heredocs)] == ['echo "hello bar"\n', 'echo "hello ${FOO}"\n']
