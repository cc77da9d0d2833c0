"""Strategy `coredns-primary`: where the program's CoreDNS takes the place of a cluster's own DNS."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from ...database import jobs
from ...network import corefile
from ...network.cluster_dns import NAMESPACE
from ...network.dns_forwards import DnsForwards
from ...network.dns_load_balancer import DnsLoadBalancer, DnsLoadBalancerArgs
from ...network.foreign_dns import served
from ...network.foreign_entries import ForeignEntries, ForeignEntriesArgs
from ...network.replaced_dns import ReplacedDns
from ..connection import Connection, Offers, Site
from ..services import namespace_zone
from . import objects, options
from .scripts import canary_files


class CorednsPrimaryArgs(TypedDict):
    """One region's DNS."""

    kubeconfig: pulumi.Input[str]
    """Path of the kubeconfig that reaches this region's cluster, relative to the project's folder, or its text."""
    context: pulumi.Input[str]
    """The cluster's context in it."""
    dns_kind: str
    """`kube-dns` or `coredns`: what is replaced."""
    cluster_domain: str
    """The domain that the cluster's kubelets know."""
    cluster_zone: str
    """The region's zone in it, e.g. `us-east1.svc.cluster.local`: never forwarded."""
    domain: str
    """The domain that the same names have in every cluster."""
    dns_addresses: list[str]
    """Where this region's DNS servers answer the others."""
    dns_managed: bool
    """False: something else makes `dns_addresses` answer, no load balancer is made."""
    region_domains: dict[str, list[str]]
    """Every other region's domain -> that region's `dns_addresses`."""
    extra_stub_domains: dict[str, list[str]]
    """Other people's zones -> their servers."""
    extra_server_blocks: str
    """Other people's server blocks."""
    upstream: str
    """Whom to ask for all other names: servers with spaces between them, or the file that lists them."""
    give_up: list[str]
    """What of the cluster's DNS configuration before may be lost."""
    image: str
    """Full reference of the CoreDNS image."""
    tools_image: str
    """Full reference of the Python image that the canary's script runs in."""
    replicas: int
    """Servers for the cluster's own pods, and as many for the other regions."""
    canary_names: list[str]
    """Names outside of the clusters that the new servers must know if the old ones do."""
    owner: str
    """For whom the cluster's DNS is replaced: `project/stack`."""
    client_cidrs: NotRequired[list[str]]
    """Who may ask this region's DNS: pod and node ranges of the regions. Default: anyone who can route there."""
    load_balancer_class: NotRequired[str]
    """`spec.loadBalancerClass`. Default: the cluster's own."""
    load_balancer_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the DNS load balancer's Services."""
    split_protocols: NotRequired[bool]
    """True: the load balancer takes TCP and UDP in Services of their own. Default false."""
    switch: NotRequired[bool]
    """False: the cluster's own servers stay, or come back, and ask the gateway's for the regions' domains. Default
    true."""
    lost: NotRequired[bool]
    """True: the cluster is gone; no call is made to it, and its objects leave the state. Default false."""


class CorednsPrimary(Connection):
    """The program's CoreDNS in place of a cluster's own.

    In this order: the gateway's servers, which answer the other regions; a look for entries of others that would be
    lost; a Job that asks the gateway whatever the cluster will ask; the servers with the label that the Service
    `kube-dns` selects; and at last the old servers go. What fails leaves the ones before it in charge. Deletion goes
    the other way: the old servers come back first, by `destroy` as by `switch`.
    """

    addresses: pulumi.Output[list[str]]
    """Where this region's DNS answers the others, once it does."""

    def __init__(self, name: str, args: CorednsPrimaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:CorednsPrimary", name, {}, opts)
        lost = args.get("lost", False)
        self.addresses = pulumi.Output.from_input(args["dns_addresses"])
        before = self._forwards(name, args)
        account: list[pulumi.Resource] = []
        if not lost:
            account = self._account(name)
            before += self._servers(name, "gateway", args, account)
            if args["dns_managed"]:
                balancer = DnsLoadBalancer(f"{name}-dns", _balancer_args(args), pulumi.ResourceOptions(parent=self))
                self.addresses = balancer.addresses
                before.append(balancer)
        if lost or args.get("switch", True):
            self._switch(name, args, account, before)
        self.register_outputs({"addresses": self.addresses})

    def _switch(
        self, name: str, args: CorednsPrimaryArgs, account: list[pulumi.Resource], before: list[pulumi.Resource]
    ) -> None:
        """All that makes the program's servers the cluster's own. Left out, it goes in the reverse order."""
        lost = args.get("lost", False)
        if not lost:
            # After the forwards: the domain of a region that went is nobody else's.
            entries = ForeignEntries(f"{name}-entries", _entries(args), self._after(before))
            canary = self._canary(name, args, [*before, entries])
            before = [*before, *self._servers(name, "primary", args, [*account, canary])]
        kept = ReplacedDns(f"{name}-kept", {**_entries(args), "prepare": True, "lost": lost}, self._after(before))
        ReplacedDns(f"{name}-replaced", {**_entries(args), "prepare": False, "lost": lost}, self._after([kept]))

    def _after(self, before: list[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=before)

    def _forwards(self, name: str, args: CorednsPrimaryArgs) -> list[pulumi.Resource]:
        """Every region's domain, for who asks for stub domains by itself, and for the cluster's own servers.

        NodeLocal DNSCache asks the Service for the cluster's own domain alone, and reads stub domains in kube-dns's
        ConfigMap, whichever server the cluster has. The old servers read theirs whenever they run: before the switch,
        beside the new ones, and if they come back, by whatever hand.
        """
        lost = args.get("lost", False)
        names = {"kube-dns": f"{name}-forwards", "coredns": f"{name}-corefile"}
        return [
            DnsForwards(
                names[kind],
                {
                    "kubeconfig": args["kubeconfig"],
                    "context": args["context"],
                    "kind": kind,
                    "zone": args["cluster_zone"],
                    "owner": args["owner"],
                    "forwards": {} if lost else stub_domains(args),
                    "lost": lost,
                },
                pulumi.ResourceOptions(parent=self),
            )
            for kind in dict.fromkeys(("kube-dns", args["dns_kind"]))
        ]

    def _account(self, name: str) -> list[pulumi.Resource]:
        """Who the servers are: they may watch Services and their endpoints, and nothing else."""
        child = pulumi.ResourceOptions(parent=self)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata=objects.meta(objects.NAME, "server"), opts=child
        )
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-role",
            metadata={"name": objects.NAME, "labels": objects.labels("server")},
            rules=objects.RULES,
            opts=child,
        )
        binding = k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": objects.NAME, "labels": objects.labels("server")},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": objects.NAME},
            subjects=[{"kind": "ServiceAccount", "name": objects.NAME, "namespace": NAMESPACE}],
            opts=child,
        )
        return [account, role, binding]

    def _servers(
        self, name: str, component: str, args: CorednsPrimaryArgs, before: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        object_name, text = f"{objects.NAME}-{component}", corefile_text(args)
        configuration = k8s.core.v1.ConfigMap(
            f"{name}-{component}-config",
            metadata=objects.meta(object_name, component),
            data={objects.COREFILE: text},
            opts=self._after(before),
        )
        spec = objects.deployment_spec(component, object_name, text, args["image"], args["replicas"])
        servers = k8s.apps.v1.Deployment(
            f"{name}-{component}",
            metadata=objects.deployment_meta(object_name, component),
            spec=spec,
            opts=self._after([*before, configuration]),
        )
        if component == "primary":
            # No budget: clouds have one for all pods labelled k8s-app=kube-dns, and a pod with two can't be evicted.
            return [servers]
        budget = k8s.policy.v1.PodDisruptionBudget(
            f"{name}-{component}-budget",
            metadata=objects.meta(object_name, component),
            spec=objects.budget_spec(component),
            opts=self._after(before),
        )
        service = k8s.core.v1.Service(
            f"{name}-{component}-service",
            metadata=objects.meta(object_name, component),
            spec=objects.service_spec(),
            opts=self._after([servers]),
        )
        return [servers, service, budget]

    def _canary(self, name: str, args: CorednsPrimaryArgs, before: list[pulumi.Resource]) -> k8s.batch.v1.Job:
        """Asks the gateway's servers; again for every other configuration, image or question."""
        account = k8s.core.v1.ServiceAccount(
            f"{name}-canary-account",
            metadata=objects.meta(objects.CANARY, "canary"),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        files = canary_files()
        scripts = k8s.core.v1.ConfigMap(
            f"{name}-canary-scripts",
            metadata=objects.meta(objects.CANARY, "canary"),
            data=files,
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside, outside = inside_names(args), args["canary_names"]
        asked = jobs.content_hash(corefile_text(args), args["image"], inside, outside)
        return k8s.batch.v1.Job(
            f"{name}-canary-{asked}",
            metadata=objects.meta(f"{objects.CANARY}-{asked}", "canary", jobs.REPLACE_UNREADY),
            spec=objects.canary_job(objects.CANARY, args["tools_image"], inside, outside),
            opts=jobs.job_options(
                self,
                objects.DEADLINE_SECONDS,
                depends_on=[account, scripts, *before],
                # The name says what was asked; another image of the script's is no reason to ask again.
                ignore_changes=["spec"],
            ),
        )


def corefile_text(args: CorednsPrimaryArgs) -> str:
    """What every one of the region's servers is configured with: both domains are the same names."""
    domains = f"{args['cluster_domain']} {args['domain']}"
    forwards = {**args["region_domains"], **args["extra_stub_domains"]}
    return corefile.whole(domains, forwards, args["extra_server_blocks"], args["upstream"])


def stub_domains(args: CorednsPrimaryArgs) -> dict[str, list[str]]:
    """Every region's domain, this one's among them, and where it is answered."""
    return {args["domain"]: args["dns_addresses"], **args["region_domains"]}


def inside_names(args: CorednsPrimaryArgs) -> list[str]:
    """The one Service that every cluster has, by each domain."""
    domains = [args["cluster_domain"], args["domain"], *args["region_domains"]]
    return [f"kubernetes.default.svc.{domain}" for domain in domains]


def _entries(args: CorednsPrimaryArgs) -> ForeignEntriesArgs:
    return {
        "kubeconfig": args["kubeconfig"],
        "context": args["context"],
        "kind": args["dns_kind"],
        "owner": args["owner"],
        "written": sorted(stub_domains(args)),
        "known": [*args["extra_stub_domains"], *served(args["extra_server_blocks"]), *args["give_up"]],
        "domain": args["cluster_domain"],
        "upstream": args["upstream"],
    }


def _balancer_args(args: CorednsPrimaryArgs) -> DnsLoadBalancerArgs:
    balancer: DnsLoadBalancerArgs = {"addresses": args["dns_addresses"], "selector": objects.selector("gateway")}
    if "client_cidrs" in args:
        balancer["client_cidrs"] = args["client_cidrs"]
    if "load_balancer_class" in args:
        balancer["load_balancer_class"] = args["load_balancer_class"]
    if "load_balancer_annotations" in args:
        balancer["annotations"] = args["load_balancer_annotations"]
    if "split_protocols" in args:
        balancer["split_protocols"] = args["split_protocols"]
    return balancer


def connect_region(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> CorednsPrimary:
    """This strategy's resources in one region. `opts`: hold the region's provider."""
    region, here, cluster, dns = site.region, site.here, site.cluster, site.settings.dns
    own, stack = options.of_region(region), options.of_stack(site.settings)
    extra = {zone: list(map(str, servers)) for zone, servers in dns.extra_stub_domains.items()}
    args: CorednsPrimaryArgs = {
        "kubeconfig": cluster.kubeconfig,
        "context": cluster.context,
        "dns_kind": region.dns_kind,
        "cluster_domain": region.cluster_domain,
        "cluster_zone": namespace_zone(region),
        "domain": here.dns_zone,
        "dns_addresses": list(here.dns_addresses),
        "dns_managed": region.dns_managed,
        "region_domains": {zone: list(servers) for zone, servers in here.forwards.items() if zone not in extra},
        "extra_stub_domains": extra,
        "extra_server_blocks": dns.extra_server_blocks,
        "upstream": " ".join(map(str, own.upstream_nameservers)) or corefile.HOSTS_SERVERS,
        "give_up": list(own.give_up),
        "image": stack.image,
        "tools_image": site.settings.cockroachdb.tools_image,
        "replicas": own.replicas,
        "canary_names": list(stack.canary_names),
        "owner": site.owner,
        "client_cidrs": site.client_cidrs,
        "load_balancer_annotations": dict(cluster.balancing.annotations),
        "split_protocols": cluster.balancing.split_protocols,
        "switch": own.switch,
        "lost": site.lost,
    }
    if cluster.balancing.load_balancer_class is not None:
        args["load_balancer_class"] = cluster.balancing.load_balancer_class
    return CorednsPrimary(f"{region.name}-coredns", args, opts)
