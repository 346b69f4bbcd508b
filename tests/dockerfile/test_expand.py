"""Variables in words: the forms that BuildKit documents and tests, as a table."""

from __future__ import annotations

import pytest

from capas.dockerfile.expand import Expander, expand_instruction, expand_word, expand_words
from capas.dockerfile.instructions import Add, Copy, Env, Expose, Label, Run, Stopsignal, User, Volume, Workdir
from capas.dockerfile.parse import parse_instructions
from capas.dockerfile.shellwords import Rules, read_shell
from capas.errors import CapasError, Invalid

VARIABLES = {
    "PWD": "/home",
    "SHELL": "bash",
    "KOREAN": "한국어",
    "NULL": "",
    "FOO": "xxyy",
    "X": "x",
    "P": "/a/b/c.tar.gz",
}

WORDS = [
    ("hello", "hello"),
    ("he'll'o", "hello"),
    ("'hello'", "hello"),
    ('he"ll"o', "hello"),
    ("he\\'llo", "he'llo"),
    ("he\\\\llo", "he\\llo"),
    ('"he\'llo"', "he'llo"),
    ("'he\"llo'", 'he"llo'),
    ('"he\\"llo"', 'he"llo'),
    ('"he\\llo"', "he\\llo"),
    ("'he\\llo'", "he\\llo"),
    ("he\\", "he"),
    ('"he\\\\llo"', "he\\llo"),
    ("\\$PWD", "$PWD"),
    ('"\\$PWD"', "$PWD"),
    ("'$PWD'", "$PWD"),
    ("he$PWD", "he/home"),
    ("he${PWD}llo", "he/homello"),
    ("he$PWDllo", "he"),
    ("$PWD/$SHELL", "/home/bash"),
    ('"$PWD"', "/home"),
    ("he$", "he$"),
    ("he$.", "he$."),
    ("he$/a", "he$/a"),
    ("$1x", "x"),
    ("$12x", "x"),
    ("$", "$"),
    ("${NOPE}", ""),
    ("$KOREAN", "한국어"),
    ("안녕${KOREAN}", "안녕한국어"),
    ("안녕\\$KOREAN", "안녕$KOREAN"),
    ("${NULL}", ""),
    ("${NULL-x}", ""),
    ("${NULL:-x}", "x"),
    ("${NOPE-x}", "x"),
    ("${NOPE:-x}", "x"),
    ("${NOPE:-$PWD}", "/home"),
    ("${NOPE:-${PWD}x}", "/homex"),
    ("${NOPE:-${OTHER:-deep}}", "deep"),
    ("${NOPE:-'a}b'}", "a}b"),
    ("${NOPE:-a\\}b}", "a}b"),
    ('${NOPE:-"$PWD"}', "/home"),
    ("${PWD:-x}", "/home"),
    ("${PWD:+x}", "x"),
    ("${PWD+x}", "x"),
    ("${NULL:+x}", ""),
    ("${NULL+x}", "x"),
    ("${NOPE:+x}", ""),
    ("${NOPE+x}", ""),
    ("${PWD:?no}", "/home"),
    ("${NULL?no}", ""),
    ("${FOO#x}", "xyy"),
    ("${FOO##*x}", "yy"),
    ("${FOO#*x}", "xyy"),
    ("${FOO#*}", "xxyy"),
    ("${FOO##*}", ""),
    ("${FOO#?}", "xyy"),
    ("${FOO#$X}", "xyy"),
    ("${FOO#}", "xxyy"),
    ("${FOO##}", "xxyy"),
    ("${FOO#z}", "xxyy"),
    ("${FOO%y}", "xxy"),
    ("${FOO%%y*}", "xx"),
    ("${FOO%y*}", "xxy"),
    ("${FOO%}", "xxyy"),
    ("${FOO%%*}", ""),
    ("${P##*/}", "c.tar.gz"),
    ("${P%/*}", "/a/b"),
    ("${P%%.*}", "/a/b/c"),
    ("${P%.gz}", "/a/b/c.tar"),
    ("${FOO/x/z}", "zxyy"),
    ("${FOO//x/z}", "zzyy"),
    ("${FOO//x/}", "yy"),
    ("${FOO/?y/}", "xy"),
    ("${FOO/x*y/z}", "z"),
    ("${P//\\//-}", "-a-b-c.tar.gz"),
    ("${P/\\/a/}", "/b/c.tar.gz"),
    ("${NOPE/x/z}", ""),
    ("${FOO/x/$PWD}", "/homexyy"),
    ("a ${NOPE} b", "a  b"),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_a_word_expands_as_buildkit_expands_it(text: str, expected: str) -> None:
    assert expand_word(text, VARIABLES) == expected


@pytest.mark.parametrize(
    "text",
    ["'open", '"open', "he'llo", 'he"llo', "${PWD", "${", "${}", "${:}", "${:x}", "${{x}}", "${FOO=x}", "${FOO:=x}",
     "${FOO:x}",
     "${FOO:#x}", "${FOO:%y}", "${FOO@Q}",
     "${FOO!x}", "${NOPE?}", "${NULL:?}", "${FOO/x}", "${FOO//x}", "${FOO/x/y", "${FOO#\\a}",
     "${FOO#a\\", "${PWD:-'x}", '"${PWD"'],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        expand_word(text, VARIABLES)


def test_a_value_that_must_be_there_says_its_own_message() -> None:
    with pytest.raises(Invalid, match="VERSION: give --build-arg VERSION"):
        expand_word("${VERSION:?give --build-arg VERSION}", {"VERSION": ""})


WORD_LISTS = [
    ("a b", ("a", "b")),
    ("  a   b ", ("a", "b")),
    ("'a b' c", ("a b", "c")),
    ("a\\ b c", ("a b", "c")),
    ("$PORTS", ("80", "443")),
    ('"$PORTS"', ("80 443",)),
    ("a${PORTS}b", ("a80", "443b")),
    ("''", ()),
    ("$NULL", ()),
    ("", ()),
]


@pytest.mark.parametrize(("text", "expected"), WORD_LISTS)
def test_blanks_that_are_not_quoted_end_a_word(text: str, expected: tuple[str, ...]) -> None:
    assert expand_words(text, {"PORTS": "80 443", "NULL": ""}) == expected


def test_the_escape_directive_chooses_what_escapes() -> None:
    assert expand_word("C:\\x `$A", {"A": "1"}, escape="`") == "C:\\x $A"


def test_the_variables_met_are_remembered_with_and_without_a_value() -> None:
    expander = Expander({"A": "1"})
    expander.word("$A ${B:-$C}")
    assert (expander.used, expander.missing) == ({"A"}, {"B", "C"})


def test_a_variable_without_a_value_can_be_kept_as_written() -> None:
    rules = Rules(keep_unset=True)
    assert read_shell("$A ${B} ${C:-d} ${D/x/y}", {}, rules).text == "$A ${B} ${C:-d} ${D/x/y}"


def test_variables_nested_without_end_are_refused() -> None:
    with pytest.raises(Invalid, match="nested"):
        expand_word("${a:-" * 10_000, {})


def test_a_long_value_and_a_hostile_pattern_take_no_time() -> None:
    import time

    begin = time.process_time()
    assert expand_word("${A##*a*a*a*a*a*a*a*a*b}", {"A": "a" * 100_000}) == "a" * 100_000
    assert expand_word("${A//a*a*a*a*a*b/x}", {"A": "a" * 100_000}) == "a" * 100_000
    assert time.process_time() - begin < 20  # quadratic would be hours


def expanded(text: str, **variables: str) -> object:
    (instruction,) = parse_instructions(text)
    return expand_instruction(instruction, Expander(variables))


def test_env_and_label_expand_keys_and_values() -> None:
    env = expanded("ENV $K=$V b=\"a $V\" c='$V' d=a\\ b", K="k", V="v")
    assert isinstance(env, Env)
    assert env.pairs == (("k", "v"), ("b", "a v"), ("c", "$V"), ("d", "a b"))
    label = expanded('LABEL "com.example.$K"="x $V"', K="k", V="v")
    assert isinstance(label, Label)
    assert label.pairs == (("com.example.k", "x v"),)


def test_the_old_form_of_env_expands_its_one_value() -> None:
    env = expanded('ENV name  a $V "b  c"', V="v")
    assert isinstance(env, Env)
    assert env.pairs == (("name", "a v b  c"),)


def test_every_variable_of_one_env_is_read_before_any_is_set() -> None:
    env = expanded("ENV abc=bye def=$abc", abc="hello")
    assert isinstance(env, Env)
    assert env.pairs == (("abc", "bye"), ("def", "hello"))


def test_copy_expands_its_places_owner_and_mode() -> None:
    copy = expanded("COPY --chown=$U --chmod=$M --exclude=*.$E $A b $T/", U="u", M="755", E="o", A="a", T="/t")
    assert isinstance(copy, Copy)
    assert (copy.sources, copy.target) == (("a", "b"), "/t/")
    assert (copy.chown, copy.chmod, copy.exclude) == ("u", "755", ("*.o",))


def test_add_expands_its_checksum() -> None:
    add = expanded("ADD --checksum=sha256:$C https://x/y /y", C="ab")
    assert isinstance(add, Add)
    assert add.checksum == "sha256:ab"


def test_a_heredoc_expands_unless_its_delimiter_is_quoted_and_keeps_its_quotes() -> None:
    copy = expanded("COPY <<a <<'b' /\nsay \"$V\" it's \\$V\na\n$V\nb", V="v")
    assert isinstance(copy, Copy)
    assert [doc.data for doc in copy.heredocs] == ['say "v" it\'s $V\n', "$V\n"]


def test_a_heredoc_loses_its_leading_tabs_before_it_expands() -> None:
    copy = expanded("COPY <<-a /\n\t\tone\n\t$V\n\ta", V="\tv")
    assert isinstance(copy, Copy)
    assert copy.heredocs[0].data == "one\n\tv\n"


def test_expose_gives_single_ports_also_of_a_variable_with_several() -> None:
    expose = expanded("EXPOSE $P 53/udp", P="8000-8001 80/TCP")
    assert isinstance(expose, Expose)
    assert expose.ports == ("53/udp", "80/tcp", "8000/tcp", "8001/tcp")


def test_user_workdir_volume_and_stopsignal_expand() -> None:
    user, workdir = expanded("USER $U:$G", U="u", G="g"), expanded("WORKDIR $D/x", D="/d")
    volume, signal = expanded('VOLUME ["$D", "/x"]', D="/d"), expanded("STOPSIGNAL $S", S="SIGINT")
    assert isinstance(user, User) and isinstance(workdir, Workdir)
    assert isinstance(volume, Volume) and isinstance(signal, Stopsignal)
    assert (user.user, workdir.path, volume.paths, signal.signal) == ("u:g", "/d/x", ("/d", "/x"), "SIGINT")


def test_a_signal_or_a_port_that_a_variable_gives_is_checked() -> None:
    with pytest.raises(Invalid, match="unknown signal"):
        expanded("STOPSIGNAL $S", S="NOPE")
    with pytest.raises(Invalid, match="not a port"):
        expanded("EXPOSE $P", P="99999")


def test_a_mount_expands_each_option_and_a_comma_in_a_value_adds_none() -> None:
    run = expanded("RUN --mount=type=cache,target=$T,uid=$U true", T="/c,rw,from=x", U="7")
    assert isinstance(run, Run)
    assert (run.mounts[0].target, run.mounts[0].uid, run.mounts[0].origin) == ("/c,rw,from=x", 7, "")


@pytest.mark.parametrize(
    "text",
    ["RUN echo $A", 'CMD ["$A"]', "ENTRYPOINT $A", "HEALTHCHECK CMD $A", 'SHELL ["$A"]', "MAINTAINER $A",
     "ONBUILD RUN $A"],
)  # fmt: skip
def test_what_runs_later_keeps_its_variables(text: str) -> None:
    (instruction,) = parse_instructions(text)
    assert expand_instruction(instruction, Expander({"A": "1"})) == instruction


def test_an_error_of_expansion_gets_its_place_from_the_source() -> None:
    from capas.dockerfile.parse import parse_dockerfile

    dockerfile = parse_dockerfile("FROM scratch\nENV a=${b?no}")
    env = dockerfile.stages[0].instructions[0]
    with pytest.raises(Invalid) as caught:
        expand_instruction(env, Expander({}))
    located = dockerfile.source.locate(caught.value, env.position)
    assert isinstance(located, Invalid)
    assert str(located).startswith("Dockerfile:2:1: cannot expand '${b?no}': b: no\n2 | ENV a=${b?no}\n")
    assert isinstance(located, CapasError) and located.facts["line"] == 2
