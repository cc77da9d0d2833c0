"""Brings a region's pods to the StatefulSet's template, one at a time, each only while the whole cluster is healthy.

The volumes of nodes that leave are marked, and deleted when their pods are gone.

Environment: REGION, NAMESPACE, STATEFUL_SET, NODES, DRAINING_NODES (the last so many of them leave), VOLUME,
STORAGE_SIZE, STORAGE_CLASS (empty: the default), MEMBERS_FILE, CA_FILE, HTTP_PORT, DEADLINE_SECONDS; where pods belong
on some hosts only, HOSTS (comma-separated) and TEMPLATE, a hash of all else that makes a pod what it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate import Gate
from kube import Api, ApiError
from pinned import KUBELET_SECONDS, REVISION, Hosts, grace
from volumes import Volumes
from waiting import Deadline, NotYetError, run, say

RPC_PORT = 26257

Object = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What the StatefulSet shall look like."""

    namespace: str
    name: str
    nodes: int
    hosts: Hosts | None = None
    draining: int = 0
    """The last so many of `nodes` are decommissioned: nobody waits for them, nor restarts them."""
    """Where its pods belong; None: anywhere."""

    def has(self, pod: Object, revision: str) -> bool:
        """Whether a pod is as the template says."""
        if self.hosts is not None:
            return self.hosts.current(pod, revision)
        return pod["metadata"].get("labels", {}).get(REVISION) == revision

    def astray(self, pod: Object) -> bool:
        """Whether it is where none of its pods belongs."""
        return self.hosts is not None and self.hosts.astray(pod)


def is_ready(pod: Object) -> bool:
    """Ready, and not on its way out."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions") or []
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


class Rollout:
    """One region's turn."""

    def __init__(
        self,
        api: Api,
        target: Target,
        gate: Gate,
        deadline: Deadline,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._target = target
        self._gate = gate
        self._deadline = deadline
        self._clock = clock

    def _read(self, path: str) -> Object:
        try:
            return self._api.get(path)
        except ApiError as error:
            if error.status in (401, 403):
                raise RuntimeError(f"the API server refuses: {error}") from error
            raise NotYetError(str(error)) from error

    def _pods_path(self) -> str:
        return f"/api/v1/namespaces/{self._target.namespace}/pods"

    def revision(self) -> str:
        """The revision that the controller has computed for the current template."""

        def attempt() -> str:
            target = self._target
            found = self._read(f"/apis/apps/v1/namespaces/{target.namespace}/statefulsets/{target.name}")
            status = found.get("status", {})
            if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
                raise NotYetError("the controller has not seen the newest StatefulSet")
            if found["spec"].get("replicas") != target.nodes:
                raise NotYetError(f"the StatefulSet asks for {found['spec'].get('replicas')} pods, not {target.nodes}")
            if not status.get("updateRevision"):
                raise NotYetError("the controller has named no revision")
            return status["updateRevision"]

        return self._deadline.wait(f"StatefulSet {self._target.name} is current", attempt)

    def pod(self, name: str) -> Object | None:
        """A pod, or None where there is none. Raises NotYetError where the API server doesn't answer."""
        try:
            return self._read(f"{self._pods_path()}/{name}")
        except NotYetError as error:
            if isinstance(error.__cause__, ApiError) and error.__cause__.status == 404:
                return None
            raise

    def names(self) -> list[str]:
        """Of the pods that stay, highest ordinal first, as a rolling update goes."""
        kept = self._target.nodes - self._target.draining
        return [f"{self._target.name}-{ordinal}" for ordinal in reversed(range(kept))]

    def outdated(self, revision: str) -> list[Object]:
        """Pods of another template, those that don't work anyway first."""
        found = [pod for pod in map(self.pod, self.names()) if pod is not None]
        old = [pod for pod in found if not self._target.has(pod, revision)]
        return sorted(old, key=is_ready)

    def wait_ready(self, revision: str) -> None:
        """Every pod is there, of this template, and ready. Raises NotYetError."""
        missing = []
        for name in self.names():
            pod = self.pod(name)
            if pod is None:
                missing.append(f"{name} does not exist")
            elif not is_ready(pod):
                missing.append(f"{name} is not ready ({why(pod)})")
            elif not self._target.has(pod, revision):
                missing.append(f"{name} is of another template")
        if missing:
            raise NotYetError("; ".join(missing))

    def replace(self, pod: Object, revision: str) -> None:
        """Deletes one pod and waits for its successor.

        A pod that isn't ready goes at once: it serves nobody, and may be what keeps the cluster unhealthy.
        """
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if is_ready(pod):
            self._deadline.wait(f"the cluster is healthy enough to restart {name}", lambda: self._spare(pod))
        say(f"restarting {name}")
        left = self._end(pod)

        def attempt() -> None:
            successor = self.pod(name)
            if successor is None:
                raise NotYetError("its successor does not exist yet")
            if successor["metadata"]["uid"] == uid:
                if self._target.astray(pod) and self._clock() > left:
                    say(f"{pod['spec']['nodeName']} does not answer: {name} is forgotten there")
                    self._delete(name, uid, 0)
                raise NotYetError("the old pod is still there")
            if not self._target.has(successor, revision):
                raise NotYetError("its successor is of another template")
            if not is_ready(successor):
                raise NotYetError(f"its successor is not ready ({why(successor)})")

        self._deadline.wait(f"{name} is back", attempt)

    def _spare(self, pod: Object) -> None:
        """Raises NotYetError while the cluster needs a pod. One whose host dies meanwhile is of no use to it."""
        if self._target.astray(pod):
            now = self.pod(pod["metadata"]["name"])
            if now is None or not is_ready(now):
                return
        self._gate.check()

    def _end(self, pod: Object) -> float:
        """Deletes a pod. When a host that is none of the region's has had all the time to say that it is gone there."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if not self._target.astray(pod):
            self._delete(name, uid)
            return 0.0
        now = self.pod(name)
        seconds = grace(pod, ready=now is not None and is_ready(now))
        self._delete(name, uid, seconds)
        return self._clock() + seconds + KUBELET_SECONDS

    def _delete(self, name: str, uid: str, grace_seconds: int | None = None) -> None:
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self._api.delete(f"{self._pods_path()}/{name}", options)
        except ApiError as error:
            # 404 and 409: it is gone, or another pod has its name already.
            if error.status not in (0, 404, 409):
                raise RuntimeError(f"can't delete {name}: {error}") from error

    def run(self) -> int:
        """Returns how many pods were restarted."""
        revision = self.revision()
        restarted = 0
        while old := self._deadline.wait("the pods can be listed", lambda: self.outdated(revision)):
            self.replace(old[0], revision)
            restarted += 1
        self._deadline.wait("every pod is ready", lambda: self.wait_ready(revision), lambda: self._gate.ways(RPC_PORT))
        if restarted:
            self.wait_healthy("the cluster is healthy again")
        return restarted

    def wait_healthy(self, what: str) -> None:
        """Every node is live and no range misses a replica."""
        self._deadline.wait(what, self._gate.check)


def why(pod: Object) -> str:
    """What holds a pod up, in the words of its status."""
    status = pod.get("status", {})
    for entry in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = entry.get("state", {})
        held = state.get("waiting") or state.get("terminated")
        if held and held.get("reason") not in (None, "Completed", "PodInitializing"):
            return f"{entry['name']}: {held['reason']} {held.get('message', '')}".strip()
    for entry in status.get("conditions") or []:
        if entry["type"] in ("PodScheduled", "ContainersReady") and entry["status"] != "True":
            return f"{entry['type']}: {entry.get('message') or entry.get('reason', '')}"
    return status.get("phase", "unknown")


def main() -> None:
    env = os.environ
    api = Api.in_cluster()
    deadline = Deadline(float(env["DEADLINE_SECONDS"]))
    names = frozenset(name for name in env.get("HOSTS", "").split(",") if name)
    hosts = Hosts(names, env["TEMPLATE"]) if names else None
    draining = int(env.get("DRAINING_NODES", "0"))
    target = Target(env["NAMESPACE"], env["STATEFUL_SET"], int(env["NODES"]), hosts, draining)
    members = json.loads(Path(env["MEMBERS_FILE"]).read_text(encoding="utf-8"))
    volumes = Volumes(api, target.namespace, f"{env['VOLUME']}-{target.name}", deadline)
    volumes.grow(target.nodes, env["STORAGE_SIZE"], env["STORAGE_CLASS"])
    volumes.mark(range(target.nodes - draining, target.nodes))
    gate = Gate(members, int(env["HTTP_PORT"]), env["CA_FILE"])
    rollout = Rollout(api, target, gate, deadline)
    restarted = rollout.run()
    if left := volumes.left(target.nodes):
        rollout.wait_healthy(f"no range misses a replica on {', '.join(left)}")
        volumes.delete(left)
    say(f"region {env['REGION']}: {target.nodes} pods ready, {restarted} restarted")


if __name__ == "__main__":
    run(main)
