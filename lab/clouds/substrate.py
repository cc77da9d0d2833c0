"""The machine behind the lab's clouds: what their models ask for, done on the lab that the clouds belong to."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from lab.clouds import apply, clusters, fabric_aws, gcp_records
from lab.clouds.places import name_of
from lab.clouds.store import CREATING, FAILED, Store
from lab.clouds.substrate_api import ClusterAccess, ClusterSpec, HostSpec
from lab.paths import LabPaths, no_lab
from lab.shell import LabError
from lab.state import held
from lab.world import read_world

COUNT_LOCK = "reshape.count"
TURN_LOCK = "reshape.turn"
CLUSTERS = (gcp_records.CLUSTER, fabric_aws.CLUSTER)


def open_substrate(paths: LabPaths, store: Store) -> LabSubstrate:
    """The substrate of a running lab. Raises LabError where there is none, or no right to change it."""
    if not paths.world.exists():
        raise no_lab(paths)
    if os.geteuid() != 0:
        raise LabError("the lab's clouds make network namespaces: run pulumi as root")
    return LabSubstrate(paths, store)


class LabSubstrate:
    """See `lab.clouds.substrate_api.Substrate`. Any number of threads and processes may use one lab's at once."""

    def __init__(self, paths: LabPaths, store: Store) -> None:
        self._paths = paths
        self._store = store

    def start_cluster(self, spec: ClusterSpec) -> ClusterAccess:
        self._end_abandoned(spec)
        access = clusters.start(self._paths, spec)
        self.reshape()
        return access

    def stop_cluster(self, key: str) -> None:
        clusters.stop(self._paths, key)

    def set_hosts(self, key: str, pool: str, hosts: Sequence[HostSpec]) -> None:
        clusters.set_hosts(self._paths, key, pool, hosts, self.reshape)

    def set_dns(self, key: str, kind: str, corefile: str | None) -> None:
        clusters.set_dns(self._paths, key, kind, corefile)

    def _end_abandoned(self, spec: ClusterSpec) -> None:
        """A killed run may have left a cluster half made; the next run makes one of another name in its place."""
        name = name_of(spec.key, clusters.planned(self._paths))
        old = next((region for region in read_world(self._paths).regions if region.name == name), None)
        if old is None or not old.is_cloud or old.cluster == spec.key:
            return
        records = (each for state in self._store.snapshot().values() for each in state.all() if each.token in CLUSTERS)
        record = next((each for each in records if each["name"] == old.cluster), None)
        if record is None or (record.phase in (CREATING, FAILED) and not record.busy):
            self.stop_cluster(old.cluster)

    def reshape(self) -> None:
        """Whoever gets the turn does the work of all who asked before it began."""
        ticket = self._count(asked=1)[0]
        with held(self._paths, TURN_LOCK):
            asked, done = self._count()
            if done < ticket:
                apply.shape(self._paths, self._store)
                self._count(done=asked)

    def _count(self, *, asked: int = 0, done: int | None = None) -> tuple[int, int]:
        """(how often it was asked for, up to which of these it is done), after a change of one of them."""
        file = self._paths.root / "clouds" / "reshape.json"
        with held(self._paths, COUNT_LOCK):
            before = _read(file)
            after = (before[0] + asked, before[1] if done is None else done)
            if after != before:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh = file.with_suffix(".new")
                fresh.write_text(json.dumps(after))
                fresh.replace(file)
        return after


def _read(file: Path) -> tuple[int, int]:
    try:
        asked, done = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0, 0
    return asked, done
