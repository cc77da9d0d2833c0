"""A region's monitoring as Kubernetes objects."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ..database import names
from . import alerts, dashboards, scrape

API = "monitoring.coreos.com/v1"
"""Of the Prometheus operator; its CRDs have to be in the cluster before."""
SIDECAR_LABEL = "grafana_dashboard"
"""What the sidecar of Grafana's chart looks for, unless it was told otherwise."""


class WatchedArgs(TypedDict):
    """What alert rules have to know of the whole cluster."""

    nodes: int
    """Nodes of all active regions."""
    max_offset_ms: float
    """`--max-offset`, in milliseconds."""
    dns_addresses: NotRequired[list[str]]
    """`host:port` of the other regions' DNS, as this cluster's CoreDNS forwards to them. Default: none."""
    backups: NotRequired[bool]
    """There is a schedule of backups. Default false."""


class RegionMonitoringArgs(TypedDict):
    """What of a region is to be watched, and by what."""

    cluster: str
    """`cluster` label of every series: the database's `--cluster-name`."""
    region: str
    """`region` label of every series."""
    namespace: str
    """Namespace of the nodes, and of all that is made here."""
    server_name: str
    """A name that every node's certificate here has."""
    ca_certificate: pulumi.Input[str]
    """Whom Prometheus trusts, PEM."""
    labels: NotRequired[dict[str, str]]
    """Labels of all objects, by which a Prometheus selects its own. Default: none but the program's."""
    service_monitor: NotRequired[bool]
    """Make a ServiceMonitor. Default false."""
    rules: NotRequired[WatchedArgs]
    """Make a PrometheusRule of these. Default: none."""
    dashboards: NotRequired[bool]
    """Make the dashboards' ConfigMaps. Default false."""


class RegionMonitoring(pulumi.ComponentResource):
    """A ServiceMonitor, a PrometheusRule and dashboards.

    Prometheus gets the CA certificate and no key: `/_status/vars` asks for no login, and nothing else is scraped.
    """

    def __init__(self, name: str, args: RegionMonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:RegionMonitoring", name, {}, opts)
        namespace = args["namespace"]
        labels = {
            "app.kubernetes.io/name": f"{names.APP}-monitoring",
            "app.kubernetes.io/part-of": "cockroachdb-multiregion",
            **args.get("labels", {}),
        }
        child = pulumi.ResourceOptions(parent=self)

        def metadata(object_name: str, **more: str) -> k8s.meta.v1.ObjectMetaArgs:
            return k8s.meta.v1.ObjectMetaArgs(name=object_name, namespace=namespace, labels={**labels, **more})

        if args.get("service_monitor", False):
            authority = k8s.core.v1.ConfigMap(
                f"{name}-authority",
                metadata=metadata(names.AUTHORITY),
                data={"ca.crt": args["ca_certificate"]},
                opts=child,
            )
            scraped = scrape.Scraped(args["cluster"], args["region"], namespace, args["server_name"])
            k8s.apiextensions.CustomResource(
                f"{name}-nodes",
                api_version=API,
                kind="ServiceMonitor",
                metadata=metadata(names.APP),
                spec=scrape.service_monitor_spec(scraped, names.AUTHORITY),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[authority]),
            )
        if "rules" in args:
            k8s.apiextensions.CustomResource(
                f"{name}-rules",
                api_version=API,
                kind="PrometheusRule",
                metadata=metadata(names.APP),
                spec={"groups": alerts.groups(_watched(args["cluster"], args["rules"]))},
                opts=child,
            )
        if args.get("dashboards", False):
            for dashboard in dashboards.DASHBOARDS:
                k8s.core.v1.ConfigMap(
                    f"{name}-{dashboard.name}",
                    metadata=metadata(dashboard.name, **{SIDECAR_LABEL: "1"}),
                    data={f"{dashboard.name}.json": dashboards.to_json(dashboard)},
                    opts=child,
                )
        self.register_outputs({})


def _watched(cluster: str, args: WatchedArgs) -> alerts.Watched:
    return alerts.Watched(
        cluster=cluster,
        nodes=args["nodes"],
        max_offset_ms=args["max_offset_ms"],
        dns_addresses=args.get("dns_addresses", []),
        backups=args.get("backups", False),
    )
