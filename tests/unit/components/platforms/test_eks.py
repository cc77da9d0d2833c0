"""A cluster on EKS: what is there before what, what it lets in, and what nobody gets; known and unknown ids alike."""

import json
from typing import Any

import pytest

from components.network import corefile
from components.network.aws.network import AwsNetwork
from components.plan import layout
from components.platforms import RegionalCluster
from components.platforms.eks import EksCluster, EksClusterArgs
from components.platforms.eks_access import partition, principal_label
from components.platforms.eks_hosts import ami_type, autoscaling_group
from components.platforms.eks_rules import EksPeerArgs, EksPortArgs
from components.platforms.kubernetes_provider import NO_CLUSTER
from components.strategies.stub_domains.plan import STRATEGY
from tests.unit.components.network.aws.mocks import EVERYWHERE, cidr, made, of, region, vpc_cidr
from tests.unit.recording import Recording, Registered

ZONES = layout.eks_zones(cidr(1), 3)
GKE: EksPeerArgs = {"name": "us-east1", "pod_cidr": "10.3.128.0/17", "node_cidr": "10.3.0.0/20"}
EKS: EksPeerArgs = {"name": "us-west-2", "pod_cidr": vpc_cidr(2), "node_cidr": vpc_cidr(2)}
PORTS: list[EksPortArgs] = [
    {
        "name": port.name,
        "protocol": str(port.protocol),
        "number": port.number,
        "sources": list(port.sources),
        "to": port.to,
    }
    for port in STRATEGY.ports()
]
COREFILE = corefile.whole("cluster.local", {"us-west-2.svc.cluster.local": ["10.2.240.53"]})


def cluster(*, preview: bool = False, hosts: tuple[int, int, int] = (1, 1, 1), **more: Any) -> Recording:
    """A region's network and cluster; the result is [kubeconfig, context, what the program is told beside]."""

    def program() -> Any:
        network = AwsNetwork(
            "aws",
            {
                "regions": [region(1, "us-east-1"), region(2, "us-west-2")],
                "nat_gateways": "per-zone",
                "transit_gateway": False,
            },
        ).region("us-east-1")
        args: dict[str, Any] = {
            "location": "us-east-1",
            "vpc_id": network.vpc_id,
            "vpc_cidr": network.vpc_cidr,
            "zones": [
                {
                    "name": zone.name,
                    "private_subnet": zone.private_subnet,
                    "routed_subnet": zone.routed_subnet,
                    "balancer_subnet": zone.balancer_subnet,
                    "hosts": count,
                }
                for zone, count in zip(network.zones, hosts, strict=True)
            ],
            "balancers": [
                {
                    "kind": "dns",
                    "name": "dns",
                    "addresses": {f"us-east-1{'abc'[n]}": str(place.dns_address) for n, place in enumerate(ZONES)},
                    "ports": [{"name": "dns", "protocol": "TCP_UDP", "port": 53, "node_port": 30053}],
                },
                {
                    "kind": "sql",
                    "name": "sql",
                    "addresses": {f"us-east-1{'abc'[n]}": str(place.sql_address) for n, place in enumerate(ZONES)},
                    "ports": [
                        {"name": "grpc", "protocol": "TCP", "port": 26257, "node_port": 30257},
                        {"name": "http", "protocol": "TCP", "port": 8080, "node_port": 30080},
                    ],
                },
            ],
            "service_cidr": str(layout.cut(cidr(1)).services),
            "corefile": COREFILE,
            "peers": [EKS, GKE],
            "ports": PORTS,
            "client_cidrs": ["10.0.0.0/8"],
            **more,
        }
        given: EksClusterArgs = args  # pyright: ignore[reportAssignmentType]
        made_ = EksCluster("us-east-1", given)
        return [made_.kubeconfig, made_.context, told(made_)]

    return made(program, preview=preview)


def told(made_: RegionalCluster) -> dict[str, Any]:
    return {
        "storage_class": made_.storage_class,
        "owns_dns_text": made_.owns_dns_text,
        "by_node_port": made_.balancing.by_node_port,
        "waits_for": sorted(type(each).__name__ for each in made_.balancing.waits_for),
    }


def the(recording: Recording, kind: str) -> Registered:
    """The one resource of a kind."""
    (found,) = of(recording, kind).values()
    return found


def addons(recording: Recording) -> dict[str, Registered]:
    return {made_.inputs["addonName"]: made_ for made_ in of(recording, "eks/addon:Addon").values()}


def rules(recording: Recording, group: str) -> set[tuple[str, int, str]]:
    """Protocol, first port and range or group, of what a security group lets in."""
    lists = of(recording, "ec2/managedPrefixList:ManagedPrefixList")
    listed = {f"{name}-id": [entry["cidr"] for entry in made_.inputs["entries"]] for name, made_ in lists.items()}
    return {
        (rule.inputs["ipProtocol"], rule.inputs["fromPort"], peer)
        for rule in of(recording, "vpc/securityGroupIngressRule:SecurityGroupIngressRule").values()
        if rule.inputs["securityGroupId"] == group
        for peer in listed.get(rule.inputs.get("prefixListId", ""), ())
        or [rule.inputs.get("cidrIpv4") or rule.inputs["referencedSecurityGroupId"]]
    }


@pytest.mark.parametrize("more", [{}, {"lost": True}, {"hosts": (2, 1, 0), "authorized_cidrs": ["203.0.113.10/32"]}])
def test_a_preview_has_the_same_graph_as_an_update(more: dict[str, Any]) -> None:
    assert cluster(**more).graph() == cluster(preview=True, **more).graph()


def test_the_network_addon_is_there_before_any_host_and_leaves_pods_their_addresses() -> None:
    recording = cluster()
    found = addons(recording)
    groups = of(recording, "eks/nodeGroup:NodeGroup").values()
    assert groups
    for group in groups:
        for before in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
            assert found[before].urn in group.dependencies
            assert group.urn not in recording.reaches(found[before].urn)
    values = json.loads(found["vpc-cni"].inputs["configurationValues"])
    assert values["env"]["AWS_VPC_K8S_CNI_EXTERNALSNAT"] == "true"
    assert values["env"]["AWS_VPC_ENI_MTU"] == "8500"
    assert values["enableNetworkPolicy"] == "true"


def test_a_narrower_path_makes_narrower_packets() -> None:
    values = json.loads(addons(cluster(mtu=1390))["vpc-cni"].inputs["configurationValues"])
    assert values["env"]["AWS_VPC_ENI_MTU"] == "1390"


def test_dns_and_disks_come_after_the_hosts_and_go_before_them() -> None:
    recording = cluster()
    for name in ("coredns", "aws-ebs-csi-driver"):
        addon = addons(recording)[name]
        assert {group.urn for group in of(recording, "eks/nodeGroup:NodeGroup").values()} <= addon.dependencies
    assert the(recording, "eks/cluster:Cluster").urn in addons(recording)["aws-ebs-csi-driver"].dependencies


def test_the_coredns_addon_is_given_the_whole_text() -> None:
    coredns = addons(cluster())["coredns"].inputs
    assert json.loads(coredns["configurationValues"]) == {"corefile": COREFILE}
    assert coredns["resolveConflictsOnCreate"] == coredns["resolveConflictsOnUpdate"] == "OVERWRITE"


def test_the_kubeconfig_asks_aws_for_a_token_and_holds_none() -> None:
    recording = cluster()
    config = json.loads(recording.result[0])
    assert recording.result[1] == config["current-context"] == "us-east-1"
    assert config["clusters"][0]["cluster"] == {
        "server": "https://us-east-1-cluster.eks.amazonaws.com",
        "certificate-authority-data": "Q0E=",
    }
    plugin = config["users"][0]["user"]["exec"]
    assert " ".join([plugin["command"], *plugin["args"]]) == (
        "aws --region us-east-1 eks get-token --cluster-name us-east-1-cluster-1234567 --output json"
    )
    assert list(config["users"][0]["user"]) == ["exec"]


def test_nothing_is_asked_of_the_cluster_before_pods_can_run() -> None:
    recording = cluster()
    provider = recording.named("providers:kubernetes", "us-east-1-kubernetes")
    assert provider.inputs["clusterIdentifier"] == "us-east-1"
    needed = {made_.urn for made_ in (*addons(recording).values(), *of(recording, "eks/nodeGroup:NodeGroup").values())}
    assert needed <= provider.dependencies
    storage = recording.named("StorageClass", "us-east-1-storage")
    assert storage.provider.startswith(provider.urn)


def test_volumes_are_encrypted_and_outlive_their_claims() -> None:
    storage = cluster().named("StorageClass", "us-east-1-storage").inputs
    assert storage["metadata"]["name"] == "cockroachdb"
    assert storage["provisioner"] == "ebs.csi.aws.com"
    assert storage["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert (storage["reclaimPolicy"], storage["volumeBindingMode"]) == ("Retain", "WaitForFirstConsumer")
    assert storage["allowVolumeExpansion"] is True


def test_the_rest_of_the_program_is_told_of_load_balancers_of_the_programs_own() -> None:
    told_ = cluster().result[2]
    assert told_["by_node_port"] is True
    assert told_["storage_class"] == "cockroachdb"
    assert told_["owns_dns_text"] is True
    assert told_["waits_for"].count("Listener") == 3
    assert told_["waits_for"].count("Attachment") == 9


def test_pods_let_in_the_other_regions_and_nobody_else() -> None:
    recording = cluster()
    dns, sql = "us-east-1-dns-id", "us-east-1-sql-id"
    assert rules(recording, "us-east-1-cluster-group") == {
        *(("tcp", port, peer["pod_cidr"]) for port in (26257, 8080) for peer in (EKS, GKE)),
        *(("icmp", 3, cidr_) for cidr_ in (EKS["pod_cidr"], GKE["pod_cidr"], GKE["node_cidr"])),
        ("udp", 30053, dns),
        ("tcp", 30053, dns),
        ("tcp", 30257, sql),
        ("tcp", 30080, sql),
    }
    assert not rules(recording, ""), "every rule belongs to a group"


def test_one_region_more_is_one_entry_more_and_no_rule() -> None:
    three, two = cluster(), cluster(peers=[EKS])
    lists = of(three, "ec2/managedPrefixList:ManagedPrefixList")
    assert {name: [entry["cidr"] for entry in made_.inputs["entries"]] for name, made_ in lists.items()} == {
        "us-east-1-peer-pods": [EKS["pod_cidr"], GKE["pod_cidr"]],
        "us-east-1-peer-pods-and-nodes": [EKS["pod_cidr"], GKE["pod_cidr"], GKE["node_cidr"]],
    }
    assert all(made_.inputs["maxEntries"] == len(made_.inputs["entries"]) for made_ in lists.values())
    kind = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    assert {name: rule.inputs for name, rule in of(three, kind).items()} == {
        name: rule.inputs for name, rule in of(two, kind).items()
    }
    alone = cluster(peers=[])
    assert not of(alone, "ec2/managedPrefixList:ManagedPrefixList"), "AWS takes none for no entries"


def test_hosts_and_pods_of_every_region_may_ask_dns_and_clients_sql() -> None:
    recording = cluster()
    asking = [vpc_cidr(1), EKS["pod_cidr"], GKE["pod_cidr"], GKE["node_cidr"]]
    assert {rule for rule in rules(recording, "us-east-1-dns-id") if rule[0] != "icmp"} == {
        (protocol, 53, cidr_) for protocol in ("tcp", "udp") for cidr_ in asking
    }
    assert {rule for rule in rules(recording, "us-east-1-sql-id") if rule[0] != "icmp"} == {
        ("tcp", port, "10.0.0.0/8") for port in (26257, 8080)
    }


def test_no_cluster_resource_is_open_to_everyone_or_a_wildcard() -> None:
    recording = cluster(authorized_cidrs=["203.0.113.10/32"], admin_arns=["arn:aws:iam::123456789012:role/admin"])
    own = [made_ for made_ in recording.resources if "EksCluster" in made_.urn]
    assert not [made_.name for made_ in own if EVERYWHERE in made_.plain_texts()]
    for attached in of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment").values():
        assert attached.inputs["policyArn"].startswith("arn:aws:iam::aws:policy/")
    for role in of(recording, "iam/role:Role").values():
        assert "*" not in role.inputs["assumeRolePolicy"]


def test_the_control_plane_is_private_encrypted_logged_and_kept() -> None:
    inputs = the(cluster(), "eks/cluster:Cluster").inputs
    assert inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert inputs["vpcConfig"]["endpointPrivateAccess"] is True
    assert "publicAccessCidrs" not in inputs["vpcConfig"]
    assert inputs["vpcConfig"]["subnetIds"] == [f"us-east-1-private-{zone}-id" for zone in "abc"]
    assert inputs["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "10.1.32.0/20"
    assert inputs["encryptionConfig"] == {
        "provider": {"keyArn": "arn:us-east-1-secrets"},
        "resources": ["secrets"],
    }
    assert len(inputs["enabledClusterLogTypes"]) == 5
    assert inputs["accessConfig"]["authenticationMode"] == "API"
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["deletionProtection"] is True
    assert the(cluster(), "kms/key:Key").inputs["enableKeyRotation"] is True


def test_a_public_endpoint_is_for_those_who_are_named() -> None:
    config = the(cluster(authorized_cidrs=["203.0.113.10/32"]), "eks/cluster:Cluster").inputs["vpcConfig"]
    assert (config["endpointPublicAccess"], config["publicAccessCidrs"]) == (True, ["203.0.113.10/32"])


def test_the_private_endpoint_is_for_the_ranges_that_are_named() -> None:
    recording = cluster(authorized_cidrs=["10.9.0.0/16"])
    assert ("tcp", 443, "10.9.0.0/16") in rules(recording, "us-east-1-cluster-group")
    assert the(recording, "eks/cluster:Cluster").inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert not any(port == 443 for _, port, _ in rules(cluster(), "us-east-1-cluster-group"))


def test_who_may_call_the_api_server_is_taken_away_last() -> None:
    """Else `destroy` could leave objects that nobody may delete any more."""
    recording = cluster(authorized_cidrs=["10.9.0.0/16"], admin_arns=["arn:aws:iam::123456789012:role/admin"])
    provider = recording.named("providers:kubernetes", "us-east-1-kubernetes")
    callers = {
        recording.named(":SecurityGroupIngressRule", "us-east-1-api-from-10.9.0.0-16").urn,
        the(recording, "eks/accessPolicyAssociation:AccessPolicyAssociation").urn,
    }
    assert callers <= set(provider.dependencies)


def test_addons_have_the_versions_that_are_named() -> None:
    recording = cluster(addon_versions={"vpc-cni": "v1.20.4-eksbuild.2"})
    versions = {
        made.inputs["addonName"]: made.inputs.get("addonVersion") for made in of(recording, "eks/addon:Addon").values()
    }
    assert versions["vpc-cni"] == "v1.20.4-eksbuild.2"
    assert len(versions) == 5
    assert set(versions.values()) == {"v1.20.4-eksbuild.2", None}


def test_administrators_are_access_entries() -> None:
    recording = cluster(admin_arns=["arn:aws:iam::123456789012:role/team/admin"])
    entry = the(recording, "eks/accessEntry:AccessEntry")
    assert entry.name == "us-east-1-admin-123456789012-role-team-admin"
    policy = the(recording, "eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert policy.inputs["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert policy.inputs["accessScope"] == {"type": "cluster"}
    assert entry.urn in policy.dependencies


def test_rights_go_to_who_needs_them_and_stay_while_they_do() -> None:
    recording = cluster()
    attached = of(recording, "iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {made_.inputs["policyArn"].rpartition("/")[2]: made_.inputs["role"] for made_ in attached.values()} == {
        "AmazonEKSClusterPolicy": "us-east-1-cluster-1234567",
        "AmazonEKSWorkerNodePolicy": "us-east-1-hosts-1234567",
        "AmazonEC2ContainerRegistryPullOnly": "us-east-1-hosts-1234567",
        "AmazonEKS_CNI_Policy": "us-east-1-cni-1234567",
        "AmazonEBSCSIDriverPolicy": "us-east-1-csi-1234567",
    }
    users = {
        "us-east-1-cluster-": the(recording, "eks/cluster:Cluster"),
        "us-east-1-cni-": addons(recording)["vpc-cni"],
        "us-east-1-csi-": addons(recording)["aws-ebs-csi-driver"],
        "us-east-1-hosts-": of(recording, "eks/nodeGroup:NodeGroup")["us-east-1-a"],
    }
    for start, user in users.items():
        assert {made_.urn for name, made_ in attached.items() if name.startswith(start)} <= user.dependencies
    identity = addons(recording)["vpc-cni"].inputs["podIdentityAssociations"]
    assert identity == [{"serviceAccount": "aws-node", "roleArn": "arn:aws:iam::123456789012:role/us-east-1-cni"}]


def test_each_zone_has_the_hosts_that_the_plan_says() -> None:
    groups = of(cluster(hosts=(2, 1, 0)), "eks/nodeGroup:NodeGroup")
    assert {name: made_.inputs["scalingConfig"]["desiredSize"] for name, made_ in groups.items()} == {
        "us-east-1-a": 2,
        "us-east-1-b": 1,
    }
    assert groups["us-east-1-b"].inputs["subnetIds"] == ["us-east-1-private-b-id"]


def test_a_zone_without_hosts_still_has_its_addresses() -> None:
    recording = cluster(hosts=(2, 1, 0))
    balancers = of(recording, "lb/loadBalancer:LoadBalancer")
    for name, address in (("us-east-1-dns", "dns_address"), ("us-east-1-sql", "sql_address")):
        assert [each["privateIpv4Address"] for each in balancers[name].inputs["subnetMappings"]] == [
            str(getattr(zone, address)) for zone in ZONES
        ]
    assert len(of(recording, "autoscaling/attachment:Attachment")) == 3 * 2


def test_hosts_metadata_is_out_of_pods_reach_and_disks_are_encrypted() -> None:
    inputs = the(cluster(), "ec2/launchTemplate:LaunchTemplate").inputs
    assert inputs["metadataOptions"]["httpTokens"] == "required"
    assert inputs["metadataOptions"]["httpPutResponseHopLimit"] == 1
    ebs = inputs["blockDeviceMappings"][0]["ebs"]
    assert (ebs["volumeType"], ebs["encrypted"]) == ("gp3", "true")


def test_another_instance_type_makes_no_node_group_anew() -> None:
    """A managed node group's `instanceTypes` can't change; a launch template's new version rolls through its hosts."""
    recording = cluster()
    assert the(recording, "ec2/launchTemplate:LaunchTemplate").inputs["instanceType"] == "m6i.2xlarge"
    assert all("instanceTypes" not in group.inputs for group in of(recording, "eks/nodeGroup:NodeGroup").values())


def test_hosts_wait_for_their_way_out_and_the_control_plane_does_not() -> None:
    recording = cluster()
    nat = of(recording, "ec2/route:Route")["us-east-1-private-a-default"].urn
    assert nat in of(recording, "eks/nodeGroup:NodeGroup")["us-east-1-a"].dependencies
    assert nat not in recording.reaches(the(recording, "eks/cluster:Cluster").urn)


def test_no_resource_of_a_cluster_waits_for_another_region() -> None:
    recording = cluster()
    for made_ in recording.resources:
        if "EksCluster" in made_.urn:
            assert not [urn for urn in recording.reaches(made_.urn) if "us-west-2" in urn]


def test_a_lost_clusters_cloud_resources_stay_and_its_provider_leads_nowhere() -> None:
    kept, lost = cluster(), cluster(lost=True)
    assert {made_.urn for made_ in kept.resources if made_.type.startswith("aws:")} == {
        made_.urn for made_ in lost.resources if made_.type.startswith("aws:")
    }
    assert not lost.of("StorageClass")
    assert lost.named("providers:kubernetes", "us-east-1-kubernetes").inputs["kubeconfig"] == NO_CLUSTER


@pytest.mark.parametrize(
    ("instance_type", "arm"),
    [("m6i.2xlarge", False), ("m7g.xlarge", True), ("c7gn.large", True), ("g5.xlarge", False), ("im4gn.large", True)],
)
def test_the_image_is_of_the_instances_architecture(instance_type: str, arm: bool) -> None:
    assert ("ARM" in ami_type(instance_type)) is arm


def test_a_node_group_without_an_auto_scaling_group_is_named() -> None:
    with pytest.raises(ValueError, match="no Auto Scaling group"):
        autoscaling_group([])


def test_other_partitions_have_policies_of_their_own() -> None:
    assert [partition(location) for location in ("us-east-1", "us-gov-west-1", "cn-north-1")] == [
        "aws",
        "aws-us-gov",
        "aws-cn",
    ]
    assert principal_label("arn:aws:iam::123456789012:user/ann") == "123456789012-user-ann"
