"""The cluster's scheduled backups, kept by a Job for each wording of the schedule."""

from typing import NotRequired, TypedDict

import pulumi

from . import jobs, names, sql
from .fragments import READ_ONLY, client_resources, scripts_mount, scripts_volume
from .once import account, run_for_each
from .settings import CockroachNodeArgs

DEADLINE_SECONDS = 600
"""Making a schedule reads what the storage has: seconds, or as long as it takes to give up on it."""

_SQL_DIR = "/etc/cockroachdb/backup"


class BackupScheduleArgs(TypedDict):
    """When the whole cluster is backed up, and where to."""

    namespace: str
    """Namespace where the Job runs; it has the Secret `cockroachdb-client-root`."""
    host: str
    """Node that the statements go to."""
    port: NotRequired[int]
    """Its port, if it isn't CockroachDB's own."""
    node: CockroachNodeArgs
    """What one node is."""
    uri: str
    """CockroachDB's URI of the storage, with no credential in it: it is in the state and in the cluster as it is."""
    schedule: str
    """Cron expression of full backups."""
    incremental: NotRequired[str]
    """Cron expression of those between. Default: all backups are full."""
    revision_history: NotRequired[bool]
    """Keep every version of a row, so that a restore can be to any moment. Default false."""


def create_statement(args: BackupScheduleArgs) -> str:
    """Makes the schedule; the first backup is at once."""
    recurring = args.get("incremental", args["schedule"])
    return (
        f"CREATE SCHEDULE {sql.literal(names.BACKUP_LABEL)} FOR BACKUP INTO {sql.literal(args['uri'])}"
        f"{' WITH revision_history' if args.get('revision_history', False) else ''}"
        f" RECURRING {sql.literal(recurring)} FULL BACKUP {_full(args)}"
        # A schedule that was dropped and comes back goes on in the same place.
        " WITH SCHEDULE OPTIONS first_run = 'now', ignore_existing_backups, on_execution_failure = 'retry',"
        " on_previous_running = 'wait', updates_cluster_last_backup_time_metric;"
    )


def alter_commands(args: BackupScheduleArgs) -> str:
    """What follows ALTER BACKUP SCHEDULE and an id; of a schedule that is so already, it changes nothing."""
    recurring = args.get("incremental", args["schedule"])
    history = str(args.get("revision_history", False)).lower()
    return (
        f"SET WITH revision_history = {history}, SET RECURRING {sql.literal(recurring)}, SET FULL BACKUP {_full(args)};"
    )


def texts(args: BackupScheduleArgs) -> dict[str, str]:
    """The script's files: making the schedule, whether it goes to the right place, taking it there, the rest of it."""
    there = f"strpos(command->>'backup_statement', {sql.literal(sql.literal(args['uri']))}) > 0"
    mine = f"label = {sql.literal(names.BACKUP_LABEL)}"
    return {
        "create.sql": create_statement(args),
        "there.sql": f"SELECT count(*) FROM [SHOW SCHEDULES] WHERE {mine} AND {there};",  # noqa: S608  # quoted above
        "into.sql": f"SET INTO {sql.literal(args['uri'])}",
        "alter.sql": alter_commands(args),
    }


def _full(args: BackupScheduleArgs) -> str:
    return sql.literal(args["schedule"]) if "incremental" in args else "ALWAYS"


def backup_pod(args: BackupScheduleArgs, config_map: str) -> jobs.JobPod:
    """The Job's pod."""
    node = args["node"]
    recurrences = sorted(filter(None, [args["schedule"], args.get("incremental")]))
    return jobs.JobPod(
        component="backup",
        service_account=names.BACKUP,
        labels=node.get("labels", {}),
        deadline_seconds=DEADLINE_SECONDS,
        containers=[
            jobs.container(
                "backup",
                node["image"],
                ["/bin/sh", f"{names.SCRIPTS_DIR}/backup.sh"],
                {
                    "LABEL": names.BACKUP_LABEL,
                    "RECURRENCES": "\n".join(recurrences),
                    "SQL_DIR": _SQL_DIR,
                    "HOST": args["host"],
                    "RPC_PORT": str(args.get("port", names.RPC_PORT)),
                    "CERTS_DIR": names.CLIENT_CERTS_DIR,
                },
                [scripts_mount(), jobs.client_mount(), {"name": "sql", "mountPath": _SQL_DIR, "readOnly": True}],
                client_resources(),
            )
        ],
        volumes=[
            scripts_volume(),
            jobs.client_volume(names.ROOT),
            {"name": "sql", "configMap": {"name": config_map, "defaultMode": READ_ONLY}},
        ],
    )


class BackupSchedule(pulumi.ComponentResource):
    """Backups of the whole cluster, by a schedule of CockroachDB's own: nothing of Kubernetes' runs at the time.

    Without this component, `Databases` drops the schedule; what was backed up stays where it is.
    """

    label: pulumi.Output[str]
    """By which SHOW SCHEDULES knows it."""

    def __init__(self, name: str, args: BackupScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:BackupSchedule", name, {}, opts)
        data = texts(args)
        key = jobs.content_hash(data)
        object_name = f"{names.BACKUP}-{key}"
        pod = backup_pod(args, object_name)
        needs = [account(self, name, args["namespace"], pod)]
        run_for_each(self, f"{name}-{key}", object_name, args["namespace"], data, pod, needs)
        self.label = pulumi.Output.from_input(names.BACKUP_LABEL)
        self.register_outputs({"label": self.label})
