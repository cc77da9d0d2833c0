"""`python -m drill Pulumi.STACK.yaml`: does the newest backup come back?

Restores each database of the stack under another name, compares the tables with what was in them at the backup's time,
and drops it again. Exit code 0: it came back as it was; 1: it differs; 2: nothing came back; 3: could not run.
"""

import argparse
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.plan.model import ConfigError, Settings
from stacks import arguments as of
from stacks.settings import from_stack_file, wrong_with
from verify import target

from . import manifests, verdict
from .verdict import Outcome

START_SECONDS = 120.0
"""For the pod to run: an image may have to be pulled."""


def main(words: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(words)
    try:
        settings, plan = from_stack_file(options.stack_file)
    except (ConfigError, OSError) as error:
        return _cannot(wrong_with(error))
    uri = settings.backup.uri if settings.backup is not None else None
    uri = options.uri or uri
    if uri is None:
        return _cannot("backup: the stack has none; set backup.uri, or name a collection with --from")
    databases = options.database or [database.name for database in settings.databases]
    if not databases:
        return _cannot("databases: the stack has none; name one with --database")
    admin = plan.region(of.admin_region(settings).name)
    aim = target.from_stack(settings, plan, options.stack_file.resolve().parent, options.kubeconfig, (admin.name,))
    run = uuid.uuid4().hex[:8]
    program_input = manifests.given(uri, databases, of.first_host(admin), admin.nodes[0].port, run)
    report = _report(settings, aim.regions[0], program_input, run, options.timeout)
    if isinstance(report, str):
        return _cannot(report)
    outcome, problems = verdict.judge(report)
    now = datetime.now(UTC)
    if options.json:
        print(json.dumps(verdict.to_json(report, outcome, problems, now), indent=2))  # noqa: T201
    else:
        print(verdict.to_text(report, outcome, problems, now))  # noqa: T201
    return outcome


def _report(
    settings: Settings, region: target.Region, program_input: dict[str, Any], run: str, timeout: int
) -> dict[str, Any] | str:
    """What the pod reported; words where it did not."""
    from verify import kube  # half a second to import: not for --help, not for a bad stack file

    cluster = None
    try:
        cluster = kube.Cluster(region, run)
        life = timeout + int(START_SECONDS)
        root = cluster.create_root(
            manifests.config_map(region.namespace, run, program_input, kube.owner(), int(time.time()) + life + 60)
        )
        pod = cluster.create_pod(manifests.pod(region.namespace, settings.cockroachdb.tools_image, run, life, root))
        status, detail = cluster.settle([pod], time.monotonic() + START_SECONDS)[pod]
        if status not in ("running", "crashed"):  # a pod that is done already counts as crashed there
            return f"{region.name}: the drill's pod is {status}: {detail}"
        report, why = cluster.report(pod, time.monotonic() + timeout)
        return report if report is not None else f"{region.name}: {why}"
    except kube.ApiError as error:
        return f"{region.name}: {error}"
    except KeyboardInterrupt:
        return "interrupted; a database named drill_… may be left"
    finally:
        if cluster is not None:
            _remove(cluster)


def _remove(cluster: Any) -> None:
    from verify import kube

    try:
        cluster.remove()
    except kube.ApiError as error:
        print(f"drill: not cleaned up: {error}", file=sys.stderr)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m drill",
        description="Restore the newest backup under another name, compare it, drop it again.",
        epilog="Exit code: 0 it came back as it was, 1 it differs, 2 nothing came back, 3 could not run.",
    )
    parser.add_argument("stack_file", type=Path, metavar="Pulumi.STACK.yaml")
    parser.add_argument("--database", action="append", metavar="NAME", help="only these; may be repeated")
    parser.add_argument("--from", dest="uri", metavar="URI", help="another collection than backup.uri")
    parser.add_argument("--timeout", type=int, default=3600, metavar="S", help="seconds in all (default 3600)")
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="for regions that name none; contexts called like the regions"
    )
    return parser


def _cannot(*problems: str) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return Outcome.COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
