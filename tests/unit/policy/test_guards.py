"""Each guard finds what it is for, in a worked example with one property changed, and nothing in one as it is."""

import json
from typing import Any

import pytest

from policy.aws import kinds as aws
from policy.gcp import kinds as gcp
from policy.graph import Graph, Resource
from policy.guards import GUARDS
from policy.kubernetes import SERVICE, STORAGE_CLASS
from policy.topology import topology
from tests.unit.policy.graphs import exported, one

EAST, EKS = "us-east1", "us-east-1"
NAMES = "gke+private-zone+plain"


def found(there: Graph) -> set[tuple[str, str]]:
    """(guard, name of the resource)."""
    return {(guard.name, finding.resource.name) for guard in GUARDS for finding in guard.rule(there, topology(there))}


@pytest.mark.parametrize("case", ["gke", "gke-peered", "eks", "eks-transit", "multicloud"])
def test_the_worked_examples_break_no_rule(case: str) -> None:
    assert found(exported(case)) == set()


CHANGES: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("gke", "nothing-public", gcp.FIREWALL, "gcp-clients", {"sourceRanges": ["0.0.0.0/0"]}),
    ("gke", "nothing-public", gcp.FIREWALL, "gcp-clients", {"sourceRanges": None}),
    ("gke", "nothing-public", gcp.CLUSTER, f"{EAST}-cluster", {"privateClusterConfig": None}),
    (
        "gke",
        "nothing-public",
        gcp.CLUSTER,
        f"{EAST}-cluster",
        {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}},
    ),
    ("gke", "deletion-protection", gcp.CLUSTER, f"{EAST}-cluster", {"deletionProtection": False}),
    ("gke", "deletion-protection", STORAGE_CLASS, f"{EAST}-storage", {"reclaimPolicy": "Delete"}),
    ("gke", "least-privilege", "gcp:projects/iAMMember:IAMMember", f"{EAST}-nodes", {"role": "roles/editor"}),
    ("gke", "least-privilege", "gcp:projects/iAMMember:IAMMember", f"{EAST}-nodes", {"member": "allUsers"}),
    (
        NAMES,
        "least-privilege",
        "gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember",
        f"{EAST}-names-writes",
        {"member": "allUsers"},
    ),
    (
        NAMES,
        "least-privilege",
        "gcp:serviceaccount/iAMMember:IAMMember",
        f"{EAST}-names-writer",
        {"member": "allAuthenticatedUsers"},
    ),
    ("eks", "nothing-public", aws.INGRESS, f"{EKS}-sql-from-peer-pods", {"cidrIpv4": "0.0.0.0/0"}),
    ("eks", "nothing-public", aws.INGRESS, f"{EKS}-sql-from-peer-pods", {"cidrIpv6": "::/0"}),
    ("eks", "nothing-public", aws.PREFIX_LIST, f"{EKS}-peer-pods", {"entries": [{"cidr": "0.0.0.0/0"}]}),
    (
        "eks",
        "nothing-public",
        aws.SECURITY_GROUP,
        f"{EKS}-dns",
        {"ingress": [{"protocol": "tcp", "cidrBlocks": ["0.0.0.0/0"]}]},
    ),
    ("eks", "nothing-public", aws.BALANCER, f"{EKS}-dns", {"internal": False}),
    ("eks", "nothing-public", aws.CLUSTER, f"{EKS}-cluster", {"vpcConfig": {"endpointPrivateAccess": True}}),
    ("eks", "encryption", aws.CLUSTER, f"{EKS}-cluster", {"encryptionConfig": None}),
    ("eks", "encryption", aws.LAUNCH_TEMPLATE, f"{EKS}-hosts", {"blockDeviceMappings": []}),
    ("eks", "encryption", STORAGE_CLASS, f"{EKS}-storage", {"parameters": {"type": "gp3"}}),
    ("eks", "encryption", aws.KMS_KEY, f"{EKS}-secrets", {"enableKeyRotation": False}),
    ("eks", "deletion-protection", aws.CLUSTER, f"{EKS}-cluster", {"deletionProtection": None}),
    (
        "eks",
        "least-privilege",
        "aws:iam/role:Role",
        f"{EKS}-hosts",
        {"assumeRolePolicy": json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}}]})},
    ),
]


@pytest.mark.parametrize(("case", "guard", "kind", "name", "props"), CHANGES)
def test_a_rule_that_is_broken(case: str, guard: str, kind: str, name: str, props: dict[str, Any]) -> None:
    before = exported(case)
    assert (guard, name) in found(before.changed(one(before, kind, name), **props))


@pytest.mark.parametrize(
    "ranges",
    [None, [], ["0.0.0.0/0"]],
)
def test_a_load_balancer_for_everybody(ranges: Any) -> None:
    before = exported("gke")
    services = [each for each in before.of(SERVICE) if each.get("spec.type") == "LoadBalancer"]
    assert len(services) >= 9  # DNS by two protocols and SQL, in each region
    for service in services:
        now = before.changed(service.urn, spec={**service.props["spec"], "loadBalancerSourceRanges": ranges})
        assert ("nothing-public", service.name) in found(now)


def test_a_prefix_list_that_nobody_declared_may_be_anybody() -> None:
    before = exported("eks")
    rules = [each.name for each in before.of(aws.INGRESS) if each.says("prefixListId")]
    assert len(rules) >= 6
    there = found(before.without(*(each.urn for each in before.of(aws.PREFIX_LIST))))
    assert there == {("nothing-public", name) for name in rules}


def test_an_entry_beside_its_list_is_looked_at() -> None:
    kind = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
    entry = Resource(f"urn:pulumi:s::p::{kind}::mine", kind, {"cidr": "0.0.0.0/0"})
    assert found(Graph([entry])) == {("nothing-public", "mine")}


def test_a_load_balancer_with_a_public_address() -> None:
    before = exported("gke")
    service = next(each for each in before.of(SERVICE) if each.get("spec.type") == "LoadBalancer")
    assert ("nothing-public", service.name) in found(before.changed(service.urn, metadata={"annotations": {}}))


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*"},
        {"Action": ["s3:GetObject", "iam:*"]},
        {"NotAction": "iam:CreateUser"},
        {"Action": "s3:GetObject", "Principal": "*"},
    ],
)
def test_a_wildcard_in_a_policy_document(statement: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*", **statement}}
    kind = "aws:iam/rolePolicy:RolePolicy"
    policy = Resource(f"urn:pulumi:s::p::{kind}::mine", kind, {"policy": json.dumps(document)})
    assert found(Graph([policy])) == {("least-privilege", "mine")}


def test_administrators_policy() -> None:
    kind = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    for arn, finds in (
        ("arn:aws:iam::aws:policy/AdministratorAccess", 1),
        ("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", 0),
    ):
        attachment = Resource(f"urn:pulumi:s::p::{kind}::mine", kind, {"policyArn": arn})
        assert len(found(Graph([attachment]))) == finds


def test_data_that_may_be_lost_needs_no_protection() -> None:
    before = exported("gke")
    (lock,) = [each for each in before if each.type.endswith(":AddressLock")]
    record = json.loads(lock.get("record"))
    after = before.changed(lock.urn, record=json.dumps({**record, "allowDataLoss": True}))
    after = after.changed(one(after, gcp.CLUSTER, f"{EAST}-cluster"), deletionProtection=False)
    assert found(after) == set()
