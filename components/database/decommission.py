"""A region's farewell, or that of some of its nodes."""

from typing import NotRequired, TypedDict

import pulumi

from . import jobs, names
from .fragments import client_resources, scripts_mount, scripts_volume
from .once import run_once
from .settings import CockroachNodeArgs

DEADLINE_SECONDS = 6 * 3600
"""Every replica of the region moves over the network first. `up` run again goes on where it stopped."""


class DecommissionArgs(TypedDict):
    """Who leaves, and who sees to it."""

    namespace: str
    """Namespace where the Job runs; it has the Secret `cockroachdb-client-root`."""
    host: str
    """Node of a region that stays."""
    port: NotRequired[int]
    """Its port, if it isn't CockroachDB's own."""
    node: CockroachNodeArgs
    """What one node is."""
    region: str
    """Region whose nodes leave the membership."""
    addresses: NotRequired[list[str]]
    """`host:port` that those nodes advertise. Default: all of the region's leave."""


def object_name(args: DecommissionArgs) -> str:
    """Of the Job: another one for other nodes, since each runs once."""
    which = jobs.content_hash(args["region"], args["addresses"]) if "addresses" in args else args["region"]
    return f"{names.DECOMMISSION}-{which}"


def decommission_pod(args: DecommissionArgs) -> jobs.JobPod:
    """The Job's pod."""
    node = args["node"]
    return jobs.JobPod(
        component="decommission",
        service_account=object_name(args),
        labels=node.get("labels", {}),
        deadline_seconds=DEADLINE_SECONDS,
        containers=[
            jobs.container(
                "decommission",
                node["image"],
                ["/bin/sh", f"{names.SCRIPTS_DIR}/decommission.sh"],
                {
                    "REGION": args["region"],
                    "HOST": args["host"],
                    "RPC_PORT": str(args.get("port", names.RPC_PORT)),
                    "CERTS_DIR": names.CLIENT_CERTS_DIR,
                    "CLUSTER_NAME": node["cluster_name"],
                    **({"ADDRESSES": ",".join(args["addresses"])} if "addresses" in args else {}),
                },
                [scripts_mount(), jobs.client_mount()],
                client_resources(),
            )
        ],
        volumes=[scripts_volume(), jobs.client_volume(names.ROOT)],
    )


class Decommission(pulumi.ComponentResource):
    """Moves the replicas of a draining region, or of nodes that leave one, away and strikes them from the membership.

    Runs after the SQL that takes the region out of every database (the caller says so): a region that a database
    names can't go.
    """

    def __init__(self, name: str, args: DecommissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:Decommission", name, {}, opts)
        run_once(self, name, object_name(args), args["namespace"], decommission_pod(args))
        self.register_outputs({})
