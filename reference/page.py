"""docs/components.md: how the components are used, written by hand, then each of them, from the schema."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "docs" / "components.md"
MARK = "<!-- From here on made by `make reference`, from docs/schema.json. -->\n"

GROUPS = {
    "Clusters": ("platforms.",),
    "Networks": ("network.",),
    "Database": ("database.", "monitoring."),
    "Ways across clusters": ("strategies.",),
}
"""Heading -> beginnings of the modules whose components are below it."""

SCALARS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}


def page(by_hand: str, schema: Mapping[str, Any], modules: Mapping[str, str]) -> str:
    """The page's text. `by_hand`: the old one. `modules`: component -> its module, below the package."""
    head = by_hand.partition(MARK)[0]
    return "\n".join([head + MARK, *_groups(schema, modules)]) + "\n"


def _groups(schema: Mapping[str, Any], modules: Mapping[str, str]) -> Iterator[str]:
    prefix = f"{schema['name']}:index:"
    names = camel_names(schema)
    for title, beginnings in GROUPS.items():
        yield f"## {title}\n"
        for name in (name for name, module in modules.items() if module.startswith(beginnings)):
            yield from _component(name, modules[name], schema["resources"][prefix + name], names)
    yield "## Types\n"
    yield "What the inputs above are made of.\n"
    for token, found in sorted(schema["types"].items()):
        yield f"### {token.removeprefix(prefix)}\n"
        yield prose(found["description"], names) + "\n"
        yield from _inputs(found["properties"], found.get("required", ()), names)


def _component(name: str, module: str, found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    yield f"### {name}\n"
    yield prose(found["description"], names) + "\n"
    yield f"In Python: `cockroachdb_multiregion.{module}.{name}`.\n"
    yield from _inputs(found["inputProperties"], found.get("requiredInputs", ()), names)
    if found.get("properties"):
        yield "| output | type | what it is |\n|---|---|---|"
        for key, each in sorted(found["properties"].items()):
            yield f"| `{key}` | {type_words(each)} | {_cell(each['description'], names)} |"
        yield ""


def _inputs(properties: Mapping[str, Any], required: tuple[str, ...], names: Mapping[str, str]) -> Iterator[str]:
    """A table with those first that have to be there."""
    yield "| input | type | what it is |\n|---|---|---|"
    for key, each in sorted(properties.items(), key=lambda item: (item[0] not in required, item[0])):
        shown = f"**`{key}`**" if key in required else f"`{key}`"
        kind = type_words(each) if each.get("plain") else f"{type_words(each)}, or an output"
        yield f"| {shown} | {kind} | {_cell(each['description'], names)} |"
    yield ""


def type_words(found: Mapping[str, Any]) -> str:
    """A property's type, for readers."""
    if found.get("$ref") == "pulumi.json#/Any":
        return "anything"
    if "$ref" in found:
        name = found["$ref"].rpartition(":")[2]
        return f"[{name}](#{name.lower()})"
    if found["type"] == "array":
        return f"list of {type_words(found['items'])}"
    if found["type"] == "object":
        return f"map of {type_words(found['additionalProperties'])}"
    return SCALARS[found["type"]]


def camel_names(schema: Mapping[str, Any]) -> dict[str, str]:
    """Every property's name in Python -> its name in the schema, where they differ."""
    known = [each for part in ("resources", "types") for each in schema[part].values()]
    keys = {key for each in known for of in ("inputProperties", "properties") for key in each.get(of, {})}
    return {snake: key for key in keys if (snake := re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()) != key}


def prose(text: str, names: Mapping[str, str]) -> str:
    """A docstring with the properties in it called as the schema calls them."""
    return re.sub(r"(?<=[`.])([a-z]+(?:_[a-z]+)+)(?=`)", lambda found: names.get(found[1], found[1]), text)


def _cell(text: str, names: Mapping[str, str]) -> str:
    return " ".join(prose(text, names).replace("|", "\\|").split())
