#!/usr/bin/python3
"""Runs dnsmasq and keeps it to the ConfigMap `kube-dns`, as the dnsmasq-nanny of kube-dns does.

`stubDomains` (JSON: domain to addresses) become `--server=/domain/address`, `upstreamNameservers` (JSON list) the other
servers; a bad value leaves dnsmasq as it was. dnsmasq reads no such change while running, so it is restarted.
Standard library only: it runs inside the pod.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

SYNC_SECONDS = 5.0
"""How often the mounted ConfigMap is looked at; kube-dns's own nanny takes 10."""


def servers(config: dict[str, str]) -> list[str]:
    """dnsmasq's flags for a ConfigMap's data. Raises ValueError for what kube-dns would refuse."""
    flags: list[str] = []
    stub_domains = json.loads(config.get("stubDomains", "").strip() or "{}")
    upstream = json.loads(config.get("upstreamNameservers", "").strip() or "[]")
    if not isinstance(stub_domains, dict) or not isinstance(upstream, list):
        raise ValueError("stubDomains must be an object of lists, upstreamNameservers a list")
    for domain, addresses in sorted(stub_domains.items()):
        if not isinstance(addresses, list) or not addresses:
            raise ValueError(f"stubDomains: {domain}: a list of addresses, not {addresses!r}")
        flags += [f"--server=/{domain}/{with_port(address)}" for address in addresses]
    if upstream:
        flags += ["--no-resolv", *(f"--server={with_port(address)}" for address in upstream)]
    return flags


def with_port(address: str) -> str:
    """dnsmasq writes a port after `#`, people after `:`."""
    host, colon, port = address.partition(":")
    return f"{host}#{port}" if colon else host


def read(folder: Path) -> dict[str, str]:
    """The mounted ConfigMap; hidden names are the kubelet's own."""
    if not folder.is_dir():
        return {}
    return {file.name: file.read_text() for file in sorted(folder.iterdir()) if not file.name.startswith(".")}


def main(argv: list[str]) -> int:
    """Run dnsmasq with the arguments after `--` until it dies or this process is told to stop."""
    own, base = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    folder = Path(next(word.removeprefix("-configDir=") for word in own if word.startswith("-configDir=")))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    current: list[str] | None = None
    seen: dict[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    while True:
        config = read(folder)
        if config != seen:
            seen = config
            try:
                flags = servers(config)
            except ValueError as error:
                say(f"kube-dns ConfigMap ignored: {error}")
                flags = current or []
            if flags != current:
                if process:
                    process.terminate()
                    process.wait()
                say(f"starting dnsmasq {' '.join(flags)}")
                process, current = subprocess.Popen(["/usr/sbin/dnsmasq", *base, "--user=root", *flags]), flags
        if stop.wait(SYNC_SECONDS if process and process.poll() is None else 0.1):
            if process:
                process.terminate()
                process.wait()
            return 0
        if process and process.poll() is not None:
            say(f"dnsmasq ended with {process.returncode}")
            return 1


def say(text: str) -> None:
    sys.stderr.write(f"dnsmasq-nanny: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
