"""The owned entries of kube-dns's stubDomains come, change and go; the others stay byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network import stub_domains_json as text_of
from components.network.forward_rules import ForwardConflict, ForwardError

ZONES = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True).map(lambda name: f"{name}.svc.cluster.local")
ADDRESSES = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=3)
FORWARDS = st.dictionaries(ZONES, ADDRESSES, max_size=4)
FOREIGN = st.sampled_from(
    [
        "{}",
        "{ }",
        '{"acme.local": ["1.2.3.4"]}',
        '{"acme.local":["1.2.3.4"],"corp.example" : [ "10.0.0.1" , "10.0.0.2" ] }',
        '\n{\n  "acme.local": [\n    "1.2.3.4"\n  ]\n}\n',
        '{"odd \\"name\\" {,}": ["1.2.3.4"], "\\u00e9.example": []}',
    ]
)


@given(FOREIGN, FORWARDS, FORWARDS)
def test_up_change_undo_leaves_the_text_as_it_was(
    text: str, first: dict[str, list[str]], second: dict[str, list[str]]
) -> None:
    once = text_of.merge(text, (), first)
    again = text_of.merge(once, first, second)
    assert json.loads(again) == {**json.loads(text), **second}
    assert text_of.own_text(again, second) == text_of.render(second)
    assert text_of.merge(again, second, second) == again
    assert text_of.remove(again, second) == text


@given(FOREIGN, FORWARDS)
def test_an_interrupted_runs_entries_are_taken_as_ours(text: str, forwards: dict[str, list[str]]) -> None:
    written = text_of.merge(text, (), forwards)
    assert text_of.merge(written, (), forwards) == written


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_no_text_yet(text: str | None) -> None:
    assert text_of.merge(text, (), {"a.b": ["10.0.0.1"]}) == '{"a.b": ["10.0.0.1"]}'
    assert text_of.remove(text, ["a.b"]) == text
    assert text_of.own_text(text, ["a.b"]) == "{}"
    assert text_of.is_empty(text)


def test_someone_elses_entry_for_a_zone_is_a_conflict() -> None:
    with pytest.raises(ForwardConflict, match=r'already sends a\.b to \["192\.168\.0\.1"\]'):
        text_of.merge('{"A.b.": ["192.168.0.1"]}', (), {"a.b": ["10.0.0.1"]})


def test_others_may_write_between_our_entries() -> None:
    text = '{"a.b": ["10.0.0.1"], "theirs": ["1.1.1.1"], "c.d": ["10.0.0.2"]}'
    assert text_of.remove(text, ["a.b", "c.d"]) == '{"theirs": ["1.1.1.1"]}'
    assert text_of.own_text(text, ["a.b", "gone"]) == '{"a.b": ["10.0.0.1"]}'


@pytest.mark.parametrize("text", ["[]", "nonsense", '{"a": [}'])
def test_a_broken_text_is_refused_not_replaced(text: str) -> None:
    with pytest.raises(ForwardError, match="repair it by hand"):
        text_of.merge(text, (), {"a.b": ["10.0.0.1"]})
