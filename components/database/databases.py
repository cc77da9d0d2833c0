"""The cluster's SQL, run by a Job for each text."""

import hashlib
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import jobs, names, sql
from .fragments import READ_ONLY, Manifest, client_resources
from .once import account, run_for_each
from .secrets import encoded
from .settings import CockroachNodeArgs

DEADLINE_SECONDS = 1800
"""Adding a region or raising a survival goal rewrites every table's zone configuration: minutes, with many of them."""

_SQL_DIR = "/etc/cockroachdb/sql"


class DatabaseArgs(TypedDict):
    """One database."""

    name: str
    """Its name."""
    owner: str
    """SQL user that owns it and logs in with a client certificate."""
    users: NotRequired[list[str]]
    """Further SQL users, who read and write."""
    primary_region: str
    """Where its leaseholders are, unless a table says otherwise."""
    regions: list[str]
    """All of its regions."""
    survive: str
    """`zone` or `region`."""
    restored_by: NotRequired[str]
    """Name of the Job of its `RestoredDatabase`, where there is one: root has its tables then, which the owner gets."""


class DatabasesArgs(TypedDict):
    """What exists in SQL."""

    namespace: str
    """Namespace where the Job runs; it has the Secret `cockroachdb-client-root`."""
    host: str
    """Node that the statements go to."""
    port: NotRequired[int]
    """Its port, if it isn't CockroachDB's own."""
    node: CockroachNodeArgs
    """What one node is."""
    databases: list[DatabaseArgs]
    """The databases."""
    cluster_settings: NotRequired[dict[str, str]]
    """Cluster settings by name."""
    organization: NotRequired[str]
    """The license's organization."""
    known_regions: list[str]
    """Every region that the stack lists, whatever its state: a database leaves those that it no longer names."""
    backups: NotRequired[bool]
    """A `BackupSchedule` stands beside this. Default false: the schedule that an earlier one made is dropped."""
    license: NotRequired[pulumi.Input[str]]
    """The license: a secret."""


def sql_text(args: DatabasesArgs) -> str:
    """The SQL of these args. The license is not in it."""
    wanted = [
        sql.Database(
            name=database["name"],
            owner=database["owner"],
            users=database.get("users", []),
            primary_region=database["primary_region"],
            regions=database["regions"],
            survive=database["survive"],
            restored_by=database.get("restored_by"),
        )
        for database in args["databases"]
    ]
    return sql.script(
        wanted,
        args.get("cluster_settings", {}),
        args.get("organization"),
        args["known_regions"],
        backups=args.get("backups", False),
    )


class SqlArgs(TypedDict):
    """Whom statements are told to."""

    host: str
    """A node."""
    port: NotRequired[int]
    """Its port, if it isn't CockroachDB's own."""
    node: CockroachNodeArgs
    """What one node is."""


def sql_pod(args: SqlArgs, volume: Manifest, annotations: dict[str, pulumi.Input[str]] | None = None) -> jobs.JobPod:
    """A Job's pod that runs the file `statements.sql` of a volume as root, and stops at the first error."""
    node = args["node"]
    command = [
        "/cockroach/cockroach",
        "sql",
        f"--certs-dir={names.CLIENT_CERTS_DIR}",
        f"--host={args['host']}:{args.get('port', names.RPC_PORT)}",
        f"--file={_SQL_DIR}/statements.sql",
    ]
    mounts = [jobs.client_mount(), {"name": "sql", "mountPath": _SQL_DIR, "readOnly": True}]
    return jobs.JobPod(
        component="sql",
        service_account=names.SQL,
        labels=node.get("labels", {}),
        annotations=annotations or {},
        deadline_seconds=DEADLINE_SECONDS,
        containers=[jobs.container("sql", node["image"], command, {}, mounts, client_resources())],
        volumes=[jobs.client_volume(names.ROOT), {"name": "sql", **volume}],
    )


class Databases(pulumi.ComponentResource):
    """Users, databases, their regions and survival goals, cluster settings and the license.

    Nothing here is ever dropped with the resource: a database that leaves the config stays in the cluster.
    """

    sql: pulumi.Output[str]
    """The statements, without the license."""

    def __init__(self, name: str, args: DatabasesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:Databases", name, {}, opts)
        text = sql_text(args)
        key = jobs.content_hash(text)
        object_name = f"{names.SQL}-{key}"
        pod = sql_pod(args, {"configMap": {"name": object_name, "defaultMode": READ_ONLY}})
        needs: list[pulumi.Resource] = [account(self, name, args["namespace"], pod)]
        if "license" in args:
            needs.append(self._license(name, args, args["license"], needs))
        run_for_each(self, f"{name}-{key}", object_name, args["namespace"], {"statements.sql": text}, pod, needs)
        self.sql = pulumi.Output.from_input(text)
        self.register_outputs({"sql": self.sql})

    def _license(
        self,
        name: str,
        args: DatabasesArgs,
        license_key: pulumi.Input[str],
        needs: Sequence[pulumi.Resource],
    ) -> k8s.batch.v1.Job:
        """The license by a Job of its own: its text is a secret, so no name can carry its hash."""
        object_name = f"{names.SQL}-license"
        labels = names.job_labels("sql")
        statement = pulumi.Output.secret(license_key).apply(sql.license_statement)
        # A digest gives nothing away, and as a secret it would hide the whole Job from every diff.
        digest = pulumi.Output.unsecret(statement.apply(lambda text: hashlib.sha256(text.encode()).hexdigest()[:16]))
        secret = k8s.core.v1.Secret(
            f"{name}-license",
            metadata={"name": object_name, "namespace": args["namespace"], "labels": labels},
            type="Opaque",
            data={"statements.sql": encoded(statement)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        volume: Manifest = {"secret": {"secretName": object_name, "defaultMode": READ_ONLY}}
        pod = sql_pod(args, volume, {"cockroachdb-multiregion/license": digest})
        return k8s.batch.v1.Job(
            f"{name}-license",
            metadata={
                "name": object_name,
                "namespace": args["namespace"],
                "labels": labels,
                "annotations": jobs.REPLACE_UNREADY,
            },
            spec=jobs.job_spec(pod),
            # Another license changes the pod's annotation, and that makes the Job anew.
            opts=jobs.job_options(self, DEADLINE_SECONDS, depends_on=[*needs, secret]),
        )
