"""Two regions as far as the engine can tell them from real ones: real API servers, and somebody who answers at once.

There is no kubelet: `Attendant` writes the statuses that balancers, endpoints and Jobs would get. What runs inside
pods is the lab's to test.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.conformance.cluster import Cluster, start
from tests.engine.program import NAMES

COREFILE = (
    "# vendor's\n.:53 {\n    kubernetes cluster.local\n    reload\n}\ncorp.example:53 {\n    forward . 10.9.9.9\n}\n"
)
STUB_DOMAINS = '{ "corp.example" : ["10.9.9.9"] }'
"""Someone's own entries, in a style that no JSON library would write."""

DONE = {
    "startTime": "2026-01-01T00:00:00Z",
    "completionTime": "2026-01-01T00:00:00Z",
    "succeeded": 1,
    "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}],
}


def seed(cluster: Cluster) -> None:
    """What a vendor and a user left in kube-system."""
    for name, key, text in (("coredns", "Corefile", COREFILE), ("kube-dns", "stubDomains", STUB_DOMAINS)):
        cluster.kubectl("create", "configmap", name, "-n=kube-system", f"--from-literal={key}={text}")


@contextmanager
def world(folder: Path) -> Iterator[dict[str, Cluster]]:
    """A cluster per region, each in a folder of its own, seeded with other people's DNS entries."""
    started: dict[str, Cluster] = {}
    try:
        for name in NAMES:
            (folder / name).mkdir()
            started[name] = start(folder / name)
            seed(started[name])
        yield started
    finally:
        for cluster in started.values():
            cluster.stop()


def text(cluster: Cluster, name: str, key: str) -> str:
    """The text of a ConfigMap's key in kube-system."""
    return cluster.get("configmap", name, "-n=kube-system")["data"][key]


def write(cluster: Cluster, corefile: str) -> None:
    """Someone else's edit of the Corefile."""
    patch = json.dumps({"data": {"Corefile": corefile}})
    cluster.kubectl("patch", "configmap", "coredns", "-n=kube-system", "--type=merge", f"-p={patch}")


def inventory(cluster: Cluster) -> set[str]:
    """Everything that is there, as kind/namespace/name, but for what the control plane makes and renews itself."""
    kinds = (
        "namespaces,services,configmaps,secrets,serviceaccounts,statefulsets,jobs,poddisruptionbudgets,networkpolicies"
    )
    rbac = "roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,clusterroles,clusterrolebindings"
    found = cluster.get(f"{kinds},{rbac}", "--all-namespaces")
    return {
        f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}"
        for each in found["items"]
        if each["metadata"]["name"] != "kube-root-ca.crt" and "token-tracking" not in each["metadata"]["name"]
    }


@dataclass
class Attendant:
    """Completes every Job, gives every load balancer the address it asks for, and every DNS Service an endpoint."""

    clusters: list[Cluster]
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(target=self._attend, args=(cluster,), daemon=True) for cluster in self.clusters
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _attend(self, cluster: Cluster) -> None:
        while not self._stop.wait(0.3):
            try:
                self._round(cluster)
            except subprocess.CalledProcessError:
                continue  # gone, or changed since: the next round sees

    def _round(self, cluster: Cluster) -> None:
        for each in (cluster.get("services,jobs", "--all-namespaces") or {"items": []})["items"]:
            meta, spec, status = each["metadata"], each["spec"], each.get("status", {})
            if each["kind"] == "Job" and not status.get("conditions"):
                cluster.set_status("job", meta["namespace"], meta["name"], DONE)
            if spec.get("type") == "LoadBalancer" and not status.get("loadBalancer"):
                if meta["namespace"] == "kube-system":
                    cluster.kubectl("apply", "-f=-", stdin=json.dumps(_endpoints(meta["name"])))
                given: dict[str, Any] = {"loadBalancer": {"ingress": [{"ip": spec["loadBalancerIP"]}]}}
                cluster.set_status("service", meta["namespace"], meta["name"], given)


def _endpoints(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": name, "namespace": "kube-system"},
        "subsets": [{"addresses": [{"ip": "10.1.128.5"}], "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}],
    }


def stack_file(folder: Path, clusters: dict[str, Cluster], states: dict[str, str], **more: Any) -> dict[str, Any]:
    """The config of a stack over these regions."""
    regions = [
        {
            "name": name,
            "kubeconfig": str(cluster.kubeconfig),
            "context": "conformance",
            "dns": {"kind": "kube-dns" if name == "us-west1" else "coredns"},
            "state": states.get(name, "active"),
        }
        for name, cluster in clusters.items()
    ]
    databases = [
        {"name": "bank", "owner": "app", "primaryRegion": "us-east1", "regions": ["us-east1"], "survive": "zone"}
    ]
    return {"regions": regions, "databases": databases, **more}
