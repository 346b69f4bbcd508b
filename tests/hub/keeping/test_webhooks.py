"""Webhooks: owed with the change itself, signed, tried until they arrive, and nowhere else (SECURITY-CASES R7, R9)."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Denied, Invalid, NotFound
from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.keeping.outbox import DELAYS, Delivery, list_deliveries, queue_again, queue_ping
from capas.hub.keeping.place import Place, get_namespace_place, get_repository_place
from capas.hub.keeping.webhooks import Webhook, Wish
from capas.hub.outside import OutsideConfig
from capas.hub.people.audit import By, list_entries
from capas.hub.people.namespaces import add_namespace
from capas.hub.spans import SECOND_NS
from support.asgi import Direct
from support.hub import running_hub
from support.hub_client import CONFIG, LAYER, MANIFEST, HubClient, describe, digest_of
from support.receiver import Receiver, receiving

HERE = Config(outside=OutsideConfig(networks=["127.0.0.0/8"]))
DAY = 86400
NAME = "acme/app"


class Shelf:
    """A hub whose clock the test moves on, without a server: deliveries are made when the test says so."""

    def __init__(self, root: Path, config: Config = HERE) -> None:
        self.seconds = 1_800_000_000
        self.app = create_app(root, config=config, now_ns=lambda: self.seconds * SECOND_NS)
        self.client = Direct(self.app)
        self.database = self.app.hub.database

    def close(self) -> None:
        self.client.close()

    def push(self, tag: str, name: str = NAME) -> str:
        for data in (b"{}", b"layer"):
            self.client.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(data)}", data)
        document = {
            "schemaVersion": 2,
            "config": describe(CONFIG, b"{}"),
            "layers": [describe(LAYER, b"layer")],
            "annotations": {"tag": tag},
        }
        body = json.dumps(document).encode()
        answer = self.client.send("PUT", f"/v2/{name}/manifests/{tag}", body, {"content-type": MANIFEST})
        assert answer.status == 201, answer.data
        return digest_of(body)

    def place(self, name: str = NAME) -> Place:
        return self.database.read(lambda db: get_repository_place(db, name))

    def hook(self, url: str, *events: str, place: Place | None = None) -> tuple[int, str]:
        desk, wish = self.app.hub.keeping.desk, Wish("ci", url, events or ("push",))
        token, now_ns = self.app.hub.new_token(), self.app.hub.now_ns()
        return self.database.write(lambda db: desk.create(db, place or self.place(), wish, token, now_ns))

    def get(self, number: int) -> Webhook:
        return self.database.read(lambda db: self.app.hub.keeping.desk.get(db, self.place(), number))

    def log(self, number: int) -> list[Delivery]:
        return self.database.read(lambda db: list_deliveries(db, number, None, 100))

    def work(self, after: int = 0) -> int:
        self.seconds += after
        return self.app.hub.keeping.deliverer.work_off()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    made.push("first")
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_push_is_told_with_what_was_pushed(shelf: Shelf, receiver: Receiver) -> None:
    _, secret = shelf.hook(receiver.url)
    digest = shelf.push("v1")
    assert shelf.work() == 1
    (came,) = receiver.came
    told = came.told
    assert (told["event"], told["at"], told["id"]) == ("push", "2027-01-15T08:00:00Z", came.headers["webhook-id"])
    assert told["image"] == {"reference": f"{NAME}:v1", "tag": "v1", "digest": digest, "media_type": MANIFEST}
    assert told["push_data"] == {"pushed_at": shelf.seconds, "pusher": "", "tag": "v1"}
    assert {"repo_name": NAME, "namespace": "acme", "name": "app"}.items() <= told["repository"].items()
    assert came.headers["content-type"] == "application/json"
    assert came.is_signed_with(secret)
    assert not came._replace(body=came.body + b" ").is_signed_with(secret)


def test_only_the_events_that_were_chosen_are_told(shelf: Shelf, receiver: Receiver) -> None:
    shelf.hook(receiver.url, "untag", "delete")
    digest = shelf.push("v1")
    shelf.client.send("GET", f"/v2/{NAME}/manifests/v1")
    shelf.client.send("DELETE", f"/v2/{NAME}/manifests/{digest}")
    shelf.app.hub.events.close()
    shelf.work()
    told = [(came.told["event"], came.told["image"]["tag"]) for came in receiver.came]
    assert told == [("untag", "v1"), ("delete", "")]


def test_pulls_are_told_to_whoever_wants_them(shelf: Shelf, receiver: Receiver) -> None:
    shelf.hook(receiver.url, "pull")
    shelf.push("v1", "acme/other")
    for name in (NAME, "acme/other"):
        shelf.client.send("GET", f"/v2/{name}/manifests/{'first' if name == NAME else 'v1'}")
    shelf.app.hub.events.close()
    assert shelf.work() == 1
    assert receiver.came[0].told["image"]["reference"] == f"{NAME}:first"


def test_a_namespace_hears_of_all_its_repositories_and_of_no_other(shelf: Shelf, receiver: Receiver) -> None:
    by = By("keeper", "", 1)
    shelf.database.write(lambda db: add_namespace(shelf.database, db, "acme", "organisation", by, adopt=True))
    place = shelf.database.read(lambda db: get_namespace_place(db, "acme"))
    shelf.hook(receiver.url, place=place)
    for name in (NAME, "acme/other", "elsewhere/app", "acme2/app"):
        shelf.push("v1", name)
    shelf.work()
    assert [came.told["repository"]["repo_name"] for came in receiver.came] == [NAME, "acme/other"]


def test_what_was_refused_is_told_to_nobody(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url, "push", "untag")
    shelf.client.send("PUT", f"/v2/{NAME}/manifests/v1", b"{}", {"content-type": MANIFEST})
    shelf.client.send("DELETE", f"/v2/{NAME}/manifests/nothing")
    assert (shelf.work(), shelf.log(number)) == (0, [])


def test_a_failed_delivery_is_tried_again_after_growing_delays(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    receiver.status, receiver.answer = 500, b"broken"
    shelf.push("v1")
    assert shelf.work() == 1
    for delay in DELAYS:
        assert shelf.work(after=delay - 1) == 0
        assert shelf.work(after=1) == 1
    assert shelf.work(after=30 * DAY) == 0
    (line,) = shelf.log(number)
    assert (line.state, line.status, line.answer, line.tries) == ("failed", 500, "broken", len(DELAYS) + 1)
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
    assert len({came.headers["webhook-timestamp"] for came in receiver.came}) == len(DELAYS) + 1


def test_a_receiver_that_comes_back_gets_what_it_missed(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    receiver.status = 503
    shelf.push("v1")
    shelf.work()
    assert shelf.get(number).failing_ns == shelf.seconds * SECOND_NS
    receiver.status = 204
    receiver.answer = b""
    shelf.work(after=DELAYS[0])
    (line,) = shelf.log(number)
    assert (line.state, line.status, line.tries) == ("done", 204, 2)
    assert shelf.get(number).failing_ns is None


def test_what_is_owed_survives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    before = Shelf(tmp_path)
    before.push("first")
    _, secret = before.hook(receiver.url)
    before.push("v1")
    before.close()
    after = Shelf(tmp_path)
    assert after.work() == 1
    assert receiver.came[0].is_signed_with(secret)
    after.close()


def test_a_delivery_whose_process_died_is_taken_up_by_another(shelf: Shelf, receiver: Receiver, tmp_path: Path) -> None:
    shelf.hook(receiver.url)
    shelf.push("v1")
    records = sqlite3.connect(tmp_path / "records.sqlite")
    records.execute("UPDATE deliveries SET claimed_ns = ?", (shelf.seconds * SECOND_NS,))
    records.commit()
    records.close()
    assert shelf.work(after=119) == 0
    assert shelf.work(after=2) == 1


def test_two_processes_deliver_each_message_once(tmp_path: Path, receiver: Receiver) -> None:
    one = Shelf(tmp_path)
    one.push("first")
    one.hook(receiver.url)
    other = Shelf(tmp_path)
    tags = [f"v{number}" for number in range(12)]
    for tag in tags:
        one.push(tag)
    threads = [threading.Thread(target=shelf.work) for shelf in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one.work()
    assert [came.told["image"]["tag"] for came in receiver.came] == tags
    one.close()
    other.close()


def test_a_webhook_that_failed_for_days_is_switched_off_and_says_why(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    receiver.status = 500
    shelf.push("v1")
    shelf.work()
    shelf.seconds += 3 * DAY
    shelf.push("v2")
    shelf.work()
    found = shelf.get(number)
    assert (found.is_active, found.note) == (False, "failing")
    assert {line.state for line in shelf.log(number)} == {"failed"}
    assert [entry.action for entry in list_entries(shelf.database)][:1] == ["webhook.disable"]
    shelf.push("v3")
    assert shelf.work(after=DAY) == 0


def test_a_receiver_that_says_gone_is_not_asked_again(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    receiver.status = 410
    shelf.push("v1")
    shelf.work()
    assert (shelf.get(number).is_active, shelf.get(number).note) == (False, "gone")


def test_switched_on_again_it_begins_afresh(shelf: Shelf, receiver: Receiver) -> None:
    number, secret = shelf.hook(receiver.url)
    receiver.status = 410
    shelf.push("v1")
    shelf.work()
    receiver.status = 200
    desk = shelf.app.hub.keeping.desk
    shelf.database.write(lambda db: desk.change(db, shelf.place(), number, Wish("new", receiver.url + "2", ("push",))))
    shelf.push("v2")
    shelf.work()
    assert [(came.path, came.told["image"]["tag"]) for came in receiver.came] == [("/hook", "v1"), ("/hook2", "v2")]
    assert receiver.came[-1].is_signed_with(secret)
    assert shelf.get(number)[1:6] == ("new", receiver.url + "2", ("push",), True, "")


def test_another_secret_signs_from_then_on(shelf: Shelf, receiver: Receiver) -> None:
    number, old = shelf.hook(receiver.url)
    desk, token = shelf.app.hub.keeping.desk, shelf.app.hub.new_token()
    new = shelf.database.write(lambda db: desk.renew_secret(db, shelf.place(), number, token))
    shelf.push("v1")
    shelf.work()
    assert (receiver.came[0].is_signed_with(new), receiver.came[0].is_signed_with(old)) == (True, False)


def test_a_test_and_a_redelivery_are_sent_at_once(shelf: Shelf, receiver: Receiver) -> None:
    number, secret = shelf.hook(receiver.url)
    token, now_ns = shelf.app.hub.new_token(), shelf.app.hub.now_ns()
    shelf.database.write(lambda db: queue_ping(db, number, shelf.place(), token, now_ns))
    shelf.work()
    (line,) = shelf.log(number)
    shelf.database.write(lambda db: queue_again(db, number, line.number, now_ns))
    shelf.work()
    first, again = receiver.came
    assert first.told == {"id": line.message, "event": "ping", "at": "2027-01-15T08:00:00Z", "actor": "", "of": NAME}
    assert (again.body, again.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])
    assert again.is_signed_with(secret)
    assert [one.state for one in shelf.log(number)] == ["done", "done"]


def test_neither_address_nor_secret_lie_open_in_the_records(shelf: Shelf, receiver: Receiver, tmp_path: Path) -> None:
    _, secret = shelf.hook(receiver.url + "?token=hidden")
    shelf.push("v1")
    shelf.work()
    for file in tmp_path.glob("records.sqlite*"):
        data = file.read_bytes()
        assert b"token=hidden" not in data
        assert secret.removeprefix("whsec_").encode() not in data


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/", "http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/"]
)
def test_an_address_that_is_not_public_is_refused_when_it_is_set(tmp_path: Path, url: str) -> None:
    shelf = Shelf(tmp_path, Config())
    shelf.push("first")
    with pytest.raises(Denied):
        shelf.hook(url)
    shelf.close()


def test_a_name_that_leads_inside_is_not_reached(tmp_path: Path, receiver: Receiver) -> None:
    shelf = Shelf(tmp_path, Config())
    shelf.push("first")
    number, _ = shelf.hook(receiver.url.replace("127.0.0.1", "localhost"))
    shelf.push("v1")
    shelf.work()
    (line,) = shelf.log(number)
    assert (line.status, line.answer, receiver.came) == (None, "localhost is not on the public internet", [])
    shelf.close()


def test_a_redirect_is_not_followed(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    with receiving() as inner:
        receiver.status, receiver.location = 302, inner.url
        shelf.push("v1")
        shelf.work()
        assert inner.came == []
    assert shelf.log(number)[0].status == 302


def test_a_long_answer_is_kept_in_part(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    receiver.answer = b"x" * 10_000_000
    shelf.push("v1")
    shelf.work()
    (line,) = shelf.log(number)
    assert (line.state, len(line.answer)) == ("done", 1000)


def test_the_number_of_anothers_webhook_is_the_number_of_none(shelf: Shelf, receiver: Receiver) -> None:
    number, _ = shelf.hook(receiver.url)
    shelf.push("v1", "acme/other")
    other, desk = shelf.place("acme/other"), shelf.app.hub.keeping.desk
    wish = Wish("mine now", receiver.url, ("push",))
    for attempt in (
        lambda db: desk.get(db, other, number),
        lambda db: desk.change(db, other, number, wish),
        lambda db: desk.renew_secret(db, other, number, "00" * 32),
        lambda db: desk.delete(db, other, number),
    ):
        with pytest.raises(NotFound):
            shelf.database.write(attempt)
    assert shelf.get(number).name == "ci"
    second, _ = shelf.hook(receiver.url, place=other)
    shelf.push("v2")
    shelf.work()
    line = shelf.log(number)[0].number
    with pytest.raises(NotFound):
        shelf.database.write(lambda db: queue_again(db, second, line, 1))


@pytest.mark.parametrize(
    ("name", "url", "events"),
    [
        ("", "https://example.org/", ("push",)),
        ("x" * 101, "https://example.org/", ("push",)),
        ("ci", "ftp://example.org/", ("push",)),
        ("ci", "https://example.org/" + "x" * 2000, ("push",)),
        ("ci", "https://u:p@example.org/", ("push",)),
        ("ci", "https://example.org/", ()),
        ("ci", "https://example.org/", ("push", "nonsense")),
    ],
)
def test_what_makes_no_webhook_is_refused(shelf: Shelf, name: str, url: str, events: tuple[str, ...]) -> None:
    desk = shelf.app.hub.keeping.desk
    with pytest.raises(Invalid):
        shelf.database.write(lambda db: desk.create(db, shelf.place(), Wish(name, url, events), "00" * 32, 1))


def test_a_hub_that_serves_delivers_by_itself(tmp_path: Path, receiver: Receiver) -> None:
    app: App = create_app(tmp_path, config=HERE)
    with running_hub(tmp_path, app=app) as address:
        client = HubClient(address, NAME)
        client.push_image("first")
        desk, hub = app.hub.keeping.desk, app.hub
        wish = Wish("ci", receiver.url, ("push", "pull"))
        place = hub.database.read(lambda db: get_repository_place(db, NAME))
        hub.database.write(lambda db: desk.create(db, place, wish, hub.new_token(), hub.now_ns()))
        client.push_image("v1")
        client.send("GET", "manifests/v1")
        told = [came.told["event"] for came in receiver.wait(2)]
        assert told == ["push", "pull"]
        client.close()
