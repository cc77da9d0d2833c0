"""Daemons that outlive the command that started them, and can always be found again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import netns
from lab.paths import LabPaths
from lab.shell import LabError

TICK = 0.05
"""Seconds between looks while waiting for something outside of this process."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A long-running process of the lab; `name` is unique in it."""

    name: str
    argv: Sequence[str]
    netns: str
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Changes when the daemon would be started otherwise, its binary included."""
        binary = Path(self.argv[0])
        stamp = f"{binary.stat().st_size}:{binary.stat().st_mtime_ns}" if binary.exists() else ""
        return hashlib.sha256(json.dumps([list(self.argv), dict(self.env), stamp]).encode()).hexdigest()


def start(paths: LabPaths, daemon: Daemon, *, keep: bool = False) -> bool:
    """Start `daemon` unless it runs already as described (`keep`: or otherwise). True if it was started."""
    record = _record(paths, daemon.name)
    if record and _alive(record):
        if keep or record["digest"] == daemon.digest:
            return False
        stop(paths, daemon.name)
    for pid in _strays(daemon):
        _kill([pid], signal.SIGKILL)
    paths.logs.mkdir(parents=True, exist_ok=True)
    with (paths.logs / f"{daemon.name}.log").open("ab") as log:
        process = subprocess.Popen(
            ["nsenter", f"--net={netns.NETNS / daemon.netns}", "--", *daemon.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "HOME": "/root", "LAB_PROCESS": daemon.name, **daemon.env},
            start_new_session=True,
        )
    content = {"pid": process.pid, "start": started(process.pid), "digest": daemon.digest, "argv": list(daemon.argv)}
    file = _file(paths, daemon.name)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    fresh.replace(file)
    return True


def stop(paths: LabPaths, name: str, how: signal.Signals = signal.SIGTERM, seconds: float = 10) -> bool:
    """Stop a daemon, by SIGKILL after `seconds`. True if it ran."""
    record = _record(paths, name)
    file = _file(paths, name)
    ran = bool(record and _alive(record))
    if record and ran:
        _kill([record["pid"]], how)
        if not wait_for(lambda: not _alive(record), seconds):
            _kill([record["pid"]], signal.SIGKILL)
            wait_for(lambda: not _alive(record), seconds)
    file.unlink(missing_ok=True)
    return ran


def running(paths: LabPaths, name: str) -> int | None:
    """The process id of daemon `name`, if it is alive."""
    record = _record(paths, name)
    return record["pid"] if record and _alive(record) else None


def names(paths: LabPaths) -> list[str]:
    """Every daemon that was started and not stopped, alive or not."""
    return sorted(file.stem for file in paths.records.glob("*.pid"))


def log_tail(paths: LabPaths, name: str, lines: int = 15) -> str:
    """The end of a daemon's log, for an error message."""
    file = paths.logs / f"{name}.log"
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else "no log"


def wait_for(done: Callable[[], bool], seconds: float) -> bool:
    """Look until `done()`, for at most `seconds`. Whether it came to be."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(TICK)
    return True


def wait_ready(paths: LabPaths, name: str, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until daemon `name` answers. Raises LabError, with the end of its log, when it dies or takes too long."""
    alive = wait_for(lambda: ready() or running(paths, name) is None, seconds)
    if not alive or not ready():
        why = f"not ready after {seconds:g} s" if running(paths, name) else "died"
        raise LabError(f"{name}: {why}; {paths.logs / f'{name}.log'} ends with:\n{log_tail(paths, name)}")


def kill_all(paths: LabPaths, seconds: float = 20) -> None:
    """End every process of the lab: those in its network namespaces and those that see its state folder mounted.

    Pods are found by their mounts, whoever started them, so nothing depends on records having been written.
    """
    _kill_until_none(lambda: lab_processes(netns.inodes(paths.prefix), paths.root), seconds)


def kill_host(space: str, state: Path, seconds: float = 20) -> None:
    """End every process of one host: those in its network namespace and its pods."""
    _kill_until_none(lambda: lab_processes(netns.inode(space), state), seconds)


def _kill_until_none(find: Callable[[], Iterator[int]], seconds: float) -> None:
    def clear() -> bool:
        left = list(find())
        _kill(left, signal.SIGKILL)
        return not left

    if not wait_for(clear, seconds):
        raise LabError(f"processes of the lab do not end: {', '.join(map(str, find()))}")


def lab_processes(nets: set[int], root: Path) -> Iterator[int]:
    """Processes in a network namespace of `nets`, or of another mount namespace with something of `root` mounted."""
    own_mounts = _inode("self", "mnt")
    for pid in _pids():
        if pid == os.getpid() or not alive(pid):
            continue
        mounted = _inode(pid, "mnt") != own_mounts and f"{root}/" in _read(f"/proc/{pid}/mountinfo")
        if mounted or _inode(pid, "net") in nets:
            yield pid


def started(pid: int) -> str:
    """When the kernel started `pid`, in clock ticks since boot: with the pid, it names a process for good."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _strays(daemon: Daemon) -> Iterator[int]:
    """Processes of this daemon whose starter died before it wrote the record."""
    space = netns.NETNS / daemon.netns
    if not space.exists():
        return
    inode = space.stat().st_ino
    mark = f"LAB_PROCESS={daemon.name}\0"
    for pid in _pids():
        if _inode(pid, "net") == inode and mark in _read(f"/proc/{pid}/environ"):
            try:
                exe = str(Path(f"/proc/{pid}/exe").readlink())
            except OSError:
                continue
            if exe.removesuffix(" (deleted)") == daemon.argv[0]:
                yield pid


def _alive(record: Mapping[str, str | int]) -> bool:
    pid = int(record["pid"])
    return record["start"] != "" and started(pid) == record["start"] and alive(pid)


def alive(pid: int) -> bool:
    """Whether `pid` is a process that has not ended."""
    return _state(pid) not in "ZX"


def _state(pid: int) -> str:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[0] if fields else "X"


def _kill(pids: Sequence[int], how: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            continue


def _pids() -> Iterator[int]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 (a Path per process costs more than the look)
        if entry.isdigit():
            yield int(entry)


def _inode(pid: int | str, kind: str) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino  # noqa: PTH116
    except OSError:
        return 0


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _file(paths: LabPaths, name: str) -> Path:
    return paths.records / f"{name}.pid"


def _record(paths: LabPaths, name: str) -> dict | None:
    file = _file(paths, name)
    return json.loads(file.read_text()) if file.exists() else None
