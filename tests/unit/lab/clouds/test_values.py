"""Property values on the wire and plain."""

from __future__ import annotations

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from lab.clouds.kinds import UNKNOWN
from lab.clouds.values import SECRET, SIGNATURE, UNKNOWN_TEXT, has_secret, merged, plain

HIDDEN = {SIGNATURE: SECRET, "value": "s3cret"}


def struct(**fields: object) -> Struct:
    return ParseDict(fields, Struct())


def test_plain_values() -> None:
    given = struct(n=3, x=1.5, b=True, s="s", none=None, list=[1, UNKNOWN_TEXT], map={"k": HIDDEN}, __internal="x")
    assert plain(given) == {"n": 3, "x": 1.5, "b": True, "s": "s", "list": [1, UNKNOWN], "map": {"k": "s3cret"}}
    assert isinstance(plain(given)["n"], int)


def test_secrets_are_seen_at_any_depth() -> None:
    given = struct(a=HIDDEN, b=[{"k": HIDDEN}], c={"k": "v"})
    assert [name for name in given.fields if has_secret(given.fields[name])] == ["a", "b"]


def test_outputs_keep_the_secrets_of_inputs() -> None:
    given = struct(a=HIDDEN, b={"k": HIDDEN, "l": 1}, c="c")
    values = {"a": "other", "b": {"k": "s3cret", "l": 1}, "c": "c", "d": "hidden by its kind", "e": UNKNOWN}
    found = MessageToDict(merged(given, values, frozenset({"d"})))
    assert found == {
        "a": {SIGNATURE: SECRET, "value": "other"},
        "b": {"k": HIDDEN, "l": 1},
        "c": "c",
        "d": {SIGNATURE: SECRET, "value": "hidden by its kind"},
        "e": UNKNOWN_TEXT,
    }


def test_empty_values_keep_their_kind() -> None:
    assert MessageToDict(merged(Struct(), {"map": {}, "list": [], "none": None})) == {
        "map": {},
        "list": [],
        "none": None,
    }
