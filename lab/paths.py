"""Where a lab keeps things."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from lab.shell import LabError

PROJECT = Path(__file__).resolve().parent.parent
MACHINE = Path("/run/cockroachdb-multiregion")
"""What labs of every checkout on this machine share: their indices, and what limits were before."""


def cache_dir() -> Path:
    """Where built tools are kept between labs and checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cockroachdb-multiregion"


LONGEST = 20
"""Of a folder's name, where hosts have names as long as the clouds give them."""


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The state folder of one lab, `.lab/<name>/`. Everything in it is private to the user who started it."""

    name: str
    root: Path

    @property
    def lab_id(self) -> str:
        """Six hex digits that tell this lab's namespaces from those of other labs and other checkouts."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def prefix(self) -> str:
        """What every network namespace of this lab is called before its own word."""
        return f"crdbmr-{self.lab_id}-"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def world(self) -> Path:
        return self.root / "world.json"

    @property
    def tsig_key(self) -> Path:
        """The secret that changes of the lab's own DNS zone are signed with, where there is one."""
        return self.root / "nameservers" / "tsig.key"

    @property
    def verdict(self) -> Path:
        """What verification found last, as JSON."""
        return self.root / "verify.json"

    @property
    def picture(self) -> Path:
        """The page that shows the stack."""
        return self.root / "topology.html"

    @property
    def images(self) -> Path:
        return self.root / "images.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def records(self) -> Path:
        """One file per daemon, and per namespace that is complete."""
        return self.root / "run"

    def region(self, name: str) -> Path:
        """State of one region: PKI, etcd data, kubeconfigs."""
        return self.root / "regions" / name

    def host(self, name: str) -> Path:
        """What would be on one host's disk. Short: the kubelet has sockets below, whose paths end at 107 characters."""
        short = name if len(name) <= LONGEST else hashlib.sha256(name.encode()).hexdigest()[:LONGEST]
        return self.root / "hosts" / short


def lab_paths(name: str) -> LabPaths:
    """The paths of lab `name`. Raises LabError for a name that could not be part of a path or a namespace."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise LabError(f"lab name {name!r}: lower-case letters, digits and hyphens, at most 32")
    return LabPaths(name, PROJECT / ".lab" / name)


def no_lab(paths: LabPaths) -> LabError:
    """What to raise where a lab is needed that was never brought up, or went down."""
    return LabError(f"there is no lab {paths.name!r}; `make up LAB_NAME={paths.name}` starts one, with a stack in it")
