"""The project's own AWS components on the aws stand-in, through the real engine: no machine behind it, only a state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.environment import clouds_in
from tests.conformance.stack import PROJECT, Stack

REGIONS = f"""
    import sys

    sys.path.insert(0, {str(PROJECT)!r})

    import pulumi
    import pulumi_aws as aws
    from ipaddress import IPv4Network

    from components.network.aws.network import AwsNetwork
    from components.plan import layout
    from components.platforms.eks import EksCluster

    cloud = aws.Provider("aws", region="us-east-1")
    opts = pulumi.ResourceOptions(providers=[cloud])

    def ranges(location, number):
        cidr = IPv4Network(f"10.{{number}}.0.0/16")
        names = [f"{{location}}{{letter}}" for letter in "ab"]
        return cidr, list(zip(names, layout.eks_zones(cidr, 2)))

    def network(*places, transit=False):
        regions = []
        for number, location in enumerate(places, 1):
            cidr, zones = ranges(location, number)
            regions.append({{
                "name": location,
                "location": location,
                "vpc_cidr": str(layout.eks_vpc(cidr)),
                "zones": [
                    {{"name": name, "private": str(zone.private), "public": str(zone.public),
                      "balancers": str(zone.balancers)}}
                    for name, zone in zones
                ],
            }})
        args = {{"regions": regions, "nat_gateways": "one", "transit_gateway": transit}}
        return AwsNetwork("aws", args, opts)

    def cluster(net, location, number, **more):
        '''Out of reach, so that nothing asks for a Kubernetes API that isn't there.'''
        cidr, zones = ranges(location, number)
        here = net.region(location)
        return EksCluster(location, {{
            "location": location,
            "vpc_id": here.vpc_id,
            "vpc_cidr": str(layout.eks_vpc(cidr)),
            "zones": [
                {{"name": made.name, "private_subnet": made.private_subnet, "routed_subnet": made.routed_subnet,
                  "balancer_subnet": made.balancer_subnet, "hosts": 1}}
                for made in here.zones
            ],
            "balancers": [
                {{"kind": "dns", "name": "dns", "addresses": {{name: str(zone.dns_address) for name, zone in zones}},
                  "ports": [{{"name": "dns", "protocol": "TCP_UDP", "port": 53, "node_port": 30053}}]}},
                {{"kind": "sql", "name": "sql", "addresses": {{name: str(zone.sql_address) for name, zone in zones}},
                  "ports": [{{"name": "grpc", "protocol": "TCP", "port": 26257, "node_port": 30257}},
                            {{"name": "http", "protocol": "TCP", "port": 8080, "node_port": 30080}}]}},
            ],
            "service_cidr": f"10.{{number}}.32.0/20",
            "corefile": ".:53 {{}}",
            "peers": [{{"name": "far", "pod_cidr": "10.9.128.0/17", "node_cidr": "10.9.128.0/17"}}],
            "ports": [
                {{"name": "sql", "protocol": "TCP", "number": 26257, "sources": ["pods"], "to": "pods"}},
                {{"name": "dns", "protocol": "UDP", "number": 53, "sources": ["pods"], "to": "dns"}},
            ],
            "client_cidrs": ["10.0.0.0/8"],
            "deletion_protection": False,
            "lost": True,
            **more,
        }}, opts)
    """


@pytest.fixture
def stack(bare_stack: Stack, tmp_path: Path) -> Stack:
    bare_stack.environment |= clouds_in(tmp_path)
    bare_stack.header = REGIONS
    return bare_stack


def records(stack: Stack) -> list[dict[str, Any]]:
    file = Path(stack.environment["LAB_CLOUDS"]) / "aws.json"
    return list(json.loads(file.read_text())["records"].values()) if file.exists() else []


def done(steps: dict[str, str]) -> set[str]:
    return set(steps.values())


def test_a_mesh_comes_grows_and_goes(stack: Stack) -> None:
    assert done(stack.preview('network("us-east-1", "us-west-2")').steps) == {"create"}
    assert records(stack) == []
    stack.up()
    peerings = [each for each in records(stack) if each["token"].endswith(":VpcPeeringConnection")]
    assert [each["outputs"]["acceptStatus"] for each in peerings] == ["active"]
    assert done(stack.up().steps) == {"same"}
    assert stack.refresh("--expect-no-changes").code == 0
    assert done(stack.up('network("us-east-1", "us-west-2", "eu-west-1")').steps) == {"same", "create"}
    stack.destroy()
    assert records(stack) == []


@pytest.mark.long
def test_transit_gateways_come_and_go(stack: Stack) -> None:
    stack.up('network("us-east-1", "us-west-2", transit=True)')
    attachments = [each for each in records(stack) if each["token"].endswith(":PeeringAttachment")]
    assert [each["outputs"]["state"] for each in attachments] == ["available"]
    stack.destroy()
    assert records(stack) == []


def test_a_cluster_comes_changes_and_goes(stack: Stack) -> None:
    program = 'cluster(network("us-east-1"), "us-east-1", 1)'
    assert done(stack.preview(program).steps) == {"create"}
    stack.up()
    again = stack.up()
    assert done(again.steps) == {"same"}, again.text
    assert stack.refresh("--expect-no-changes").code == 0
    changed = stack.up(program.replace("1)", '1, corefile=".:54 {}", instance_type="m6i.4xlarge")'))
    updated = [name for step, name in changed.order if step == "update"]
    assert {"us-east-1-coredns", "us-east-1-hosts", "us-east-1-a"} <= set(updated), changed.text
    assert done(changed.steps) <= {"same", "update"}
    assert not any("-from-" in name for name in updated), updated
    stack.destroy()
    assert records(stack) == []


@pytest.mark.long
def test_what_is_protected_stays(stack: Stack) -> None:
    stack.up('cluster(network("us-east-1"), "us-east-1", 1, deletion_protection=True)')
    run = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code != 0
    assert "deletion protection is enabled" in run.text
    stack.up('cluster(network("us-east-1"), "us-east-1", 1)')
    stack.destroy()
    assert records(stack) == []
