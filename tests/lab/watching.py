"""Names asked of DNS servers again and again, while a test does something else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from lab.paths import PROJECT
from tests.lab.asking import DNS
from tests.lab.running import RunningLab

STOP_SECONDS = 60

WATCHER = (
    DNS
    + """
import json, select, sys

def missing(server, name):
    found = ask(server, name, timeout=2, attempts=1)
    if found["status"] != "answered":
        time.sleep(0.2)
        found = ask(server, name, timeout=2, attempts=1)
    return "" if found.get("addresses") else found.get("error") or f"{found['rcode']} without an address"

server, names = sys.argv[1], sys.argv[2:]
rounds, failed, begun = 0, [], time.time()
while True:
    rounds += 1
    for name in names:
        why = missing(server, name)
        if why:
            failed.append(f"{name} after {time.time() - begun:.1f} s: {why}")
    if select.select([sys.stdin], [], [], 0.1)[0]:
        break
print(json.dumps({"rounds": rounds, "failed": failed}))
"""
)
"""Asks until its input ends, but once in any case; then it says what came of it.

A question without an answer is asked again, as resolvers do, but 0.2 s later: who ends without notice, as kube-dns's
dnsmasq does, refuses whatever comes in the moment before its host's kube-proxy knows."""


@dataclass(frozen=True)
class Seen:
    """What came of asking at one place."""

    rounds: int
    """How often each name was asked for: at least once."""
    failed: list[str]
    """Which name had no address, when and why."""


@contextmanager
def watched(lab: RunningLab, places: Mapping[str, str], names: Sequence[str]) -> Iterator[Mapping[str, Seen]]:
    """Ask for all names at each place, a host, of the DNS server given for it.

    The mapping has what was seen at each place, once the block has ended without an exception.
    """
    seen: dict[str, Seen] = {}
    watchers: dict[str, subprocess.Popen[str]] = {}
    printed: dict[str, str] = {}
    try:
        for place, server in places.items():
            watchers[place] = start(lab, place, WATCHER, server, *names)
        yield seen
    finally:
        printed = stop(watchers)
    for place, text in printed.items():
        if not text:
            pytest.fail(f"who asked at {place} said nothing (exit {watchers[place].returncode})")
        seen[place] = Seen(**json.loads(text))


def start(lab: RunningLab, place: str, script: str, *words: str) -> subprocess.Popen[str]:
    """Run a script in a host's namespace, until its input ends."""
    argv = [sys.executable, "-m", "lab", "exec", "--name", lab.paths.name, place, "--"]
    return subprocess.Popen(
        [*argv, "/usr/bin/python3", "-c", script, *words],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def stop(running: Mapping[str, subprocess.Popen[str]]) -> dict[str, str]:
    """End all of them; what each printed, which is nothing where it had to be killed."""
    for process in running.values():
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdin = None  # `communicate` would flush it
    printed: dict[str, str] = {}
    for name, process in running.items():
        try:
            printed[name], _ = process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            printed[name] = ""
        finally:
            process.kill()
            process.wait()
    return printed
