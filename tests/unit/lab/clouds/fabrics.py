"""Hand-made cloud records: two small worlds, whole, for tests to take one thing out of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.clouds.fabric import Fabric, Machine, Site
from lab.clouds.from_records import fabric
from lab.clouds.store import Record, State

Clouds = dict[str, State]
GKE = ("us-east1", "us-west1")
EKS = ("us-east-1", "eu-west-1")


def add(state: State, token: str, id: str, /, **outputs: Any) -> Record:
    return state.put(Record(token, id, id, outputs, outputs))


def change(state: State, token: str, id: str, /, **outputs: Any) -> None:
    record = state.get(token, id)
    assert record is not None, f"{token} {id}"
    state.put(replace(record, outputs={**record.outputs, **outputs}))


def drop(state: State, token: str, id: str) -> None:
    assert state.records.pop(f"{token}::{id}")


def network_id(name: str) -> str:
    return f"projects/p/global/networks/{name}"


def gcp(*, peered: bool = False) -> State:
    """us-east1 (10.1/16) and us-west1 (10.2/16), of a host each, in one VPC or in two that are peered."""
    state = State()
    for n, region in enumerate(GKE, 1):
        name = region if peered else "net"
        add(
            state, "gcp:compute/network:Network", network_id(name), name=name, routingMode="GLOBAL", selfLink=link(name)
        )
        place = f"projects/p/regions/{region}/subnetworks"
        nodes = f"{place}/{region}-nodes"
        ranges = [
            {"rangeName": "pods", "ipCidrRange": f"10.{n}.128.0/17"},
            {"rangeName": "services", "ipCidrRange": f"10.{n}.32.0/20"},
        ]
        add(
            state,
            "gcp:compute/subnetwork:Subnetwork",
            nodes,
            name=f"{region}-nodes",
            network=link(name),
            region=region,
            ipCidrRange=f"10.{n}.0.0/20",
            secondaryIpRanges=ranges,
        )
        balancers = f"{place}/{region}-balancers"
        add(
            state,
            "gcp:compute/subnetwork:Subnetwork",
            balancers,
            name=f"{region}-balancers",
            network=link(name),
            region=region,
            ipCidrRange=f"10.{n}.16.0/24",
        )
        add(
            state,
            "gcp:compute/address:Address",
            f"projects/p/regions/{region}/addresses/dns",
            address=f"10.{n}.16.53",
            purpose="SHARED_LOADBALANCER_VIP",
            addressType="INTERNAL",
            subnetwork=f"https://www.googleapis.com/compute/v1/{balancers}",
        )
        add(
            state,
            "gcp:container/cluster:Cluster",
            f"projects/p/locations/{region}/clusters/{region}-c",
            name=f"{region}-c",
            location=region,
            network=network_id(name),
            subnetwork=nodes,
            ipAllocationPolicy={"clusterSecondaryRangeName": "pods"},
            defaultSnatStatus={"disabled": True},
        )
        add(
            state,
            "gcp:container/nodePool:NodePool",
            f"projects/p/locations/{region}/clusters/{region}-c/nodePools/pool",
            name="pool",
            cluster=f"{region}-c",
            nodeConfig={"tags": ["cockroachdb"], "serviceAccount": f"{region}@p.iam.gserviceaccount.com"},
        )
        for rule, allows, sources in (
            ("nodes", [{"protocol": "tcp", "ports": ["26257", "8080"]}, {"protocol": "icmp"}], ["10.0.0.0/8"]),
            ("dns", [{"protocol": "udp", "ports": ["53"]}, {"protocol": "tcp", "ports": ["53"]}], ["10.0.0.0/8"]),
            ("health", [{"protocol": "tcp", "ports": ["10256"]}], ["35.191.0.0/16", "130.211.0.0/22"]),
        ):
            add(
                state,
                "gcp:compute/firewall:Firewall",
                f"{name}-{rule}",
                name=f"{name}-{rule}",
                network=link(name),
                direction="INGRESS",
                allows=allows,
                sourceRanges=sources,
                targetTags=["cockroachdb"],
                priority=1000,
            )
    if peered:
        for here, there in (GKE, GKE[::-1]):
            add(
                state,
                "gcp:compute/networkPeering:NetworkPeering",
                f"{here}/to-{there}",
                network=link(here),
                peerNetwork=link(there),
                state="ACTIVE",
            )
    return state


def link(name: str) -> str:
    return f"https://www.googleapis.com/compute/v1/{network_id(name)}"


def aws() -> State:
    """us-east-1 (10.3/16) and eu-west-1 (10.4/16), of two zones with a host each, peered; DNS balancers on both."""
    state = State()
    for n, region in enumerate(EKS, 3):
        vpc, zones = f"vpc-{n}", (f"{region}a", f"{region}b")
        add(state, "aws:ec2/vpc:Vpc", vpc, cidrBlock=f"10.{n}.128.0/17", region=region, mainRouteTableId=f"rtb-{n}main")
        mappings: list[dict[str, str]] = []
        for k, zone in enumerate(zones):
            table = f"rtb-{n}{k}"
            add(state, "aws:ec2/routeTable:RouteTable", table, vpcId=vpc, region=region)
            for kind, cidr in (("private", f"10.{n}.{128 + 16 * k}.0/20"), ("lb", f"10.{n}.240.{64 * k}/26")):
                subnet = f"subnet-{n}{k}{kind}"
                add(state, "aws:ec2/subnet:Subnet", subnet, vpcId=vpc, cidrBlock=cidr, availabilityZone=zone)
                association = "aws:ec2/routeTableAssociation:RouteTableAssociation"
                add(state, association, f"rtbassoc-{n}{k}{kind}", subnetId=subnet, routeTableId=table)
            mappings.append({"subnetId": f"subnet-{n}{k}lb", "privateIpv4Address": f"10.{n}.240.{64 * k + 53}"})
            add(
                state,
                "aws:ec2/route:Route",
                f"r-{n}{k}",
                routeTableId=table,
                destinationCidrBlock=f"10.{7 - n}.128.0/17",
                vpcPeeringConnectionId="pcx-1",
            )
            add(
                state,
                "aws:eks/nodeGroup:NodeGroup",
                f"eks-{n}:group-{k}",
                clusterName=f"eks-{n}",
                nodeGroupName=f"group-{k}",
                resources=[{"autoscalingGroups": [{"name": f"asg-{n}{k}"}]}],
            )
            attachment = "aws:autoscaling/attachment:Attachment"
            add(state, attachment, f"at-{n}{k}", autoscalingGroupName=f"asg-{n}{k}", lbTargetGroupArn=f"arn:tg-{n}")
        config = {"subnetIds": [f"subnet-{n}0private"], "clusterSecurityGroupId": f"sg-{n}"}
        add(state, "aws:eks/cluster:Cluster", f"eks-{n}", name=f"eks-{n}", vpcConfig=config)
        text = '{"env": {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true"}}'
        addon = {"clusterName": f"eks-{n}", "addonName": "vpc-cni", "configurationValues": text}
        add(state, "aws:eks/addon:Addon", f"eks-{n}:vpc-cni", **addon)
        for group in (f"sg-{n}", f"sg-{n}lb"):
            add(state, "aws:ec2/securityGroup:SecurityGroup", group, vpcId=vpc)
        ingress(state, f"sg-{n}", f"{n}self", ipProtocol="-1", referencedSecurityGroupId=f"sg-{n}")
        for port in (26257, 8080):
            ingress(
                state, f"sg-{n}", f"{n}tcp{port}", ipProtocol="tcp", fromPort=port, toPort=port, cidrIpv4="10.0.0.0/8"
            )
        ingress(state, f"sg-{n}", f"{n}icmp", ipProtocol="icmp", fromPort=3, toPort=4, cidrIpv4="10.0.0.0/8")
        for protocol in ("tcp", "udp"):
            ports = {"ipProtocol": protocol, "fromPort": 30053, "toPort": 30053}
            ingress(state, f"sg-{n}", f"{n}lb{protocol}", **ports, referencedSecurityGroupId=f"sg-{n}lb")
            ports = {"ipProtocol": protocol, "fromPort": 53, "toPort": 53}
            ingress(state, f"sg-{n}lb", f"{n}dns{protocol}", **ports, cidrIpv4="10.0.0.0/8")
        egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
        for group in (f"sg-{n}", f"sg-{n}lb"):
            add(state, egress, f"sgr-out-{group}", securityGroupId=group, ipProtocol="-1", cidrIpv4="0.0.0.0/0")
        add(
            state,
            "aws:lb/loadBalancer:LoadBalancer",
            f"arn:lb-{n}",
            arn=f"arn:lb-{n}",
            subnetMappings=mappings,
            enableCrossZoneLoadBalancing=True,
            securityGroups=[f"sg-{n}lb"],
        )
        target = {"arn": f"arn:tg-{n}", "protocol": "TCP_UDP", "port": 30053, "targetType": "instance", "vpcId": vpc}
        add(state, "aws:lb/targetGroup:TargetGroup", f"arn:tg-{n}", **target)
        action = {"type": "forward", "targetGroupArn": f"arn:tg-{n}"}
        listener = {"loadBalancerArn": f"arn:lb-{n}", "port": 53, "protocol": "TCP_UDP", "defaultActions": [action]}
        add(state, "aws:lb/listener:Listener", f"arn:ls-{n}", **listener)
    add(
        state,
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
        "pcx-1",
        vpcId="vpc-3",
        peerVpcId="vpc-4",
        acceptStatus="active",
        autoAccept=False,
    )
    accepter = "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"
    add(state, accepter, "pcx-1", vpcPeeringConnectionId="pcx-1", autoAccept=True)
    return state


def ingress(state: State, group: str, id: str, /, **outputs: Any) -> None:
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    add(state, token, f"sgr-{id}", securityGroupId=group, **outputs)


def sites() -> list[Site]:
    """The clusters of both clouds, as they run."""
    made = [
        Site(
            f"{region}-c",
            "gke",
            region,
            (Machine(f"{region}-h", f"10.{n}.0.10", f"10.{n}.128.0/24", f"{region}-b", "pool"),),
        )
        for n, region in enumerate(GKE, 1)
    ]
    for n, region in enumerate(EKS, 3):
        machines = tuple(
            Machine(f"h{k}", f"10.{n}.{128 + 16 * k}.10", f"10.{n}.{129 + 16 * k}.0/24", f"{region}{z}", f"group-{k}")
            for k, z in enumerate("ab")
        )
        made.append(Site(f"eks-{n}", "eks", region, machines))
    return made


def made(gcp_state: State | None = None, aws_state: State | None = None, lost: frozenset[str] = frozenset()) -> Fabric:
    """The fabric of some records."""
    return fabric(gcp_state or State(), aws_state or State(), sites(), lost)
