"""What the clouds remember, across threads and processes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.clouds.store import CREATING, Record, Store

PROJECT = Path(__file__).resolve().parents[4]


def record(id: str, **outputs: object) -> Record:
    return Record("gcp:compute/network:Network", id, id, {}, outputs)


def test_a_transaction_is_kept_and_a_failed_one_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as states:
        states["gcp"].put(record("one", size=1))
    with pytest.raises(ZeroDivisionError), store.transaction() as states:
        states["gcp"].put(record("two"))
        _ = 1 / 0
    fresh = Store(tmp_path).snapshot()
    assert [each.id for each in fresh["gcp"].all()] == ["one"]
    assert fresh["aws"].all() == []


def test_changes_to_a_snapshot_are_lost(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.snapshot()["gcp"].put(record("one"))
    assert store.snapshot()["gcp"].all() == []


def test_records_are_found_by_type_and_outputs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as states:
        gcp = states["gcp"]
        gcp.put(record("one", network="a", mtu=1))
        gcp.put(record("two", network="a", mtu=2))
        gcp.put(Record("other", "one", "one", {}, {}))
        gcp.change(gcp.find("gcp:compute/network:Network", mtu=2)[0], mtu=3)
    gcp = store.snapshot()["gcp"]
    assert [each.id for each in gcp.find("gcp:compute/network:Network", network="a")] == ["one", "two"]
    assert gcp.one("gcp:compute/network:Network", mtu=2) is None
    found = gcp.get("gcp:compute/network:Network", "two")
    assert found is not None
    assert found["mtu"] == 3


def test_what_is_gone_is_not_changed_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as states:
        one = states["gcp"].put(record("one"))
        states["gcp"].remove(one)
        states["gcp"].change(one, size=1)
    assert store.snapshot()["gcp"].all() == []


def test_an_operation_of_a_dead_process_is_not_under_way() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not Record("token", "id", "name", {}, {}, CREATING, ended.pid).busy


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def add(number: int) -> None:
        with store.transaction() as states:
            states["gcp"].put(record(str(number)))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(add, range(200)))
    assert len(Store(tmp_path).snapshot()["gcp"].all()) == 200


def test_many_processes_lose_nothing(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from lab.clouds.store import Record, Store
store = Store(Path(sys.argv[1]))
for number in range(20):
    with store.transaction() as states:
        states["aws"].put(Record("token", f"{sys.argv[2]}-{number}", "name", {}, {}))
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(index)], cwd=PROJECT) for index in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert len(Store(tmp_path).snapshot()["aws"].all()) == 80


def test_the_state_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as states:
        states["gcp"].put(record("one"))
    assert (tmp_path / "gcp.json").stat().st_mode & 0o077 == 0
