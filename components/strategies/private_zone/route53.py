"""Route 53 as the keeper of the names: a zone for each region, and the role that its external-dns has."""

import json
from collections.abc import Sequence
from typing import TypedDict

import pulumi
from pulumi_aws import eks, iam, route53

from ...platforms.eks_access import POD_ACTIONS, trust
from ...platforms.eks_addons import PODS
from ..connection import Site
from . import external_dns
from .cloud_zone import API, CloudZone, in_its_cloud, place
from .external_dns import EndpointArgs

AGENT: EndpointArgs = {"cidr": "169.254.170.23/32", "ports": [80]}
"""The EKS Pod Identity agent on every host, where a pod gets its role's credentials."""

FLAGS = ("--provider=aws", "--aws-zone-type=private", "--aws-zones-cache-duration=5m")
"""Of external-dns, which would else list all zones several times in every round: Amazon takes five calls of Route 53 a
second from an account (Route 53 quotas)."""


class VpcArgs(TypedDict):
    """A VPC that sees the zone."""

    id: pulumi.Input[str]
    """Its id."""
    location: str
    """The AWS region that it is in."""


class Route53ZoneArgs(TypedDict):
    """One region's zone."""

    region: str
    """The region's name."""
    location: str
    """The AWS region."""
    zone: str
    """Name of the zone, such as `us-east-1.crdb.internal`."""
    vpcs: list[VpcArgs]
    """All that see it; `enableDnsHostnames` and `enableDnsSupport` are on in each."""
    cluster_name: pulumi.Input[str]
    """The EKS cluster of external-dns."""
    namespace: str
    """Where external-dns runs."""


class Route53Zone(CloudZone):
    """A private hosted zone that goes with all its records: they are names of pods, which external-dns writes anew.

    Its VPCs are in it, not in associations beside it: so any of them may leave later, the first one too.
    """

    zone_id: pulumi.Output[str]
    """Id of the hosted zone."""

    def __init__(self, name: str, args: Route53ZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:Route53Zone", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = route53.Zone(
            f"{name}-zone",
            name=args["zone"],
            comment=f"Nodes of CockroachDB in {args['region']}, written by external-dns",
            vpcs=[{"vpc_id": vpc["id"], "vpc_region": vpc["location"]} for vpc in args["vpcs"]],
            force_destroy=True,
            opts=child,
        )
        role = iam.Role(f"{name}-writer", assume_role_policy=trust(PODS, POD_ACTIONS), opts=child)
        rights = iam.RolePolicy(f"{name}-writer", role=role.name, policy=zone.arn.apply(policy), opts=child)
        eks.PodIdentityAssociation(
            f"{name}-writer",
            region=args["location"],
            cluster_name=args["cluster_name"],
            namespace=args["namespace"],
            service_account=external_dns.NAME,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rights]),
        )
        self.zone_id = zone.zone_id
        self._keeper = {
            # By the id, for other stacks of the account may have private zones of the same name.
            "arguments": [*FLAGS, pulumi.Output.concat("--zone-id-filter=", zone.zone_id)],
            "endpoints": [API, AGENT],
            "environment": {"AWS_REGION": args["location"]},
        }
        self.register_outputs({"zone_id": self.zone_id})


def policy(zone_arn: str) -> str:
    """What external-dns may do: write addresses, and whose they are, in the one zone, never take any away (which its
    `upsert-only` doesn't either), and find that zone, for which all have to be listed."""
    only = {
        "route53:ChangeResourceRecordSetsActions": ["CREATE", "UPSERT"],
        "route53:ChangeResourceRecordSetsRecordTypes": ["A", "TXT"],
    }
    statements = [
        {
            "Effect": "Allow",
            "Action": ["route53:ChangeResourceRecordSets"],
            "Resource": [zone_arn],
            "Condition": {"ForAllValues:StringEquals": only},
        },
        {"Effect": "Allow", "Action": ["route53:ListResourceRecordSets"], "Resource": [zone_arn]},
        {"Effect": "Allow", "Action": ["route53:ListHostedZones"], "Resource": ["*"]},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def zone(site: Site, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> Route53Zone:
    """The region's zone, which all of `sites` see."""
    here = place(site)
    args: Route53ZoneArgs = {
        "region": site.region.name,
        "location": here.location,
        "zone": site.here.dns_zone,
        "vpcs": [{"id": found.network, "location": found.location} for found in map(place, sites)],
        "cluster_name": here.cluster,
        "namespace": site.here.namespace,
    }
    return Route53Zone(f"{site.region.name}-names", args, in_its_cloud(site, opts))
