"""What a region's cluster gets: the login at its own database nodes, and the app beside them."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from . import manifests
from .database import Client


class RegionalLoginArgs(TypedDict):
    """Where the app will be, and how it logs in."""

    kubeconfig: str
    """Path of a kubeconfig file."""
    context: str
    """The region's cluster in it."""
    namespace: str
    """Made here."""
    client: Client
    """At the region's own SQL endpoint."""


class RegionalLogin(pulumi.ComponentResource):
    """The app's namespace in a region, with the database's login as a Secret."""

    region: str
    url: pulumi.Output[str]
    """Where to log in; no secret inside."""

    def __init__(self, region: str, args: RegionalLoginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("app-team:index:RegionalLogin", f"{region}-login", {}, opts)
        self.region, self.url, self._namespace = region, args["client"].url, args["namespace"]
        self._provider = k8s.Provider(
            f"{region}-kubernetes",
            kubeconfig=args["kubeconfig"],
            context=args["context"],
            # Of the region, not of how it is reached: a changed kubeconfig replaces nothing.
            cluster_identifier=region,
            enable_secret_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        labels = {**manifests.LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
        namespace = k8s.core.v1.Namespace(
            f"{region}-namespace",
            metadata={"name": self._namespace, "labels": labels},
            opts=pulumi.ResourceOptions(parent=self, provider=self._provider),
        )
        client = args["client"]
        self._secret = k8s.core.v1.Secret(
            f"{region}-secret",
            metadata=self.metadata(manifests.SECRET),
            string_data={
                "ca.crt": client.authority,
                "client.crt": client.certificate,
                "client.key": client.private_key,
            },
            opts=pulumi.ResourceOptions(parent=self, provider=self._provider, depends_on=[namespace]),
        )
        self.register_outputs({"url": self.url})

    def metadata(self, name: str | None, annotations: dict[str, str] | None = None) -> k8s.meta.v1.ObjectMetaArgs:
        """Of an object in the namespace. None: the engine names it, so that its successor can stand beside it."""
        return k8s.meta.v1.ObjectMetaArgs(
            name=name, namespace=self._namespace, labels=manifests.LABELS, annotations=annotations
        )

    def options(self, parent: pulumi.Resource | None, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Of what needs the login, and `after` to be there."""
        return pulumi.ResourceOptions(parent=parent, provider=self._provider, depends_on=[self._secret, *after])


def schema(login: RegionalLogin, image: str) -> pulumi.Resource:
    """The Job that makes the tables, in one region for all; `up` waits for its end. Another image runs it again."""
    return k8s.batch.v1.Job(
        "schema",
        metadata=login.metadata(None),
        spec=manifests.schema_job(image, login.region, login.url),
        opts=login.options(None),
    )


class RegionalAppArgs(TypedDict):
    """The app in one region."""

    login: RegionalLogin
    image: str
    replicas: int
    after: NotRequired[Sequence[pulumi.Resource]]
    """What has to be there before a pod starts."""


class RegionalApp(pulumi.ComponentResource):
    """The app's Deployment: `up` waits until a payment of every pod was acknowledged."""

    def __init__(self, region: str, args: RegionalAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("app-team:index:RegionalApp", region, {}, opts)
        login = args["login"]
        k8s.core.v1.Service(
            f"{region}-service",
            # Its pods come after it.
            metadata=login.metadata(manifests.APP, {"pulumi.com/skipAwait": "true"}),
            spec=manifests.service(),
            opts=login.options(self),
        )
        k8s.policy.v1.PodDisruptionBudget(
            f"{region}-budget",
            metadata=login.metadata(manifests.APP),
            spec=manifests.disruption_budget(),
            opts=login.options(self),
        )
        k8s.apps.v1.Deployment(
            f"{region}-app",
            metadata=login.metadata(manifests.APP),
            spec=manifests.deployment(args["image"], region, login.url, args["replicas"]),
            opts=login.options(self, args.get("after", ())),
        )
        self.register_outputs({})
