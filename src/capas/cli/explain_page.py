"""A Dockerfile explained as a page of a terminal: its lines, and under each what it does, why, its cost, its risks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from capas.cli.paragraphs import Look, wrap
from capas.dockerfile.meaning.explaining import COMMENT, Explained
from capas.dockerfile.meaning.faults import advice_of, problem_of, reason_of
from capas.dockerfile.meaning.sentence import Plain, Sentence, Size, iter_spans, told
from capas.dockerfile.position import draw_excerpt
from capas.language import translate
from capas.printable import cut, printable

if TYPE_CHECKING:
    from capas.dockerfile.checks.finding import Finding
    from capas.dockerfile.source import Source
    from capas.engine.costs import StepCost
    from capas.engine.explaining import ExplainedFile


class Page:
    """Writes what is explained, in one language, for one terminal."""

    def __init__(self, look: Look, language: str) -> None:
        self.look = look
        self.language = language

    def file(self, file: ExplainedFile) -> Iterator[str]:
        """A whole Dockerfile."""
        explanation = file.explanation
        yield self.look.strong(printable(explanation.source.name))
        for sentence in (*explanation.summary, *([file.built] if file.built else [])):
            yield from self.item(sentence, "  ")
        for line in said_once(explanation.lines):
            yield ""
            yield from self.lines(explanation.source, line)
            yield from self.line(line, explanation.source, file.costs)

    def lines(self, source: Source, line: Explained) -> Iterator[str]:
        """The source itself, numbered; on a terminal cut where it ends."""
        numbers = len(str(line.position.end_line))
        room = self.look.width - numbers - 3
        for row in range(line.position.line, line.position.end_line + 1):
            text = cut(printable(source.lines[row - 1]), room)
            shown = self.look.faint(text) if line.instruction == COMMENT else self.look.strong(text)
            yield f"{self.look.faint(f'{row:>{numbers}} │')} {shown}"

    def line(self, line: Explained, source: Source, costs: Mapping[int, StepCost]) -> Iterator[str]:
        """What is said of it."""
        for place, sentence in enumerate((*line.does, *line.form)):
            yield from self.item(sentence, "    ") if place else self.sentence(sentence, "    ")
        if line.why is not None:
            yield from self.labelled(translate("why", self.language), line.why, "green")
        if line.position.line in costs:
            cost = cost_of(costs[line.position.line])
            yield from self.labelled(translate("cost", self.language), cost, "magenta")
        for risk in line.risks:
            yield from self.labelled(translate("beware", self.language), risk, "yellow")
        for finding in line.findings:
            yield from self._finding(finding, source)

    def sentence(self, sentence: Sentence, indent: str) -> Iterator[str]:
        """A sentence as a paragraph."""
        yield from wrap(self.look, iter_spans(sentence, self.language), indent, indent)

    def item(self, sentence: Sentence, indent: str) -> Iterator[str]:
        """A sentence with a dot before it."""
        yield from wrap(self.look, iter_spans(sentence, self.language), indent + "  ", indent + "· ")

    def labelled(self, label: str, sentence: Sentence, colour: str) -> Iterator[str]:
        """A sentence with a word before it."""
        first = f"    {self.look.mark(label, colour)}: "
        yield from wrap(self.look, iter_spans(sentence, self.language), "      ", first, len(label) + 6)

    def _finding(self, finding: Finding, source: Source) -> Iterator[str]:
        yield from self.labelled(translate("risk", self.language), risk_of(finding), "red")
        place = finding.position
        if 0 < place.line <= len(source.lines):
            room = self.look.width - len(f"      {place.line} | ")
            row = source.lines[place.line - 1].removeprefix("\N{BYTE ORDER MARK}")
            for text in draw_excerpt(row, place, room).split("\n"):
                yield "      " + self.look.mark(text, "red")
        yield from self.sentence(reason_of(finding), "      ")
        advice = advice_of(finding)
        if advice is not None:
            yield from self.labelled(translate("better", self.language), advice, "blue")


def said_once(lines: Iterable[Explained]) -> Iterator[Explained]:
    """The lines; what holds of many alike is said of the first."""
    taught = set[str]()
    for line in lines:
        if line.instruction == COMMENT and str(line.does[0]) in taught:
            line = line._replace(does=())
        form, risks = (tuple(one for one in many if str(one) not in taught) for many in (line.form, line.risks))
        taught |= {str(one) for one in (*form, *risks, *(line.does if line.instruction == COMMENT else ()))}
        yield line._replace(form=form, risks=risks)


def risk_of(finding: Finding) -> Sentence:
    """What is wrong, and by which rule."""
    return told("{problem} ({rule})", problem=problem_of(finding), rule=Plain(finding.rule.name))


def cost_of(cost: StepCost) -> Sentence:
    """What a step took and left."""
    size, files = Size(cost.size), cost.files
    added = told("{size} in {n} file" if files == 1 else "{size} in {n} files", size=size, n=files)
    if cost.seconds is not None:
        added = told("{added}, {seconds} seconds", added=added, seconds=Plain(f"{cost.seconds:.1f}"))
    if cost.waste:
        return told("{added}; later steps delete or replace {waste} of it", added=added, waste=Size(cost.waste))
    return added
