"""Search over 100,000 repositories, on SQLite and on PostgreSQL: JSON on standard output.

Names, descriptions and READMEs are made of a vocabulary in which, as in any language, few words are said often; a fifth
of the repositories is private. Each kind of query is asked for words of several repositories, by somebody with rights
in a few of them, once to warm up and then `--rounds` times; through the JSON API too, as a client of the hub asks.

    python benchmarks/hub_search.py --root /var/tmp
    python benchmarks/hub_search.py --url postgresql+psycopg://capas@/hub?host=/run/postgresql    # an empty database
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.finding.query import Filters, Query
from capas.hub.finding.search import search
from capas.hub.finding.suggest import suggest
from capas.hub.hub import Options
from capas.hub.people.access import Identity
from capas.hub.records.database import Database
from capas.hub.records.place import DatabaseConfig
from capas.hub.records.tables.finding import postings, spellings
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import namespaces, users
from capas.hub.records.words import Named, places_of, short_of, spellings_of, split

COUNT, PEOPLE, VOCABULARY = 100_000, 10_000, 30_000
KNOWN = ("nginx", "postgres", "redis", "python", "node", "mysql", "mongo", "debian", "alpine", "ubuntu", "golang", "rust", "java", "php", "web", "api", "proxy", "server", "app", "base")  # fmt: skip
_BATCH = 50_000


def make_words(dice: random.Random) -> list[str]:
    """Words that can be said, the frequent ones first and short."""
    syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er", "io")]
    found = dict.fromkeys(KNOWN)
    while len(found) < VOCABULARY:
        found["".join(dice.choices(syllables, k=2 + (len(found) > 2000) + dice.randrange(2)))] = None
    return list(found)


class Sayer:
    """Says words by Zipf's law."""

    def __init__(self, dice: random.Random, words: list[str]) -> None:
        self._dice, self._words = dice, words
        total, self._weights = 0.0, list[float]()
        for rank in range(1, len(words) + 1):
            total += 1 / rank
            self._weights.append(total)

    def say(self, count: int) -> list[str]:
        return self._dice.choices(self._words, cum_weights=self._weights, k=count)


def make_repositories(dice: random.Random, sayer: Sayer) -> Iterator[dict[str, Any]]:
    """Rows of `repositories` for the people numbered from 1."""
    seen = set()
    while len(seen) < COUNT:
        owner = dice.randrange(PEOPLE)
        official = len(seen) < 150
        place = "library" if official else f"user{owner}"
        name = f"{place}/{'-'.join(sayer.say(1 + dice.randrange(3)))}"
        if name in seen:
            continue
        seen.add(name)
        readme = " ".join(sayer.say(60 + dice.randrange(400))) if dice.random() < 0.5 else ""
        stars = int(dice.paretovariate(0.8)) if dice.random() < 0.3 else 0
        yield {
            "id": len(seen), "name": name, "namespace": None if official else owner + 1, "is_public": official or dice.random() < 0.8,
            "is_official": official, "description": " ".join(sayer.say(4 + dice.randrange(10))), "readme": readme,
            "created_ns": 1, "updated_ns": dice.randrange(1, 10**18), "pulled_ns": 0, "pulls": min(stars, 10**6) * dice.randrange(100),
            "stars": min(stars, 10**6), "short": short_of(name),
        }  # fmt: skip


def fill(database: Database, rows: list[dict[str, Any]]) -> int:
    """Write them all down, with their words; how many postings."""
    people = [{"id": n, "name": f"user{n - 1}", "kind": "user", "created_ns": 1} for n in range(1, PEOPLE + 1)]
    database.write(lambda db: load(db, namespaces, iter(people)), durable=False)
    database.write(lambda db: load(db, users, ({"id": one["id"]} for one in people)), durable=False)
    database.write(lambda db: load(db, repositories, iter(rows)), durable=False)
    found = ({"place": place, "word": word, "repository": row["id"]}
             for row in rows for word, place in places_of(Named(row["name"], row["description"], row["readme"])).items())  # fmt: skip
    words = {word for row in rows for word in split(row["name"])}
    forms = ({"spelling": form, "word": word} for word in words for form in spellings_of(word))
    count = database.write(lambda db: load(db, postings, found), durable=False)
    database.write(lambda db: load(db, spellings, forms), durable=False)
    database.write(analyze)
    return count


def load(db: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> int:
    """The quickest way in that each database has."""
    first = next(rows)
    names = list(first)
    driver: Any = db.connection.driver_connection
    count = 0
    if db.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for row in chained(first, rows):
                copy.write_row([row[name] for name in names])
                count += 1
        return count
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
    batch = []
    for row in chained(first, rows):
        batch.append([row[name] for name in names])
        count += 1
        if len(batch) == _BATCH:
            driver.executemany(statement, batch)
            batch.clear()
    driver.executemany(statement, batch)
    return count


def chained(first: dict[str, Any], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from rest


def analyze(db: Connection) -> None:
    db.exec_driver_sql("ANALYZE")


def queries(dice: random.Random, rows: list[dict[str, Any]], words: list[str]) -> dict[str, list[Query]]:
    """Kinds of queries, each for several words."""
    some = dice.sample(rows, 30)
    last = [row["name"].rpartition("/")[2] for row in some]
    rare, common = dice.sample(words[3000:], 30), words[:20]
    return {
        "a whole name": [Query(row["name"]) for row in some],
        "the last part of a name": [Query(name) for name in last],
        "the beginning of a name": [Query(split(name)[0][:4]) for name in last],
        "the middle of a name": [Query(split(name)[0][1:5]) for name in last],
        "three letters": [Query(split(name)[0][:3]) for name in last],
        "a rare word": [Query(word) for word in rare],
        "the most frequent words": [Query(word) for word in common],
        "two words": [Query(" ".join(dice.sample(row["description"].split(), 2))) for row in some],
        "three frequent words": [Query(" ".join(dice.sample(common, 3))) for _ in range(20)],
        "a rare and a frequent word": [Query(f"{word} {dice.choice(common)}") for word in rare],
        "frequent words by pulls": [Query(word, order="pulls") for word in common],
        "frequent words, second page": [Query(word, offset=25) for word in common],
        "official ones": [Query(word, Filters(official=True)) for word in common],
        "one's own": [Query(word, Filters(mine=True)) for word in common],
        "no words, by stars": [Query(order="stars")] * 5,
        "nothing fits": [Query(word + "xq") for word in rare],
    }  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def measure(kinds: dict[str, list[Query]], ask: Callable[[Query], object], rounds: int) -> dict[str, Any]:
    """Milliseconds, by kind and over all queries."""
    found, every = {}, list[float]()
    for kind, wanted in kinds.items():
        for query in wanted:
            ask(query)
        times = [timed(lambda query=query: ask(query)) for _ in range(rounds) for query in wanted]  # type: ignore[misc]
        found[kind] = {"median_ms": round(statistics.median(times), 2), "most_ms": round(max(times), 2)}
        every += times
    whole = {
        "median_ms": round(statistics.median(every), 2),
        "p95_ms": round(statistics.quantiles(every, n=20)[-1], 2),
        "most_ms": round(max(every), 2),
    }
    return {"all": whole, **found}


def over_http(app: App, root: Path, kinds: dict[str, list[Query]], rounds: int) -> dict[str, Any]:
    """The same through the JSON API, one client."""
    import urllib3

    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from support.hub import running_hub

    with running_hub(root, app=app) as address:
        pool = urllib3.PoolManager()

        def ask(query: Query) -> None:
            answer = pool.request("GET", f"http://{address}/api/v1/search?q={quote(query.text)}&order={query.order}")
            assert answer.status == 200, answer.data

        plain = {kind: wanted for kind, wanted in kinds.items() if wanted[0].filters == Filters()}
        return dict(measure(plain, ask, rounds)["all"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="work in this directory")
    parser.add_argument("--url", default="", help="the records are there; without it in SQLite")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="capas-search-", dir=chosen.root))
    dice = random.Random(5)  # the same repositories every time
    words = make_words(dice)
    app = create_app(root, config=Config(database=DatabaseConfig(url=chosen.url or None)), options=Options(open=False))
    try:
        rows = list(make_repositories(dice, Sayer(dice, words)))
        began = time.perf_counter()
        count = fill(app.hub.database, rows)
        filled = time.perf_counter() - began
        kinds = queries(dice, rows, words)
        person = Identity("user7", 8)
        result: dict[str, Any] = {
            "repositories": COUNT, "postings": count, "filled_seconds": round(filled, 1), "database": "postgresql" if chosen.url else "sqlite",
            "search": measure(kinds, lambda query: search(app.hub, person, query), chosen.rounds),
            "suggest": measure({"mistyped": [Query(mistyped(row["name"])) for row in dice.sample(rows, 30)]},
                               lambda query: suggest(app.hub, person, query.text), chosen.rounds)["all"],
        }  # fmt: skip
        if not chosen.url:
            result["megabytes"] = round((root / "records.sqlite").stat().st_size / 2**20)
        result["http"] = over_http(app, root, kinds, chosen.rounds)
        print(json.dumps(result, indent=1))
    finally:
        app.close()
        shutil.rmtree(root, ignore_errors=True)


def mistyped(name: str) -> str:
    """Two letters of the last part, swapped."""
    at = len(name) - 3
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


if __name__ == "__main__":
    main()
