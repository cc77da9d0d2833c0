"""What the lab's clouds remember: one JSON file per cloud, one lock for both.

Several plugin processes, of one engine or of two, share these files: each change is a transaction under the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

CLOUDS = ("gcp", "aws")

BATCH = 64
"""At most so many transactions are written together."""

READY = "ready"
CREATING = "creating"
UPDATING = "updating"
DELETING = "deleting"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource as the cloud sees it. Never changed in place: `State.put` takes its successor."""

    token: str
    """Its type, as `aws:ec2/vpc:Vpc`."""
    id: str
    """As the real provider's; unique in its type only: an accepter has the id of what it accepts."""
    name: str
    """The logical name in the program that made it."""
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    phase: str = READY
    """`creating`, `updating` and `deleting` while the cloud is at work; `failed` where creation broke half way."""
    owner: int = 0
    """The process that is at work on it, while one is."""

    @property
    def key(self) -> str:
        return f"{self.token}::{self.id}"

    @property
    def busy(self) -> bool:
        """Whether an operation is under way; one whose process is gone is not."""
        return self.phase in (CREATING, UPDATING, DELETING) and Path(f"/proc/{self.owner}").exists()

    def __getitem__(self, output: str) -> Any:
        """An output; None where there is none of that name."""
        return self.outputs.get(output)


class State:
    """One cloud's records. Changes last only if they are made in a transaction of the store."""

    def __init__(self, records: Mapping[str, Record] | None = None) -> None:
        self.records: dict[str, Record] = dict(records or {})

    def all(self, token: str | None = None) -> list[Record]:
        """Every record, or those of one type, oldest first."""
        return [record for record in self.records.values() if token is None or record.token == token]

    def get(self, token: str, id: str) -> Record | None:
        return self.records.get(f"{token}::{id}")

    def find(self, token: str, **outputs: Any) -> list[Record]:
        """Those of a type whose outputs have these values."""
        wanted = outputs.items()
        return [record for record in self.all(token) if all(record.outputs.get(key) == value for key, value in wanted)]

    def one(self, token: str, **outputs: Any) -> Record | None:
        """The first that `find` gives."""
        return next(iter(self.find(token, **outputs)), None)

    def put(self, record: Record) -> Record:
        self.records[record.key] = record
        return record

    def change(self, record: Record, **outputs: Any) -> Record:
        """Set some outputs of a record, as it is now; one that is gone stays gone."""
        current = self.records.get(record.key)
        if current is None:
            return record
        return self.put(replace(current, outputs={**current.outputs, **outputs}))

    def remove(self, record: Record) -> None:
        self.records.pop(record.key, None)


class _Batch:
    """Transactions that are written together, for a write takes longer than a change."""

    def __init__(self, lock: TextIO, records: dict[str, dict[str, Record]]) -> None:
        self.lock = lock
        self.records = records
        self.size = 0
        self.written = threading.Event()
        self.error: BaseException | None = None


class Store:
    """The files in a folder, `.lab/NAME/clouds`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._turn = threading.Lock()
        self._inside: int | None = None
        self._counting = threading.Lock()
        self._waiting = 0
        self._batch: _Batch | None = None
        self._reading = threading.Lock()
        self._seen: dict[str, tuple[tuple[int, int, int], dict[str, Record]]] = {}
        self._texts: dict[str, tuple[Record, str]] = {}

    def snapshot(self) -> dict[str, State]:
        """Both clouds as they are, to read: each cloud's state is whole, and changes to it are lost."""
        return {cloud: State(self._load(cloud)) for cloud in CLOUDS}

    @contextmanager
    def transaction(self) -> Iterator[dict[str, State]]:
        """Both clouds, to change: written when the block has ended, dropped when it raises. Not to be nested."""
        if self._inside == threading.get_ident():
            raise RuntimeError("a transaction of the clouds' store inside another one")
        self._enter()
        try:
            batch = self._batch = self._batch or self._open()
            states = {cloud: State(records) for cloud, records in batch.records.items()}
            try:
                yield states
                batch.records = {cloud: state.records for cloud, state in states.items()}
                batch.size += 1
            finally:
                if self._waiting == 0 or batch.size >= BATCH:
                    self._close(batch)
        finally:
            self._inside = None
            self._turn.release()
        batch.written.wait()
        if batch.error is not None:
            raise batch.error

    def _enter(self) -> None:
        with self._counting:
            self._waiting += 1
        self._turn.acquire()
        with self._counting:
            self._waiting -= 1
        self._inside = threading.get_ident()

    def _open(self) -> _Batch:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _Batch(lock, {cloud: self._load(cloud) for cloud in CLOUDS})

    def _close(self, batch: _Batch) -> None:
        self._batch = None
        try:
            for cloud, records in batch.records.items():
                self._save(cloud, records)
        except BaseException as error:
            batch.error = error
        finally:
            batch.lock.close()
            batch.written.set()

    def _load(self, cloud: str) -> dict[str, Record]:
        with self._reading:
            return self._read(cloud)

    def _read(self, cloud: str) -> dict[str, Record]:
        file = self.folder / f"{cloud}.json"
        try:
            with file.open("rb") as stream:
                stamp = _stamp(stream.fileno())
                seen = self._seen.get(cloud)
                if seen is not None and seen[0] == stamp:
                    return seen[1]
                records = {key: Record(**fields) for key, fields in json.load(stream)["records"].items()}
        except FileNotFoundError:
            return {}
        self._seen[cloud] = (stamp, records)
        return records

    def _save(self, cloud: str, records: dict[str, Record]) -> None:
        """Written whole or not at all; each record's text is made once, for there may be thousands."""
        if records == self._load(cloud):
            return
        lines = ",\n".join(f"{json.dumps(key)}: {self._text(cloud, record)}" for key, record in records.items())
        file = self.folder / f"{cloud}.json"
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(f'{{"records": {{\n{lines}\n}}}}\n')
            stream.flush()
            stamp = _stamp(stream.fileno())
        with self._reading:
            fresh.replace(file)
            self._seen[cloud] = (stamp, dict(records))

    def _text(self, cloud: str, record: Record) -> str:
        key = f"{cloud} {record.key}"
        known = self._texts.get(key)
        if known is None or known[0] is not record:
            fields = {name: getattr(record, name) for name in Record.__slots__}
            known = self._texts[key] = (record, json.dumps(fields))
        return known[1]


def _stamp(descriptor: int) -> tuple[int, int, int]:
    status = os.fstat(descriptor)
    return (status.st_mtime_ns, status.st_size, status.st_ino)
