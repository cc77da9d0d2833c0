"""Signs the certificates that this region's nodes ask for, each for its pod's own address, and denies every other.

Environment: SIGNER_NAME, NAMESPACE, ACCOUNT, STATEFUL_SET; NAMES_FILE, one name or address per line that every node of
the region may have; AUTHORITY_DIR with `tls.crt` and `tls.key`, which sign; LEAF_DAYS.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import approval
import openssl
from kube import Api, ApiError
from waiting import NotYetError, end_when_told, run, say

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
RETRY_SECONDS = 5.0
"""Until everything is looked at anew, after something went wrong or wasn't ready."""

KIND = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
"""What the items of a list don't say."""

Object = Mapping[str, Any]


def settled(csr: Object) -> bool:
    """Nothing is left to do: signed, denied or failed."""
    status = csr.get("status") or {}
    return bool(status.get("certificate")) or any(
        condition["type"] in ("Denied", "Failed") for condition in status.get("conditions") or []
    )


def approved(csr: Object) -> bool:
    """Somebody approved it; not for us to trust, but its conditions can't change to `Denied` any more."""
    return any(entry["type"] == "Approved" for entry in (csr.get("status") or {}).get("conditions") or [])


def with_condition(csr: Object, kind: str, reason: str, message: str) -> dict[str, Any]:
    """The request with one more condition."""
    status = dict(csr.get("status") or {})
    condition = {"type": kind, "status": "True", "reason": reason, "message": message}
    return {**csr, **KIND, "status": {**status, "conditions": [*(status.get("conditions") or []), condition]}}


def with_certificate(csr: Object, chain: str) -> dict[str, Any]:
    """The request with its certificate."""
    encoded = base64.b64encode(chain.encode()).decode()
    return {**csr, **KIND, "status": {**(csr.get("status") or {}), "certificate": encoded}}


@dataclass(frozen=True)
class Authority:
    """What signs, read anew each time: it is renewed while this runs."""

    folder: Path
    days: int

    def chain(self, text: str, leaf: approval.Leaf) -> str:
        """The leaf, then the certificate that signed it. Raises openssl.OpensslError."""
        certificate = self.folder / "tls.crt"
        signed = openssl.sign(
            text, leaf.dns_names, leaf.addresses, certificate, self.folder / "tls.key", days=self.days
        )
        return signed + certificate.read_text(encoding="utf-8")


class Signer:
    """Asks the API server, lets `approval` decide, and writes down what came of it."""

    def __init__(self, api: Api, wanted: Callable[[], approval.Policy], authority: Authority) -> None:
        self._api = api
        self._wanted = wanted
        self._authority = authority

    def handle(self, csr: Object) -> None:
        """Brings one request to its end. Raises NotYetError, ApiError or OpensslError where that has to wait."""
        if settled(csr):
            return
        name = csr["metadata"]["name"]
        wanted = self._wanted()
        text = base64.b64decode(csr["spec"]["request"]).decode("utf-8", "replace")
        try:
            pod_name, _ = approval.pod_of(csr, wanted)
            pod = self._get(f"/api/v1/namespaces/{wanted.namespace}/pods/{pod_name}")
            owner = self._get(f"/apis/apps/v1/namespaces/{wanted.namespace}/statefulsets/{wanted.stateful_set}")
            leaf = approval.judge(csr, pod, owner, text, wanted)
            if not openssl.proves_its_key(text):
                raise approval.RefusedError("the request is not signed by its own key")
        except approval.RefusedError as refusal:
            self._refuse(csr, str(refusal))
            say(f"{name}: refused: {refusal}")
            return
        if not approved(csr):
            changed = with_condition(csr, "Approved", "NodeOfTheRegion", f"pod {pod_name} at {leaf.addresses}")
            csr = self._api.replace(f"{REQUESTS}/{name}/approval", changed)
        self._api.replace(f"{REQUESTS}/{name}/status", with_certificate(csr, self._authority.chain(text, leaf)))
        say(f"{name}: signed for pod {pod_name}: {', '.join(leaf.addresses)}")

    def _refuse(self, csr: Object, message: str) -> None:
        path = f"{REQUESTS}/{csr['metadata']['name']}"
        if approved(csr):
            self._api.replace(f"{path}/status", with_condition(csr, "Failed", "NotANodeOfTheRegion", message))
        else:
            self._api.replace(f"{path}/approval", with_condition(csr, "Denied", "NotANodeOfTheRegion", message))

    def _get(self, path: str) -> Object | None:
        try:
            return self._api.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def round(self) -> None:
        """Everything that is there, then every change, until the watch ends or something has to be tried again."""
        mine = {"fieldSelector": f"spec.signerName={self._wanted().signer}"}
        found = self._api.get(REQUESTS, **mine)
        postponed = [csr["metadata"]["name"] for csr in found["items"] if not self._tried(csr)]
        if postponed:
            raise NotYetError(f"{len(postponed)} requests have to wait")
        for kind, csr in self._api.watch(REQUESTS, found["metadata"]["resourceVersion"], **mine):
            if kind in ("ADDED", "MODIFIED") and not self._tried(csr):
                raise NotYetError(f"{csr['metadata']['name']} has to wait")

    def _tried(self, csr: Object) -> bool:
        """Whether the request is done with: one that has to wait holds up no other."""
        try:
            self.handle(csr)
        except (NotYetError, ApiError, openssl.OpensslError) as error:
            if isinstance(error, ApiError) and error.status in (404, 409):
                return True  # it is gone, or the other signer was faster: a change that comes by the watch
            say(f"{csr['metadata']['name']}: later: {error}")
            return False
        return True


def main() -> None:
    end_when_told()
    env = os.environ
    names_file = Path(env["NAMES_FILE"])

    def wanted() -> approval.Policy:
        names = names_file.read_text(encoding="utf-8").split()
        return approval.policy(env["SIGNER_NAME"], env["NAMESPACE"], env["ACCOUNT"], env["STATEFUL_SET"], names)

    signer = Signer(Api.in_cluster(), wanted, Authority(Path(env["AUTHORITY_DIR"]), int(env["LEAF_DAYS"])))
    say(f"signing as {env['SIGNER_NAME']}")
    while True:
        try:
            signer.round()
        except (NotYetError, ApiError) as error:
            if isinstance(error, ApiError):
                say(f"again in {RETRY_SECONDS:g} s: {error}")
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    run(main)
