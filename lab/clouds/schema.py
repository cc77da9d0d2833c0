"""What the pinned SDKs say of a resource type's inputs and outputs, and whether given inputs are that.

The SDKs' source is parsed, not imported, for an import takes seconds; what was read is kept in the cache.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lab.clouds.kinds import Unknown
from lab.paths import cache_dir

REVISION = 1
"""Of the cached form."""

WORDS = {"str": "str", "bool": "bool", "int": "int", "float": "float", "Any": "any"}
ARTICLES = {"str": "a string", "bool": "a boolean", "int": "a whole number", "float": "a number"}


class NoSuchType(Exception):  # noqa: N818 (it is an answer, not a fault)
    """The pinned SDK has no such resource type."""


def sdk_version(package: str) -> str:
    """Of the SDK `pulumi_<package>` in this environment, `10.2.0`."""
    return version(f"pulumi-{package}")


@functools.cache
def schema(token: str) -> dict[str, Any]:
    """{inputs: {name: {type, required}}, objects: {name: fields as inputs}, outputs: [name]} of a resource type.

    A type is `str`, `bool`, `int`, `float`, `any`, [`list`, T], [`map`, T], [`object`, name] or [`either`, [T]]. Names
    are camelCase, as on the wire. `pulumi:providers:gcp` is the provider's own. Raises NoSuchType.
    """
    package = token.removeprefix("pulumi:providers:").split(":", 1)[0]
    file = (
        cache_dir() / "schemas" / f"{package}-{sdk_version(package)}-{REVISION}" / f"{re.sub(r'[:/]', '.', token)}.json"
    )
    if file.exists():
        return json.loads(file.read_text())
    found = reflect(package, token)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(found))
    fresh.replace(file)
    return found


def reflect(package: str, token: str) -> dict[str, Any]:
    """The same, read from the SDK's source."""
    spec = find_spec(f"pulumi_{package}")
    if spec is None or spec.origin is None:
        raise NoSuchType(f"{token}: pulumi-{package} is not installed")
    root = Path(spec.origin).parent
    source, name = _source(root, package, token)
    text = source.read_text()
    arguments = _class(text, f"{name}Args") or _class(text, f"{name}InitArgs")
    resource = _class(text, name)
    if arguments is None or resource is None:
        raise NoSuchType(f"{token}: {source.relative_to(root.parent)} has no class {name}")
    inputs = _fields(arguments)
    objects: dict[str, Any] = {}
    nested = source.parent / "_inputs.py"
    _collect(nested.read_text() if nested.exists() else "", inputs, objects)
    return {"inputs": inputs, "objects": objects, "outputs": sorted(_getters(resource).values())}


def problems(token: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, reason) of everything in the inputs that the SDK's types don't allow; UNKNOWN passes for any."""
    known = schema(token)
    yield from _object_problems("", inputs, known["inputs"], known["objects"])


def _object_problems(
    path: str, value: Mapping[str, Any], fields: Mapping[str, Any], objects: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, each in value.items():
        here = f"{path}.{name}" if path else name
        if name not in fields:
            yield here, "unknown property"
        elif each is not None:
            yield from _value_problems(here, each, fields[name]["type"], objects)
    for name, field in fields.items():
        if field["required"] and value.get(name) is None:
            yield f"{path}.{name}" if path else name, "missing: it is required"


def _value_problems(path: str, value: Any, kind: Any, objects: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Unknown) or kind == "any":
        return
    if isinstance(kind, str):
        if not _is(value, kind):
            yield path, f"{ARTICLES[kind]} is needed, not {_shown(value)}"
        return
    word, of = kind
    if word == "either":
        if all(any(_value_problems(path, value, each, objects)) for each in of):
            yield path, f"{_shown(value)} is none of what is allowed"
    elif word == "list":
        if not isinstance(value, list):
            yield path, f"a list is needed, not {_shown(value)}"
            return
        for index, each in enumerate(value):
            yield from _value_problems(f"{path}[{index}]", each, of, objects)
    elif not isinstance(value, dict):
        yield path, f"an object is needed, not {_shown(value)}"
    elif word == "object":
        yield from _object_problems(path, value, objects[of], objects)
    else:
        for name, each in value.items():
            yield from _value_problems(f"{path}.{name}", each, of, objects)


def _is(value: Any, word: str) -> bool:
    if word == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if word == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"str": str, "bool": bool}[word])


def _shown(value: Any) -> str:
    return json.dumps(value, default=repr)[:60]


def _source(root: Path, package: str, token: str) -> tuple[Path, str]:
    """The file and the class of a token, `aws:ec2/vpc:Vpc`."""
    if token == f"pulumi:providers:{package}":
        return root / "provider.py", "Provider"
    match = re.fullmatch(rf"{package}:([\w-]+)/(\w+):(\w+)", token)
    if match is None:
        raise NoSuchType(f"{token}: not a type of pulumi-{package}")
    folder = root if match[1] == "index" else root / match[1]
    for file in sorted(folder.glob("*.py")):
        if file.stem.replace("_", "").lower() == match[2].lower() and f"'{token}'" in file.read_text():
            return file, match[3]
    raise NoSuchType(f"{token}: pulumi-{package} {sdk_version(package)} has no such type")


def _class(text: str, name: str) -> ast.ClassDef | None:
    """One class of a module, which may be too long to parse whole."""
    match = re.search(rf"^class {re.escape(name)}\b", text, re.MULTILINE)
    if match is None:
        return None
    end = re.compile(r"^\S", re.MULTILINE).search(text, match.end())
    found = ast.parse(text[match.start() : end.start() if end else len(text)]).body[0]
    return found if isinstance(found, ast.ClassDef) else None


def _fields(arguments: ast.ClassDef) -> dict[str, Any]:
    """The fields of a class of arguments: what its __init__ takes, under the names of its getters."""
    names = _getters(arguments)
    for each in arguments.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return {
                names.get(argument.arg, argument.arg): {"type": _type(argument.annotation), "required": default is None}
                for argument, default in zip(each.args.kwonlyargs, each.args.kw_defaults, strict=True)
            }
    return {}


def _getters(of: ast.ClassDef) -> dict[str, str]:
    """Python name -> name on the wire, of each property."""
    found: dict[str, str] = {}
    for each in of.body:
        if not isinstance(each, ast.FunctionDef):
            continue
        for decorator in each.decorator_list:
            if ast.unparse(decorator).startswith("pulumi.getter"):
                given = decorator.keywords if isinstance(decorator, ast.Call) else []
                found[each.name] = next((ast.literal_eval(word.value) for word in given), each.name)
    return found


def _type(annotation: ast.expr | None) -> Any:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ["object", annotation.value]
    if isinstance(annotation, ast.Attribute):
        return WORDS.get(annotation.attr, "any")
    if isinstance(annotation, ast.Name):
        return WORDS.get(annotation.id, "any")
    if not isinstance(annotation, ast.Subscript):
        return "any"
    word = ast.unparse(annotation.value).rsplit(".", 1)[-1]
    inner = annotation.slice
    if word in ("Input", "Optional"):
        return _type(inner)
    if word == "Sequence":
        return ["list", _type(inner)]
    if isinstance(inner, ast.Tuple):
        return ["map", _type(inner.elts[1])] if word == "Mapping" else ["either", [_type(each) for each in inner.elts]]
    return "any"


def _collect(text: str, fields: dict[str, Any], objects: dict[str, Any]) -> None:
    """Read the classes that some fields' types name; a name that is no class of arguments (an enum) is a string."""
    for field in fields.values():
        field["type"] = _resolved(text, field["type"], objects)


def _resolved(text: str, kind: Any, objects: dict[str, Any]) -> Any:
    if isinstance(kind, str):
        return kind
    word, of = kind
    if word == "either":
        return [word, [_resolved(text, each, objects) for each in of]]
    if word != "object":
        return [word, _resolved(text, of, objects)]
    if of in objects:
        return kind
    found = _class(text, of) if of.endswith("Args") else None
    if found is None:
        return "any" if "." in of or of.endswith("Args") else "str"
    objects[of] = _fields(found)
    _collect(text, objects[of], objects)
    return kind
