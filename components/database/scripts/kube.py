"""The Kubernetes API from inside a pod, with the standard library only."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CREDENTIALS = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 10.0
WATCH_SECONDS = 240
"""How long one watch lasts: the API server ends it then, and its client looks at everything anew."""


class ApiError(Exception):
    """An answer other than success; `status` is the HTTP status, or 0 where nothing answered."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Api:
    """Requests to the API server under this pod's ServiceAccount; its token is read each time, for it is renewed."""

    def __init__(self, base: str, credentials: Path = CREDENTIALS) -> None:
        self._base = base
        self._credentials = credentials

    @classmethod
    def in_cluster(cls) -> Api:
        """From the environment that Kubernetes gives every container."""
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        return cls(f"https://{f'[{host}]' if ':' in host else host}:{port}")

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The object or list at `path`."""
        return self._request("GET", path, query)

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Makes an object in the collection at `path`."""
        return self._request("POST", path, {}, body, "application/json")

    def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Puts the whole object (or its subresource) at `path`: 409 where another has changed it meanwhile."""
        return self._request("PUT", path, {}, body, "application/json")

    def watch(self, path: str, version: str, **query: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(`ADDED` or such, object) of each change after the list of that resourceVersion, for `WATCH_SECONDS`."""
        asked = {**query, "watch": "1", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        try:
            with self._open(self._prepared("GET", path, asked), WATCH_SECONDS + TIMEOUT_SECONDS) as answer:
                for line in answer:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError(int(event["object"].get("code", 0)), str(event["object"].get("message")))
                    yield event["type"], event["object"]
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, _reason(error)) from error
        except (OSError, ValueError) as error:
            raise ApiError(0, f"the watch broke off: {error}") from error

    def delete(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Deletes with the DeleteOptions `body`."""
        return self._request("DELETE", path, {}, body, "application/json")

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A merge patch."""
        return self._request("PATCH", path, {}, body, "application/merge-patch+json")

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: dict[str, Any] | None = None,
        content_type: str | None = None,
    ) -> dict[str, Any]:
        try:
            with self._open(self._prepared(method, path, query, body, content_type), TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, _reason(error)) from error
        except (OSError, ValueError) as error:
            raise ApiError(0, f"no answer from the API server: {error}") from error

    def _prepared(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: dict[str, Any] | None = None,
        content_type: str | None = None,
    ) -> urllib.request.Request:
        url = self._base + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body else None)  # noqa: S310
        token = (self._credentials / "token").read_text(encoding="utf-8").strip()
        request.add_header("Authorization", f"Bearer {token}")
        if content_type:
            request.add_header("Content-Type", content_type)
        return request

    def _open(self, request: urllib.request.Request, timeout: float) -> Any:
        context = ssl.create_default_context(cafile=str(self._credentials / "ca.crt"))
        # Python 3.13 refuses authorities without key identifiers, such as EKS makes; chain and name are still verified.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return urllib.request.urlopen(request, timeout=timeout, context=context)  # noqa: S310


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error).get("message") or error.reason)
    except ValueError:
        return str(error.reason)
