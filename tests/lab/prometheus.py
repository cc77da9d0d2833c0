"""A Prometheus in a region's cluster, as docs/monitoring.md has one: without the operator, and with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lab.tools import demand
from tests.lab.stack import Json, RunningStack, is_ready

NAMESPACE = NAME = "prometheus"
FILES = "cockroachdb"
"""The ConfigMap of what `python -m stacks.monitoring` wrote."""
VERSION = "v3.16.0"
IMAGE = f"quay.io/prometheus/prometheus:{VERSION}"
PORT = 9090
MOUNTED_AT = "/etc/prometheus/cockroachdb"
"""Where the page has it."""
AS_NOBODY = {"runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534, "runAsNonRoot": True}
RBAC = "rbac.authorization.k8s.io"
OPERATED = "operated"
"""Namespace and name of the one that the operator runs."""


@dataclass(frozen=True)
class Prometheus:
    """The one of a region."""

    stack: RunningStack
    region: str
    namespace: str = NAMESPACE
    pod: str = NAME

    def deploy(self, folder: Path, files: Path) -> None:
        """Start it on `files`, with the rights that the page names; `folder` is for what is sent. Not awaited."""
        demand("prometheus")
        self.stack.kubectl(self.region, "create", "namespace", NAMESPACE)
        words = ("create", "configmap", FILES, "-n", NAMESPACE, f"--from-file={files}")
        self.stack.kubectl(self.region, *words)
        create(self.stack, self.region, folder, manifests(self.region))

    def ask(self, what: str, **given: str) -> Any:
        """`data` of what its API answers; a refusal, or a warning, is a failure."""
        query = f"?{urlencode(given)}" if given else ""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}:{PORT}/proxy/api/v1/{what}{query}"
        answer = json.loads(self.stack.kubectl(self.region, "get", "--raw", path))
        assert (answer["status"], answer.get("warnings")) == ("success", None), answer
        return answer["data"]

    def query(self, expression: str) -> list[Json]:
        """The series of an instant query."""
        return self.ask("query", query=expression)["result"]

    def targets(self) -> list[Json]:
        return self.ask("targets")["activeTargets"]

    def alerts(self) -> set[str]:
        """Names of those that are pending or fire; but for one: a store is as full as the machine's disk."""
        names = {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]}
        return names - {"CockroachDBStoreFills"}

    def is_ready(self) -> bool:
        pods = self.stack.get(self.region, "pods", "-n", self.namespace)["items"]
        return any(pod["metadata"]["name"] == self.pod and is_ready(pod) for pod in pods)


def operated(stack: RunningStack, region: str, folder: Path, labels: dict[str, str]) -> Prometheus:
    """One that the operator makes, which is there: it selects by labels, in all namespaces. Not awaited."""
    demand("prometheus")
    metadata = {"name": OPERATED, "namespace": OPERATED}
    subject = {"kind": "ServiceAccount", **metadata}
    by_label = {"matchLabels": labels}
    # The operator calls it in /bin, which is the machine's own here.
    command = ["/usr/local/bin/prometheus-config-reloader"]
    spec = {
        "version": VERSION,
        "serviceAccountName": OPERATED,
        "serviceMonitorSelector": by_label,
        "serviceMonitorNamespaceSelector": {},
        "ruleSelector": by_label,
        "ruleNamespaceSelector": {},
        "evaluationInterval": "5s",
        "securityContext": AS_NOBODY,
        "initContainers": [{"name": "init-config-reloader", "command": command}],
        "containers": [{"name": "config-reloader", "command": command}],
    }
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "prometheus"}
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATED}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": OPERATED},
            "roleRef": role,
            "subjects": [subject],
        },
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": metadata, "spec": spec},
    ]
    create(stack, region, folder, made)
    return Prometheus(stack, region, OPERATED, f"prometheus-{OPERATED}-0")


def create(stack: RunningStack, region: str, folder: Path, objects: list[Json]) -> None:
    """Objects that are not there; the text of them goes by `folder`."""
    sent = folder / f"{region}.json"
    sent.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    stack.kubectl(region, "create", "-f", str(sent))


def manifests(region: str) -> list[Json]:
    """The account with its rights, the configuration, the pod."""
    settings = {
        "global": {"evaluation_interval": "5s"},
        "scrape_config_files": [f"{MOUNTED_AT}/scrape-{region}.yml"],
        "rule_files": [f"{MOUNTED_AT}/rules.yml"],
    }
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    rights: list[Json] = []
    for namespace in (region, "kube-system"):
        metadata = {"name": NAME, "namespace": namespace}
        rights += [
            {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": NAME},
                "subjects": [subject],
            },
        ]
    here = {"name": NAME, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        *rights,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": here,
            "data": {"prometheus.yml": json.dumps(settings)},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": here, "spec": _pod()},
    ]


def _pod() -> Json:
    arguments = ["--config.file=/etc/prometheus/settings/prometheus.yml", "--storage.tsdb.path=/prometheus"]
    return {
        "serviceAccountName": NAME,
        "securityContext": AS_NOBODY,
        "containers": [
            {
                "name": NAME,
                "image": IMAGE,
                "args": [*arguments, f"--web.listen-address=:{PORT}"],
                "env": [{"name": "GOMEMLIMIT", "value": "150MiB"}],
                "readinessProbe": {"httpGet": {"path": "/-/ready", "port": PORT}, "periodSeconds": 2},
                "volumeMounts": [
                    {"name": "settings", "mountPath": "/etc/prometheus/settings"},
                    {"name": "files", "mountPath": MOUNTED_AT},
                    {"name": "data", "mountPath": "/prometheus"},
                ],
            }
        ],
        "volumes": [
            {"name": "settings", "configMap": {"name": NAME}},
            {"name": "files", "configMap": {"name": FILES}},
            {"name": "data", "emptyDir": {}},
        ],
    }
