#!/usr/bin/python3
"""Runs dnsmasq and keeps it to the ConfigMap `kube-dns`, as the dnsmasq-nanny of kube-dns does.

`stubDomains` (JSON: domain to addresses) become `--server=/domain/address`, `upstreamNameservers` (JSON list) the other
servers; a bad value leaves dnsmasq as it was. dnsmasq reads no such change while running, so it is restarted.
Standard library and `kube_dns_config.py` only: it runs inside the pod.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from lab.addons import kube_dns_config

SYNC_SECONDS = 5.0
"""How often the mounted ConfigMap is looked at; kube-dns's own nanny takes 10."""


def servers(config: dict[str, str]) -> list[str]:
    """dnsmasq's flags for a ConfigMap's data. Raises ValueError for what kube-dns would refuse."""
    stub_domains, upstream = kube_dns_config.servers(config)
    flags = [
        f"--server=/{domain}/{with_port(each)}" for domain, addresses in stub_domains.items() for each in addresses
    ]
    if upstream:
        flags += ["--no-resolv", *(f"--server={with_port(address)}" for address in upstream)]
    return flags


def with_port(address: str) -> str:
    """dnsmasq writes a port after `#`, people after `:`."""
    host, colon, port = address.partition(":")
    return f"{host}#{port}" if colon else host


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
        config = kube_dns_config.read(folder)
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
