"""One region's API server, through the official client, for the life of one run."""

import contextlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from . import manifests
from .measurements import PodState
from .target import Region

CONNECT_SECONDS = 5.0
CALL_SECONDS = 15.0
DATABASE_POD = re.compile(r"cockroachdb-(\d+)")
ZONE_LABEL = "topology.kubernetes.io/zone"


class ApiError(Exception):
    """The API server can't be used. `status`: unreachable | refused | no-kubeconfig."""

    def __init__(self, status: str, message: str) -> None:
        self.status = status
        super().__init__(message)


class Cluster:
    """What a run does in one region. Every call raises ApiError; none outlives its deadline."""

    def __init__(self, region: Region, run: str) -> None:
        self.region = region
        self.run = run
        self._core, self._apps = _connect(region)
        self._lock = threading.Lock()
        self._closed = False

    def remove_left_overs(self) -> tuple[str, ...]:
        """Removes what killed runs left here: their process is gone (same machine) or their time is up. Their ids."""
        with translated():
            roots: list[Any] = self._core.list_namespaced_config_map(
                self.region.namespace, label_selector=manifests.SELECTOR, **_limits()
            ).items
        runs = tuple(
            root.metadata.labels[manifests.LABEL_RUN]
            for root in roots
            if is_left_over(root.metadata.annotations or {}, time.time())
        )
        for run in runs:
            self._remove(run)
        return runs

    def zones(self) -> tuple[str | None, ...]:
        """The planned zones; where none are planned, those of the cluster's hosts; else one probe anywhere."""
        if self.region.zones:
            return self.region.zones
        with translated():
            hosts: list[Any] = self._core.list_node(**_limits()).items
        labelled = {(host.metadata.labels or {}).get(ZONE_LABEL) for host in hosts}
        return tuple(sorted(zone for zone in labelled if zone)) or (None,)

    def database_pods(self) -> dict[int, PodState] | None:
        """CockroachDB's pods by ordinal; None where listing is forbidden."""
        try:
            with translated():
                pods: list[Any] = self._core.list_namespaced_pod(self.region.namespace, **_limits()).items
        except ApiError as error:
            if error.status == "refused":
                return None
            raise
        found = ((DATABASE_POD.fullmatch(pod.metadata.name), pod) for pod in pods)
        return {int(match[1]): _pod_state(pod) for match, pod in found if match}

    def dns_servers(self) -> tuple[int, int] | None:
        """(ready, desired) replicas of the cluster's DNS; None where forbidden, or where no workload is so labelled."""
        try:
            with translated():
                found: list[Any] = self._apps.list_namespaced_deployment(
                    "kube-system", label_selector="k8s-app=kube-dns", **_limits()
                ).items
        except ApiError as error:
            if error.status == "refused":
                return None
            raise
        if not found:
            return None
        return sum(one.status.ready_replicas or 0 for one in found), sum(one.spec.replicas or 0 for one in found)

    def create_root(self, body: dict[str, Any]) -> str:
        """The run's ConfigMap, which owns all else; its uid."""
        return self._create(self._core.create_namespaced_config_map, body).metadata.uid

    def create_pod(self, body: dict[str, Any]) -> str:
        """One probe pod; its name."""
        return self._create(self._core.create_namespaced_pod, body).metadata.name

    def settle(self, names: list[str], deadline: float) -> dict[str, tuple[str, str]]:
        """Watch until each pod runs or can't: {name: (status, detail)}.

        `status` is running | unschedulable | crashed | not-started.
        `detail` is the pod's address when it runs, else the reason. `deadline` is on the monotonic clock.
        """
        states: dict[str, tuple[str, str]] = dict.fromkeys(names, ("not-started", "no event about it"))
        while names and (remaining := deadline - time.monotonic()) > 0:
            stream = watch.Watch()
            with translated():
                for event in stream.stream(
                    self._core.list_namespaced_pod,
                    self.region.namespace,
                    label_selector=f"{manifests.LABEL_RUN}={self.run}",
                    timeout_seconds=max(int(remaining), 1),
                    _request_timeout=(CONNECT_SECONDS, remaining + 5),
                ):
                    pod: Any = event["object"]  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue]
                    states[pod.metadata.name] = progress(pod)
                    if all(states[name][0] != "not-started" for name in names):
                        return states
        return states

    def give_peers(self, name: str, peers: list[dict[str, str]]) -> None:
        """Tells a pod who its peers are."""
        body = {"metadata": {"annotations": {manifests.PEERS_ANNOTATION: json.dumps(peers, separators=(",", ":"))}}}
        with translated():
            self._core.patch_namespaced_pod(name, self.region.namespace, body, **_limits())

    def report(self, name: str, deadline: float) -> tuple[dict[str, Any] | None, str]:
        """Follow the pod's log to its report: (report, ""), or (None, why there is none)."""
        text = b""
        try:
            with translated():
                stream: Any = self._core.read_namespaced_pod_log(
                    name,
                    self.region.namespace,
                    container="probe",
                    follow=True,
                    _preload_content=False,
                    _request_timeout=(CONNECT_SECONDS, max(deadline - time.monotonic(), 0.1)),
                )
                for chunk in stream.stream(amt=None):
                    text += chunk
                    if report := find_report(text.decode("utf-8", "replace"), self.run):
                        stream.close()
                        return report, ""
                    if time.monotonic() > deadline:
                        break
        except ApiError as error:
            return None, f"its log can't be read: {error}"
        tail = text.decode("utf-8", "replace").strip().splitlines()[-1:]
        return None, f"its log ended without a report: {tail[0] if tail else 'empty'}"

    def remove(self) -> None:
        """Deletes everything this run created here, and lets it create nothing more."""
        with self._lock:
            self._closed = True
        self._remove(self.run)

    def _remove(self, run: str) -> None:
        selector = f"{manifests.LABEL_RUN}={run}"
        with translated():
            pods: list[Any] = self._core.list_namespaced_pod(
                self.region.namespace, label_selector=selector, **_limits()
            ).items
            for pod in pods:
                with _absent_is_fine():
                    self._core.delete_namespaced_pod(pod.metadata.name, self.region.namespace, **_limits())
            with _absent_is_fine():
                self._core.delete_namespaced_config_map(f"{manifests.APP}-{run}", self.region.namespace, **_limits())

    def _create(self, create: Any, body: dict[str, Any]) -> Any:
        with self._lock:
            if self._closed:
                raise ApiError("refused", "the run is over")
            with translated():
                return create(self.region.namespace, body, field_validation="Strict", **_limits())


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns the client's and the transport's errors into one `ApiError` with a sentence in it."""
    try:
        yield
    except ApiException as error:
        raise ApiError("refused", api_message(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise ApiError("unreachable", transport_message(error)) from error


def api_message(error: ApiException) -> str:
    """The API server's own words, or its status line."""
    try:
        return json.loads(error.body or "")["message"]
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"


def transport_message(error: Exception) -> str:
    """The innermost cause, without urllib3's object addresses."""
    reason = getattr(error, "reason", None)
    text = str(reason if reason is not None else error)
    return text.split(">: ", 1)[-1].rsplit("): ", 1)[-1]


def owner() -> str:
    """This process, so that a later run on this machine can tell whether it still lives: host:pid:start time."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}"


def is_left_over(annotations: dict[str, str], now: float) -> bool:
    """Nobody will remove this: its time is up, or it was made on this machine by a process that is gone."""
    try:
        if float(annotations[manifests.EXPIRES_ANNOTATION]) < now:
            return True
        host, pid, started = annotations[manifests.OWNER_ANNOTATION].rsplit(":", 2)
    except (KeyError, ValueError):
        return True
    return host == socket.gethostname() and _start_time(int(pid)) != started


def find_report(text: str, run: str) -> dict[str, Any] | None:
    """The one complete line of a log that is this run's report."""
    for line in text.splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            report = json.loads(line)
            if report.get("run") == run and report.get("version") == manifests.PROBE_VERSION:
                return report
    return None


def progress(pod: Any) -> tuple[str, str]:
    """A probe pod's state as `Cluster.settle` reports it."""
    status = pod.status
    for container in status.container_statuses or []:
        if container.state.terminated is not None:
            ended = container.state.terminated
            return "crashed", f"{ended.reason or 'ended'}, exit code {ended.exit_code}"
    if status.phase == "Failed":
        return "crashed", status.message or status.reason or "failed"
    if status.phase == "Running" and status.pod_ip:
        return "running", status.pod_ip
    for condition in status.conditions or []:
        if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
            return "unschedulable", condition.message or "no host fits"
    for container in status.container_statuses or []:
        if container.state.waiting is not None:
            return "not-started", f"{container.state.waiting.reason}: {container.state.waiting.message or 'waiting'}"
    return "not-started", f"phase {status.phase}"


def _pod_state(pod: Any) -> PodState:
    status = pod.status
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions or [])
    reason = status.reason or ""
    for container in [*(status.init_container_statuses or []), *(status.container_statuses or [])]:
        if container.state.waiting is not None:
            reason = container.state.waiting.reason or reason
    if pod.metadata.deletion_timestamp is not None:
        reason = "Terminating"
    return PodState(status.phase, ready, reason, status.pod_ip, pod.spec.node_name)


def _connect(region: Region) -> tuple[client.CoreV1Api, client.AppsV1Api]:
    if region.kubeconfig is None:
        raise ApiError("no-kubeconfig", f"the stack names no kubeconfig for {region.name}; give one with --kubeconfig")
    if not region.kubeconfig.is_file():
        raise ApiError("no-kubeconfig", f"there is no kubeconfig at {region.kubeconfig}")
    settings = client.Configuration()
    settings.retries = False
    try:
        config.load_kube_config(str(region.kubeconfig), region.context, settings, persist_config=False)
    except (config.ConfigException, OSError, ValueError) as error:
        raise ApiError("no-kubeconfig", f"{region.kubeconfig}, context {region.context}: {error}") from error
    api = client.ApiClient(settings)
    return client.CoreV1Api(api), client.AppsV1Api(api)


def _limits() -> dict[str, Any]:
    return {"_request_timeout": (CONNECT_SECONDS, CALL_SECONDS)}


@contextlib.contextmanager
def _absent_is_fine() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        if error.status != 404:
            raise


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which the process started; empty where there is no such process (or no /proc)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
