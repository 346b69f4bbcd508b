"""The schema: made by migrations, equal to the metadata, brought up to date once, and adopted from the first cut."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from capas.errors import Corrupt
from capas.hub.records import migrate
from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.tables.all import metadata
from capas.oci.digest import Digest
from support.hub_v1 import write_hub_v1
from support.migration import STEPS, schema, step_of

DIALECTS = ["sqlite", "postgresql"]


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/records.sqlite"


def test_what_migrations_make_is_what_the_tables_say(url: str) -> None:
    database = Database(url)
    differences = database.read(lambda db: compare_metadata(MigrationContext.configure(db), metadata))
    database.close()
    assert differences == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_first_step_is_made_from_the_tables(dialect: str) -> None:
    assert step_of(dialect).read_text() == schema(dialect), "run tests/support/migration.py"


def test_head_is_the_newest_step() -> None:
    config = Config()
    config.set_main_option("script_location", str(STEPS.parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD


def test_many_processes_may_start_at_once(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        for database in list(pool.map(lambda _: Database(url), range(8))):
            assert database.read(
                lambda db: db.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
            ) == [migrate.HEAD]
            database.close()


def test_records_of_a_newer_capas_are_refused(url: str) -> None:
    database = Database(url)
    database.write(lambda db: db.execute(text("UPDATE alembic_version SET version_num = 'f00d'")))
    database.close()
    with pytest.raises(Corrupt, match=r"written by a newer Capas \(.*f00d"):
        Database(url)


def test_a_number_that_no_capas_wrote_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "records.sqlite") as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(Corrupt, match="newer Capas"):
        Database(f"sqlite:///{tmp_path}/records.sqlite")


def test_the_hub_of_the_first_cut_is_adopted_with_all_it_holds(tmp_path: Path) -> None:
    v1 = write_hub_v1(tmp_path / "records.sqlite")
    database = Database(f"sqlite:///{tmp_path}/records.sqlite")
    manifests, links = Manifests(database), Links(database)
    assert manifests.list_repositories("", 10) == ["library/debian", "team/app"]
    for name, tags in v1.tags.items():
        assert manifests.list_tags(name, "", 10) == sorted(tags)
        for tag, digest in tags.items():
            found = manifests.find_manifest(name, tag)
            assert found is not None
            assert (found.digest, found.data) == (digest, v1.manifests[digest])
    for name, digest, size, linked_ns in v1.links:
        assert links.find_link(name, Digest(digest)) == (size, linked_ns)
    [referrer] = manifests.list_referrers("team/app", v1.subject, "", ("", 10))
    assert referrer.annotations == {"is": "signed"}
    for number, digest in links.list_expired(10**18):
        links.expire(number, [digest], 10**18)
    unheld = {digest for digest, _ in Claims(database).list_unheld(0)}
    assert unheld == {digest for _, digest, *_ in v1.links} - v1.needed
    database.close()


def test_nothing_is_left_of_the_old_tables(tmp_path: Path) -> None:
    write_hub_v1(tmp_path / "records.sqlite")
    database = Database(f"sqlite:///{tmp_path}/records.sqlite")
    assert database.read(lambda db: compare_metadata(MigrationContext.configure(db), metadata)) == []
    database.close()
    again = Database(f"sqlite:///{tmp_path}/records.sqlite")
    assert Manifests(again).has_repository("team/app")
    again.close()


def test_an_adoption_that_fails_leaves_the_old_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hub_v1(tmp_path / "records.sqlite")
    before = dump(tmp_path)
    monkeypatch.setattr("capas.hub.records.adopt._COPIES", ("INSERT INTO nowhere VALUES (1)",))
    with pytest.raises(Exception, match="nowhere"):
        Database(f"sqlite:///{tmp_path}/records.sqlite")
    assert dump(tmp_path) == before


def dump(tmp_path: Path) -> list[str]:
    db = sqlite3.connect(tmp_path / "records.sqlite")
    found = [*db.iterdump(), str(db.execute("PRAGMA user_version").fetchone())]
    db.close()
    return found
