"""The composition: every region side by side, then the few steps that join them into one database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pulumi

from components.database.backup import BackupSchedule
from components.database.certificates import (
    Authority,
    CertificateAuthority,
    ClientCertificate,
    NodeCertificate,
    numbered,
)
from components.database.databases import Databases
from components.database.decommission import Decommission, DecommissionArgs
from components.database.init import ClusterInit
from components.database.names import ROOT, VERIFIER
from components.database.region import CockroachRegion
from components.database.region_authority import RegionAuthority
from components.database.restore import RestoredDatabase
from components.database.rollout import Rollout, RolloutArgs
from components.database.settings import node_args
from components.database.trust import AuthorityCheck, AuthorityCheckArgs
from components.monitoring.resources import RegionMonitoring
from components.plan.model import AddressPlan, RegionPlan, RegionSettings, RegionState, Settings
from components.platforms import RegionalCluster
from components.strategies.chosen import resources
from components.strategies.connection import Connection, Offers, Site

from . import arguments, monitoring
from .address_lock import AddressLock, Completed
from .clouds import Clouds, clouds
from .protection import guard


@dataclass(slots=True)
class Region:
    """A region that stands: its place in the plan and what was declared for it."""

    settings: RegionSettings
    plan: RegionPlan
    cluster: RegionalCluster
    dns: Connection
    """The strategy's resources."""
    database: CockroachRegion
    furniture: Sequence[pulumi.Resource] = ()
    """What the strategy has in the database's namespace."""

    @property
    def made(self) -> list[pulumi.Resource]:
        """All that was declared in its cluster."""
        return [self.dns, *self.dns.beside, self.database, *self.furniture]

    def after(self, steps: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        """Options of what runs in this region's cluster once `steps` are done."""
        return pulumi.ResourceOptions(providers=[self.cluster.provider], depends_on=list(steps))


@dataclass(slots=True)
class MultiRegion:
    """What the stack declared, for its outputs."""

    settings: Settings
    plan: AddressPlan
    lock: AddressLock
    """Refuses a plan that moves what is in use; every region waits for its word."""
    authority: CertificateAuthority
    users: dict[str, ClientCertificate]
    """SQL users of the config; no administrator."""
    clouds: Clouds
    """What makes the regions' clusters, and the network between them."""
    regions: list[Region] = field(default_factory=list)
    """Active and draining ones, in the order of the config."""

    def region(self, settings: RegionSettings) -> Region:
        """What stands of a live region. Raises StopIteration for any other."""
        return next(region for region in self.regions if region.settings is settings)


def multi_region(
    settings: Settings,
    plan: AddressPlan,
    license_key: pulumi.Input[str] | None = None,
    strategy_secrets: Mapping[str, pulumi.Input[str]] = MappingProxyType({}),
) -> MultiRegion:
    """Declare the whole stack. `license_key` is a secret, and so are `strategy_secrets` (see `Site.secrets`).

    The only edges between regions are these, in this order: ClusterInit waits for every region's objects; the rollouts
    follow one another, so that no two regions restart together; databases from a backup follow the last, side by side,
    and the databases' SQL follows them; a draining region's Decommission follows the SQL that moves the databases off
    it, as does that of nodes which leave a region; `Completed` and each region's guard wait for all of it.
    """
    lock = AddressLock("addresses", settings, plan)
    authority = CertificateAuthority(
        "cockroachdb-authority",
        arguments.authority_args(settings),
        pulumi.ResourceOptions(depends_on=[lock]),
    )
    leaves = settings.certificates.leaves
    clients = {user: _client(authority, user, leaves) for user in (ROOT, VERIFIER)}
    users = {user: _client(authority, user, leaves) for user in arguments.sql_users(settings)}
    stack = MultiRegion(settings, plan, lock, authority, users, clouds(settings, plan, lock))

    there = [region for region in settings.regions if region.state is not RegionState.REMOVED]
    sites = [_site(stack, region, strategy_secrets) for region in there]
    common = _common(stack, sites)
    sites = [replace(site, common=common) for site in sites]
    offers = _offers(stack, sites)
    for site in sites:
        if site.lost:
            _lost_region(stack, site, offers)
        else:
            stack.regions.append(_region(stack, site, offers, clients))

    _join(stack, license_key)
    return stack


def _region(stack: MultiRegion, site: Site, offers: Offers, clients: dict[str, ClientCertificate]) -> Region:
    """One region: its DNS wiring, its nodes. Knows of the others what the plan says, and what the strategy offers."""
    settings, region, here, cluster = stack.settings, site.region, site.here, site.cluster
    # Here a DNS load balancer's planned address becomes the other clusters' stub domain.
    dns = _connect(stack, site, offers)
    before_nodes = [made for each in (dns, *dns.beside) for made in each.before_nodes]
    certificate = _certificate(stack, region, here)
    root_is_here = region in (arguments.init_region(settings), arguments.admin_region(settings))
    held = clients if root_is_here else {VERIFIER: clients[VERIFIER]}
    args = arguments.region_args(settings, stack.plan, region, stack.authority, cluster, certificate, held)
    everybody = {**clients, **stack.users}
    args["certificate_ends"] = {user: client.ends for user, client in everybody.items()}
    database = CockroachRegion(
        region.name,
        args,
        pulumi.ResourceOptions(providers=[cluster.provider], depends_on=[*cluster.balancing.waits_for, *before_nodes]),
    )
    return Region(region, here, cluster, dns, database, _furnish(stack, site, database))


def _certificate(stack: MultiRegion, region: RegionSettings, here: RegionPlan) -> NodeCertificate | RegionAuthority:
    """The certificate of all nodes here, where the plan knows what it has to name; else what makes each node's."""
    if arguments.approved(stack.settings, region):
        return RegionAuthority(
            f"{region.name}-authority",
            {
                "authority_certificate": stack.authority.certificate,
                "authority_private_key": stack.authority.private_key,
                "region": region.name,
                "names": arguments.common_names(region, here),
                "address_cidr": str(arguments.address_cidr(stack.settings, region)),
            },
        )
    return NodeCertificate(
        f"{region.name}-node",
        {
            "authority_certificate": stack.authority.certificate,
            "authority_private_key": stack.authority.private_key,
            "names": list(here.certificate_names or ()),
            "generation": stack.settings.certificates.leaves,
        },
    )


def _lost_region(stack: MultiRegion, site: Site, offers: Offers) -> None:
    """A region that is gone: its objects leave the state without a call, for its provider leads nowhere.

    What stays until the region is `removed`: that provider, the DNS forwards (which remember not to call) and the
    guard, now open.
    """
    _connect(stack, site, offers)
    guard(site.here, protect=False, keeps=[])


def _join(stack: MultiRegion, license_key: pulumi.Input[str] | None) -> None:
    """Every edge between regions is made here."""
    settings = stack.settings
    node = node_args(settings.cockroachdb)
    admin = stack.region(arguments.admin_region(settings))
    born_in = arguments.init_region(settings)
    active = [region for region in stack.regions if region.settings.state is RegionState.ACTIVE]
    draining = [region for region in stack.regions if region.settings.state is RegionState.DRAINING]
    done: list[pulumi.Resource] = [made for region in stack.regions for made in region.made]
    done += stack.clouds.joins

    if born_in is not None:
        first = stack.region(born_in)
        init_args = arguments.init_args(settings, stack.plan, first.plan)
        done = [ClusterInit("cockroachdb-init", init_args, first.after(done))]

    for region in active:
        rollout_args: RolloutArgs = {
            "region": region.settings.name,
            "namespace": region.plan.namespace,
            "nodes": region.settings.nodes,
            "node": node,
            "template_hash": region.database.template_hash,
            "strategy": settings.strategy,
            "draining_nodes": region.settings.draining_nodes,
        }
        if region.plan.hosts:
            rollout_args["hosts"] = list(region.plan.hosts)
        done = [Rollout(region.settings.name, rollout_args, region.after([*done, *region.made]))]

    restored: list[pulumi.Resource] = [
        RestoredDatabase(
            f"cockroachdb-restore-{database.name}",
            arguments.restore_args(settings, database, database.restored_from, admin.plan),
            admin.after(done),
        )
        for database in settings.databases
        if database.restored_from is not None
    ]
    done = restored or done
    sql_args = arguments.databases_args(settings, admin.plan, license_key)
    done = [Databases("cockroachdb-databases", sql_args, admin.after(done))]
    if settings.backup is not None:
        backup_args = arguments.backup_args(settings, settings.backup, admin.plan)
        done = [BackupSchedule("cockroachdb-backup", backup_args, admin.after(done))]

    if monitoring.wanted(settings):
        # Last: a cluster without the operator's CRDs holds up nothing of the database.
        for region in stack.regions:
            monitor = monitoring.region_args(settings, stack.plan, region.settings, stack.authority.bundle)
            RegionMonitoring(f"{region.settings.name}-monitoring", monitor, region.after(done))

    def leave(name: str, region: RegionSettings, addresses: list[str] | None = None) -> list[pulumi.Resource]:
        args: DecommissionArgs = {
            "namespace": admin.plan.namespace,
            "host": arguments.first_host(admin.plan),
            "port": admin.plan.nodes[0].port,
            "node": node,
            "region": region.name,
        }
        if addresses is not None:
            args["addresses"] = addresses
        return [Decommission(name, args, admin.after(done))]

    for region in active:
        if going := [each.advertised for each in region.plan.nodes if each.draining]:
            done = leave(f"{region.settings.name}-nodes", region.settings, [each for each in going if each is not None])
    for region in draining:
        done = leave(region.settings.name, region.settings)
        guard(region.plan, protect=False, keeps=done)
    for gone in (each for each in settings.regions if each.state is RegionState.REMOVED):
        # Of one that drained this is what ran then; of one that was lost, its dead nodes are members still.
        done = leave(gone.name, gone)
    if stack.authority.beside is not None:
        done = [_authority_check(stack, admin, stack.authority.beside, done)]
    everything = [*done, *(made for region in stack.regions for made in region.made)]
    done = [Completed("completed", settings, stack.plan, pulumi.ResourceOptions(depends_on=everything))]
    for region in active:
        # Opened at once where data may be lost: a cluster too broken for its rollout must still be able to go.
        shut = not settings.allow_data_loss
        kept = [region.cluster, region.dns, region.database, *stack.users.values(), *done]
        guard(region.plan, protect=shut, keeps=kept if shut else [])


def _client(
    authority: CertificateAuthority | Authority, user: str, generation: int, prefix: str = "client"
) -> ClientCertificate:
    return ClientCertificate(
        f"{prefix}-{user}",
        {
            "authority_certificate": authority.certificate,
            "authority_private_key": authority.private_key,
            "user": user,
            "generation": generation,
        },
    )


def _authority_check(
    stack: MultiRegion, admin: Region, beside: Authority, done: Sequence[pulumi.Resource]
) -> AuthorityCheck:
    """Ends a step from one authority to another: every node has read what it was given."""
    certificates = stack.settings.certificates
    other = _client(beside, VERIFIER, certificates.leaves, f"authority-{certificates.beside}")
    own = _client(stack.authority, VERIFIER, certificates.leaves, f"authority-{certificates.authority}")
    args: AuthorityCheckArgs = {
        "namespace": admin.plan.namespace,
        "step": certificates.word,
        "node": node_args(stack.settings.cockroachdb),
        "signs": stack.authority.certificate,
        "clients": {
            str(generation): {"certificate": client.certificate, "private_key": client.private_key}
            for generation, client in ((certificates.authority, own), (certificates.beside, other))
        },
    }
    return AuthorityCheck(numbered("authority-check", certificates.authority), args, admin.after(done))


def _site(stack: MultiRegion, region: RegionSettings, secrets: Mapping[str, pulumi.Input[str]]) -> Site:
    """A region with the cluster that is made, or is there, for it."""
    return Site(
        settings=stack.settings,
        plan=stack.plan,
        region=region,
        cluster=stack.clouds.cluster(region),
        owner=f"{pulumi.get_project()}/{pulumi.get_stack()}",
        client_cidrs=arguments.live_cidrs(stack.plan),
        secrets=secrets,
    )


def _common(stack: MultiRegion, sites: Sequence[Site]) -> object:
    """What the chosen strategy has once for all regions, in no cluster."""
    return resources(stack.settings.strategy).offer_stack(
        stack.settings, sites, pulumi.ResourceOptions(depends_on=[stack.lock])
    )


def _furnish(stack: MultiRegion, site: Site, database: CockroachRegion) -> Sequence[pulumi.Resource]:
    """What the chosen strategy has in the namespace of a region's database."""
    return resources(stack.settings.strategy).furnish_region(
        site, pulumi.ResourceOptions(providers=[site.cluster.provider], depends_on=[database])
    )


def _offers(stack: MultiRegion, sites: Sequence[Site]) -> Offers:
    """What each live region gives to the others' connections."""
    made = resources(stack.settings.strategy)
    return {site.region.name: made.offer_region(site, _options(stack, site)) for site in sites if not site.lost}


def _connect(stack: MultiRegion, site: Site, offers: Offers) -> Connection:
    """The chosen strategy's resources: components/strategies/<strategy>/resources.py."""
    return resources(stack.settings.strategy).connect_region(site, offers, _options(stack, site))


def _options(stack: MultiRegion, site: Site) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        providers=[site.cluster.provider], depends_on=[stack.lock, *site.cluster.balancing.waits_for]
    )
