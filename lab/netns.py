"""Network namespaces that converge: one is complete, or it is made anew."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.paths import LabPaths
from lab.shell import LabError, ip_batch, run

NETNS = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace with everything in it, and its ends in others.

    `commands` run after the namespace exists, in one `ip -batch`; `attached` are the (namespace or None, link) pairs
    that the commands put elsewhere, so that a half-made namespace can be taken back whole.
    """

    name: str
    commands: Sequence[str]
    sysctls: Sequence[str] = ()
    attached: Sequence[tuple[str | None, str]] = field(default_factory=tuple)


def ensure(paths: LabPaths, namespace: Namespace) -> bool:
    """Make `namespace` unless it is there and complete. True if it was made (its parent's links with it)."""
    if complete(paths, namespace.name):
        return False
    mark = _mark(paths, namespace.name)
    mark.unlink(missing_ok=True)
    for parent, link in namespace.attached:
        delete_link(parent, link)
    delete(namespace.name)
    ip_batch([f"netns add {namespace.name}", f"-n {namespace.name} link set lo up"])
    if namespace.sysctls:
        # sysctls of `all` and `default` come first: links inherit `default` when they are made.
        run(["nsenter", f"--net={NETNS / namespace.name}", "sysctl", "-q", "-w", *namespace.sysctls])
    ip_batch(namespace.commands)
    mark.write_text(_inode(namespace.name) or "")
    return True


def complete(paths: LabPaths, name: str) -> bool:
    """Whether a namespace is there with everything in it: not while somebody is making it."""
    inode, mark = _inode(name), _mark(paths, name)
    return inode is not None and mark.exists() and mark.read_text() == inode


def delete_link(netns: str | None, link: str) -> None:
    """Remove a link, if it is there, from a namespace (None: the machine's own), if that is there."""
    with contextlib.suppress(LabError):
        where = ["-n", netns] if netns else []
        run(["ip", *where, "link", "delete", link])


def delete(name: str) -> None:
    """Remove a named namespace, or the plain file that a reboot or a crash left in its place."""
    file = NETNS / name
    if not file.exists():
        return
    try:
        run(["ip", "netns", "delete", name])
    except LabError:
        file.unlink(missing_ok=True)


def existing(prefix: str) -> list[str]:
    """Names of the namespaces that begin with `prefix`."""
    return sorted(path.name for path in NETNS.glob(f"{prefix}*")) if NETNS.exists() else []


def inodes(prefix: str) -> set[int]:
    """What `/proc/<pid>/ns/net` of a process in one of these namespaces has as its inode."""
    return {(NETNS / name).stat().st_ino for name in existing(prefix)}


def inode(name: str) -> set[int]:
    """The same of one namespace; none where it is not there."""
    file = NETNS / name
    return {file.stat().st_ino} if file.exists() else set()


def _mark(paths: LabPaths, name: str) -> Path:
    return paths.records / f"{name}.netns"


def _inode(name: str) -> str | None:
    file = NETNS / name
    own = Path("/proc/self/ns/net").stat()
    if not file.exists() or file.stat().st_dev != own.st_dev:
        return None
    return str(file.stat().st_ino)
