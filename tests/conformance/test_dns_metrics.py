"""CoreDNS, as the lab runs it, tells what alerts and dashboards ask it for."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.monitoring.metrics import COREDNS
from lab.tools import bin_dir
from tests.conformance.cluster import free_ports
from tests.lab.stack import wait_until
from verify.probe import dns


@pytest.fixture
def coredns(tmp_path: Path) -> Iterator[tuple[int, int, int]]:
    """Its port, its metrics' port, and the port of a server that it forwards to and that is not there."""
    port, metrics, there, dead = free_ports(4)
    corefile = tmp_path / "Corefile"
    corefile.write_text(
        f".:{port} {{\n    prometheus 127.0.0.1:{metrics}\n    whoami\n"
        f"    forward dead.test 127.0.0.1:{dead}\n    forward live.test 127.0.0.1:{there}\n}}\n"
        f"live.test:{there} {{\n    whoami\n}}\n"
    )
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([bin_dir() / "coredns", "-conf", corefile], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield port, metrics, dead
    finally:
        process.terminate()
        process.wait(20)


def test_forwards_that_fail_are_counted_by_their_address(coredns: tuple[int, int, int]) -> None:
    port, metrics, dead = coredns
    asked = iter(range(1000))

    def exposed() -> str:
        for zone in ("live.test", "dead.test"):
            dns.ask("127.0.0.1", f"n{next(asked)}.{zone}", port=port, timeout=1, attempts=1)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def missing() -> set[str]:
        text = exposed()
        return {name for name in COREDNS if not re.search(rf"^{name}[{{ ]", text, re.MULTILINE)}

    wait_until(60, f"{sorted(COREDNS)} are exposed", lambda: not missing())
    failures = rf'^coredns_proxy_healthcheck_failures_total{{proxy_name="forward",to="127.0.0.1:{dead}"}} [1-9]'
    assert re.search(failures, exposed(), re.MULTILINE)
    answers = r'^coredns_proxy_request_duration_seconds_count\{proxy_name="forward",rcode="NOERROR",to="127'
    assert re.search(answers, exposed(), re.MULTILINE)
