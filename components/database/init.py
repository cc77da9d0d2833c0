"""The cluster's one initialisation."""

import json
from typing import NotRequired, TypedDict

import pulumi

from . import jobs, names
from .fragments import Manifest, client_resources, scripts_mount, scripts_volume
from .once import run_once
from .settings import CockroachNodeArgs

DEADLINE_SECONDS = 1800
"""Every region's pods must have started by then: images pulled, volumes bound, load balancers answering DNS."""

_STATE_DIR = "/run/cockroachdb/preflight"


class ClusterInitArgs(TypedDict):
    """Which node is initialised."""

    namespace: str
    """Namespace of the first region listed; it has the Secret `cockroachdb-client-root`."""
    host: str
    """Host that the first node of that region advertises, or its name inside its own cluster.

    Fixed: two different targets could become two clusters.
    """
    join_host: NotRequired[str]
    """The load balancer in the join list at which other nodes find that one. Default: `host` itself is in the list."""
    port: NotRequired[int]
    """Where that host is reached for RPC. Default: CockroachDB's own port."""
    http_ports: NotRequired[dict[str, int]]
    """Entry of the join list -> where that node answers HTTP, if elsewhere than at CockroachDB's port."""
    node: CockroachNodeArgs
    """What one node is."""


def init_pod(args: ClusterInitArgs) -> jobs.JobPod:
    """The Job's pod: look at every join target, then initialise one node, if nothing anywhere has been."""
    node = args["node"]
    state: Manifest = {"name": "state", "mountPath": _STATE_DIR}
    environment = {"INIT_HOST": args["host"], "STATE_FILE": f"{_STATE_DIR}/verdict"}
    return jobs.JobPod(
        component="init",
        service_account=names.INIT,
        labels=node.get("labels", {}),
        deadline_seconds=DEADLINE_SECONDS,
        init_containers=[
            jobs.container(
                "preflight",
                node["tools_image"],
                ["python3", f"{names.SCRIPTS_DIR}/preflight.py"],
                {
                    **environment,
                    **({"RPC_PORT": str(args["port"])} if "port" in args else {}),
                    **({"HTTP_PORTS": json.dumps(args["http_ports"])} if "http_ports" in args else {}),
                    **({"JOIN_HOST": args["join_host"]} if "join_host" in args else {}),
                    "JOIN_FILE": f"{names.JOIN_DIR}/join",
                    "CA_FILE": f"{names.CERTS_DIR}/ca.crt",
                    "HTTP_PORT": str(names.HTTP_PORT),
                    "DEADLINE_SECONDS": str(DEADLINE_SECONDS - 300),
                },
                [scripts_mount(), jobs.join_mount(), jobs.authority_mount(), state],
            )
        ],
        containers=[
            jobs.container(
                "init",
                node["image"],
                ["/bin/sh", f"{names.SCRIPTS_DIR}/init.sh"],
                {
                    **environment,
                    "CERTS_DIR": names.CLIENT_CERTS_DIR,
                    "RPC_PORT": str(args.get("port", names.RPC_PORT)),
                    "CLUSTER_NAME": node["cluster_name"],
                },
                [scripts_mount(), jobs.client_mount(), state],
                client_resources(),
            )
        ],
        volumes=[
            scripts_volume(),
            jobs.join_volume(),
            jobs.authority_volume(),
            jobs.client_volume(names.ROOT),
            {"name": "state", "emptyDir": {"sizeLimit": "1Mi"}},
        ],
    )


class ClusterInit(pulumi.ComponentResource):
    """Runs `cockroach init` exactly once over all regions, and fails loudly where some region can't be reached.

    Depends on every active region (the caller says so): all nodes must be on their way before one is initialised.
    """

    def __init__(self, name: str, args: ClusterInitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:ClusterInit", name, {}, opts)
        run_once(self, name, names.INIT, args["namespace"], init_pod(args))
        self.register_outputs({})
