"""BuildKit's build checks: each documented case, found where docker finds it and in docker's words."""

from __future__ import annotations

import pytest

from capas.dockerfile.checks.checking import RULES, find_all, list_options
from capas.dockerfile.checks.linting import mend
from capas.dockerfile.checks.options import parse_options
from capas.dockerfile.checks.subject import BaseFacts, read_subject
from capas.dockerfile.ignore import parse_ignore
from capas.errors import Invalid


def found(text: str, *, ignore: str = "", base: BaseFacts | None = None) -> list[tuple[str, int, str]]:
    """Rule, line and words of everything that docker's rules find."""
    subject = read_subject(text, ignore=parse_ignore(ignore), find_base=lambda word: base)
    findings = find_all(subject, only_docker=True)
    return [(finding.rule.name, finding.position.line, str(finding)) for finding in findings]


DOCUMENTED_RULES = {
    "StageNameCasing", "FromAsCasing", "NoEmptyContinuation", "ConsistentInstructionCasing", "DuplicateStageName",
    "ReservedStageName", "JSONArgsRecommended", "MaintainerDeprecated", "UndefinedArgInFrom", "WorkdirRelativePath",
    "UndefinedVar", "MultipleInstructionsDisallowed", "LegacyKeyValueFormat", "RedundantTargetPlatform",
    "SecretsUsedInArgOrEnv", "InvalidDefaultArgInFrom", "FromPlatformFlagConstDisallowed", "CopyIgnoredFile",
    "InvalidDefinitionDescription", "ExposeProtoCasing", "ExposeInvalidFormat",
}  # fmt: skip


def test_every_documented_check_is_there_under_dockers_name() -> None:
    assert {rule.name for rule in RULES if rule.of_docker} == DOCUMENTED_RULES
    assert {rule.name for rule in RULES if rule.experimental} == {"CopyIgnoredFile", "InvalidDefinitionDescription"}


# the file; for each finding: rule, line, what it says
CASES: list[tuple[str, list[tuple[str, int, str]]]] = [
    ("FROM scratch AS BadStageName", [("StageNameCasing", 1, "Stage name 'BadStageName' should be lowercase")]),
    ("FROM scratch as base2", [("FromAsCasing", 1, "'as' and 'FROM' keywords' casing do not match")]),
    ("from scratch AS base", [("FromAsCasing", 1, "'AS' and 'from' keywords' casing do not match")]),
    ("from scratch as base2", []),
    ("FROM scratch\nCOPY a \\\n\n.\nCOPY a \\\n.", [("NoEmptyContinuation", 3, "Empty continuation line")]),
    ("From scratch as base\nFROM scratch AS base2", [
        ("ConsistentInstructionCasing", 1, "Command 'From' should match the case of the command majority (uppercase)"),
    ]),
    ("frOM scratch as base\nfrom scratch as base2", [
        ("ConsistentInstructionCasing", 1, "Command 'frOM' should match the case of the command majority (lowercase)"),
    ]),
    ("FROM scratch\ncopy a /foo\nCOPY a /bar", [
        ("ConsistentInstructionCasing", 2, "Command 'copy' should match the case of the command majority (uppercase)"),
    ]),
    ("from scratch\nCOPY a /foo\ncopy a /bar", [
        ("ConsistentInstructionCasing", 2, "Command 'COPY' should match the case of the command majority (lowercase)"),
    ]),
    ("from scratch\nCOPY a /foo\nCOPY a /bar\nCOPY a /baz", [
        ("ConsistentInstructionCasing", 1, "Command 'from' should match the case of the command majority (uppercase)"),
    ]),
    ("from scratch\ncopy a /foo\ncopy a /bar", []),
    ("FROM alpine\nRUN <<'EOT'\nenv\nEOT", []),
    ("FROM scratch AS b\nFROM scratch AS b", [
        ("DuplicateStageName", 2, 'Duplicate stage name "b", stage names should be unique'),
    ]),
    ("FROM scratch AS b1\nFROM scratch AS b2", []),
    ("FROM scratch AS scratch\nFROM scratch AS context", [
        ("ReservedStageName", 1, 'Stage name should not use the same name as reserved stage "scratch"'),
        ("ReservedStageName", 2, 'Stage name should not use the same name as reserved stage "context"'),
    ]),
    ("FROM scratch\nFROM scratch AS a", []),
    ("FROM scratch\nCMD mycommand", [
        ("JSONArgsRecommended", 2,
         "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals"),
    ]),
    ("FROM scratch\nENTRYPOINT mycommand", [
        ("JSONArgsRecommended", 2,
         "JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals"),
    ]),
    ('FROM scratch\nSHELL ["/usr/bin/customshell"]\nCMD mycommand', []),
    ('FROM scratch AS base\nSHELL ["/usr/bin/customshell"]\nFROM base\nENTRYPOINT mycommand', []),
    ("FROM scratch\nMAINTAINER me@example.org", [
        ("MaintainerDeprecated", 2, "Maintainer instruction is deprecated in favor of using label"),
    ]),
    ('FROM scratch\nLABEL org.opencontainers.image.authors="me@example.org"', []),
    ("ARG base=scratch\nFROM $base\nCOPY a .", []),
    ("ARG BUILDPLATFORM=linux/amd64\nFROM --platform=$BUILDPLATFORM scratch", []),
    ("FROM --platform=$BUILDPLATFORM scratch", []),
    ("ARG DEBUG\nFROM scratch${DEBUG}", []),
    ("ARG DEBUG\nFROM scra${DEBUG:-tch}", []),
    ('ARG DEBUG=""\nFROM scratch${DEBUG-@bogus}', []),
    ("FROM --platform=$BULIDPLATFORM scratch", [
        ("UndefinedArgInFrom", 1, "FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)"),
    ]),
    ("ARG MY_OS=linux\nARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} busybox", [
        ("UndefinedArgInFrom", 3, "FROM argument 'MYARCH' is not declared (did you mean MY_ARCH?)"),
    ]),
    ("ARG tag=latest\nFROM busybox:${tag}${version} AS b", [
        ("UndefinedArgInFrom", 2, "FROM argument 'version' is not declared"),
    ]),
    ("FROM scratch\nWORKDIR app/", [
        ("WorkdirRelativePath", 2,
         'Relative workdir "app/" can have unexpected results if the base image changes'),
    ]),
    ("FROM scratch AS a\nWORKDIR /app\nFROM a AS b\nWORKDIR subdir/", []),
    ("FROM scratch\nARG foo\nCOPY Dockerfile${foo} .", []),
    ("FROM alpine AS base\nARG foo=Dockerfile\nFROM base\nCOPY $foo .", []),
    ("FROM alpine\nRUN echo $PATH", []),
    ("FROM alpine\nCOPY $foo .\nARG foo=bar\nRUN echo $foo", [
        ("UndefinedVar", 2, "Usage of undefined variable '$foo'"),
    ]),
    ("FROM alpine\nARG DIR_BINARIES=binaries/\nARG DIR_ASSETS=assets/\nARG DIR_CONFIG=config/\nCOPY $DIR_ASSET .", [
        ("UndefinedVar", 5, "Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)"),
    ]),
    ("FROM alpine\nENV PATH=$PAHT:/tmp/bin", [
        ("UndefinedVar", 2, "Usage of undefined variable '$PAHT' (did you mean $PATH?)"),
    ]),
    ("FROM scratch AS first\nCOPY $foo .\nFROM scratch AS second\nCOPY $bar .", [
        ("UndefinedVar", 2, "Usage of undefined variable '$foo'"),
        ("UndefinedVar", 4, "Usage of undefined variable '$bar'"),
    ]),
    (
        ('FROM scratch\nENTRYPOINT ["/a"]\nENTRYPOINT ["/b"]\nCMD ["/a"]\nCMD ["/b"]\nHEALTHCHECK CMD ["/a"]\n'
        'COPY <<EOF /a.txt\nHello\nEOF\nHEALTHCHECK CMD ["/b"]'), [
        ("MultipleInstructionsDisallowed", line,
         f"Multiple {name} instructions should not be used in the same stage because only the last one will be used")
        for name, line in (("ENTRYPOINT", 2), ("CMD", 4), ("HEALTHCHECK", 6))
    ]),
    ('FROM scratch AS a\nENTRYPOINT ["/a"]\nCMD ["/a"]\nFROM a AS b\nENTRYPOINT ["/b"]\nCMD ["/b"]', []),
    ("FROM scratch\nENV testkey value\nLABEL key value", [
        ("LegacyKeyValueFormat", 2, '"ENV key=value" should be used instead of legacy "ENV key value" format'),
        ("LegacyKeyValueFormat", 3, '"LABEL key=value" should be used instead of legacy "LABEL key value" format'),
    ]),
    ("FROM scratch\nENV testkey=value\nLABEL key=value", []),
    ("FROM --platform=$TARGETPLATFORM scratch", [
        ("RedundantTargetPlatform", 1,
         "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior"),
    ]),
    ("FROM --platform=${TARGETPLATFORM} scratch", [
        ("RedundantTargetPlatform", 1,
         "Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior"),
    ]),
    (
        ("FROM scratch\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=foo\nENV password=bar secret=baz\n"
        "ARG super_duper_secret_token=foo auth=bar\nENV apikey=bar sunflower=foo\nENV git_key=\nENV PUBLIC_KEY=\n"
        "ARG public_token"), [
        ("SecretsUsedInArgOrEnv", line,
         f'Do not use ARG or ENV instructions for sensitive data ({kind} "{name}")')
        for line, kind, name in ((2, "ARG", "SECRET_PASSPHRASE"), (3, "ENV", "SUPER_Secret"), (4, "ENV", "password"),
                                 (4, "ENV", "secret"), (5, "ARG", "super_duper_secret_token"), (5, "ARG", "auth"),
                                 (6, "ENV", "apikey"), (7, "ENV", "git_key"))
    ]),
    ("ARG VERSION\nFROM busybox:$VERSION", [
        ("InvalidDefaultArgInFrom", 2,
         "Default value for ARG busybox:$VERSION results in empty or invalid base image name"),
    ]),
    ("ARG IMAGE\nFROM $IMAGE", [
        ("InvalidDefaultArgInFrom", 2, "Default value for ARG $IMAGE results in empty or invalid base image name"),
    ]),
    ('ARG SFX="box:"\nFROM busy${SFX}', [
        ("InvalidDefaultArgInFrom", 2, "Default value for ARG busy${SFX} results in empty or invalid base image name"),
    ]),
    ('ARG VERSION="latest"\nFROM busybox:${VERSION}', []),
    ('ARG BUSYBOX_VARIANT=""\nFROM busybox:stable${BUSYBOX_VARIANT}', []),
    ("ARG BUSYBOX_VARIANT\nFROM busybox:stable${BUSYBOX_VARIANT}", []),
    ("FROM --platform=linux/amd64 scratch", [
        ("FromPlatformFlagConstDisallowed", 1, 'FROM --platform flag should not use constant value "linux/amd64"'),
    ]),
    ("FROM --platform=linux/amd64 scratch AS my_amd64_stage", []),
    ("FROM --platform=linux/amd64 scratch AS linux", []),
    ("FROM alpine\nEXPOSE 80/TcP", [
        ("ExposeProtoCasing", 2, "Defined protocol '80/TcP' in EXPOSE instruction should be lowercase"),
    ]),
    ("FROM alpine\nEXPOSE 80/tcp 53/udp", []),
    ("FROM alpine\nEXPOSE 127.0.0.1:80:80", [
        ("ExposeInvalidFormat", 2,
         "EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'"),
    ]),
    ("FROM alpine\nEXPOSE 80:80", [
        ("ExposeInvalidFormat", 2,
         "EXPOSE instruction should not define an IP address or host-port mapping, found '80:80'"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_documented_case_is_found_as_docker_finds_it(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert found(text) == expected


def test_comments_are_descriptions_only_where_that_is_asked_for() -> None:
    text = "# bar this is the bar\nARG foo=bar\n# BasE this is the BasE image\nFROM scratch AS base\n"
    text += "# definitely a bad comment\nARG version=latest\n# definitely a bad comment\nARG foo=baz bar=qux baz=quux"
    assert found(text) == []
    shown = found(f"# check=experimental=InvalidDefinitionDescription\n{text}")
    assert [(line, words) for _, line, words in shown] == [
        (3, "Comment for ARG should follow the format: `# foo <description>`"),
        (5, "Comment for FROM should follow the format: `# base <description>`"),
        (7, "Comment for ARG should follow the format: `# version <description>`"),
        (9, "Comment for ARG should follow the format: `# <arg_key> <description>`"),
    ]


def test_a_good_description_and_a_comment_set_apart_are_left_alone() -> None:
    assert found(
        "# check=experimental=InvalidDefinitionDescription\n# foo this is the foo\nARG foo=bar\n\n"
        "# base this is the base image\nFROM scratch AS base\n\n# version this is the version number\n"
        "ARG version=latest\n\n# baz this is the baz\nARG foo=baz bar=qux baz=quux\n#\nARG bit=bat\n\n"
        "# comment for something other than ARG or FROM\nCOPY Dockerfile ."
    ) == []  # fmt: skip


@pytest.mark.parametrize("skip", ["", "skip=all;"])
def test_ignored_sources_are_told_where_that_is_asked_for_whatever_else_is_skipped(skip: str) -> None:
    text = "FROM scratch\nCOPY Dockerfile .\nADD Dockerfile /windy\nCOPY --from=x Dockerfile ."
    assert found(text, ignore="Dockerfile") == []
    assert found(f"# check={skip}experimental=CopyIgnoredFile\n{text}", ignore="Dockerfile") == [
        ("CopyIgnoredFile", 3, 'Attempting to Copy file "Dockerfile" that is excluded by .dockerignore'),
        ("CopyIgnoredFile", 4, 'Attempting to Add file "Dockerfile" that is excluded by .dockerignore'),
    ]


@pytest.mark.parametrize(
    ("directive", "rules"),
    [
        ("skip=all", []),
        ("skip=all;error=true", []),
        ("skip=ConsistentInstructionCasing,FromAsCasing", []),
        ("skip=ConsistentInstructionCasing", ["FromAsCasing"]),
        ("skip = FromAsCasing ; error = true", ["ConsistentInstructionCasing"]),
        ("error=true", ["FromAsCasing", "ConsistentInstructionCasing"]),
    ],
)
@pytest.mark.covers("directives", "check=skip")
def test_the_directive_says_which_checks_count(directive: str, rules: list[str]) -> None:
    text = f"#check={directive}\nFROM scratch as base\ncopy Dockerfile ."
    assert [name for name, _, _ in found(text)] == rules
    assert list_options(read_subject(text)).is_error == ("true" in directive)


def test_what_is_given_to_the_build_wins_over_the_directive() -> None:
    subject = read_subject("#check=skip=all\nFROM scratch as base\ncopy a .")
    options = list_options(subject, "skip=ConsistentInstructionCasing;error=true")
    assert options.is_error
    assert [finding.rule.name for finding in find_all(subject, options, only_docker=True)] == ["FromAsCasing"]


@pytest.mark.parametrize(
    ("directive", "message", "hint"),
    [
        ("skipp=all", "invalid check option: 'skipp=all'", "skip=RULE"),
        ("error=maybe", "invalid check option: 'error=maybe'", "error=true"),
        ("skip=JsonArgsRecomended", "no check is called 'JsonArgsRecomended'", "did you mean JSONArgsRecommended?"),
    ],
)
def test_a_wrong_directive_is_pointed_at(directive: str, message: str, hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        find_all(read_subject(f"# syntax=docker/dockerfile:1\n# check={directive}\nFROM scratch"))
    assert message in str(caught.value) and str(caught.value).startswith("Dockerfile:2:1: ")
    assert hint in caught.value.hint


def test_hadolints_codes_skip_dockers_rules_too() -> None:
    assert parse_options("skip=DL4000").wants(next(rule for rule in RULES if rule.name == "FromAsCasing"))
    assert found("# check=skip=DL4000\nFROM scratch\nMAINTAINER x") == []


def test_what_a_base_image_sets_is_defined() -> None:
    facts = BaseFacts({"FROM_BASE": "x"}, has_shell=True)
    text = "FROM alpine\nENV a=$FROM_BASE b=$OTHER\nCMD x"
    assert found(text, base=facts) == [("UndefinedVar", 2, "Usage of undefined variable '$OTHER'")]
    assert found(text, base=BaseFacts({}))[0] == ("UndefinedVar", 2, "Usage of undefined variable '$FROM_BASE'")


def test_an_unknown_base_may_set_anything() -> None:
    assert found("FROM alpine\nENV a=$LD_LIBRARY_PATH:/x") == []


def test_checks_go_on_after_an_instruction_that_is_wrong() -> None:
    subject = read_subject("FROM scratch AS BadStageName\nMAINTAINER me@example.org\nBADCMD\nCOPY\nCMD x")
    assert [finding.rule.name for finding in find_all(subject, only_docker=True)] == [
        "StageNameCasing", "MaintainerDeprecated", "JSONArgsRecommended",
    ]  # fmt: skip
    assert ["BADCMD" in str(subject.errors[0]), "COPY requires" in str(subject.errors[1])] == [True, True]
    assert subject.dockerfile is None


def test_every_finding_says_why_and_how() -> None:
    for text, _ in CASES:
        for finding in find_all(read_subject(text)):
            assert finding.rule.why and finding.hint, finding
            assert finding.rule.url.startswith("https://")


def test_fixes_of_several_lines_leave_every_other_byte_alone() -> None:
    text = (
        "\ufefffrom scratch AS Base  \r\n\tEnv  a b  c\t\r\n# Keep\r\nCOPY x \\\r\n\r\n  # here\r\n \r\n  y\r\n"
        "EXPOSE 80/TCP   1.2.3.4:5:6/UDP\r\nRUN apt install  -q \\\r\n  x  "
    )
    assert mend(text).text == (
        "\ufeffFROM scratch AS base  \r\n\tENV  a=\"b  c\"\t\r\n# Keep\r\nCOPY x \\\r\n  # here\r\n  y\r\n"
        "EXPOSE 80/tcp   6/udp\r\nRUN apt-get install -y  -q \\\r\n  x  "
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "RUN <<EOF\n#!/usr/bin/python3\ncd; apt install\nEOF",
        'SHELL ["pwsh", "-c"]\nRUN cd x; apt install',
        'SHELL ["/usr/bin/python3", "-c"]\nRUN cd; apt install',
    ],
)
def test_what_is_in_another_language_is_left_alone(text: str) -> None:
    assert {finding.rule.name for finding in find_all(read_subject(f"FROM debian:12\n{text}"))} == set()
    below = read_subject(f"FROM debian:12 AS a\n{text}\nFROM a\nRUN cd x")
    wanted = set() if "SHELL" in text else {"DL3003"}
    assert {finding.rule.name for finding in find_all(below)} == wanted


@pytest.mark.parametrize(
    "text",
    [
        "RUN <<EOF\n#!/usr/bin/env bash\ncd x\nEOF", 'SHELL ["/usr/bin/env", "bash", "-c"]\nRUN cd x',
        "RUN <<EOF\ncd x\nEOF",
        "ONBUILD RUN cd x", "RUN --mount=type=tmpfs,target=/x cd x", "RUN a \\\n  && cd x",
    ],
)  # fmt: skip
def test_a_command_is_found_where_it_stands(text: str) -> None:
    whole = f"FROM debian:12\n{text}"
    (finding,) = (one for one in find_all(read_subject(whole)) if one.rule.name == "DL3003")
    place = finding.position
    assert whole.splitlines()[place.line - 1][place.column - 1 : place.end_column - 1] == "cd"
