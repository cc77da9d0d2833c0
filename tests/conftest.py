"""Which tests must run in one process: those that share a lab. Groups of them run side by side (`lab/check.py`)."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests on the session's lab are one group; else each module is one, and each stack that a module runs through.

    As they are collected: xdist reads the marks before any `pytest_collection_modifyitems` of a conftest.
    """
    item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    if "lab" in getattr(item, "fixturenames", ()):
        return "lab"
    call = getattr(item, "callspec", None)
    stack = call.params.get("stack") if call is not None else None
    return f"{item.path.stem}-{stack}" if isinstance(stack, str) else item.path.stem
