"""The real external-dns, with the arguments that it has on EKS, against what answers like Route 53.

It is built when a lab first needs it; without it there is nothing to try here.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.strategies.private_zone import external_dns, route53
from lab.tools import bin_dir

WRITER = bin_dir() / "external-dns"
PART = "example.com"
"""Where external-dns' source `fake` has its names."""
ZONES = {"ZMINE": True, "ZOTHERS": True, "ZPUBLIC": False}
"""Zones of that one name in the account -> whether they are private."""

pytestmark = pytest.mark.skipif(not WRITER.exists(), reason="external-dns is not built")


class Route53(BaseHTTPRequestHandler):
    """Writes down what it is asked."""

    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        """Lists: of zones, or of the records in one."""
        zones = "".join(_zone(*each) for each in ZONES.items())
        self._answer("" if "/rrset" in self.path else f"<HostedZones>{zones}</HostedZones>")

    def do_POST(self) -> None:
        """A change of records."""
        self._answer("<ChangeInfo><Id>1</Id><Status>PENDING</Status></ChangeInfo>")

    def _answer(self, body: str) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.asked.append((self.command, self.path.partition("?")[0], sent))
        text = f'<Answer xmlns="https://route53.amazonaws.com/doc/2013-04-01/">{body}</Answer>'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _zone(name: str, private: bool) -> str:
    config = f"<Config><PrivateZone>{str(private).lower()}</PrivateZone></Config>"
    return f"<HostedZone><Id>/hostedzone/{name}</Id><Name>{PART}.</Name>{config}</HostedZone>"


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Route53.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Route53) as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


def test_it_asks_for_what_its_role_allows_and_no_more(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    keeper: external_dns.KeeperArgs = {"arguments": [*route53.FLAGS, "--zone-id-filter=ZMINE"], "endpoints": []}
    writer: external_dns.WriterArgs = {"namespace": "a", "image": "", "part": PART, "owner": "project.stack.a"}
    given = [str(word) for word in external_dns.arguments(writer, keeper) if word != "--events"]
    words = ["--source=fake" if word == "--source=service" else word for word in given]
    environment = {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
    }
    ran = subprocess.run([WRITER, *words, "--once"], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr

    zone = "/2013-04-01/hostedzone/ZMINE/rrset"
    assert [(verb, path.rstrip("/")) for verb, path, _ in Route53.asked] == [
        ("GET", "/2013-04-01/hostedzone"),
        ("GET", zone),
        ("POST", zone),
    ], "ListHostedZones, ListResourceRecordSets and ChangeResourceRecordSets, of its own zone alone"
    sent = Route53.asked[-1][2]
    allowed = json.loads(route53.policy("arn"))["Statement"][0]["Condition"]["ForAllValues:StringEquals"]
    for key, tag in (("Actions", "Action"), ("RecordTypes", "Type")):
        said = set(re.findall(f"<{tag}>([A-Z]+)</{tag}>", sent))
        assert said
        assert said <= set(allowed[f"route53:ChangeResourceRecordSets{key}"])
    assert "project.stack.a" in sent
