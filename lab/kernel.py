"""Limits of the machine that a lab of many pods would meet, raised while any lab is there."""

from __future__ import annotations

import json
from pathlib import Path

from lab.paths import MACHINE

LIMITS = {
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 1048576,
    "kernel/keys/maxkeys": 20000,
    "net/ipv4/neigh/default/gc_thresh3": 16384,
}
"""What distributions set on their hosts; here all hosts share one kernel (keys: crun makes a keyring each)."""

MEMORY = MACHINE / "limits.json"


def raise_limits() -> None:
    """Raise the limits that are lower, remembering what they were."""
    before = json.loads(MEMORY.read_text()) if MEMORY.exists() else {}
    for key, wanted in LIMITS.items():
        file = Path("/proc/sys") / key
        if file.exists() and int(file.read_text()) < wanted:
            before.setdefault(key, int(file.read_text()))
            MEMORY.write_text(json.dumps(before))
            file.write_text(str(wanted))


def restore_limits() -> None:
    """Put back what `raise_limits` found."""
    if MEMORY.exists():
        for key, value in json.loads(MEMORY.read_text()).items():
            (Path("/proc/sys") / key).write_text(str(value))
        MEMORY.unlink()
