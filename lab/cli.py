"""The command line: `python -m lab up|status|exec|fault|down|env`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import engine, faults, lifecycle
from lab.environment import exports
from lab.paths import PROJECT, LabPaths, lab_paths
from lab.privilege import become_root, give_back
from lab.shell import LabError
from lab.status import print_status, status

DEFAULT_STACK = "Pulumi.dev.yaml"

FAULTS = {
    "cut": ("REGION", "take a region off the network between regions", faults.cut),
    "kill-dns": ("REGION", "kill all DNS pods of a region at once", faults.kill_dns),
    "kill-balancer": (
        "REGION",
        "a region's DNS (or nodes') load balancers stop to answer",
        faults.kill_balancer,
    ),
    "kill-resolver": ("REGION", "the cloud's own DNS answers nobody in a region", faults.kill_resolver),
    "kill-nameserver": ("ADDRESS", "a DNS server outside of the regions stops to answer", faults.kill_nameserver),
    "stop-api": ("REGION", "kill a region's API server", faults.stop_api),
    "start-api": ("REGION", "start it again", faults.start_api),
    "drop-node": ("HOST", "switch a host off", faults.drop_host),
    "restore": ("HOST", "switch it on again", faults.restore_host),
}


def parser() -> argparse.ArgumentParser:
    """The commands and their flags."""
    top = argparse.ArgumentParser(prog="python -m lab", description=__doc__ and "A world of regions on one machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        default = os.environ.get("LAB_NAME", "dev")
        made.add_argument("--name", default=default, help=f"the lab's name; its state is in .lab/NAME (now: {default})")
        return made

    up = command("up", "start what is missing of a lab")
    up.add_argument("--stack-file", type=Path, default=PROJECT / DEFAULT_STACK, help=f"default: {DEFAULT_STACK}")
    up.add_argument("--hosts", type=int, default=lifecycle.HOSTS, help="hosts per region; 0: control planes alone")
    up.add_argument("--plan", type=Path, help="an address plan as JSON, instead of making one from the stack file")
    shown = command("status", "show regions, hosts, processes and faults")
    shown.add_argument("--json", action="store_true", help="as JSON")
    inside = command("exec", "run a command inside a host (or REGION-control, REGION-router, core)")
    inside.add_argument("host", metavar="HOST")
    inside.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="default: a shell")
    fault = command("fault", "break something, or heal everything")
    kinds = fault.add_subparsers(dest="fault", required=True, metavar="FAULT")
    for name, (target, text, _) in FAULTS.items():
        kinds.add_parser(name, help=text).add_argument("target", metavar=target)
    kinds.add_parser("heal", help="mend everything")
    command("down", "end every process of a lab and remove all it made")
    command("env", "print exports, so that plain pulumi and kubectl work against a lab")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; 0, or 1 with one message on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    arguments = parser().parse_args(words)
    try:
        paths = lab_paths(arguments.name)
        if arguments.command == "env":
            engine.prepare(paths)
            sys.stdout.write(exports(paths))
            return 0
        become_root(words)
        return _run(arguments, paths)
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("lab: interrupted; the same command goes on from here\n")
        return 130


def _run(arguments: argparse.Namespace, paths: LabPaths) -> int:
    if arguments.command == "up":
        plan = json.loads(arguments.plan.read_text()) if arguments.plan else None
        lifecycle.up(paths, arguments.stack_file, arguments.hosts, plan)
        give_back(paths)
        print_status(status(paths), sys.stdout)
    elif arguments.command == "status":
        found = status(paths)
        if arguments.json:
            sys.stdout.write(json.dumps(found, indent=1) + "\n")
        else:
            print_status(found, sys.stdout)
    elif arguments.command == "exec":
        _exec(paths, arguments.host, [word for word in arguments.argv if word != "--"])
    elif arguments.command == "fault":
        if arguments.fault == "heal":
            faults.heal(paths)
        else:
            FAULTS[arguments.fault][2](paths, arguments.target)
    elif arguments.command == "down":
        lifecycle.down(paths)
    return 0


def _exec(paths: LabPaths, place: str, argv: list[str]) -> None:
    """Become `argv` inside a namespace of the lab."""
    world = lifecycle.read_world(paths)
    places = {"core"} | {f"{region.name}-{part}" for region in world.regions for part in ("router", "control")}
    name = place if place in places else world.host(place).name
    words = argv or [os.environ.get("SHELL", "/bin/sh")]
    os.execvp("nsenter", ["nsenter", f"--net=/run/netns/{world.netns(name)}", "--", *words])  # noqa: S606
