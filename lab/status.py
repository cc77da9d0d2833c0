"""What runs in a lab, for people and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TextIO

from lab import controlplane, lifecycle, processes
from lab.paths import LabPaths
from lab.state import read_faults


def status(paths: LabPaths) -> dict[str, Any]:
    """The lab as JSON types; `processes` maps names to process ids, null for one that died."""
    world = lifecycle.read_world(paths)
    alive = {name: processes.running(paths, name) for name in processes.names(paths)}
    return {
        "name": paths.name,
        "kubeconfig": str(paths.kubeconfig),
        "regions": [
            {
                "name": region.name,
                "context": region.context,
                "platform": region.platform,
                "api": world.management_url(region),
                "ready": controlplane.api(paths, world, region).ready(),
                "dns": region.dns_kind,
                "hosts": [
                    {
                        "name": host.name,
                        "zone": host.zone,
                        "address": host.address,
                        "running": all(alive.get(f"{part}-{host.name}") for part in ("kubelet", "kube-proxy")),
                    }
                    for host in region.hosts
                ],
            }
            for region in world.regions
        ],
        "processes": alive,
        "faults": asdict(read_faults(paths)),
    }


def print_status(found: dict[str, Any], out: TextIO) -> None:
    """The same as a table."""
    from rich.console import Console
    from rich.table import Table

    console = Console(file=out)
    table = Table(
        "region", "platform", "API server", "DNS", "hosts", title=f"lab {found['name']}", title_justify="left"
    )
    for region in found["regions"]:
        hosts = ", ".join(f"{host['name']}{'' if host['running'] else ' (off)'}" for host in region["hosts"])
        ready = "ready" if region["ready"] else "not ready"
        words = region["name"], region["platform"], f"{region['api']} {ready}", region["dns"] or "none", hosts or "none"
        table.add_row(*words)
    console.print(table)
    if not found["regions"]:
        console.print("no clusters yet: on clouds, `pulumi up` makes them")
    dead = sorted(name for name, pid in found["processes"].items() if pid is None)
    if dead:
        console.print(f"not running: {', '.join(dead)}")
    for kind, names in found["faults"].items():
        if names:
            console.print(f"fault in force: {kind}: {', '.join(names)} (`python -m lab fault heal` mends)")
    console.print(f"export KUBECONFIG={found['kubeconfig']}")
