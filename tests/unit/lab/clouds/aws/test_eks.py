"""EKS clusters and who may use them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.clouds.aws import tokens
from lab.clouds.kinds import UNKNOWN, Refused
from tests.unit.lab.clouds.aws.places import (
    Place,
    cluster,
    cluster_inputs,
    network_addon,
    node_group,
    role,
    undeletable,
)

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def changed(place: Place, **config: Any) -> dict[str, Any]:
    """The cluster's vpcConfig with something else in it."""
    return {"vpcConfig": {**cluster_inputs(place)["vpcConfig"], **config}}


def test_a_cluster_runs(place: Place) -> None:
    made = cluster(place)
    assert re.fullmatch(r"us-east-1-cluster-[0-9a-f]{7}", made.id)
    assert made["arn"] == f"arn:aws:eks:us-east-1:123456789012:cluster/{made.id}"
    assert made["status"] == "ACTIVE" and made["version"] == "1.35"
    assert made["endpoint"] == "https://10.1.17.2:6443" and made["certificateAuthority"] == {"data": "Q0E="}
    spec = place.aws.substrate.clusters[made.id]
    assert (spec.platform, spec.location, spec.service_cidr) == ("eks", "us-east-1", "10.1.32.0/20")
    assert spec.pod_cidr == spec.node_cidr == "10.1.128.0/17" and spec.network == place.vpc.id
    assert spec.subnets == ("10.1.128.0/20", "10.1.144.0/20") and spec.zones == ("us-east-1a", "us-east-1b")
    assert not spec.public
    assert place.aws.substrate.dns == {}
    place.aws.delete(made)
    assert place.aws.substrate.clusters == {}


def test_the_security_group_that_eks_makes(place: Place) -> None:
    made = cluster(place)
    state = place.aws.store.snapshot()["aws"]
    group = state.get(tokens.SECURITY_GROUP, made["vpcConfig"]["clusterSecurityGroupId"])
    assert group is not None and re.fullmatch(rf"eks-cluster-sg-{made.id}-\d+", group["name"])
    assert made["vpcConfig"]["vpcId"] == group["vpcId"] == place.vpc.id
    [own] = state.find(tokens.INGRESS_RULE, securityGroupId=group.id)
    assert own["ipProtocol"] == "-1" and own["referencedSecurityGroupId"] == group.id
    [out] = state.find(tokens.EGRESS_RULE, securityGroupId=group.id)
    assert out["cidrIpv4"] == "0.0.0.0/0"
    place.make(tokens.INGRESS_RULE, "r", securityGroupId=group.id, ipProtocol="-1", cidrIpv4="10.2.0.0/16")
    assert "has a dependent object" in undeletable(place.aws, group)


def test_a_preview_knows_no_security_group_before_there_is_one(place: Place) -> None:
    given = cluster_inputs(place)
    planned = place.aws.operations.preview(tokens.CLUSTER, given)
    assert planned["vpcConfig"]["clusterSecurityGroupId"] is UNKNOWN
    made = cluster(place)
    planned = place.aws.operations.preview(tokens.CLUSTER, given, made.outputs)
    assert planned["vpcConfig"]["clusterSecurityGroupId"] == made["vpcConfig"]["clusterSecurityGroupId"]


def test_nothing_of_a_cluster_stays(place: Place) -> None:
    before = set(place.aws.store.snapshot()["aws"].records)
    given = cluster_inputs(place)
    roles = set(place.aws.store.snapshot()["aws"].records)
    made = place.make(tokens.CLUSTER, "c", **given)
    place.aws.delete(made)
    assert set(place.aws.store.snapshot()["aws"].records) == roles >= before


def test_a_group_that_others_name_outlives_its_cluster(place: Place) -> None:
    """As in AWS, where it then keeps the VPC from being deleted."""
    made = cluster(place)
    group = made["vpcConfig"]["clusterSecurityGroupId"]
    other = place.make(tokens.SECURITY_GROUP, "nlb", vpcId=place.vpc.id)
    place.make(tokens.EGRESS_RULE, "r", securityGroupId=other.id, referencedSecurityGroupId=group, ipProtocol="-1")
    place.aws.delete(made)
    assert place.aws.store.snapshot()["aws"].get(tokens.SECURITY_GROUP, group) is not None


def test_a_cluster_with_self_managed_addons_has_dns(place: Place) -> None:
    made = cluster(place, bootstrapSelfManagedAddons=True)
    assert place.aws.substrate.dns == {made.id: ("coredns", None)}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "could not be assumed because it does not exist"),
        ({"version": "1.20"}, "InvalidParameterException: unsupported Kubernetes version 1.20"),
        ({"version": "latest"}, "unsupported Kubernetes version latest"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.1.144.0/20"}}, "overlaps with the CIDR of VPC"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "100.64.0.0/16"}}, "within 10.0.0.0/8, 172.16.0.0/12"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.1.32.0/26"}}, "must be between /24 and /12"),
        ({"encryptionConfig": {"provider": {"keyArn": "arn:x"}, "resources": ["secrets"]}}, "keyArn in encryption"),
    ],
)
def test_what_eks_refuses(place: Place, inputs: dict[str, Any], said: str) -> None:
    assert said in place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **inputs))


def test_a_role_for_something_else_is_none(place: Place) -> None:
    wrong = role(place.aws, "wrong", "ec2.amazonaws.com")
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, roleArn=wrong["arn"]))
    assert "the trusted entity is not correct" in said


def test_subnets_of_a_cluster(place: Place) -> None:
    one = changed(place, subnetIds=[place.private[0].id, place.public.id])
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **one))
    assert said.endswith("InvalidParameterException: Subnets specified must be in at least two different AZs")
    none = changed(place, subnetIds=[place.private[0].id, "subnet-0123456789abcdef0"])
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **none))
    assert "The subnet ID 'subnet-0123456789abcdef0' does not exist" in said
    full = place.make(tokens.SUBNET, "e", vpcId=place.vpc.id, cidrBlock="10.1.250.0/24", availabilityZone="us-east-1e")
    locked = changed(place, subnetIds=[place.private[0].id, full.id])
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **locked))
    assert "UnsupportedAvailabilityZoneException" in said and "because us-east-1e, the targeted" in said


def test_who_may_call_a_cluster(place: Place) -> None:
    shut = changed(place, endpointPrivateAccess=False)
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **shut))
    assert "Private and public endpoint access cannot be false" in said
    inside = changed(place, endpointPublicAccess=True, publicAccessCidrs=["10.0.0.0/8", "203.0.113.0/24"])
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, **inside))
    assert said.endswith("The following CIDRs are not allowed in publicAccessCidrs: [10.0.0.0/8]")
    open_ = changed(place, endpointPublicAccess=True, publicAccessCidrs=["203.0.113.0/24"])
    made = cluster(place, **open_)
    assert place.aws.substrate.clusters[made.id].authorized_cidrs == ("203.0.113.0/24",)


def test_logs_have_names(place: Place) -> None:
    _, problems = place.aws.check(tokens.CLUSTER, "c", **cluster_inputs(place), enabledClusterLogTypes=["api", "all"])
    assert problems[0][0] == "enabledClusterLogTypes[1]"


def test_a_name_is_taken_once(place: Place) -> None:
    made = cluster(place)
    said = place.refused(tokens.CLUSTER, "c", **cluster_inputs(place, name=made.id))
    assert said.endswith(f"ResourceInUseException: Cluster already exists with name: {made.id}")


def test_versions_go_up_one_by_one(place: Place) -> None:
    made = cluster(place, version="1.33")
    for version in ("1.35", "1.32"):
        with pytest.raises(Refused, match=f"minor version update from 1.33 to {version}"):
            place.aws.update(made, version=version)
    assert place.aws.update(made, version="1.34")["version"] == "1.34"
    updated = place.aws.now(made)
    assert updated["vpcConfig"]["clusterSecurityGroupId"] == made["vpcConfig"]["clusterSecurityGroupId"]
    assert updated["endpoint"] == made["endpoint"]


def test_what_protects_a_cluster_from_deletion(place: Place) -> None:
    made = cluster(place, deletionProtection=True)
    assert "because deletion protection is enabled" in undeletable(place.aws, made)
    made = place.aws.update(made, deletionProtection=False)
    network_addon(place, made)
    node_group(place, made)
    said = undeletable(place.aws, made)
    assert said.endswith("ResourceInUseException: Cluster has nodegroups attached")
    assert "has dependencies" in undeletable(place.aws, place.private[1])


def test_secrets_are_encrypted_by_a_key_of_the_region(place: Place) -> None:
    key = place.make(tokens.KEY, "k")
    made = cluster(place, encryptionConfig={"provider": {"keyArn": key["arn"]}, "resources": ["secrets"]})
    inputs = {name: value for name, value in made.inputs.items() if name != "encryptionConfig"}
    with pytest.raises(Refused, match="cannot be removed"):
        place.aws.operations.update(tokens.CLUSTER, made.id, inputs)


def test_the_creator_administers(place: Place) -> None:
    made = cluster(place)
    state = place.aws.store.snapshot()["aws"]
    [entry] = state.all(tokens.ACCESS_ENTRY)
    [policy] = state.all(tokens.ACCESS_POLICY)
    assert entry.id == f"{made.id}:{entry['principalArn']}" and policy["policyArn"] == ADMIN
    said = place.refused(tokens.ACCESS_ENTRY, "again", clusterName=made.id, principalArn=entry["principalArn"])
    assert said.endswith("The specified access entry resource is already in use on this cluster.")


def test_access_of_others(place: Place) -> None:
    made, who = cluster(place), "arn:aws:iam::123456789012:role/admins"
    inputs = {"clusterName": made.id, "principalArn": who}
    scope = {"policyArn": ADMIN, "accessScope": {"type": "cluster"}}
    said = place.refused(tokens.ACCESS_POLICY, "p", **inputs, **scope)
    assert "The specified principalArn could not be found." in said
    entry = place.make(tokens.ACCESS_ENTRY, "e", **inputs)
    assert entry["userName"] == who
    assert re.match(
        rf"arn:aws:eks:us-east-1:123456789012:access-entry/{made.id}/role/123456789012/admins/", entry["accessEntryArn"]
    )
    policy = place.make(tokens.ACCESS_POLICY, "p", **inputs, **scope)
    assert policy.id == f"{made.id}#{who}#{ADMIN}"
    said = place.refused(tokens.ACCESS_POLICY, "p", **inputs, **{**scope, "policyArn": "arn:aws:iam::aws:policy/Admin"})
    assert "The policyArn parameter format is not valid" in said
    said = place.refused(tokens.ACCESS_POLICY, "p", **inputs, **{**scope, "accessScope": {"type": "namespace"}})
    assert "You must specify namespaces" in said
    said = place.refused(tokens.ACCESS_ENTRY, "x", clusterName=made.id, principalArn="admins")
    assert said.endswith("The specified principalArn is invalid: invalid principal.")
    said = place.refused(tokens.ACCESS_ENTRY, "x", clusterName="none", principalArn=who)
    assert said.endswith("ResourceNotFoundException: No cluster found for name: none.")


def test_access_by_config_map_alone(place: Place) -> None:
    made = cluster(place, accessConfig={"authenticationMode": "CONFIG_MAP"})
    said = place.refused(tokens.ACCESS_ENTRY, "e", clusterName=made.id, principalArn="arn:aws:iam::123456789012:user/x")
    assert "must be set to one of [API, API_AND_CONFIG_MAP]" in said


def test_roles_of_pods(place: Place) -> None:
    made = cluster(place)
    inputs = {"clusterName": made.id, "namespace": "kube-system", "serviceAccount": "ebs-csi-controller-sa"}
    wrong = role(place.aws, "wrong", "ec2.amazonaws.com")
    assert "its trust policy does not have" in place.refused(tokens.POD_IDENTITY, "p", **inputs, roleArn=wrong["arn"])
    right = role(place.aws, "right", "pods.eks.amazonaws.com")
    association = place.make(tokens.POD_IDENTITY, "p", **inputs, roleArn=right["arn"])
    assert re.fullmatch(r"a-[0-9a-f]{17}", association.id)
    said = place.refused(tokens.POD_IDENTITY, "p", **inputs, roleArn=right["arn"])
    assert said.endswith(f"ResourceInUseException: Association already exists: {association.id}")
