"""The components' schema, as the component provider serves it, and as it is kept in docs/schema.json."""

import inspect
import json
from pathlib import Path
from typing import Any

from pulumi.provider.experimental.component import ComponentProvider

from components.__main__ import NAME, VERSION, load

FILE = Path(__file__).resolve().parent.parent / "docs" / "schema.json"


def schema() -> dict[str, Any]:
    """The Pulumi package schema of every component; with the SDKs of both clouds installed, else some are missing.

    Descriptions lose their docstrings' indentation, which newer Pythons drop themselves.
    """
    served = ComponentProvider(load(), NAME, version=VERSION).schema
    return _cleaned(json.loads(served or "{}"))


def text(found: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(each) if key == "description" and isinstance(each, str) else _cleaned(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return value
