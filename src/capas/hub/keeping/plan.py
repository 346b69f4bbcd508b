"""What a policy makes of a repository: which tags and manifests stay, which go, and why. No I/O, no clock.

- A tag goes if a rule is about it and none keeps it. Immutable tags stay, and so does a tag that no rule is about.
- A manifest stays with whatever leads to it: a tag, an index that lists it, its subject. What nothing leads to goes
  after `untagged_days` since it was pushed, or since its last tag went.
- A tag that is called after a digest (`sha256-….sig`: signatures and statements of clients that know no referrers) is
  about that manifest: it stays and goes with it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from capas.hub.keeping.policy import Policy, Rule
from capas.hub.records.immutable import find_pattern
from capas.hub.spans import DAY_NS

_ABOUT = re.compile(r"sha256-([0-9a-f]{64})(\.[a-z]+)?", re.ASCII)


class Tag(NamedTuple):
    """A tag as the records have it."""

    name: str
    digest: str
    pushed_ns: int
    pulled_ns: int


class Stored(NamedTuple):
    """A manifest as the records have it. `children`: what it lists, where it is an index."""

    digest: str
    pushed_ns: int
    untagged_ns: int
    subject: str | None
    children: tuple[str, ...]


class Repository(NamedTuple):
    """All that a plan is made of. `patterns` are those of immutable tags; `grace_ns`: how long a push may take."""

    tags: Sequence[Tag]
    manifests: Sequence[Stored]
    patterns: Sequence[str]
    now_ns: int
    grace_ns: int


class Reason(NamedTuple):
    """Why, as a template and its facts, to be said in the reader's language."""

    template: str
    facts: dict[str, str | int]

    def __str__(self) -> str:
        return self.template.format_map(self.facts)


class Verdict(NamedTuple):
    """What becomes of a tag, or (without `tag`) of a manifest, and why. Each reason is a rule that had a say."""

    tag: str
    digest: str
    stays: bool
    reasons: tuple[Reason, ...]


class Plan(NamedTuple):
    """Tags by name, then the manifests that no tag leads to."""

    tags: list[Verdict]
    untagged: list[Verdict]

    @property
    def going(self) -> list[Verdict]:
        """What goes, tags first."""
        return [one for one in (*self.tags, *self.untagged) if not one.stays]


def reason(template: str, **facts: str | int) -> Reason:
    """A reason."""
    return Reason(template, facts)


def make_plan(policy: Policy, repository: Repository) -> Plan:
    """What the policy makes of the repository."""
    return _Planner(policy, repository).make()


class _Planner:
    def __init__(self, policy: Policy, repository: Repository) -> None:
        self._policy = policy
        self._now_ns = repository.now_ns
        self._repository = repository
        self._stored = {one.digest: one for one in repository.manifests}
        self._plain = [tag for tag in repository.tags if _find_about(tag) is None]
        self._companions: dict[str, list[Tag]] = defaultdict(list)
        self._referrers: dict[str, list[str]] = defaultdict(list)
        self._leaders: dict[str, set[str]] = defaultdict(set)  # what a manifest is about
        for tag in repository.tags:
            if about := _find_about(tag):
                self._companions[about].append(tag)
                self._leaders[tag.digest].add(about)
        for one in repository.manifests:
            if one.subject is not None:
                self._referrers[one.subject].append(one.digest)
                self._leaders[one.digest].add(one.subject)
        self._live: set[str] = set()

    def make(self) -> Plan:
        verdicts = self._judge_tags()
        companions = [(about, tag) for about, tags in self._companions.items() for tag in tags]
        self._keep([one.digest for one in verdicts if one.stays])
        self._keep(tag.digest for _, tag in companions if self._pattern(tag))
        tagged = set(self._live)
        freed = {one.digest for one in verdicts if not one.stays}
        roots = self._judge_rest(freed)
        orphans = [tag for about, tag in companions if about not in self._stored]
        self._keep(tag.digest for tag in orphans if not self._is_past(tag.pushed_ns))
        verdicts += [self._judge_companion(about, tag) for about, tag in companions]
        judged = {one.digest: one for one in roots}
        rest = [one for one in self._repository.manifests if one.digest not in tagged]
        untagged = [self._settle(one, judged.get(one.digest)) for one in rest]
        return Plan(sorted(verdicts), sorted(untagged))

    def _judge_tags(self) -> list[Verdict]:
        ranks = [self._rank(rule) for rule in self._policy.rules]
        return [self._judge_tag(tag, ranks) for tag in self._plain]

    def _rank(self, rule: Rule) -> dict[str, int]:
        """The tags that the rule is about: the newest is number 1."""
        mine = [tag for tag in self._plain if fnmatchcase(tag.name, rule.tags)]
        mine.sort(key=lambda tag: (-tag.pushed_ns, tag.name))
        return {tag.name: number for number, tag in enumerate(mine, 1)}

    def _judge_tag(self, tag: Tag, ranks: list[dict[str, int]]) -> Verdict:
        if pattern := self._pattern(tag):
            return Verdict(tag.name, tag.digest, True, (reason("it is immutable ({pattern})", pattern=pattern),))
        heard = [(number, rule, rank[tag.name]) for number, (rule, rank) in
                 enumerate(zip(self._policy.rules, ranks, strict=True), 1) if tag.name in rank]  # fmt: skip
        if not heard:
            return Verdict(tag.name, tag.digest, True, (reason("no rule is about it"),))
        said = [one for number, rule, rank in heard for one in _apply(number, rule, tag, rank, self._now_ns)]
        keeping = tuple(why for keeps, why in said if keeps)
        return Verdict(tag.name, tag.digest, bool(keeping), keeping or tuple(why for _, why in said))

    def _pattern(self, tag: Tag) -> str | None:
        return find_pattern(self._repository.patterns, tag.name)

    def _keep(self, digests: Iterable[str]) -> None:
        """These stay, and with them all that they lead to."""
        waiting = [digest for digest in digests if digest not in self._live]
        while waiting:
            digest = waiting.pop()
            if digest in self._live:
                continue
            self._live.add(digest)
            stored = self._stored.get(digest)
            waiting += stored.children if stored else ()
            waiting += self._referrers[digest]
            waiting += [tag.digest for tag in self._companions[digest]]

    def _judge_rest(self, freed: set[str]) -> list[Verdict]:
        """What no tag leads to and has a say of its own: it is about nothing that is here, or in a circle."""
        rest = [one for one in self._repository.manifests if one.digest not in self._live]
        free = [one for one in rest if not self._leaders[one.digest] & self._stored.keys()]
        judged = [self._judge_root(one, freed) for one in free]
        self._keep(one.digest for one in judged if one.stays)
        gone = {one.digest for one in judged if not one.stays}
        rest = [one for one in rest if one.digest not in gone | self._live]
        while ready := {one.digest for one in rest if self._leaders[one.digest] & self._stored.keys() <= gone}:
            gone |= ready
            rest = [one for one in rest if one.digest not in ready]
        circular = [self._judge_root(one, freed) for one in rest]
        self._keep(one.digest for one in circular if one.stays)
        return judged + circular

    def _judge_root(self, one: Stored, freed: set[str]) -> Verdict:
        days = self._policy.untagged_days
        if days is None:
            return Verdict("", one.digest, True, (reason("no rule is about what has no tag"),))
        since = self._now_ns if one.digest in freed else max(one.pushed_ns, one.untagged_ns)
        age_ns = self._now_ns - since
        why = reason("no tag has led to it for {days} days, of at most {most}", days=age_ns // DAY_NS, most=days)
        if age_ns < self._repository.grace_ns:
            why = reason("its push may be under way still")
        return Verdict("", one.digest, not self._is_past(since), (why,))

    def _is_past(self, since_ns: int) -> bool:
        """Whether what nothing led to since then is to go."""
        days, age_ns = self._policy.untagged_days, self._now_ns - since_ns
        return days is not None and age_ns >= max(days * DAY_NS, self._repository.grace_ns)

    def _judge_companion(self, about: str, tag: Tag) -> Verdict:
        if pattern := self._pattern(tag):
            return Verdict(tag.name, tag.digest, True, (reason("it is immutable ({pattern})", pattern=pattern),))
        if about in self._live:
            return Verdict(tag.name, tag.digest, True, (reason("it is about an image that stays"),))
        if about in self._stored:
            return Verdict(tag.name, tag.digest, False, (reason("it is about an image that goes"),))
        why = reason("it is about an image that is not here")
        return Verdict(tag.name, tag.digest, not self._is_past(tag.pushed_ns), (why,))

    def _settle(self, one: Stored, judged: Verdict | None) -> Verdict:
        """What becomes of a manifest that no tag leads to, once it is clear what stays."""
        stays = one.digest in self._live
        if judged is not None and judged.stays == stays:
            return judged
        if stays:
            return Verdict("", one.digest, True, (reason("something that stays leads to it"),))
        return Verdict("", one.digest, False, (reason("it goes with what it is about"),))


def _find_about(tag: Tag) -> str | None:
    """The other manifest that the tag's name says it is about."""
    match = _ABOUT.fullmatch(tag.name)
    about = f"sha256:{match[1]}" if match else None
    return about if about != tag.digest else None


def _apply(number: int, rule: Rule, tag: Tag, rank: int, now_ns: int) -> Iterable[tuple[bool, Reason]]:
    """What a rule says of a tag that it is about: whether it keeps it, by each of its criteria."""
    if rule.is_always:
        yield True, reason("rule {rule} keeps {pattern}", rule=number, pattern=rule.tags)
    if rule.newest is not None:
        facts = {"rule": number, "rank": rank, "newest": rule.newest}
        yield rank <= rule.newest, reason("rule {rule}: it is number {rank} of the newest {newest}", **facts)
    if rule.pushed_days is not None:
        age = (now_ns - tag.pushed_ns) // DAY_NS
        facts = {"rule": number, "days": age, "most": rule.pushed_days}
        keeps = now_ns - tag.pushed_ns <= rule.pushed_days * DAY_NS
        yield keeps, reason("rule {rule}: pushed {days} days ago, of at most {most}", **facts)
    if rule.pulled_days is not None and not tag.pulled_ns:
        yield False, reason("rule {rule}: it was never pulled", rule=number)
    elif rule.pulled_days is not None:
        age = (now_ns - tag.pulled_ns) // DAY_NS
        facts = {"rule": number, "days": age, "most": rule.pulled_days}
        keeps = now_ns - tag.pulled_ns <= rule.pulled_days * DAY_NS
        yield keeps, reason("rule {rule}: pulled {days} days ago, of at most {most}", **facts)
