"""A client of an API server that is small and quick to start: JSON over HTTPS with a client certificate."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.shell import LabError

PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "Node": "nodes",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StorageClass": "storageclasses",
}
"""The kinds that the lab itself makes, and what their API path calls them."""


class Api:
    """One region's API server, as `client` (a certificate in `pki`) sees it."""

    def __init__(self, url: str, pki: Path, client: str) -> None:
        self._address = urlsplit(url)
        self._pki = pki
        self._client = client

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        context.load_cert_chain(self._pki / f"{self._client}.crt", self._pki / f"{self._client}.key")
        return context

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, str]:
        """Status and body of one request. Raises OSError where nobody answers within 10 s."""
        host, port = self._address.hostname or "", self._address.port
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=self._tls)
        try:
            headers = {"Content-Type": content_type, "Accept": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether the server says that it is ready; False too where nobody answers."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def get(self, path: str) -> dict[str, Any]:
        """The object or list at `path`. Raises LabError for any other answer than success."""
        try:
            status, text = self.request("GET", path)
        except OSError as error:
            raise LabError(f"{self._address.geturl()}{path}: {error}") from error
        if status != 200:
            raise LabError(f"{self._address.geturl()}{path}: {status} {_message(text)}")
        return json.loads(text)

    def create_missing(self, objects: Sequence[Mapping[str, Any]]) -> int:
        """Create the objects that don't exist; those that do may be other people's by now. How many were made."""
        made = 0
        for item in objects:
            path = collection(item)
            try:
                status, text = self.request("GET", f"{path}/{item['metadata']['name']}")
                if status == 404:
                    status, text = self.request("POST", f"{path}?fieldValidation=Strict", item)
            except OSError as error:
                raise LabError(f"{self._address.geturl()}: {error}") from error
            if status not in (200, 201, 409):
                name = f"{item['kind']} {item['metadata']['name']}"
                raise LabError(f"{self._address.geturl()}: {name} refused: {status} {_message(text)}")
            made += status == 201
        return made

    def merge(self, path: str, patch: Mapping[str, Any]) -> None:
        """Change some fields of the object at `path`, by a JSON merge patch. Raises LabError where that is refused."""
        try:
            status, text = self.request("PATCH", path, patch, "application/merge-patch+json")
        except OSError as error:
            raise LabError(f"{self._address.geturl()}{path}: {error}") from error
        if status != 200:
            raise LabError(f"{self._address.geturl()}{path}: {status} {_message(text)}")

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Delete the object or collection at `path`; one that is gone already is no error."""
        try:
            status, text = self.request("DELETE", path, body)
        except OSError as error:
            raise LabError(f"{self._address.geturl()}{path}: {error}") from error
        if status not in (200, 202, 404):
            raise LabError(f"{self._address.geturl()}{path}: {status} {_message(text)}")


def collection(item: Mapping[str, Any]) -> str:
    """The API path of the collection that `item` belongs to."""
    version = item["apiVersion"]
    base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    namespace = item["metadata"].get("namespace")
    return f"{base}/namespaces/{namespace}/{PLURALS[item['kind']]}" if namespace else f"{base}/{PLURALS[item['kind']]}"


def _message(text: str) -> str:
    try:
        return json.loads(text)["message"]
    except (ValueError, KeyError):
        return text[:500]
