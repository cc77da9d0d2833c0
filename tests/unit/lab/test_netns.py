"""Namespaces that converge."""

from pathlib import Path

import pytest

from lab import netns
from lab.paths import LabPaths


def test_a_namespace_that_somebody_is_making_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there before the links in it: routes by them are refused."""
    paths = LabPaths("test", tmp_path)
    paths.records.mkdir(parents=True)
    inode: dict[str, str | None] = {"router": "7"}
    monkeypatch.setattr(netns, "_inode", inode.get)
    assert not netns.complete(paths, "router")
    mark = paths.records / "router.netns"
    mark.write_text("6")
    assert not netns.complete(paths, "router"), "an earlier one's"
    mark.write_text("7")
    assert netns.complete(paths, "router")
    inode["router"] = None
    assert not netns.complete(paths, "router"), "gone since"
