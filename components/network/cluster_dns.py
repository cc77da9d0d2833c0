"""The kube-system objects that hold a cluster's DNS forwards, read and written through its API server."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

NAMESPACE = "kube-system"
SELECTOR = "k8s-app=kube-dns"
"""Label of the cluster's DNS pods and Deployment, for kube-dns and CoreDNS alike (a Kubernetes convention)."""

OURS = {"app.kubernetes.io/part-of": "cockroachdb-multiregion"}
"""Labels of Deployments of the program's that have the same label, and take the others' place."""

AUTOSCALERS = ("kube-dns-autoscaler", "dns-autoscaler", "coredns-autoscaler")
"""The same label of the Deployments that set how many DNS pods there are (GKE's, Kubernetes' own add-on, others')."""

REQUEST_SECONDS = 15
"""Limit of one API request."""

FIELD_MANAGER = "cockroachdb-multiregion"


class ClusterUnreachable(RuntimeError):  # noqa: N818 - it names what happened
    """The API server can't be asked: no such kubeconfig or context, or no answer."""


class WriteConflict(RuntimeError):  # noqa: N818 - it names what happened
    """The object changed, appeared or went away between reading and writing (HTTP 404, 409)."""


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """What matters of a ConfigMap; `version` is the resourceVersion a write is bound to."""

    version: str
    data: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What matters of a Deployment of DNS servers, or of their autoscaler."""

    name: str
    version: str
    """The resourceVersion a write is bound to."""
    app: str
    """Its label `k8s-app`."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    replicas: int
    """How many it should have."""
    pods: int
    """How many it has, none of them being deleted."""
    ready: int
    """How many of its newest pods are ready; 0 where its controller has not seen its newest version yet."""


class ClusterDns(Protocol):
    """One cluster's DNS configuration."""

    def read(self, name: str) -> ConfigMap | None:
        """The ConfigMap called `name` in kube-system; None when there is none."""
        ...

    def create(self, name: str, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Make it. Raises WriteConflict when it exists by now."""
        ...

    def patch(
        self, name: str, version: str, data: Mapping[str, str | None], annotations: Mapping[str, str | None]
    ) -> None:
        """Set these keys only (None removes one). Raises WriteConflict unless it is still at `version`."""
        ...

    def delete(self, name: str, version: str) -> None:
        """Remove it. Raises WriteConflict unless it is still at `version`."""
        ...

    def restart(self, annotation: str, value: str | None) -> int:
        """Set an annotation on the pod template of the DNS Deployments that the cluster came with, which rolls their
        pods; how many there are."""
        ...

    def deployments(self, seconds: float) -> Iterator[Sequence[Deployment]]:
        """The DNS Deployments and their autoscalers in kube-system: as they are now, and again after each change.

        Ends after `seconds`.
        """
        ...

    def scale(self, name: str, version: str, replicas: int, annotations: Mapping[str, str | None]) -> None:
        """Set replicas and these annotations (None removes one) in one write.

        Raises WriteConflict unless the Deployment is still at `version`.
        """
        ...


def connect(kubeconfig: str, context: str) -> ClusterDns:
    """Open a cluster. `kubeconfig` is a path, relative to the working directory (the project's folder).

    Raises ClusterUnreachable when the file or the context is missing. Nothing is sent yet.
    """
    # Imported late: 0.8 s that a program or a preview that writes no forwards needn't pay.
    import yaml
    from kubernetes.client import AppsV1Api, CoreV1Api
    from kubernetes.config import ConfigException, new_client_from_config, new_client_from_config_dict

    where = f"context {context}" if is_text(kubeconfig) else f"{kubeconfig}, context {context}"
    try:
        if is_text(kubeconfig):
            client = new_client_from_config_dict(yaml.safe_load(kubeconfig), context=context, persist_config=False)
        else:
            path = Path(kubeconfig).expanduser()
            if not path.is_file():
                raise ClusterUnreachable(f"no kubeconfig at {kubeconfig} (seen from {Path.cwd().name}/)")
            client = new_client_from_config(str(path), context=context, persist_config=False)
    except (ConfigException, yaml.YAMLError) as error:
        raise ClusterUnreachable(f"{where}: {error}") from error
    _go_by_kubectls_rules(client)
    return _ApiClusterDns(CoreV1Api(client), AppsV1Api(client), where)


def is_text(kubeconfig: str) -> bool:
    """Whether this is a kubeconfig's text (JSON, or YAML of several lines) rather than the path of one."""
    return kubeconfig.lstrip().startswith("{") or "\n" in kubeconfig


def _go_by_kubectls_rules(client: Any) -> None:
    """Verify chain and name as kubectl does.

    On Python 3.13 urllib3 would also refuse an authority without key identifiers, such as EKS makes for its clusters
    (kubernetes-client/python#2394). The client offers no setting for it; authority and key are loaded on connection.
    """
    import ssl

    from urllib3.util.ssl_ import create_urllib3_context

    pool = client.rest_client.pool_manager.connection_pool_kw
    context = create_urllib3_context(cert_reqs=pool["cert_reqs"], verify_flags=ssl.VERIFY_X509_PARTIAL_CHAIN)
    if not pool["ca_certs"]:
        context.load_default_certs()
    pool["ssl_context"] = context


class _Expired(Exception):  # noqa: N818 - it names what happened
    """A watch from a version that the API server has forgotten."""


def _first(events: Iterator[Any], _request_timeout: int) -> object:
    """The next event; None where the watch ends without one."""
    return next(events, None)


def _deployment(item: Any) -> Deployment:
    seen = (item.status.observed_generation or 0) >= item.metadata.generation
    return Deployment(
        name=item.metadata.name,
        version=item.metadata.resource_version,
        app=item.metadata.labels["k8s-app"],
        labels=item.metadata.labels,
        annotations=item.metadata.annotations or {},
        replicas=item.spec.replicas,
        pods=item.status.replicas or 0,
        ready=min(item.status.ready_replicas or 0, item.status.updated_replicas or 0) if seen else 0,
    )


class _ApiClusterDns:
    def __init__(self, core: Any, apps: Any, where: str) -> None:
        self._core = core
        self._apps = apps
        self._where = where

    def read(self, name: str) -> ConfigMap | None:
        found = self._ask(self._core.read_namespaced_config_map, name, NAMESPACE, none_on=404)
        if found is None:
            return None
        return ConfigMap(found.metadata.resource_version, found.data or {}, found.metadata.annotations or {})

    def create(self, name: str, data: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        body = {"metadata": {"name": name, "annotations": dict(annotations)}, "data": dict(data)}
        self._ask(self._core.create_namespaced_config_map, NAMESPACE, body, field_manager=FIELD_MANAGER)

    def patch(
        self, name: str, version: str, data: Mapping[str, str | None], annotations: Mapping[str, str | None]
    ) -> None:
        body = {"metadata": {"resourceVersion": version, "annotations": dict(annotations)}, "data": dict(data)}
        self._ask(self._core.patch_namespaced_config_map, name, NAMESPACE, body, field_manager=FIELD_MANAGER)

    def delete(self, name: str, version: str) -> None:
        body = {"preconditions": {"resourceVersion": version}}
        self._ask(self._core.delete_namespaced_config_map, name, NAMESPACE, body=body)

    def restart(self, annotation: str, value: str | None) -> int:
        theirs = ",".join((SELECTOR, *(f"{label}!={value}" for label, value in OURS.items())))
        found = self._ask(self._apps.list_namespaced_deployment, NAMESPACE, label_selector=theirs)
        body = {"spec": {"template": {"metadata": {"annotations": {annotation: value}}}}}
        for deployment in found.items:
            self._ask(
                self._apps.patch_namespaced_deployment,
                deployment.metadata.name,
                NAMESPACE,
                body,
                field_manager=FIELD_MANAGER,
            )
        return len(found.items)

    def deployments(self, seconds: float) -> Iterator[Sequence[Deployment]]:
        from kubernetes.watch import Watch

        selector = f"k8s-app in (kube-dns, {', '.join(AUTOSCALERS)})"
        end = time.monotonic() + seconds
        while True:
            found = self._ask(self._apps.list_namespaced_deployment, NAMESPACE, label_selector=selector)
            yield [_deployment(item) for item in found.items]
            left = end - time.monotonic()
            if left <= 0:
                return
            events = Watch().stream(
                self._apps.list_namespaced_deployment,
                NAMESPACE,
                label_selector=selector,
                resource_version=found.metadata.resource_version,
                timeout_seconds=math.ceil(left),
                _request_timeout=math.ceil(left) + REQUEST_SECONDS,
            )
            with suppress(_Expired):
                self._ask(_first, events)

    def scale(self, name: str, version: str, replicas: int, annotations: Mapping[str, str | None]) -> None:
        body = {
            "metadata": {"resourceVersion": version, "annotations": dict(annotations)},
            "spec": {"replicas": replicas},
        }
        self._ask(self._apps.patch_namespaced_deployment, name, NAMESPACE, body, field_manager=FIELD_MANAGER)

    def _ask(self, call: Any, *args: Any, none_on: int | None = None, **kwargs: Any) -> Any:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return call(*args, _request_timeout=REQUEST_SECONDS, **kwargs)
        except ApiException as error:
            if error.status == none_on:
                return None
            if error.status == 410:
                raise _Expired from error
            if error.status in (404, 409):
                raise WriteConflict(f"{self._where}: {error.reason}") from error
            if not error.status:
                raise ClusterUnreachable(f"{self._where}: {error.reason}") from error
            raise RuntimeError(f"{self._where}: HTTP {error.status} {error.reason}: {error.body}") from error
        except (HTTPError, OSError) as error:
            raise ClusterUnreachable(f"{self._where}: {error}") from error
