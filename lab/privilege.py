"""The lab makes network namespaces and mounts, so it runs as root: by sudo where it is not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from lab.paths import PROJECT, LabPaths
from lab.shell import LabError

KEPT = ("HOME", "PATH", "XDG_CACHE_HOME", "LAB_NAME", "LAB_COCKROACH", "LAB_PLUGINS", "SHELL", "TERM")
"""What the lab reads from the environment, and sudo would drop."""


def become_root(words: Sequence[str]) -> None:
    """Return if this is root; else start `python -m lab` anew by sudo. Raises LabError where there is no sudo."""
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if not sudo:
        raise LabError("network namespaces need root: run this as root, or install sudo")
    kept = [f"{name}={os.environ[name]}" for name in KEPT if name in os.environ]
    os.chdir(PROJECT)
    os.execv(sudo, [sudo, "--", "env", *kept, sys.executable, "-m", "lab", *words])  # noqa: S606


def give_back(paths: LabPaths) -> None:
    """Under sudo, make the user who asked the owner of what they read: the state folder and the kubeconfig."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if user and group:
        for file in (paths.root.parent, paths.root, paths.kubeconfig, paths.tsig_key.parent, paths.tsig_key):
            if file.exists():
                os.chown(file, int(user), int(group))
