"""The components' schema, as the component provider serves it, and as it is kept in docs/schema.json."""

import json
from pathlib import Path
from typing import Any

from components.__main__ import provider

FILE = Path(__file__).resolve().parent.parent / "docs" / "schema.json"


def schema() -> dict[str, Any]:
    """The Pulumi package schema of every component."""
    return json.loads(provider().schema or "{}")


def text(found: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
