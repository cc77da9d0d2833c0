"""A cloud without a machine or an engine, for tests of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.clouds.operations import Operations
from lab.clouds.store import Record, Store
from lab.clouds.substrate_api import ClusterAccess, ClusterSpec, HostSpec
from lab.clouds.times import Clock


@dataclass
class FakeSubstrate:
    """Remembers what it was asked for."""

    clusters: dict[str, ClusterSpec] = field(default_factory=dict[str, ClusterSpec])
    hosts: dict[tuple[str, str], list[HostSpec]] = field(default_factory=dict[tuple[str, str], list[HostSpec]])
    dns: dict[str, tuple[str, str | None]] = field(default_factory=dict[str, tuple[str, "str | None"]])
    reshaped: int = 0

    def start_cluster(self, spec: ClusterSpec) -> ClusterAccess:
        self.clusters[spec.key] = spec
        return ClusterAccess("10.1.17.2:6443", "Q0E=")

    def stop_cluster(self, key: str) -> None:
        self.clusters.pop(key, None)

    def set_hosts(self, key: str, pool: str, hosts: Sequence[HostSpec]) -> None:
        self.hosts[key, pool] = list(hosts)

    def set_dns(self, key: str, kind: str, corefile: str | None) -> None:
        self.dns[key] = (kind, corefile)

    def reshape(self) -> None:
        self.reshaped += 1


class World:
    """One cloud's operations over a store in a folder, in no time, with a fake substrate."""

    def __init__(self, folder: Path, cloud: str, config: Mapping[str, Any]) -> None:
        self.substrate = FakeSubstrate()
        self.store = Store(folder)
        self.operations = Operations(cloud, self.store, self.substrate, Clock(0))
        self.operations.config = config

    def check(self, token: str, logical: str, /, **inputs: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return self.operations.check(token, logical, {}, inputs, logical.encode())

    def create(self, token: str, logical: str, /, **inputs: Any) -> Record:
        """As the engine would: checked first."""
        checked, found = self.check(token, logical, **inputs)
        assert not found, found
        return self.operations.create(token, logical, checked)

    def update(self, record: Record, **inputs: Any) -> Record:
        """With these inputs beside those that it has."""
        return self.operations.update(record.token, record.id, {**record.inputs, **inputs})

    def delete(self, record: Record) -> None:
        self.operations.delete(record.token, record.id)

    def now(self, record: Record) -> Record:
        found = self.operations.read(record.token, record.id)
        assert found is not None, f"{record.id} is gone"
        return found
