"""System programs that a lab needs, and the Debian packages that have them. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab.shell import LabError

PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "crun": "crun",
    "conmon": "conmon",
    "dnsmasq": "dnsmasq-base",
    "haproxy": "haproxy",
    "nsenter": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
    "git": "git",
    "make": "make",
}
"""Program: Debian package."""

SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
"""Users other than root often have no sbin on PATH."""


def missing() -> list[str]:
    """The packages that have to be installed."""
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=SEARCH)})


def install(packages: list[str]) -> None:
    """Install packages, as root or by sudo. Raises LabError with the exact line to run where that may not be."""
    line = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        programs = [program for program, package in PACKAGES.items() if package in packages]
        raise LabError(f"missing programs: {', '.join(programs)}; install what has them (Debian: {' '.join(packages)})")
    if os.geteuid() == 0:
        prefix: list[str] = []
    elif (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        prefix = ["sudo", "-n"]
    else:
        raise LabError(
            f"system packages are missing; run this line, then the same command again:\n  sudo sh -c '{line}'"
        )
    sys.stderr.write(f"installing {' '.join(packages)}\n")
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"`{line}` failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def privilege_problem() -> str | None:
    """Why network namespaces can't be made here, or None."""
    if os.geteuid() == 0 or shutil.which("sudo", path=SEARCH):
        return None
    return "the lab makes network namespaces: run this as root, or install sudo"


def kernel_problem() -> str | None:
    """Why a lab can't run on this machine at all, or None."""
    if not sys.platform.startswith("linux"):
        return f"a lab needs Linux; this is {sys.platform}"
    if not Path("/proc/self/ns/net").exists():
        return "a lab needs a kernel with network namespaces"
    return None
