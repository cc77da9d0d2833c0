"""EKS's add-ons and node groups: what they need, in which order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lab.clouds.aws import tokens
from lab.clouds.kinds import Refused
from lab.clouds.store import Record
from tests.unit.lab.clouds.aws.places import (
    Place,
    addon,
    cluster,
    group_inputs,
    half_made,
    network_addon,
    node_group,
    node_role,
    role,
    undeletable,
)


@pytest.fixture
def made(place: Place) -> Record:
    return cluster(place)


def failed(place: Place, made: Record, nodes: Record, **inputs: Any) -> str:
    given = group_inputs(place, made, nodes, **inputs)
    return half_made(place.aws, tokens.NODE_GROUP, "a", region=place.location, **given)


def test_a_node_group_has_machines_in_its_subnet(place: Place, made: Record) -> None:
    network_addon(place, made)
    group = node_group(place, made)
    name = group["nodeGroupName"]
    assert group.id == f"{made.id}:{name}" and group["status"] == "ACTIVE"
    assert group["arn"].startswith(f"arn:aws:eks:us-east-1:123456789012:nodegroup/{made.id}/{name}/")
    assert re.fullmatch(rf"eks-{name}-[0-9a-f-]{{36}}", group["resources"][0]["autoscalingGroups"][0]["name"])
    hosts = place.aws.substrate.hosts[made.id, name]
    assert [host.name for host in hosts] == [f"{name}-0", f"{name}-1"]
    assert {(host.zone, host.subnet, host.pods) for host in hosts} == {("us-east-1a", "10.1.128.0/20", "10.1.128.0/20")}
    assert hosts[0].tags == (made["vpcConfig"]["clusterSecurityGroupId"],)
    assert hosts[0].labels["eks.amazonaws.com/nodegroup"] == name
    place.aws.update(group, scalingConfig={"desiredSize": 1, "minSize": 1, "maxSize": 1})
    assert len(place.aws.substrate.hosts[made.id, name]) == 1
    place.aws.delete(group)
    assert place.aws.substrate.hosts[made.id, name] == []


def test_machines_of_a_group_over_subnets(place: Place, made: Record) -> None:
    network_addon(place, made)
    both = [subnet.id for subnet in place.private]
    group = node_group(place, made, subnetIds=both, scalingConfig={"desiredSize": 3, "minSize": 0, "maxSize": 3})
    hosts = place.aws.substrate.hosts[made.id, group["nodeGroupName"]]
    assert [host.zone[-1] for host in hosts] == ["a", "b", "a"]


def test_nodes_need_the_network_addon_first(place: Place, made: Record) -> None:
    said = failed(place, made, node_role(place))
    assert said.endswith("NodeCreationFailure: Unhealthy nodes in the kubernetes cluster")


def test_the_network_addon_needs_rights(place: Place, made: Record) -> None:
    addon(place, made, "vpc-cni")
    nodes = node_role(place)
    assert "Unhealthy nodes" in failed(place, made, nodes)
    policy = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
    place.aws.create(tokens.ROLE_POLICY_ATTACHMENT, "cni", role=nodes.id, policyArn=policy)
    place.make(tokens.NODE_GROUP, "b", **group_inputs(place, made, nodes))


def test_nodes_need_a_way_out(place: Place, made: Record) -> None:
    network_addon(place, made)
    nodes = node_role(place)
    routes = place.aws.store.snapshot()["aws"].find(tokens.ROUTE, routeTableId=place.table.id)
    place.aws.delete(routes[0])
    assert "Instances failed to join the kubernetes cluster" in failed(place, made, nodes)


def test_nodes_need_vcpus_that_nobody_else_has(place: Place, made: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    network_addon(place, made)
    nodes = node_role(place)
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.vcpus-per-region=36")
    large = {"instanceTypes": ["m6i.4xlarge"], "scalingConfig": {"desiredSize": 2, "minSize": 2, "maxSize": 2}}
    theirs = place.make(tokens.NODE_GROUP, "theirs", **group_inputs(place, made, nodes, **large))
    said = failed(place, made, nodes, instanceTypes=["m6i.xlarge"])
    assert "AsgInstanceLaunchFailures" in said and "current vCPU limit of 36" in said
    place.aws.delete(theirs)
    place.make(tokens.NODE_GROUP, "b", **group_inputs(place, made, nodes, instanceTypes=["m6i.xlarge"]))


def test_nodes_need_rights(place: Place, made: Record) -> None:
    network_addon(place, made)
    nodes = role(place.aws, "hosts", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
    assert "Instances failed to join" in failed(place, made, nodes)
    wrong = role(place.aws, "pods", "pods.eks.amazonaws.com")
    said = place.refused(tokens.NODE_GROUP, "b", **group_inputs(place, made, wrong))
    assert "Following required service principals [ec2.amazonaws.com] were not found" in said


def test_a_group_after_its_cluster(place: Place) -> None:
    nodes = node_role(place)
    given = {"nodeRoleArn": nodes["arn"], "subnetIds": [place.private[0].id]}
    sizes = {"desiredSize": 1, "minSize": 1, "maxSize": 1}
    said = place.refused(tokens.NODE_GROUP, "a", clusterName="none", scalingConfig=sizes, **given)
    assert said.endswith("ResourceNotFoundException: No cluster found for name: none.")
    made = cluster(place)
    with place.aws.operations.now().transaction() as cloud:
        cloud.state.change(made, status="CREATING")
    said = place.refused(tokens.NODE_GROUP, "a", clusterName=made.id, scalingConfig=sizes, **given)
    assert said.endswith(f"InvalidRequestException: Cluster '{made.id}' is not in ACTIVE status")
    assert "is not in ACTIVE status" in place.refused(tokens.ADDON, "x", clusterName=made.id, addonName="vpc-cni")


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((1, 2, 3), "Minimum capacity 2 can't be greater than desired size 1"),
        ((3, 1, 2), "desired capacity 3 can't be greater than max size 2"),
        ((0, 0, 0), "maxSize: Minimum value of 1"),
    ],
)
def test_sizes(place: Place, made: Record, sizes: tuple[int, int, int], said: str) -> None:
    config = dict(zip(("desiredSize", "minSize", "maxSize"), sizes, strict=True))
    given = group_inputs(place, made, node_role(place), scalingConfig=config)
    assert place.refused(tokens.NODE_GROUP, "a", **given).endswith(said)


def test_launch_templates(place: Place, made: Record) -> None:
    network_addon(place, made)
    own = place.make(tokens.SECURITY_GROUP, "own", vpcId=place.vpc.id)
    options = {"httpTokens": "required", "httpEndpoint": "enabled", "httpPutResponseHopLimit": 1}
    template = place.make(
        tokens.LAUNCH_TEMPLATE, "hosts", metadataOptions=options, vpcSecurityGroupIds=[own.id], instanceType="m7g.large"
    )
    assert re.fullmatch(r"lt-[0-9a-f]{17}", template.id) and template["latestVersion"] == 1
    nodes = node_role(place)
    given = group_inputs(place, made, nodes, launchTemplate={"id": template.id, "version": "2"})
    assert "version 2 for launch template" in place.refused(tokens.NODE_GROUP, "a", **given)
    given["launchTemplate"]["version"] = "1"
    said = place.refused(tokens.NODE_GROUP, "a", **given, diskSize=20)
    assert said.endswith("Disk size must be specified within the launch template.")
    group = place.make(tokens.NODE_GROUP, "a", **given)
    host = place.aws.substrate.hosts[made.id, group["nodeGroupName"]][0]
    assert (host.tags, host.labels["node.kubernetes.io/instance-type"]) == ((own.id,), "m7g.large")
    assert "has a dependent object" in undeletable(place.aws, own)
    assert place.aws.update(template, updateDefaultVersion=True)["latestVersion"] == 1
    newer = place.aws.update(template, metadataOptions={**options, "httpPutResponseHopLimit": 2})
    assert newer["latestVersion"] == 2
    _, problems = place.aws.check(tokens.LAUNCH_TEMPLATE, "l", metadataOptions={"httpTokens": "needed"})
    assert problems[0][0] == "metadataOptions.httpTokens"


def test_coredns_after_nodes(place: Place, made: Record) -> None:
    said = half_made(place.aws, tokens.ADDON, "c", region=place.location, clusterName=made.id, addonName="coredns")
    assert "last state: 'DEGRADED'" in said and "InsufficientNumberOfReplicas" in said
    assert place.aws.substrate.dns == {}


def test_coredns_serves_its_corefile(place: Place, made: Record) -> None:
    network_addon(place, made)
    node_group(place, made)
    dns = addon(place, made, "coredns", {"corefile": ".:53 {\n}\n"}, resolveConflictsOnCreate="OVERWRITE")
    assert dns.id == f"{made.id}:coredns"
    assert dns["arn"].startswith(f"arn:aws:eks:us-east-1:123456789012:addon/{made.id}/coredns/")
    assert place.aws.substrate.dns[made.id] == ("coredns", ".:53 {\n}\n")
    place.aws.update(dns, configurationValues=json.dumps({"replicaCount": 3}))
    assert place.aws.substrate.dns[made.id] == ("coredns", None)
    place.aws.delete(dns)
    assert place.aws.substrate.dns[made.id] == ("", None)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("coredns", {"Corefile": ""}, "[$.Corefile: is not defined in the schema and the schema does not allow"),
        ("vpc-cni", {"env": {"EXTERNALSNAT": "true"}}, "[$.env.EXTERNALSNAT: is not defined in the schema"),
        (
            "vpc-cni",
            {"env": {"AWS_VPC_K8S_CNI_EXTERNALSNAT": True}},
            "[$.env.AWS_VPC_K8S_CNI_EXTERNALSNAT: boolean found, string expected]",
        ),
        ("vpc-cni", {"enableNetworkPolicy": True}, "[$.enableNetworkPolicy: boolean found, string expected]"),
        ("kube-proxy", [], "[$: array found, object expected]"),
    ],
)
def test_settings_of_addons(place: Place, made: Record, name: str, values: Any, said: str) -> None:
    inputs = {"clusterName": made.id, "addonName": name, "configurationValues": json.dumps(values)}
    full = place.refused(tokens.ADDON, "a", **inputs)
    assert "ConfigurationValue provided in request is not supported: Json schema validation failed with error" in full
    assert said in full


def test_addons_that_there_are(place: Place, made: Record) -> None:
    said = place.refused(tokens.ADDON, "a", clusterName=made.id, addonName="core-dns")
    assert said.endswith("InvalidParameterException: Addon core-dns specified is not supported")
    addon(place, made, "kube-proxy")
    said = place.refused(tokens.ADDON, "a", clusterName=made.id, addonName="kube-proxy")
    assert said.endswith("ResourceInUseException: Addon already exists.")
    said = place.refused(tokens.ADDON, "a", clusterName=made.id, addonName="coredns", configurationValues="{")
    assert "Invalid JSON" in said


def test_what_is_there_is_not_overwritten_unasked(place: Place) -> None:
    made = cluster(place, bootstrapSelfManagedAddons=True)
    values = {"configurationValues": json.dumps({"corefile": ""})}
    said = place.refused(tokens.ADDON, "a", clusterName=made.id, addonName="coredns", **values)
    assert "ConfigurationConflict" in said
    _, problems = place.aws.check(
        tokens.ADDON, "a", clusterName=made.id, addonName="coredns", resolveConflictsOnCreate="YES"
    )
    assert problems[0][0] == "resolveConflictsOnCreate"


def test_groups_of_a_cluster_are_counted(place: Place, made: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.node-groups-per-cluster=0")
    said = place.refused(tokens.NODE_GROUP, "a", **group_inputs(place, made, node_role(place)))
    assert "ResourceLimitExceededException" in said


def test_nodes_are_no_newer_than_their_cluster(place: Place) -> None:
    made = cluster(place, version="1.33")
    given = group_inputs(place, made, node_role(place), version="1.34")
    said = place.refused(tokens.NODE_GROUP, "a", **given)
    assert said.endswith("Requested Nodegroup version 1.34 is greater than cluster version 1.33")


def test_addons_need_roles_that_pods_may_have(place: Place, made: Record) -> None:
    wrong = role(place.aws, "wrong", "ec2.amazonaws.com")
    rights = [{"roleArn": wrong["arn"], "serviceAccount": "aws-node"}]
    inputs = {"clusterName": made.id, "addonName": "vpc-cni"}
    said = place.refused(tokens.ADDON, "a", **inputs, podIdentityAssociations=rights)
    assert "its trust policy does not have pods.eks.amazonaws.com" in said
    with pytest.raises(Refused, match="does not exist"):
        place.make(tokens.ADDON, "a", **inputs, serviceAccountRoleArn="arn:aws:iam::123456789012:role/none")
