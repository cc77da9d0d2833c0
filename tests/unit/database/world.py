"""A region's pods as Kubernetes runs them, for the rollout's tests: API server and controller in one."""

from __future__ import annotations

import itertools
from typing import Any

from kube import ApiError

from tests.unit.database.conftest import Clock

NEW, OLD = "cockroachdb-new", "cockroachdb-old"
START_SECONDS = 7


class World:
    """Time passes only while the rollout waits; then a deleted pod comes back, of the newest template and unready."""

    def __init__(self, clock: Clock, nodes: int = 3, revision: str = OLD) -> None:
        self.clock = clock
        self.nodes = nodes
        self.uids = itertools.count(1)
        self.pods: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.refusals: list[ApiError] = []
        """Each is the answer to one request."""
        self.update_revision = NEW
        self.generation, self.observed = 2, 2
        self.breaks = False
        """New pods never become ready."""
        self._due: dict[str, float] = {}
        for ordinal in range(nodes):
            self._make(f"cockroachdb-{ordinal}", revision, ready=True)
        clock.events.append(self._tick)

    def _make(self, name: str, revision: str, *, ready: bool) -> None:
        self.pods[name] = {
            "metadata": {
                "name": name,
                "uid": str(next(self.uids)),
                "labels": {"controller-revision-hash": revision},
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]},
        }

    def set_ready(self, name: str, ready: bool) -> None:
        self.pods[name]["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]

    def ready(self) -> list[str]:
        return [name for name, pod in self.pods.items() if pod["status"]["conditions"][0]["status"] == "True"]

    def _tick(self) -> None:
        for name, due in list(self._due.items()):
            if self.clock.now >= due:
                del self._due[name]
                if name not in self.pods:
                    self._make(name, self.update_revision, ready=False)
                    self._due[name] = self.clock.now + START_SECONDS
                elif not self.breaks:
                    self.set_ready(name, True)

    # What the scripts call.

    def get(self, path: str, **_: str) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        if "/statefulsets/" in path:
            return {
                "metadata": {"generation": self.generation},
                "spec": {"replicas": self.nodes},
                "status": {"observedGeneration": self.observed, "updateRevision": self.update_revision},
            }
        name = path.rpartition("/")[2]
        if name not in self.pods:
            raise ApiError(404, f'pods "{name}" not found')
        return self.pods[name]

    def delete(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if self.pods[name]["metadata"]["uid"] != body["preconditions"]["uid"]:
            raise ApiError(409, "the UID in the precondition does not match")
        self.deleted.append(name)
        del self.pods[name]
        self._due[name] = self.clock.now + 3
        return {}

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(f"a rollout patches no pod: {path} {body}")
