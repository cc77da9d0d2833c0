"""What the plan counts of the clouds' quotas is what the program makes: one less, and the plan is refused."""

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest

from components.network.vpn import numbers
from components.plan import problems_of, quotas
from tests.unit.recording import Recording
from tests.unit.stacks.test_clouds import run

AMPLE = dict.fromkeys(quotas.AWS_QUOTAS, 1000)
IMPLIED_ROUTES = 1
"""A route table's route to its own VPC, which no resource makes."""
IMPLIED_RULES = 1
"""EKS's rule of its own in a cluster's security group."""


def eks(name: str, location: str, zones: str = "abc") -> dict[str, Any]:
    return {"name": name, "platform": "eks", "location": location, "zones": [location + zone for zone in zones]}


def gke(location: str) -> dict[str, Any]:
    return {"name": location, "platform": "gke", "zones": [f"{location}-{zone}" for zone in "abc"]}


def existing(name: str) -> dict[str, Any]:
    return {"name": name, "kubeconfig": "kubeconfig", "context": name, "dns": {"kind": "coredns"}}


def config(*regions: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {
        "regions": list(regions),
        "gcp": {"project": "my-project-123456", "network": "global"},
        # The private range is one rule more of the clusters' groups.
        "aws": {"quotas": AMPLE, "authorizedCidrs": ["203.0.113.0/24", "172.31.0.0/16"]},
        **top,
    }


HOME = existing("home") | {
    "nodeCidr": "192.168.0.0/20",
    "podCidr": "192.168.32.0/19",
    "serviceCidr": "192.168.64.0/20",
    "dnsAddresses": ["192.168.0.53"],
    "sqlAddress": "192.168.0.26",
}
CONFIGS = {
    "eks": config(
        eks("us-east-1", "us-east-1"),
        eks("second", "us-east-1"),
        eks("us-west-2", "us-west-2", "ab"),
        networkCidr="10.0.0.0/12",
    ),
    "one NAT gateway": config(
        eks("us-east-1", "us-east-1"),
        eks("second", "us-east-1"),
        eks("us-west-2", "us-west-2"),
        aws={"natGateways": "one", "quotas": AMPLE},
    ),
    "Transit Gateways": config(
        eks("us-east-1", "us-east-1"),
        eks("us-east-2", "us-east-2"),
        eks("us-west-2", "us-west-2"),
        aws={"transitGatewayFrom": 2, "quotas": AMPLE},
    ),
    "all platforms": config(
        gke("us-east1"),
        eks("us-east-1", "us-east-1"),
        eks("us-west-2", "us-west-2"),
        HOME,
        gke("us-west1"),
        gke("us-west2"),
    ),
    "peered VPCs": config(
        gke("us-east1"),
        gke("us-west1"),
        gke("us-west2"),
        eks("us-east-1", "us-east-1"),
        gcp={"project": "my-project-123456", "network": "peered", "quotas": {"peeringsPerNetwork": 100}},
    ),
    "many outside": config(
        eks("us-east-1", "us-east-1"),
        *(
            existing(f"home{n}")
            | {
                "cidr": f"172.{16 + n}.0.0/16",
            }
            for n in range(4)
        ),
    ),
}


def used(made: Recording) -> dict[str, int]:
    """How much of each quota the resources take where most of it is taken. Only what is taken at all."""

    def most(counted: Counter[Any]) -> int:
        return max(counted.values(), default=0)

    peerings = Counter(
        end for each in made.of("VpcPeeringConnection") for end in (each.inputs["vpcId"], each.inputs["peerVpcId"])
    )
    transit = Counter(
        end
        for each in made.of("ec2transitgateway/peeringAttachment:PeeringAttachment")
        for end in (each.inputs["transitGatewayId"], each.inputs["peerTransitGatewayId"])
    )
    weights = {f"{each.name}-id": each.inputs["maxEntries"] for each in made.of("ManagedPrefixList")}
    rules: Counter[str] = Counter()
    for rule in made.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        rules[rule.inputs["securityGroupId"]] += weights.get(rule.inputs.get("prefixListId", ""), 1)
    for group in rules:
        rules[group] += IMPLIED_RULES if group.startswith("sg-") else 0
    routes = Counter(route.inputs["routeTableId"] for route in made.of("ec2/route:Route"))
    # m6i.2xlarge and n2-standard-8 have eight. An update of a node group has two hosts more, that of a pool one.
    eks_vcpus: Counter[str] = Counter()
    for group in made.of("eks/nodeGroup:NodeGroup"):
        eks_vcpus[group.inputs["region"]] += 8 * (group.inputs["scalingConfig"]["desiredSize"] + 2)
    gke_vcpus: Counter[str] = Counter()
    for pool in made.of("container/nodePool:NodePool"):
        each = pool.inputs["nodeCount"] * len(pool.inputs["nodeLocations"])
        gke_vcpus[pool.inputs["location"]] += 8 * (each + pool.inputs["upgradeSettings"]["maxSurge"])
    found = {
        "aws.quotas.peeringsPerVpc": most(peerings),
        "aws.quotas.peeringsPerTransitGateway": most(transit),
        "aws.quotas.rulesPerSecurityGroup": most(rules),
        "aws.quotas.routesPerRouteTable": most(routes) + IMPLIED_ROUTES,
        "aws.quotas.vcpusPerRegion": most(eks_vcpus),
        "gcp.quotas.vcpusPerRegion": most(gke_vcpus),
        "aws.quotas.vpcsPerRegion": most(Counter(each.inputs["region"] for each in made.of("ec2/vpc:Vpc"))),
        "aws.quotas.elasticIpsPerRegion": most(Counter(each.inputs["region"] for each in made.of("ec2/eip:Eip"))),
        "aws.quotas.vpnConnectionsPerGateway": most(
            Counter(each.inputs["vpnGatewayId"] for each in made.of("ec2/vpnConnection:VpnConnection"))
        ),
        "gcp.quotas.peeringsPerNetwork": most(
            Counter(each.inputs["network"] for each in made.of("compute/networkPeering:NetworkPeering"))
        ),
    }
    return {path: int(count) for path, count in found.items() if count > 0}


def with_quota(asked: dict[str, Any], path: str, limit: int) -> dict[str, Any]:
    changed = deepcopy(asked)
    cloud, _, name = path.split(".")
    changed[cloud].setdefault("quotas", {})[name] = limit
    return changed


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_counted_is_what_is_made(name: str) -> None:
    asked = CONFIGS[name]
    assert problems_of(asked) == []
    taken = used(run(asked))
    assert taken
    for path, count in taken.items():
        assert problems_of(with_quota(asked, path, count)) == [], path
        if count > 1:
            assert [problem.path for problem in problems_of(with_quota(asked, path, count - 1))] == [path]


def test_every_quota_is_measured_somewhere() -> None:
    measured = {path for asked in CONFIGS.values() for path in used(run(asked))}
    stated = {f"aws.quotas.{name}" for name in quotas.AWS_QUOTAS} | {f"gcp.quotas.{name}" for name in quotas.GCP_QUOTAS}
    assert measured == stated


def test_a_vpn_has_as_many_sessions_and_routes_as_are_counted() -> None:
    made = run(CONFIGS["all platforms"])
    sessions = Counter(each.inputs["router"] for each in made.of("compute/routerPeer:RouterPeer"))
    assert set(sessions.values()) == {2 * quotas.VPN_SESSIONS_PER_VPC}
    for router in made.of("compute/router:Router"):
        if router.name.endswith("-vpn"):
            assert len(router.inputs["bgp"]["advertisedIpRanges"]) == 3 * quotas.VPN_ROUTES_PER_REGION


def test_places_for_a_vpn() -> None:
    assert (quotas.MAX_GKE_PLACE, quotas.MAX_EKS_PLACE) == (numbers.MAX_GATEWAYS, numbers.MAX_VPCS)
    numbers.inside(quotas.MAX_GKE_PLACE - 1, quotas.MAX_EKS_PLACE - 1)


def test_nobody_else_calls_a_gke_api_server_unless_listed() -> None:
    made = run(CONFIGS["all platforms"])
    for cluster in made.of("container/cluster:Cluster"):
        assert cluster.inputs["masterAuthorizedNetworksConfig"]["cidrBlocks"] == []


def test_a_quota_that_cannot_be_checked_is_not_taken_for_checked() -> None:
    aws = {"instanceType": "m6i.metal", "quotas": {**AMPLE, "vcpusPerRegion": 64}}
    (problem,) = problems_of(config(*(eks(f"us-{place}", f"us-{place}") for place in ("east-1", "east-2")), aws=aws))
    assert "m6i.metal says no vCPUs" in problem.message


def test_a_regions_own_hosts_are_what_is_counted() -> None:
    regions = [eks(f"us-{place}", f"us-{place}") for place in ("east-1", "east-2", "west-2")]
    quota = {"aws": {"quotas": {"vcpusPerRegion": 72}}}
    assert problems_of(config(*regions, **quota)) == []
    (problem,) = problems_of(config(regions[0] | {"instanceType": "m6i.4xlarge"}, *regions[1:], **quota))
    assert "take 144 vCPUs" in problem.message
