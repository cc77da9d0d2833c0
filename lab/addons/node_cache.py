#!/usr/bin/python3
"""Runs CoreDNS in place of a host's `kube-dns` Service, as the node-cache of NodeLocal DNSCache does.

The host has that Service's address for its own (on `lo`: not every kernel has the real one's dummy links), and packets
to there are left out of connection tracking, so that no Service takes them. `stubDomains` and `upstreamNameservers` of
the ConfigMap `kube-dns` become blocks of the Corefile. When it ends, the Service is reached as before. Standard library
and `kube_dns_config.py` only: it runs inside the pod.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.addons import kube_dns_config

SYNC_SECONDS = 2.0
"""How often the mounted ConfigMaps are looked at."""
TABLE = "nodelocaldns"
RUN = Path("/run/Corefile")


def corefile(text: str, config: Mapping[str, str], bind: Sequence[str], upstream: str) -> str:
    """The whole text: `text` with its addresses, and a block per stub domain. Raises ValueError for a bad ConfigMap."""
    stub_domains, others = kube_dns_config.servers(config)
    own = text.replace("__PILLAR__CLUSTER__DNS__", upstream)
    blocks = [own.replace("__PILLAR__UPSTREAM__SERVERS__", " ".join(others) or "/etc/resolv.conf")]
    for domain, addresses in stub_domains.items():
        lines = ("errors", "cache 30", f"bind {' '.join(bind)}", f"forward . {' '.join(addresses)}")
        blocks.append(f"{domain}:53 {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n")
    return "".join(blocks)


def rules(addresses: Sequence[str]) -> str:
    """nftables: DNS to and from these addresses is nobody's but this host's."""
    where = ", ".join(addresses)
    return f"""table ip {TABLE} {{
    chain prerouting {{
        type filter hook prerouting priority raw;
        ip daddr {{ {where} }} meta l4proto {{ tcp, udp }} th dport 53 notrack
    }}
    chain output {{
        type filter hook output priority raw;
        ip daddr {{ {where} }} meta l4proto {{ tcp, udp }} th dport 53 notrack
        ip saddr {{ {where} }} meta l4proto {{ tcp, udp }} th sport 53 notrack
    }}
}}
"""


def take_over(addresses: Sequence[str]) -> None:
    """The addresses are this host's own."""
    give_back(addresses)
    for address in addresses:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["nft", "-f", "-"], input=rules(addresses), text=True, check=True)


def give_back(addresses: Sequence[str]) -> None:
    """As it was before; also after one that was killed."""
    undo = [["ip", "address", "delete", f"{address}/32", "dev", "lo"] for address in addresses]
    for argv in (*undo, ["nft", "delete", "table", "ip", TABLE]):
        subprocess.run(argv, stderr=subprocess.DEVNULL, check=False)


def main(argv: Sequence[str]) -> int:
    """Run CoreDNS until it dies or this process is told to stop."""
    flags = dict(word.removeprefix("-").split("=", 1) for word in argv)
    addresses = flags["localip"].split(",")
    upstream = os.environ[f"{flags['upstreamsvc'].upper().replace('-', '_')}_SERVICE_HOST"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    process: subprocess.Popen[bytes] | None = None
    written = ""
    seen: object = None
    try:
        while not stop.is_set():
            current = (Path("/etc/coredns/Corefile").read_text(), kube_dns_config.read(Path("/etc/kube-dns")))
            if current != seen:
                seen = current
                try:
                    written = corefile(*current, addresses, upstream)
                except ValueError as error:
                    say(f"kube-dns ConfigMap ignored: {error}")
                    written = written or corefile(current[0], {}, addresses, upstream)
                RUN.write_text(written)
                if process:
                    process.send_signal(signal.SIGUSR1)
                else:
                    take_over(addresses)
                    process = subprocess.Popen(["/coredns", "-conf", str(RUN)])
            if process and process.poll() is not None:
                say(f"CoreDNS ended with {process.returncode}")
                return 1
            stop.wait(SYNC_SECONDS)
        return 0
    finally:
        give_back(addresses)
        if process and process.poll() is None:
            process.terminate()
            process.wait()


def say(text: str) -> None:
    sys.stderr.write(f"node-cache: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
