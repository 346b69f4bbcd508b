"""Retention against a plain model: what a rule keeps never goes, what leads somewhere leads there still."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from capas.hub.keeping.plan import Plan, Repository, Stored, Tag, make_plan
from capas.hub.keeping.policy import Policy, Rule
from capas.hub.spans import DAY_NS

NOW = 1000 * DAY_NS
NAMES = [f"sha256:{number:064x}" for number in range(8)]
TAGS = ["latest", "v1", "v2", "v10", "edge", "nightly-1", "nightly-2"]
TAGS += [name.replace(":", "-") for name in NAMES[:3]] + [NAMES[1].replace(":", "-") + ".sig"]
PATTERNS = ["*", "v*", "v?", "latest", "nightly-*", "none"]
ages = st.integers(0, 60).map(lambda days: NOW - days * DAY_NS)
days = st.none() | st.integers(0, 60)
rules = st.builds(
    Rule, tags=st.sampled_from(PATTERNS), newest=st.none() | st.integers(1, 4), pushed_days=days, pulled_days=days
)
policies = st.builds(Policy, rules=st.lists(rules, max_size=3).map(tuple), untagged_days=days)


@st.composite
def repositories(draw: st.DrawFn) -> Repository:
    """Manifests that lead only to earlier ones, as digests have it, and tags that point anywhere."""
    stored: list[Stored] = []
    for number in range(draw(st.integers(0, len(NAMES)))):
        earlier = st.sampled_from(NAMES[:number]) if number else st.nothing()
        children = draw(st.lists(earlier, max_size=2, unique=True)) if number else []
        subject = draw(st.none() | st.sampled_from([*NAMES[:number], "sha256:" + "f" * 64]))
        stored.append(Stored(NAMES[number], draw(ages), draw(st.just(0) | ages), subject, tuple(children)))
    pointing = st.sampled_from([one.digest for one in stored]) if stored else st.nothing()
    named = draw(st.lists(st.sampled_from(TAGS), max_size=8, unique=True)) if stored else []
    tags = [Tag(name, draw(pointing), draw(ages), draw(st.just(0) | ages)) for name in named]
    patterns = draw(st.lists(st.sampled_from(PATTERNS[1:]), max_size=1))
    return Repository(tags, stored, patterns, NOW, draw(st.sampled_from([0, DAY_NS // 24])))


def is_about(tag: Tag) -> str | None:
    """The digest that the tag's name says, where it is another one than that it points at."""
    about = tag.name.partition(".")[0].replace("-", ":", 1)
    return about if about.startswith("sha256:") and about != tag.digest else None


def is_kept_by(rule: Rule, tag: Tag, repository: Repository) -> bool:
    """Said as plainly as it can be."""
    newer = [
        other
        for other in repository.tags
        if is_about(other) is None
        and fnmatchcase(other.name, rule.tags)
        and (other.pushed_ns, tag.name) > (tag.pushed_ns, other.name)
    ]
    return (
        (rule.newest is None and rule.pushed_days is None and rule.pulled_days is None)
        or (rule.newest is not None and len(newer) < rule.newest)
        or (rule.pushed_days is not None and NOW - tag.pushed_ns <= rule.pushed_days * DAY_NS)
        or (rule.pulled_days is not None and tag.pulled_ns > 0 and NOW - tag.pulled_ns <= rule.pulled_days * DAY_NS)
    )


def stays(policy: Policy, tag: Tag, repository: Repository) -> bool:
    """Whether an ordinary tag is to stay."""
    about = [rule for rule in policy.rules if fnmatchcase(tag.name, rule.tags)]
    immutable = any(fnmatchcase(tag.name, pattern) for pattern in repository.patterns)
    return immutable or not about or any(is_kept_by(rule, tag, repository) for rule in about)


def left(plan: Plan, repository: Repository) -> tuple[list[Tag], dict[str, Stored]]:
    """What is there after the plan was carried out."""
    gone_tags = {one.tag for one in plan.tags if not one.stays}
    gone = {one.digest for one in plan.untagged if not one.stays}
    tags = [tag for tag in repository.tags if tag.name not in gone_tags]
    return tags, {one.digest: one for one in repository.manifests if one.digest not in gone}


@settings(max_examples=200, deadline=None)
@given(policies, repositories())
def test_a_tag_goes_exactly_if_a_rule_is_about_it_and_none_keeps_it(policy: Policy, repository: Repository) -> None:
    verdicts = {one.tag: one for one in make_plan(policy, repository).tags}
    assert verdicts.keys() == {tag.name for tag in repository.tags}
    for tag in repository.tags:
        if is_about(tag) is None:
            assert verdicts[tag.name].stays == stays(policy, tag, repository)
        assert verdicts[tag.name].reasons


@settings(max_examples=200, deadline=None)
@given(policies, repositories())
def test_what_stays_is_whole(policy: Policy, repository: Repository) -> None:
    """Tags point at something, indexes have their children, images their signatures and statements."""
    before = {one.digest for one in repository.manifests}
    tags, manifests = left(make_plan(policy, repository), repository)
    for tag in tags:
        assert tag.digest in manifests
    for one in manifests.values():
        assert {child for child in one.children if child in before} <= manifests.keys()
    for one in repository.manifests:
        if one.subject in manifests:
            assert one.digest in manifests
    for tag in repository.tags:
        if is_about(tag) in manifests:
            assert tag in tags


@settings(max_examples=200, deadline=None)
@given(policies, repositories())
def test_what_is_young_or_tagged_or_of_no_rule_stays(policy: Policy, repository: Repository) -> None:
    plan = make_plan(policy, repository)
    tags, _ = left(plan, repository)
    for one in plan.untagged:
        stored = next(found for found in repository.manifests if found.digest == one.digest)
        alone = stored.subject is None and not any(tag.digest == one.digest for tag in repository.tags)
        age_ns = NOW - max(stored.pushed_ns, stored.untagged_ns)
        if policy.untagged_days is None or (alone and age_ns < max(policy.untagged_days * DAY_NS, repository.grace_ns)):
            assert one.stays
        assert one.stays or one.digest not in {tag.digest for tag in tags}
        assert one.reasons


@settings(max_examples=200, deadline=None)
@given(policies, repositories())
def test_what_nothing_leads_to_goes_when_it_is_old(policy: Policy, repository: Repository) -> None:
    plan = make_plan(policy, repository)
    _, manifests = left(plan, repository)
    leading = {tag.digest for tag in repository.tags}
    leading |= {child for one in manifests.values() for child in one.children}
    if policy.untagged_days is None:
        return
    for one in manifests.values():
        about = one.subject in manifests
        age_ns = NOW - max(one.pushed_ns, one.untagged_ns)
        if one.digest not in leading and not about and one.subject is None:
            assert age_ns < max(policy.untagged_days * DAY_NS, repository.grace_ns)


@settings(max_examples=200, deadline=None)
@given(policies, repositories())
def test_a_second_look_right_after_takes_nothing_more_with_it(policy: Policy, repository: Repository) -> None:
    plan = make_plan(policy, repository)
    tags, manifests = left(plan, repository)
    freed = {one.digest for one in plan.tags if not one.stays}
    now = [one._replace(untagged_ns=NOW) if one.digest in freed else one for one in manifests.values()]
    assert make_plan(policy, repository._replace(tags=tags, manifests=now)).going == []
