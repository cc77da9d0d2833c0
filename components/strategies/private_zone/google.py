"""Cloud DNS as the keeper of the names: a zone for each region, and the account that its external-dns writes by."""

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_gcp as gcp

from ...platforms.gke import account_id
from ..connection import Site
from . import external_dns
from .cloud_zone import API, CloudZone, in_its_cloud, place
from .external_dns import EndpointArgs

METADATA: EndpointArgs = {"cidr": "169.254.169.254/32", "ports": [80]}
"""Google's metadata server, where a pod gets its account's tokens."""

WRITES = "roles/dns.admin"
"""On the one zone, as external-dns' documentation has it: no other of Google's own roles changes records."""
LISTS = "roles/dns.reader"
"""On the project: external-dns finds a zone by listing all, which no zone's own policy can allow."""
IS = "roles/iam.workloadIdentityUser"
"""On the account: who may be it."""


class GoogleZoneArgs(TypedDict):
    """One region's zone."""

    region: str
    """The region's name."""
    zone: str
    """Name of the zone, such as `us-east1.crdb.internal`."""
    project: pulumi.Input[str]
    """The Google Cloud project."""
    networks: list[pulumi.Input[str]]
    """Ids of the VPCs that see it; one that is there twice counts once."""
    workload_pool: pulumi.Input[str]
    """Such as `project.svc.id.goog`: there once a cluster of the project is."""
    namespace: str
    """Where external-dns runs. No other cluster of the project may have one of that name with an `external-dns` in it:
    to Google both are the same."""


class GoogleZone(CloudZone):
    """A private managed zone that goes with all its records: they are names of pods, which external-dns writes anew.

    external-dns has a Google service account. Roles for the Kubernetes one itself would do; its name in a policy has
    the project's number in it, which only a call to Google tells, before the API for that need be on. See
    docs/decisions/0013-zones-in-clouds.md.
    """

    zone_name: pulumi.Output[str]
    """What Cloud DNS calls the zone."""
    account: pulumi.Output[str]
    """Email of the service account that may write to it."""

    def __init__(self, name: str, args: GoogleZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:GoogleZone", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        project = args["project"]
        zone = gcp.dns.ManagedZone(
            f"{name}-zone",
            project=project,
            dns_name=f"{args['zone']}.",
            description=f"Nodes of CockroachDB in {args['region']}, written by external-dns",
            visibility="private",
            private_visibility_config={"networks": pulumi.Output.all(*args["networks"]).apply(_networks)},
            force_destroy=True,
            opts=child,
        )
        account = gcp.serviceaccount.Account(
            f"{name}-writer",
            project=project,
            account_id=account_id(pulumi.get_project(), pulumi.get_stack(), args["region"], "crdb-dns"),
            display_name=f"external-dns of CockroachDB in {args['region']}",
            # Nothing of its own says that its API is on: the zone's network waits for all of them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[zone]),
        )
        gcp.serviceaccount.IAMMember(
            f"{name}-writer",
            service_account_id=account.name,
            role=IS,
            member=pulumi.Output.concat(
                "serviceAccount:", args["workload_pool"], f"[{args['namespace']}/{external_dns.NAME}]"
            ),
            opts=child,
        )
        gcp.dns.DnsManagedZoneIamMember(
            f"{name}-writes", project=project, managed_zone=zone.name, role=WRITES, member=account.member, opts=child
        )
        gcp.projects.IAMMember(f"{name}-lists", project=project, role=LISTS, member=account.member, opts=child)
        self.zone_name = zone.name
        self.account = account.email
        self._keeper = {
            "arguments": [
                "--provider=google",
                pulumi.Output.concat("--google-project=", project),
                "--google-zone-visibility=private",
                pulumi.Output.concat("--zone-id-filter=", zone.name),
            ],
            "endpoints": [API, METADATA],
            "account_annotations": {"iam.gke.io/gcp-service-account": account.email},
        }
        self.register_outputs({"zone_name": self.zone_name, "account": self.account})


def _networks(ids: list[str]) -> list[gcp.dns.ManagedZonePrivateVisibilityConfigNetworkArgsDict]:
    return [{"network_url": network} for network in dict.fromkeys(ids)]


def zone(site: Site, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> GoogleZone:
    """The region's zone, which all of `sites` see."""
    here = place(site)
    if here.project is None or here.workload_pool is None:
        raise ValueError(f"{site.region.name} has no project on Google Cloud")
    args: GoogleZoneArgs = {
        "region": site.region.name,
        "zone": site.here.dns_zone,
        "project": here.project,
        "networks": [place(each).network for each in sites],
        "workload_pool": here.workload_pool,
        "namespace": site.here.namespace,
    }
    return GoogleZone(f"{site.region.name}-names", args, in_its_cloud(site, opts))
