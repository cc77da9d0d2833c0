"""The programs that a lab runs: found on PATH, else in the cache, else built once from pinned Go modules."""

from __future__ import annotations

from pathlib import Path

from lab.paths import cache_dir


def bin_dir() -> Path:
    """Where the lab's programs are."""
    return cache_dir() / "bin"


def plugin_path() -> list[str]:
    """The folder of stand-in Pulumi plugins."""
    return [str(bin_dir() / "plugins")]
