"""The shapes of outputs: said once, for a reader's table and as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
"""JSON Schema, draft 2020-12."""


@dataclass(frozen=True)
class Word:
    """A text. `name`: what it is called in a table; `pattern`: a regular expression that it matches somewhere."""

    name: str
    pattern: str | None = None

    def __str__(self) -> str:
        return self.name

    def schema(self) -> Schema:
        return {"type": "string", "title": self.name, **({"pattern": self.pattern} if self.pattern else {})}


@dataclass(frozen=True)
class Number:
    """A whole number."""

    def __str__(self) -> str:
        return "integer"

    def schema(self) -> Schema:
        return {"type": "integer"}


@dataclass(frozen=True)
class ListOf:
    """A list."""

    of: Shape

    def __str__(self) -> str:
        return f"[{self.of}]"

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema()}


@dataclass(frozen=True)
class MapOf:
    """An object with a value for each `key`, which is a name of something."""

    key: str
    of: Shape

    def __str__(self) -> str:
        return f"{{{self.key}: {self.of}}}"

    def schema(self) -> Schema:
        return {"type": "object", "title": f"by {self.key}", "additionalProperties": self.of.schema()}


@dataclass(frozen=True)
class OrNull:
    """Null where there is none, or where nobody knows."""

    of: Shape

    def __str__(self) -> str:
        return f"{self.of} or null"

    def schema(self) -> Schema:
        return {"anyOf": [self.of.schema(), {"type": "null"}]}


@dataclass(frozen=True)
class Field:
    """One named value, and what it means: Markdown, of one line."""

    name: str
    shape: Shape
    meaning: str


@dataclass(frozen=True)
class Record:
    """An object with these fields, all of them there. More may come at any time."""

    fields: Sequence[Field]

    def __str__(self) -> str:
        return f"{{{', '.join(field.name for field in self.fields)}}}"

    def schema(self) -> Schema:
        properties = {
            field.name: {**field.shape.schema(), **({"description": field.meaning} if field.meaning else {})}
            for field in self.fields
        }
        return {"type": "object", "properties": properties, "required": list(properties)}


Shape = Word | Number | ListOf | MapOf | OrNull | Record


def record(**shapes: Shape) -> Record:
    """A record whose fields say enough by their names."""
    return Record([Field(name, shape, "") for name, shape in shapes.items()])


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name: what may be given, not what may be relied on."""
    if isinstance(schema, Mapping):
        shut = {"additionalProperties": False} if "properties" in schema else {}
        return {**{key: closed(value) for key, value in schema.items()}, **shut}
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    return schema


def broken(before: Schema, after: Schema, path: str) -> list[str]:
    """How a value that fits `after` may not be what `before` promised; empty where fields were only added."""
    if "items" in before and "items" in after:
        found = _differ(before, after, path, "items")
        return found + broken(before["items"], after["items"], f"{path}[]")
    if "properties" not in before or "properties" not in after:
        return _differ(before, after, path)
    found = _differ(before, after, path, "properties", "required")
    for name, value in before["properties"].items():
        if name not in after["properties"]:
            found.append(f"{path}.{name}: is gone")
        elif name not in after["required"]:
            found.append(f"{path}.{name}: may be missing")
        else:
            found += broken(value, after["properties"][name], f"{path}.{name}")
    return found


def _differ(before: Schema, after: Schema, path: str, *but: str) -> list[str]:
    """One line where the two differ in anything but the keywords `but`."""
    old, new = ({key: value for key, value in each.items() if key not in but} for each in (before, after))
    return [] if old == new else [f"{path}: was {old}, is {new}"]
