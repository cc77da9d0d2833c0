"""Whether every node is ready for the next step from one authority to another."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import jobs, names
from .fragments import READ_ONLY, scripts_mount, scripts_volume
from .once import run_once
from .secrets import encoded
from .settings import CockroachNodeArgs, KeyPairArgs

DEADLINE_SECONDS = 1200
"""The kubelet may take a minute or two to bring a Secret to a pod, and the node another to read it (`start`)."""
_DIR = "/etc/cockroachdb/trust"


class AuthorityCheckArgs(TypedDict):
    """What every node shall trust and present."""

    namespace: str
    """Namespace where the Job runs: it has the list of members."""
    step: str
    """The config's word for the step: the Job runs once for each."""
    node: CockroachNodeArgs
    """What one node is."""
    signs: pulumi.Input[str]
    """Certificate of the authority that signed every node's certificate, PEM."""
    clients: dict[str, KeyPairArgs]
    """Name of each authority -> a client certificate of its, which every node shall take."""
    retries: NotRequired[int]
    """How often the Job starts anew after a failure. Default 0: it waits by itself."""


def check_pod(args: AuthorityCheckArgs, object_name: str) -> jobs.JobPod:
    """The Job's pod: it asks every member, with the certificates of the Secret, and holds nothing else."""
    node = args["node"]
    return jobs.JobPod(
        component="authority-check",
        service_account=object_name,
        labels=node.get("labels", {}),
        deadline_seconds=DEADLINE_SECONDS,
        retries=args.get("retries", 0),
        containers=[
            jobs.container(
                "authority-check",
                node["tools_image"],
                ["python3", f"{names.SCRIPTS_DIR}/trust.py"],
                {
                    "STEP": args["step"],
                    "MEMBERS_FILE": f"{names.JOIN_DIR}/members.json",
                    "TRUST_DIR": _DIR,
                    "AUTHORITIES": ",".join(args["clients"]),
                    "RPC_PORT": str(names.RPC_PORT),
                    "DEADLINE_SECONDS": str(DEADLINE_SECONDS - 60),
                },
                [scripts_mount(), jobs.join_mount(), {"name": "trust", "mountPath": _DIR, "readOnly": True}],
            )
        ],
        volumes=[
            scripts_volume(),
            jobs.join_volume(),
            {"name": "trust", "secret": {"secretName": object_name, "defaultMode": READ_ONLY}},
        ],
    )


class AuthorityCheck(pulumi.ComponentResource):
    """Waits until every node takes clients of both authorities and presents a certificate of the one that signs.

    Nodes read what a step brings them minutes later: the step is over when they have, and the next one is not begun
    before (the caller says so).
    """

    def __init__(self, name: str, args: AuthorityCheckArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:AuthorityCheck", name, {}, opts)
        object_name = f"{names.AUTHORITY_CHECK}-{args['step'].replace('+', '-')}"
        namespace = args["namespace"]
        data: dict[str, pulumi.Input[str]] = {"signs.crt": encoded(args["signs"])}
        for authority, pair in args["clients"].items():
            data[f"{authority}.crt"] = encoded(pair["certificate"])
            data[f"{authority}.key"] = encoded(pair["private_key"])
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": object_name, "namespace": namespace, "labels": names.job_labels("authority-check")},
            type="Opaque",
            data=data,
            opts=pulumi.ResourceOptions(parent=self),
        )
        run_once(self, name, object_name, namespace, check_pod(args, object_name), [secret])
        self.register_outputs({})
