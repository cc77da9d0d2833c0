"""Property values between Pulumi's protocol and plain ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from lab.clouds.kinds import UNKNOWN, Unknown

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's mark, no secret)
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""The protocol's marks of unknown values: a string, a boolean, a number, a list, an asset, an archive, an object."""


def plain(properties: Struct) -> dict[str, Any]:
    """Plain values: secrets opened, unknown ones UNKNOWN, whole numbers int, nulls left out; Pulumi's own left out."""
    found = {name: _plain(value) for name, value in properties.fields.items() if not name.startswith("__")}
    return {name: value for name, value in found.items() if value is not None}


def has_secret(value: Value) -> bool:
    """Whether a secret is in it."""
    word = value.WhichOneof("kind")
    if word == "struct_value":
        fields = value.struct_value.fields
        return (
            fields[SIGNATURE].string_value == SECRET if SIGNATURE in fields else any(map(has_secret, fields.values()))
        )
    return word == "list_value" and any(map(has_secret, value.list_value.values))


def wire(value: Any, secret: bool = False) -> Value:
    """The protocol's form of a plain value."""
    found = Value()
    if secret:
        found.struct_value.fields[SIGNATURE].string_value = SECRET
        found.struct_value.fields["value"].CopyFrom(wire(value))
    elif value is None:
        found.null_value = 0  # type: ignore[assignment]
    elif isinstance(value, Unknown):
        found.string_value = UNKNOWN_TEXT
    elif isinstance(value, bool):
        found.bool_value = value
    elif isinstance(value, int | float):
        found.number_value = value
    elif isinstance(value, str):
        found.string_value = value
    elif isinstance(value, Mapping):
        found.struct_value.SetInParent()
        for name, each in value.items():
            found.struct_value.fields[name].CopyFrom(wire(each))
    else:
        found.list_value.SetInParent()
        found.list_value.values.extend(wire(each) for each in value)
    return found


def merged(given: Struct, values: Mapping[str, Any], secret: frozenset[str] = frozenset()) -> Struct:
    """`values` as the protocol's, with the form (secrets inside) of `given` wherever the value is the same."""
    found = Struct()
    for name, value in values.items():
        if name in given.fields and _plain(given.fields[name]) == value:
            found.fields[name].CopyFrom(given.fields[name])
        else:
            inside = name in given.fields and has_secret(given.fields[name])
            found.fields[name].CopyFrom(wire(value))
            if (inside or name in secret) and not has_secret(found.fields[name]):
                found.fields[name].CopyFrom(wire(value, secret=True))
    for name in secret & values.keys():
        if not has_secret(found.fields[name]):
            found.fields[name].CopyFrom(wire(values[name], secret=True))
    return found


def _plain(value: Value) -> Any:
    word = value.WhichOneof("kind")
    if word == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if word == "string_value":
        return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
    if word == "bool_value":
        return value.bool_value
    if word == "list_value":
        return [_plain(each) for each in value.list_value.values]
    if word == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
            return _plain(fields["value"])
        return plain(value.struct_value)
    return None
