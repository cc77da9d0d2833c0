"""A database that is made from a backup, by a Job for each statement that says so."""

from dataclasses import replace
from typing import NotRequired, TypedDict

import pulumi

from . import jobs, names, sql
from .databases import sql_pod
from .fragments import READ_ONLY
from .once import account, run_for_each
from .settings import CockroachNodeArgs

DEADLINE_SECONDS = 6 * 3600
"""A restore takes as long as its data; one that takes longer goes on in the cluster (SHOW JOBS) without the Job."""

LATEST = "LATEST"


class RestoredDatabaseArgs(TypedDict):
    """What is restored, and from where."""

    namespace: str
    """Namespace where the Job runs; it has the Secret `cockroachdb-client-root`."""
    host: str
    """Node that the statement goes to."""
    port: NotRequired[int]
    """Its port, if it isn't CockroachDB's own."""
    node: CockroachNodeArgs
    """What one node is."""
    database: str
    """The database to make. CockroachDB refuses where it is there already."""
    from_database: NotRequired[str]
    """Its name in the backup. Default: the same."""
    uri: str
    """CockroachDB's URI of the collection of backups, with no credential in it."""
    backup: NotRequired[str]
    """Which one: a full backup as SHOW BACKUPS prints it. Default: LATEST."""
    at: NotRequired[str]
    """A moment in UTC, `2026-11-26 03:10:00`, if the backup has revision history. Default: the backup's end."""


def restore_statement(args: RestoredDatabaseArgs) -> str:
    """Makes the database, or fails where it is there."""
    database, backup = args.get("from_database", args["database"]), args.get("backup", LATEST)
    words = [
        f"RESTORE DATABASE {sql.identifier(database)}",
        f"FROM {backup if backup == LATEST else sql.literal(backup)} IN {sql.literal(args['uri'])}",
    ]
    if "at" in args:
        words.append(f"AS OF SYSTEM TIME {sql.literal(args['at'])}")
    if database != args["database"]:
        words.append(f"WITH new_db_name = {sql.literal(args['database'])}")
    return f"{' '.join(words)};"


def job_name(args: RestoredDatabaseArgs) -> str:
    """The Job's name; its ConfigMap and its account are called alike, since restores may run side by side."""
    return f"{names.RESTORE}-{_key(args)}"


def _key(args: RestoredDatabaseArgs) -> str:
    return jobs.content_hash(restore_statement(args))


def restore_pod(args: RestoredDatabaseArgs) -> jobs.JobPod:
    """The Job's pod. It is not tried again: after a try that was cut off, CockroachDB goes on by itself, and a second
    one would only hide what the first one said.
    """
    volume = {"configMap": {"name": job_name(args), "defaultMode": READ_ONLY}}
    return replace(
        sql_pod(args, volume),
        component="restore",
        service_account=job_name(args),
        deadline_seconds=DEADLINE_SECONDS,
        retries=0,
    )


class RestoredDatabase(pulumi.ComponentResource):
    """A database from a backup. `Databases`, after this, makes it what it is to be: its owner, users and regions.

    Nothing is ever restored over data, and nothing is dropped with the resource: the database stays.
    """

    job_name: pulumi.Output[str]
    """Name of the Job, another one for each backup: `restored_by` of `Databases`."""

    def __init__(self, name: str, args: RestoredDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:RestoredDatabase", name, {}, opts)
        pod, data = restore_pod(args), {"statements.sql": f"{restore_statement(args)}\n"}
        needs = [account(self, name, args["namespace"], pod)]
        run_for_each(self, f"{name}-{_key(args)}", job_name(args), args["namespace"], data, pod, needs)
        self.job_name = pulumi.Output.from_input(job_name(args))
        self.register_outputs({"job_name": self.job_name})
