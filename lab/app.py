"""`make app`: the app team's example on the stack that the lab runs, and what its pods have written and read."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from lab import engine
from lab.engine import Program
from lab.environment import environment
from lab.images import write_images
from lab.paths import PROJECT, LabPaths, lab_paths
from lab.shell import LabError, run
from lab.stackfile import runtime_options, write
from lab.state import locked
from lab.tools import bin_dir

EXAMPLE = PROJECT / "examples" / "app-team"
NAME = "app-team"
"""Of its project, and the namespace of its config."""
STACK_FILE = "Pulumi.dev.yaml"

READ_SECONDS = 60.0
"""A pod that has written has read everybody's account a few seconds later, on an idle machine."""

NEXT = """
What to do next:
  eval "$(.venv/bin/python -m lab env{flag})"   kubectl against this lab, in this shell; then
  kubectl --context {region} -n ledger logs -f -l app.kubernetes.io/component=app
  .venv/bin/python -m lab fault cut {other}      the other regions' apps go on: look again by make app{make}
  .venv/bin/python -m lab fault heal         … and it writes again
  docs/app-teams.md                          how the app gets its login, and how to write your own
  make down{make}                                  takes the app along
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Deploy and show; 0, or 1 with one message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m lab.app", description="The app team's example, on a lab's stack.")
    parser.add_argument("--stack", default="dev", help="the stack that the lab runs (default: dev)")
    parser.add_argument("--name", help="the lab's name (default: the stack's)")
    arguments = parser.parse_args(argv)
    try:
        paths = lab_paths(arguments.name or arguments.stack)
        with locked(paths, "up.lock"):
            deploy(paths)
        shown = await_reads(paths)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return 130
    sys.stdout.write("\n" + table(shown))
    flag = "" if paths.name == "dev" else f" --name {paths.name}"
    make = "" if paths.name == "dev" else f" LAB_NAME={paths.name}"
    if arguments.stack != paths.name:
        make = f" STACK={arguments.stack}{make}"
    regions = list(dict.fromkeys(one["region"] for one in shown))
    sys.stdout.write(NEXT.format(flag=flag, make=make, region=regions[0], other=regions[-1]))
    return 0


def program(paths: LabPaths) -> Program:
    """The example as it runs in a lab: from a copy, so that tracked files stay as they are."""
    return Program(paths.root / NAME, NAME, engine.database(paths).stack)


def deploy(paths: LabPaths) -> None:
    """`pulumi up` of the example. It converges: it can be killed anywhere and run again. Raises LabError."""
    database = engine.database(paths)
    urls = json.loads(engine.pulumi(paths, database, "stack", "output", "--json")).get("databaseUrls") or {}
    if not urls:
        raise LabError(f"the stack {database.stack} has no database yet: `databases` in its stack file, then `make up`")
    # Kubelets of a lab that came up before the example was there learn its image.
    write_images(paths)
    copy(paths, in_lab(read_example(), paths, database.stack, urls))
    app = program(paths)
    engine.ensure_stack(paths, app)
    if engine.clear_dead_run(paths, app):
        sys.stderr.write("a run before was killed: taking over what it made\n")
        engine.up(paths, app, recover=True)
    engine.up(paths, app, recover=False)


def read_example() -> dict[str, Any]:
    """The config of the example's own stack file, keys without their namespace."""
    found = yaml.safe_load((EXAMPLE / STACK_FILE).read_text())["config"]
    return {key.partition(":")[2]: value for key, value in found.items()}


def in_lab(
    example: Mapping[str, Any], paths: LabPaths, stack: str, urls: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The example's config on a lab's stack: the first of its databases, in every region that takes clients."""
    database = "bank" if "bank" in urls else next(iter(urls))
    return {
        **example,
        "databaseStack": f"organization/{engine.CONFIG}/{stack}",
        "database": database,
        "kubeconfig": str(paths.kubeconfig),
        "regions": {region: region for region in urls[database]},
    }


def copy(paths: LabPaths, settings: Mapping[str, Any]) -> None:
    """Write the project and its stack file, where they differ."""
    app = program(paths)
    app.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    project = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())
    project["runtime"]["options"] = runtime_options()
    write(app.folder / "Pulumi.yaml", yaml.safe_dump({**project, "main": str(EXAMPLE)}, sort_keys=False))
    file = app.folder / f"Pulumi.{app.stack}.yaml"
    before = (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}
    document = {**before, "config": {f"{NAME}:{key}": value for key, value in settings.items()}}
    write(file, yaml.safe_dump(document, sort_keys=False))


def config(paths: LabPaths) -> dict[str, Any]:
    """What the deployed example was told, defaults included, keys without their namespace."""
    project = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())["config"]
    app = program(paths)
    given = yaml.safe_load((app.folder / f"Pulumi.{app.stack}.yaml").read_text())["config"]
    defaults = {key: entry["default"] for key, entry in project.items() if "default" in entry}
    return {**defaults, **{key.partition(":")[2]: value for key, value in given.items()}}


def statuses(paths: LabPaths) -> list[dict[str, Any]]:
    """What every running pod answers at `/status`, region by region. Raises LabError where one does not."""
    settings = config(paths)
    found = []
    for region, context in settings["regions"].items():
        pods = f"/api/v1/namespaces/{settings['namespace']}/pods"
        selector = "labelSelector=app.kubernetes.io%2Fname%3Dledger,app.kubernetes.io%2Fcomponent%3Dapp"
        listed = json.loads(kubectl(paths, context, "get", "--raw", f"{pods}?{selector}"))["items"]
        for pod in listed:
            if "deletionTimestamp" in pod["metadata"]:
                continue
            answer = kubectl(paths, context, "get", "--raw", f"{pods}/{pod['metadata']['name']}:8080/proxy/status")
            found.append({**json.loads(answer), "region": region})
    return found


def await_reads(paths: LabPaths) -> list[dict[str, Any]]:
    """Statuses, once every pod has read what any region wrote. Raises LabError with what is known after a minute."""
    deadline = time.monotonic() + READ_SECONDS
    while True:
        found = statuses(paths)
        if found and all(one["last_read"] for one in found):
            return found
        if time.monotonic() > deadline:
            raise LabError(f"not every pod has read within {READ_SECONDS:.0f} s:\n{table(found)}")
        time.sleep(1)


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """A line for each pod: what it wrote, and what it last read of every region."""
    regions = sorted({region for one in found for region in one["accounts"]})
    head = ["region", "pod", "node in", "written", "last", "longest gap", "retries", *(f"read {r}" for r in regions)]
    rows = [
        [
            one["region"],
            one["pod"],
            one["gateway"] or "-",
            str(one["payments"]),
            (one["last_payment"] or "-")[11:19] or "-",
            f"{one['longest_gap_seconds']:.1f} s",
            str(one["conflicts"] + one["failures"]),
            *(_account(one["accounts"].get(region)) for region in regions),
        ]
        for one in found
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    )
    return "".join(f"{line}\n" for line in padded)


def _account(account: Mapping[str, int] | None) -> str:
    return f"{account['payments']} payments" if account else "-"


def kubectl(paths: LabPaths, context: str, *words: str) -> str:
    """What kubectl prints, with the lab's kubeconfig. Raises LabError."""
    argv = [bin_dir() / "kubectl", "--kubeconfig", paths.kubeconfig, "--context", context, *words]
    return run(argv, env={**os.environ, **environment(paths)})


if __name__ == "__main__":
    sys.exit(main())
