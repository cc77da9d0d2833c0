"""Gets a node its certificate: for the address that its pod has now, from the region's signer.

Environment: NAMESPACE, POD_NAME, POD_IP; SIGNER_NAME; NAMES_FILE, one name or address per line that the certificate
holds beside the pod's own address; AUTHORITY_FILE, what nodes trust; CERTS_DIR, where it all goes; DEADLINE_SECONDS for
one certificate; RENEW: `true` to stay, and get another in time.
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import approval
import openssl
from kube import Api, ApiError
from waiting import Deadline, DeadlineError, NotYetError, end_when_told, run, say

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
RENEW_SECONDS = 10 * 24 * 3600.0
"""A certificate is made anew in the last third of its 30 days: ten days without a signer cost nothing."""
LOOK_SECONDS = 60.0
RETRY_SECONDS = 600.0
"""After a renewal that failed, or that an authority made which ends soon itself. Requests are the API server's to keep
for an hour: no storm of them.
"""

NAMES = "names"
"""Beside them: which names the certificate holds. CockroachDB looks at no file that ends like this."""


@dataclass(frozen=True)
class Wish:
    """What this node's certificate should be."""

    names: tuple[str, ...]
    """The pod's own address among them: another start of the same pod may bring another."""
    authority: str
    """PEM."""


def request_body(namespace: str, pod: str, signer: str, text: str) -> dict[str, Any]:
    """The CertificateSigningRequest. Its name is for readers: who asks is in the token."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {
            "generateName": f"{namespace}-{pod}-",
            "labels": {"app.kubernetes.io/part-of": "cockroachdb-multiregion"},
        },
        "spec": {
            "request": base64.b64encode(text.encode()).decode(),
            "signerName": signer,
            "usages": sorted(approval.USAGES),
        },
    }


def outcome(csr: Mapping[str, Any]) -> str:
    """The chain, PEM. Raises NotYetError while there is none, RuntimeError where there will be none."""
    status = csr.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] in ("Denied", "Failed"):
            raise RuntimeError(f"the signer says {condition['type']}: {condition.get('message', '')}")
    if not status.get("certificate"):
        raise NotYetError("no certificate yet: is the signer running (Deployment cockroachdb-signer)?")
    return base64.b64decode(status["certificate"]).decode()


def stale(folder: Path, wish: Wish, now: float) -> str | None:
    """Why the certificate in `folder` has to be made anew; None while it is good."""
    try:
        if (folder / "ca.crt").read_text(encoding="utf-8") != wish.authority:
            return "the authorities that nodes trust have changed"
        if tuple((folder / NAMES).read_text(encoding="utf-8").split()) != wish.names:
            return "its names have changed"
        left = openssl.end(folder / "node.crt") - now
    except (OSError, openssl.OpensslError) as error:
        return f"there is none: {error}"
    return f"it ends in {left / 86400:.1f} days" if left < RENEW_SECONDS else None


def put(folder: Path, files: Mapping[str, str]) -> None:
    """All files at once, as the kubelet does with a Secret's: what watches a Secret's folder can watch this one.

    Each name is a link by way of `..data`, which is swapped last. Keys are for this user alone: CockroachDB insists.
    """
    made = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    for name, text in files.items():
        descriptor = os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    data, swap = folder / "..data", folder / "..data_tmp"
    before = data.readlink() if data.is_symlink() else None
    swap.unlink(missing_ok=True)
    swap.symlink_to(made.name)
    swap.rename(data)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    if before is not None and before.name != made.name:
        shutil.rmtree(folder / before, ignore_errors=True)


class Node:
    """One pod's certificate."""

    def __init__(self, api: Api, environment: Mapping[str, str]) -> None:
        self._api = api
        self._env = environment
        self.folder = Path(environment["CERTS_DIR"])

    def wish(self) -> Wish:
        """What the certificate should be now."""
        names, authority = (
            Path(self._env[key]).read_text(encoding="utf-8") for key in ("NAMES_FILE", "AUTHORITY_FILE")
        )
        return Wish((*names.split(), self._env["POD_IP"]), authority)

    def obtain(self, wish: Wish, deadline: Deadline) -> None:
        """A new key, its certificate, and both where the node reads them.

        Raises RuntimeError where it is refused or does not fit, DeadlineError where nobody signs.
        """
        dns_names, addresses = approval.split(wish.names)
        with tempfile.TemporaryDirectory() as made:
            key, text = openssl.key_and_request(Path(made), dns_names, addresses)
        body = request_body(self._env["NAMESPACE"], self._env["POD_NAME"], self._env["SIGNER_NAME"], text)
        name = deadline.wait("the API server takes the request", lambda: self._ask(body))
        chain = deadline.wait(f"request {name} is signed", lambda: outcome(self._read(name)))
        self._check(chain, key, wish.authority)
        put(self.folder, {"ca.crt": wish.authority, "node.crt": chain, "node.key": key, NAMES: "\n".join(wish.names)})
        say(f"certificate for {', '.join(addresses)}: {name}")

    def _ask(self, body: dict[str, Any]) -> str:
        return self._called(lambda: self._api.create(REQUESTS, body))["metadata"]["name"]

    def _read(self, name: str) -> dict[str, Any]:
        return self._called(lambda: self._api.get(f"{REQUESTS}/{name}"))

    def _called(self, call: Any) -> dict[str, Any]:
        try:
            return call()
        except ApiError as error:
            if error.status in (0, 429) or error.status >= 500:
                raise NotYetError(str(error)) from error
            raise RuntimeError(f"the API server refuses: {error}") from error

    def _check(self, chain: str, key: str, authority: str) -> None:
        """Before the node has it: it is this key's, and peers will take it for this address."""
        with tempfile.TemporaryDirectory() as made:
            paths = [Path(made) / name for name in ("chain", "key", "authority")]
            for path, text in zip(paths, (chain, key, authority), strict=True):
                path.touch(mode=0o600)
                path.write_text(text, encoding="utf-8")
            try:
                ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(paths[0], paths[1])
                openssl.verify(paths[0], paths[2], self._env["POD_IP"])
            except (ssl.SSLError, openssl.OpensslError) as error:
                raise RuntimeError(f"the certificate that was signed is of no use: {error}") from error


def renew_for_ever(node: Node, seconds: float) -> None:
    """Looks once a minute. The old certificate goes on while a new one can't be had."""
    while True:
        pause, wish = LOOK_SECONDS, node.wish()
        if why := stale(node.folder, wish, time.time()):
            say(f"another certificate: {why}")
            try:
                node.obtain(wish, Deadline(seconds))
                if why := stale(node.folder, wish, time.time()):
                    raise RuntimeError(f"the region's authority waits for an `up`: {why}")
            except (RuntimeError, DeadlineError, openssl.OpensslError) as error:
                say(f"again in {RETRY_SECONDS:g} s: {error}")
                pause = RETRY_SECONDS
        time.sleep(pause)


def main() -> None:
    end_when_told()
    seconds = float(os.environ["DEADLINE_SECONDS"])
    node = Node(Api.in_cluster(), os.environ)
    if os.environ.get("RENEW") == "true":
        renew_for_ever(node, seconds)
    # A container that is started again in the same pod has the same address, and so a certificate already.
    elif stale(node.folder, wish := node.wish(), time.time()):
        node.obtain(wish, Deadline(seconds))


if __name__ == "__main__":
    run(main)
