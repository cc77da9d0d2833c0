"""What a picture is drawn from: the plan, from wherever it is to be had, and verify's verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policy.sources import from_json
from policy.topology import lock_record

VERIFY_CONTRACT = 1
"""The `contractVersion` of verify's JSON that is read here (docs/verify.md)."""

Document = Mapping[str, Any]


class UnreadableError(ValueError):
    """An input that no picture can be drawn from; says which, why, and what would be right."""


def read_topology(source: str) -> Document:
    """The plan as JSON (docs/outputs.md, `topology`). `source` is a path, or `-` for stdin.

    A stack file, what `python -m stacks.plan FILE --json` prints, the stack's outputs or its `topology` output alone, a
    preview or a state. Raises UnreadableError, ConfigError for a bad stack file, OSError.
    """
    if Path(source).suffix in (".yaml", ".yml"):
        from stacks.settings import from_stack_file

        return from_stack_file(Path(source))[1].to_json()
    document = _json(source)
    if "topology" in document:
        document = document["topology"]
    elif "steps" in document or "deployment" in document:
        record = lock_record(from_json(document))
        if record is None:
            raise UnreadableError(
                f"{source}: no AddressLock in it that is known; is it a stack of this program, and a preview with "
                "--show-sames?"
            )
        document = record["topology"]
    if not isinstance(document, Mapping) or not isinstance(document.get("regions"), list) or not document["regions"]:
        raise UnreadableError(
            f"{source}: no regions in it; use a stack file, or the output of `pulumi stack output --json`, "
            "`python -m stacks.plan FILE --json`, `pulumi preview --json --show-sames` or `pulumi stack export`"
        )
    if not all(isinstance(region, Mapping) for region in document["regions"]):
        raise UnreadableError(f"{source}: names regions, but has no topology; use `pulumi stack output --json`, whole")
    return document


def read_verdict(source: str, topology: Document) -> Document:
    """Verify's JSON on that stack. Raises UnreadableError, OSError."""
    document = _json(source)
    version = document.get("contractVersion")
    if "matrix" not in document or "findings" not in document or version != VERIFY_CONTRACT:
        raise UnreadableError(
            f"{source}: is not verify's JSON of contract version {VERIFY_CONTRACT}; "
            "write it with `python -m verify FILE --json`"
        )
    strangers = set(document["matrix"]) - {region["name"] for region in topology["regions"]}
    if strangers:
        raise UnreadableError(f"{source}: is of another stack: it has {', '.join(sorted(strangers))}")
    return document


def _json(source: str) -> Document:
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"{source}: is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise UnreadableError(f"{source}: is JSON, but no object")
    return document
