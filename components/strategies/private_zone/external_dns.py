"""external-dns in one region, rendered from plain values: what it may read, what it runs as, what it may reach."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

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
    zone: str
    """The whole zone, as its servers have it."""
    part: str
    """The region's part of the zone: no name outside of it is ever touched."""
    owner: str
    """Marks this cluster's records in the zone (TXT): no other's are ever changed."""
    server: str
    """Address that takes updates and zone transfers."""
    port: int
    """Where it does."""
    key_name: str
    """Of the TSIG key that updates are signed with."""
    key_algorithm: str
    """Such as `hmac-sha256`."""


def arguments(args: WriterArgs) -> list[str]:
    """The command line, but for the TSIG key's secret, which is in the environment.

    - `upsert-only`: a record is written anew, never taken away. A name that is gone while its pod moves is remembered
      as missing by every resolver that asks then; one that is stale is dialled in vain until the next round, and TLS
      refuses who else may have that address.
    - `txt-prefix`: the TXT record that says whose a name is has to be in the region's part too, and next to no name.
    - `rfc2136-tsig-axfr`: what is in the zone is read by zone transfer, the one way that RFC 2136 knows.
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
        "--provider=rfc2136",
        f"--rfc2136-host={args['server']}",
        f"--rfc2136-port={args['port']}",
        f"--rfc2136-zone={args['zone']}",
        f"--rfc2136-tsig-keyname={args['key_name']}",
        f"--rfc2136-tsig-secret-alg={args['key_algorithm']}",
        "--rfc2136-tsig-axfr",
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


def egress_spec(args: WriterArgs) -> Manifest:
    """To the server, beside what every pod of the namespace may reach (names, the API server)."""
    ports = [{"protocol": "TCP", "port": args["port"]}]
    return {
        "podSelector": {"matchLabels": labels()},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": f"{args['server']}/32"}}], "ports": ports}],
    }


def deployment_spec(args: WriterArgs, annotations: Mapping[str, object]) -> Manifest:
    """One pod, and never two at once: external-dns elects no leader, and two would undo each other's work."""
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
            "metadata": {"labels": labels(), "annotations": dict(annotations)},
            "spec": {
                "serviceAccountName": NAME,
                "enableServiceLinks": False,
                "securityContext": pod_security(),
                "tolerations": away,
                "containers": [_container(args)],
            },
        },
    }


def _container(args: WriterArgs) -> Manifest:
    return {
        "name": NAME,
        "image": args["image"],
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(args),
        "env": [
            {
                "name": "EXTERNAL_DNS_RFC2136_TSIG_SECRET",
                "valueFrom": {"secretKeyRef": {"name": NAME, "key": SECRET_KEY}},
            }
        ],
        "ports": [{"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
