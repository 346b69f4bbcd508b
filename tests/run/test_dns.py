"""The few words of DNS, with dnspython as the other end."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
import dns.reversename
from hypothesis import given
from hypothesis import strategies as st

from capas.run.dns import A, address_of, encode_name, make_answer, parse_question

LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@given(NAMES, st.integers(0, 65_535), st.booleans())
def test_a_question_is_read_as_it_was_asked(name: str, number: int, extended: bool) -> None:
    wire = dns.message.make_query(name.upper(), "A", id=number, use_edns=extended).to_wire()
    question = parse_question(wire)
    assert question is not None
    assert (question.name, question.kind) == (name, A)


@given(NAMES, st.lists(st.ip_addresses(v=4), max_size=20), st.booleans())
def test_an_answer_is_one_to_the_question_with_all_its_records(name: str, found: list[object], extended: bool) -> None:
    query = dns.message.make_query(name, "A", use_edns=extended)
    question = parse_question(query.to_wire())
    assert question is not None
    packed = [bytes(map(int, str(one).split("."))) for one in found]
    said = dns.message.from_wire(make_answer(query.to_wire(), question, packed), one_rr_per_rrset=True)
    assert query.is_response(said)
    assert [str(row[0]) for row in said.answer] == [str(one) for one in found]


@given(st.binary(max_size=600))
def test_no_bytes_whatever_are_more_than_no_question(data: bytes) -> None:
    question = parse_question(data)
    assert question is None or question.end <= len(data)


def test_what_is_not_a_plain_question_is_not_taken_for_one() -> None:
    query = dns.message.make_query("db", "A")
    answer = dns.message.make_response(query)
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert parse_question(answer.to_wire()) is None
    assert parse_question(chaos.to_wire()) is None


@given(st.ip_addresses(v=4))
def test_a_question_for_a_name_asks_about_its_address(address: object) -> None:
    assert address_of(str(dns.reversename.from_address(str(address))).removesuffix(".")) == str(address)


def test_other_names_ask_about_no_address() -> None:
    assert address_of("db") == ""
    assert address_of("1.2.in-addr.arpa") == ""


@given(NAMES)
def test_a_name_is_written_as_others_write_it(name: str) -> None:
    assert encode_name(name) == dns.name.from_text(name).to_wire()
