"""One region's share of the database: everything that runs in one Kubernetes cluster and waits for no other."""

import json
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from . import names, network_policy, pod_template, secrets, services
from .access import NodeAccess
from .fragments import Manifest
from .region_args import CockroachRegionArgs, JoinBalancerArgs, NodeBalancerArgs
from .scripts import read_scripts
from .signer import NodeSigner

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}

FROZEN = ["spec.volumeClaimTemplates", "spec.selector", "spec.serviceName", "spec.podManagementPolicy"]
"""Immutable in Kubernetes: a change would delete the StatefulSet and make another.

Volumes grow by the rollout's own step instead; nothing else here follows config.
"""


class CockroachRegion(pulumi.ComponentResource):
    """A region's namespace, certificates, Services, policies and StatefulSet.

    Its pods are ready only once the cluster is initialised.
    """

    namespace: pulumi.Output[str]
    """Name of the namespace."""
    sql_endpoint: pulumi.Output[str]
    """`host:port` for SQL clients in the cluster's networks."""
    console_endpoint: pulumi.Output[str]
    """URL of the DB Console."""
    template_hash: str
    """Changes exactly when the pods must restart."""

    def __init__(self, name: str, args: CockroachRegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:CockroachRegion", name, {}, opts)
        if ("node_certificate" in args) == ("own_certificates" in args):
            raise ValueError("a region needs either `node_certificate` or `own_certificates`")
        own = args.get("own_certificates")
        node = args["node"]
        namespace = args["namespace"]
        domain = args.get("cluster_domain", "cluster.local")
        own_addresses = _own_addresses(args)
        own_name = f"$(POD_NAME).{names.APP}.{namespace}.svc.{domain}"
        nodes = pod_template.RegionNodes(
            region=args["region"],
            namespace=namespace,
            nodes=args["nodes"],
            zones=args.get("zones", []),
            advertise_host=None if own_addresses else args.get("advertise_host", own_name),
            host_network=args.get("host_network", False),
            node=node,
            own_certificates=own is not None,
            hosts=list(args.get("hosts", {})),
        )
        labels = pod_template.object_labels(node.get("labels", {}))
        child = pulumi.ResourceOptions(parent=self)

        home = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": namespace,
                "labels": {
                    **labels,
                    **args.get("namespace_labels", {}),
                    # The host's network is more than any stricter profile grants.
                    "pod-security.kubernetes.io/enforce": "privileged" if nodes.host_network else "restricted",
                },
            },
            opts=child,
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[home])

        def meta(
            object_name: str, annotations: Mapping[str, pulumi.Input[str]] | None = None
        ) -> k8s.meta.v1.ObjectMetaArgs:
            return k8s.meta.v1.ObjectMetaArgs(
                name=object_name, namespace=namespace, labels=labels, annotations=annotations
            )

        access = NodeAccess(
            f"{name}-access",
            {"namespace": namespace, "labels": labels, "ask_for_certificates": own is not None},
            opts=inside,
        )
        first: list[pulumi.Resource] = [
            *secrets.secrets(
                name, meta, args["ca_certificate"], args.get("node_certificate"), args["client_certificates"], inside
            ),
            k8s.core.v1.ConfigMap(
                f"{name}-join",
                metadata=meta(names.JOIN_CONFIG_MAP),
                data={
                    "join": ",".join(args["join_addresses"]),
                    "members.json": json.dumps(args["members"], indent=1),
                    **_certificate_ends(args),
                    **({} if own is None else {names.NAMES_FILE: "\n".join(own["names"])}),
                    **own_addresses,
                },
                opts=inside,
            ),
            k8s.core.v1.ConfigMap(
                f"{name}-scripts", metadata=meta(names.SCRIPTS_CONFIG_MAP), data=read_scripts(), opts=inside
            ),
        ]
        for policy, spec in {
            "default-deny": network_policy.default_deny_spec(),
            "probes": network_policy.probe_spec(
                args["peer_cidrs"], [f"{address}/32" for address in args.get("balancer_addresses", [])]
            ),
            "database": network_policy.database_spec(args["peer_cidrs"], args["client_cidrs"]),
            "egress": network_policy.egress_spec(
                args["peer_cidrs"],
                args.get("peer_ports", []),
                args.get("gateway_namespaces", []),
                to_hosts=nodes.host_network,
            ),
        }.items():
            k8s.networking.v1.NetworkPolicy(
                f"{name}-{policy}", metadata=meta(f"{names.APP}-{policy}"), spec=spec, opts=inside
            )

        # Never awaited: a Service is ready when pods behind it are, and these are only once the cluster is initialised.
        def served(
            suffix: str, service: str, spec: Manifest, annotations: Mapping[str, pulumi.Input[str]] | None = None
        ) -> k8s.core.v1.Service:
            return k8s.core.v1.Service(
                f"{name}-{suffix}",
                metadata=meta(service, {**SKIP_AWAIT, **(annotations or {})}),
                spec=services.with_protocol(spec, args.get("app_protocol")),
                opts=inside,
            )

        def balanced(suffix: str, service: str, balancer: services.Balancer) -> k8s.core.v1.Service:
            annotations = args.get("load_balancer_annotations")
            return served(suffix, service, services.balancer_spec(balancer), annotations)

        headless = served("headless", names.APP, services.headless_spec(), args.get("service_annotations"))
        served("public", names.PUBLIC_SERVICE, services.public_spec())
        if args.get("own_services", False):
            pods = [f"{names.APP}-{ordinal}" for ordinal in range(args["nodes"])]
            first += [served(pod, pod, services.own_spec(pod)) for pod in pods]

        balanced("sql", names.SQL_SERVICE, _sql_balancer(args))
        first += [
            balanced(each["pod"], each["pod"], _node_balancer(args, each)) for each in args.get("node_balancers", [])
        ]
        if "join_balancer" in args:
            first.append(balanced("join-balancer", names.JOIN_SERVICE, _join_balancer(args, args["join_balancer"])))
        if own is not None:
            # Pods wait for their certificates by themselves; what is not signed shows before any of them gives up.
            NodeSigner(
                f"{name}-signer",
                {"namespace": namespace, "authority": own["authority"], "node": node},
                pulumi.ResourceOptions(parent=self, depends_on=[home, *first]),
            )
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=meta(names.APP),
            spec={
                "max_unavailable": 1,
                # A pod that is not ready protects nothing: holding on to it would block the drain of a broken host.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
                "selector": {"match_labels": names.selector_labels()},
            },
            opts=inside,
        )
        spec = pod_template.stateful_set_spec(nodes)
        # Never awaited, for the same reason; `Rollout` is what waits for the pods.
        k8s.apps.v1.StatefulSet(
            f"{name}-nodes",
            metadata=meta(names.APP, SKIP_AWAIT),
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[headless, access, *first], ignore_changes=list(FROZEN)
            ),
        )

        self.namespace = home.metadata.apply(lambda metadata: metadata.name or namespace)
        self.sql_endpoint = pulumi.Output.from_input(f"{args['sql_address']}:{names.RPC_PORT}")
        self.console_endpoint = pulumi.Output.from_input(f"https://{args['sql_address']}:{names.HTTP_PORT}")
        self.template_hash = pod_template.restart_hash(nodes)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "sql_endpoint": self.sql_endpoint,
                "console_endpoint": self.console_endpoint,
                "template_hash": self.template_hash,
            }
        )


def _certificate_ends(args: CockroachRegionArgs) -> dict[str, pulumi.Input[str]]:
    """A file beside the join list; nobody's key, and nothing that a pod restarts for."""
    ends = args.get("certificate_ends", {})
    return {names.CERTIFICATES_FILE: pulumi.Output.json_dumps(ends, sort_keys=True)} if ends else {}


def _own_addresses(args: CockroachRegionArgs) -> dict[str, str]:
    """Files beside the join list: what each pod, or the pod on each host, advertises for SQL and RPC, and for HTTP."""
    hosts = [(whose, host, names.RPC_PORT, names.HTTP_PORT) for whose, host in args.get("hosts", {}).items()]
    pods = [(whose, own["host"], own["port"], own["http_port"]) for whose, own in args.get("addresses", {}).items()]
    return {
        file: address
        for whose, host, port, http_port in (*hosts, *pods)
        for file, address in (
            (f"{whose}{names.ADDRESS_SUFFIX}", f"{host}:{port}"),
            (f"{whose}{names.HTTP_ADDRESS_SUFFIX}", f"{host}:{http_port}"),
        )
    }


def _sql_balancer(args: CockroachRegionArgs) -> services.Balancer:
    return services.Balancer(
        address=args["sql_address"],
        client_cidrs=args["client_cidrs"],
        load_balancer_class=args.get("load_balancer_class"),
        node_ports=args.get("node_ports", {}),
        health_check_node_port=args.get("health_check_node_port"),
    )


def _join_balancer(args: CockroachRegionArgs, balancer: JoinBalancerArgs) -> services.Balancer:
    return services.Balancer(
        address=balancer["address"],
        client_cidrs=args["peer_cidrs"],
        unready=True,
        load_balancer_class=args.get("load_balancer_class"),
        node_ports=balancer.get("node_ports", {}),
        health_check_node_port=balancer.get("health_check_node_port"),
    )


def _node_balancer(args: CockroachRegionArgs, balancer: NodeBalancerArgs) -> services.Balancer:
    return services.Balancer(
        address=balancer["address"],
        client_cidrs=args["peer_cidrs"],
        pod=balancer["pod"],
        load_balancer_class=args.get("load_balancer_class"),
        node_ports=balancer.get("node_ports", {}),
        health_check_node_port=balancer.get("health_check_node_port"),
    )
