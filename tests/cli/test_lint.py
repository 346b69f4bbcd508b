"""`capas lint`, `capas build --check` and what a build says of its Dockerfile, as a person sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.terminal import Terminal

DOCKERFILE = "from debian:12 as Build\nRUN apt-get install curl\nCMD run me\n"


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def write(tmp_path: Path, text: str, name: str = "Dockerfile") -> str:
    (tmp_path / name).write_bytes(text.encode())
    return str(tmp_path / name)


def test_a_finding_shows_its_line_why_and_how(tmp_path: Path, capas: Terminal) -> None:
    file = write(tmp_path, "FROM scratch\n\nENV a \\\n  1\nEXPOSE 80/TCP")
    done = capas.run("lint", file, "--ignore", "LegacyKeyValueFormat")
    assert done.returncode == 1
    assert done.stdout == (
        f"{file}:5:8 warning ExposeProtoCasing\n"
        "  Defined protocol '80/TCP' in EXPOSE instruction should be lowercase\n"
        "    5 | EXPOSE 80/TCP\n      |        ^^^^^^\n"
        "  why: Protocols are written in lower case\n  how: write 80/tcp\n\n"
        f"{file}: --fix can mend 1\n"
    )


def test_a_file_without_findings_is_left_unmentioned(tmp_path: Path, capas: Terminal) -> None:
    assert capas.ok("lint", write(tmp_path, 'FROM debian:12\nCMD ["x"]\n')) == ""


def test_every_instruction_that_cannot_be_read_is_told_at_once(tmp_path: Path, capas: Terminal) -> None:
    done = capas.run("lint", write(tmp_path, "FROM debian:12\nCOPPY a b\nRUN x\nEXPOSE 99999"), "--format", "json")
    wrong = [(one["code"], one["line"], one["how"]) for one in json.loads(done.stdout)]
    assert [(code, line) for code, line, _ in wrong] == [("Unreadable", 2), ("Unreadable", 4)]
    assert wrong[0][2] == "did you mean COPY?"


def test_what_the_lexer_refuses_is_a_finding_too(tmp_path: Path, capas: Terminal) -> None:
    done = capas.run("lint", write(tmp_path, "# syntax=evil/frontend\nFROM a:1"))
    assert done.returncode == 1 and "no frontend image is ever run" in done.stdout


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("info", 1), ("style", 1), ("none", 0)])
def test_the_exit_code_follows_the_threshold(tmp_path: Path, capas: Terminal, level: str, code: int) -> None:
    file = write(tmp_path, "FROM debian\n")
    assert capas.run("lint", "--failure-threshold", level, file).returncode == code


def test_the_default_threshold_lets_style_pass(tmp_path: Path, capas: Terminal) -> None:
    assert "DL3048" in capas.ok("lint", write(tmp_path, "FROM debian:12\nLABEL A=b\n"))


def test_fix_mends_the_file_and_tells_what_stays(tmp_path: Path, capas: Terminal) -> None:
    file = write(tmp_path, DOCKERFILE.replace("\n", "\r\n"))
    Path(file).chmod(0o640)
    done = capas.run("lint", "--fix", file)
    assert Path(file).read_bytes().decode() == (
        "FROM debian:12 AS build\r\nRUN apt-get install -y curl\r\nCMD run me\r\n"
    )
    assert Path(file).stat().st_mode & 0o777 == 0o640
    assert f"{file}: mended 4" in done.stdout and "JSONArgsRecommended" in done.stdout
    assert done.returncode == 1 and [path.name for path in tmp_path.iterdir() if "capas" in path.name] == []


def test_what_comes_in_goes_out_mended(capas: Terminal) -> None:
    done = capas.run("lint", "--fix", "-", stdin=b"FROM a:1 as b\n")
    assert (done.returncode, done.stdout) == (0, "FROM a:1 AS b\n")


def test_several_files_are_looked_at(tmp_path: Path, capas: Terminal) -> None:
    one, two = write(tmp_path, "FROM a\n", "one"), write(tmp_path, "FROM b\n", "two")
    found = json.loads(capas.run("lint", "--format", "json", one, two).stdout)
    assert [(each["file"], each["code"]) for each in found] == [(one, "DL3006"), (two, "DL3006")]


def test_sarif_has_rules_and_places(tmp_path: Path, capas: Terminal) -> None:
    file = write(tmp_path, DOCKERFILE)
    (run,) = json.loads(capas.run("lint", "--format", "sarif", file).stdout)["runs"]
    names = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in run["results"]} == names and "DL3008" in names
    place = next(one for one in run["results"] if one["ruleId"] == "DL3008")["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": file},
        "region": {"startLine": 2, "startColumn": 21, "endLine": 2, "endColumn": 25},
    }


def test_comments_of_hadolint_let_findings_pass(tmp_path: Path, capas: Terminal) -> None:
    text = "# hadolint global ignore=DL3059\nFROM debian:12\n# hadolint ignore=DL3015,DL3008\n"
    text += "RUN apt-get install -y curl\nRUN apt-get install -y curl\n"
    found = json.loads(capas.run("lint", "--format", "json", write(tmp_path, text)).stdout)
    assert [(one["code"], one["line"]) for one in found] == [("DL3015", 5), ("DL3008", 5)]


def test_a_rule_that_is_not_there_is_refused(tmp_path: Path, capas: Terminal) -> None:
    file = write(tmp_path, "FROM debian:12")
    assert "did you mean JSONArgsRecommended?" in capas.fails("lint", "--ignore", "JsonArgs", file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capas: Terminal) -> None:
    assert "no Dockerfile at" in capas.fails("lint", str(tmp_path / "nope"))


def test_every_rule_is_listed_with_its_reason(capas: Terminal) -> None:
    listed = capas.ok("lint", "--rules")
    assert "JSONArgsRecommended" in listed and "DL3025" in listed and "the program never hears of a stop" in listed


def test_findings_are_said_in_spanish(tmp_path: Path, capas: Terminal) -> None:
    done = capas.run("lint", write(tmp_path, "FROM debian\n"), LANG="es_ES.UTF-8")
    assert "debian no tiene etiqueta" in done.stdout
    assert "por qué: Sin etiqueta, la base es lo que latest sea ese día" in done.stdout


def test_check_builds_nothing_and_fails_where_something_is_found(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "FROM nowhere.invalid/base:1 AS Base\nENV a b\nRUN exit 1\n")
    done = capas.run("build", "--check", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith("Check complete, 2 warnings have been found!\n")
    assert "Dockerfile:1:32 warning StageNameCasing" in done.stdout and "LegacyKeyValueFormat" in done.stdout


def test_check_says_so_where_all_is_well(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, 'FROM scratch\nCMD ["x"]\n')
    assert capas.ok("build", "--check", str(tmp_path)) == "Check complete, no warnings found.\n"


def test_check_tells_what_cannot_be_read_after_what_can(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "FROM scratch AS Base\nBADCMD\n")
    done = capas.run("build", "--check", str(tmp_path))
    assert done.returncode == 1 and "StageNameCasing" in done.stdout and "unknown instruction: BADCMD" in done.stdout


def test_a_build_ends_with_its_warnings(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "FROM scratch AS unused\nENV a b\nFROM scratch as base\nLABEL c d\nCOPY Dockerfile /\n")
    done = capas.run("build", str(tmp_path))
    assert done.returncode == 0
    assert done.stderr.count(" warnings found") == 1
    assert "2 warnings found (`capas build --check` tells more):\n - FromAsCasing: 'as' and 'FROM'" in done.stderr
    assert 'LegacyKeyValueFormat: "LABEL key=value"' in done.stderr and "(line 4)" in done.stderr
    assert "(line 2)" not in done.stderr


@pytest.mark.covers("directives", "check=error")
def test_a_build_can_be_told_to_fail_on_findings(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "# check=error=true\nFROM scratch as base\nCOPY Dockerfile /\n")
    said = capas.fails("build", str(tmp_path))
    assert "Dockerfile:2:14: lint violation found for rules: FromAsCasing" in said


@pytest.mark.covers("ARG", "BUILDKIT_DOCKERFILE_CHECK")
def test_the_build_argument_wins_over_the_directive(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "# check=error=true\nFROM scratch as base\nCOPY Dockerfile /\n")
    done = capas.run("build", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all", str(tmp_path))
    assert (done.returncode, "warning" in done.stderr) == (0, False)


@pytest.mark.covers("directives", "check=experimental")
def test_a_source_that_is_ignored_is_told_where_that_is_asked_for(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "*.log\n", ".dockerignore")
    file = write(tmp_path, "# check=experimental=CopyIgnoredFile\nFROM scratch\nCOPY a.log /\n")
    for command in (("lint", file), ("build", "--check", str(tmp_path))):
        done = capas.run(*command)
        assert done.returncode == 1 and 'Attempting to Copy file "a.log" that is excluded' in done.stdout


@pytest.mark.covers("ARG", "BUILDKIT_SYNTAX")
def test_a_syntax_given_to_the_build_is_dockers_own_or_refused(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "FROM scratch\nCOPY Dockerfile /\n")
    capas.ok("build", "--build-arg", "BUILDKIT_SYNTAX=docker/dockerfile:1.7-labs", str(tmp_path))
    said = capas.fails("build", "--build-arg", "BUILDKIT_SYNTAX=evil/frontend", str(tmp_path))
    assert "no frontend image is ever run" in said


def test_a_syntax_given_to_the_build_takes_the_place_of_the_file_s_own(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "# syntax=evil/frontend\nFROM scratch\nCOPY Dockerfile /\n")
    assert "another language" in capas.fails("build", str(tmp_path))
    capas.ok("build", "--build-arg", "BUILDKIT_SYNTAX=dockerfile.v0", str(tmp_path))


@pytest.mark.covers("ARG", "SOURCE_DATE_EPOCH")
def test_a_declared_epoch_is_seen_wherever_it_comes_from(tmp_path: Path, capas: Terminal) -> None:
    write(tmp_path, "FROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL epoch=$SOURCE_DATE_EPOCH\nCOPY Dockerfile /\n")
    capas.ok("build", "-t", "one", str(tmp_path), SOURCE_DATE_EPOCH="1600000000")
    capas.ok("build", "-t", "two", "--build-arg", "SOURCE_DATE_EPOCH=1500000000", str(tmp_path))
    shown = capas.ok("image", "inspect", "--format", "{{.Config.Labels.epoch}}", "one", "two")
    assert shown.split() == ["1600000000", "1500000000"]


def test_what_goes_out_is_the_file_alone(capas: Terminal) -> None:
    done = capas.run("lint", "--fix", "--format", "json", "-", stdin=b"FROM debian\n")
    assert (done.returncode, done.stdout) == (1, "FROM debian\n")
    assert [one["code"] for one in json.loads(done.stderr)] == ["DL3006"]
