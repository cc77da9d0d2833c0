"""external-dns in one region, rendered from plain values: what it may read, what it runs as, what it may reach."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...database.fragments import Manifest, container_security, pod_security

NAME = "external-dns"
"""The Deployment, its ServiceAccount, its Role, its Secret and its NetworkPolicy."""
HEALTH_PORT = 7979
SECRET_KEY = "tsig-secret"  # noqa: S105 - a key of the Secret, not its value
SECRET_HASH = "cockroachdb-multiregion/tsig-secret"  # noqa: S105 - an annotation
"""Annotation of the pod: a secret that has changed is read by a new process only."""

INTERVAL = "30s"
"""Between two looks at everything; changes of a pod's address are acted upon when they happen."""
EVENTS_APART = "2s"
"""Between two rounds, however many pods come and go. The default is 5 s, which is part of how long a moved pod is lost
to the others."""
AWAY_SECONDS = 20
"""After a host is found dead, external-dns starts on another one. Kubernetes' own default is 300 s, in which the pods
that move away from that host would be found by nobody."""


class WriterArgs(TypedDict):
    """What external-dns writes, and where."""

    namespace: str
    """The region's namespace: only what is in it is published."""
    image: str
    """external-dns' container image."""
    part: str
    """The region's part of the zone: no name outside of it is ever touched."""
    owner: str
    """Marks this cluster's records in the zone (TXT): no other's are ever changed."""


class EndpointArgs(TypedDict):
    """Where it is let out to."""

    cidr: str
    """Whose addresses."""
    ports: list[int]
    """TCP."""


class KeeperArgs(TypedDict):
    """How external-dns writes to whoever keeps the zone."""

    arguments: list[pulumi.Input[str]]
    """Of its command line: the provider, and what that has to know."""
    endpoints: list[EndpointArgs]
    """What it reaches beside what every pod of the namespace may (names, the API server)."""
    environment: NotRequired[dict[str, str]]
    """Plain variables. Default: none."""
    account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Of its ServiceAccount. Default: none."""


def arguments(args: WriterArgs, keeper: KeeperArgs) -> list[pulumi.Input[str]]:
    """The command line. No secret is in it.

    - `upsert-only`: a record is written anew, never taken away. A name that is gone while its pod moves is remembered
      as missing by every resolver that asks then; one that is stale is dialled in vain until the next round, and TLS
      refuses who else may have that address.
    - `txt-prefix`: the TXT record that says whose a name is has to be in the region's part too, and next to no name.
    """
    return [
        "--source=service",
        f"--namespace={args['namespace']}",
        "--service-type-filter=ClusterIP",
        "--managed-record-types=A",
        f"--domain-filter={args['part']}",
        "--policy=upsert-only",
        "--registry=txt",
        f"--txt-owner-id={args['owner']}",
        "--txt-prefix=%{record_type}-owner.",
        f"--interval={INTERVAL}",
        "--events",
        "--listen-endpoint-events",
        f"--min-event-sync-interval={EVENTS_APART}",
        f"--metrics-address=:{HEALTH_PORT}",
        "--log-format=json",
        *keeper["arguments"],
    ]


def labels() -> dict[str, str]:
    """Of every object; they never match the database's selector."""
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "cockroachdb-multiregion"}


def rules() -> list[k8s.rbac.v1.PolicyRuleArgsDict]:
    """Reads, in the one namespace."""
    look: Sequence[str] = ("get", "list", "watch")
    return [
        {"api_groups": [""], "resources": ["services", "pods"], "verbs": list(look)},
        {"api_groups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": list(look)},
    ]


def egress_spec(keeper: KeeperArgs) -> Manifest:
    """To the keeper, beside what every pod of the namespace may reach."""
    return {
        "podSelector": {"matchLabels": labels()},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": endpoint["cidr"]}}],
                "ports": [{"protocol": "TCP", "port": port} for port in endpoint["ports"]],
            }
            for endpoint in keeper["endpoints"]
        ],
    }


def deployment_spec(args: WriterArgs, keeper: KeeperArgs, secret_hash: object = None) -> Manifest:
    """One pod, and never two at once: external-dns elects no leader, and two would undo each other's work.

    `secret_hash`: another one makes another pod; None: there is no secret.
    """
    annotations = {} if secret_hash is None else {SECRET_HASH: secret_hash}
    away = [
        {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute",
         "tolerationSeconds": AWAY_SECONDS}
        for state in ("not-ready", "unreachable")
    ]  # fmt: skip
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels()},
        "template": {
            "metadata": {"labels": labels(), "annotations": annotations},
            "spec": {
                "serviceAccountName": NAME,
                "enableServiceLinks": False,
                "securityContext": pod_security(),
                "tolerations": away,
                "containers": [_container(args, keeper, signs=secret_hash is not None)],
            },
        },
    }


def _container(args: WriterArgs, keeper: KeeperArgs, *, signs: bool) -> Manifest:
    secret = {"secretKeyRef": {"name": NAME, "key": SECRET_KEY}}
    return {
        "name": NAME,
        "image": args["image"],
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(args, keeper),
        "env": [
            *([{"name": "EXTERNAL_DNS_RFC2136_TSIG_SECRET", "valueFrom": secret}] if signs else []),
            *({"name": name, "value": value} for name, value in keeper.get("environment", {}).items()),
        ],
        "ports": [{"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
