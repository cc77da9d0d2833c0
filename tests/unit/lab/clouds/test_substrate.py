"""Many ask for the network to follow; few do the work, and nobody returns before it has."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.clouds import apply
from lab.clouds.store import Store
from lab.clouds.substrate import LabSubstrate
from lab.paths import LabPaths
from lab.shell import LabError


@pytest.fixture
def substrates(tmp_path: Path) -> list[LabSubstrate]:
    """Two, as two plugins' processes have them."""
    paths = LabPaths("t", tmp_path)
    return [LabSubstrate(paths, Store(tmp_path / "clouds")) for _ in range(2)]


def test_requests_share_applications(substrates: list[LabSubstrate], monkeypatch: pytest.MonkeyPatch) -> None:
    changes, seen, applications = [0], [0], [0]
    lock = threading.Lock()

    def shape(*_: object) -> list[str]:
        applications[0] += 1
        at_the_start = changes[0]
        time.sleep(0.05)
        seen[0] = max(seen[0], at_the_start)
        return []

    def ask(number: int) -> bool:
        with lock:
            changes[0] += 1
            mine = changes[0]
        substrates[number % 2].reshape()
        return seen[0] >= mine

    monkeypatch.setattr(apply, "shape", shape)
    with ThreadPoolExecutor(max_workers=100) as pool:
        assert all(pool.map(ask, range(100)))
    assert applications[0] <= 20


def test_a_failure_is_everybodys_to_try_again(substrates: list[LabSubstrate], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[str]:
        raise LabError("nft: no")

    monkeypatch.setattr(apply, "shape", fails)
    with pytest.raises(LabError):
        substrates[0].reshape()
    called: list[int] = []
    monkeypatch.setattr(apply, "shape", lambda *_: called.append(1) or [])
    substrates[1].reshape()
    assert called
