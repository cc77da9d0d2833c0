"""What a test's engine runs in: tools and plugins, built where they are missing, and settings of its own."""

from __future__ import annotations

import os
from pathlib import Path

from lab import tools
from lab.paths import LabPaths
from tests.conformance import cluster

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


def plugin_path(folder: Path, *names: str) -> str:
    """Entries of PATH: pulumi, the tools named, and the stand-ins for whatever real plugin is not installed."""
    with tools.building():
        for tool in tools.missing():
            wanted = tool.name in ("pulumi", *names) or tool.name.startswith("plugins/")
            if wanted and not tools.adopt(tool):
                tools.build(tool)
    return f"{tools.link_plugins(LabPaths('engine', folder))}:{tools.bin_dir()}"


def engine_environment(path: str, home: Path) -> dict[str, str]:
    """The environment without any kubeconfig; `home` is Pulumi's, where none is given from outside."""
    outer = cluster.environment_without_kubeconfig()
    return outer | {
        "PATH": f"{path}:{outer['PATH']}",
        "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(home)),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
    }


def clouds_in(folder: Path, time: float = 0.0) -> dict[str, str]:
    """Where the stand-ins of both clouds keep their state, and what share of a cloud's time they take."""
    return {"LAB_CLOUDS": str(folder / "clouds"), "LAB_CLOUD_TIME": f"{time:g}"}
