"""A healthy three-region target and what probes would measure of it, to be broken one way at a time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from components.plan.balancers import SQL
from verify.measurements import PodState, RegionMeasurement, ZoneProbe
from verify.target import Balancer, Node, Region, Target

REGIONS = ("us-east1", "us-central1", "us-west1")
EAST, CENTRAL, WEST = REGIONS
ZONES = ("a", "b")
NODES = 3
CLUSTER = "9d1e"


def target(draining: tuple[str, ...] = (), platform: str = "existing", regions: tuple[str, ...] = REGIONS) -> Target:
    """Three regions of three nodes and two zones; two DNS balancer addresses each."""
    dns = {name: (f"10.{place}.16.53", f"10.{place}.16.54") for place, name in enumerate(REGIONS, 1)}
    return Target(
        strategy="stub-domains",
        regions=tuple(
            Region(
                name=name,
                namespace=name,
                platform=platform,
                draining=name in draining,
                dns_kind="kube-dns" if name == WEST else "coredns",
                dns_zone=zone(name),
                dns_addresses=dns[name],
                balancers=tuple(Balancer(SQL, address) for address in sql_addresses(name)),
                forwards={zone(other): dns[other] for other in regions if other != name},
                zones=tuple(f"{name}-{letter}" for letter in ZONES),
                nodes=tuple(Node(f"cockroachdb-{n}", node_name(name, n), None) for n in range(NODES)),
                kubeconfig=None,
                context=name,
            )
            for name in regions
        ),
        left_out={},
        tools_image="docker.io/library/python:3",
        max_offset_ms=250.0,
    )


def sql_addresses(region: str) -> tuple[str, ...]:
    return tuple(f"10.{REGIONS.index(region) + 1}.16.{last}" for last in (26, 27))


def zone(region: str) -> str:
    return f"{region}.svc.cluster.local"


def node_name(region: str, node: int) -> str:
    return f"cockroachdb-{node}.cockroachdb.{zone(region)}"


def pod_address(region: str, node: int) -> str:
    return f"10.{REGIONS.index(region) + 1}.128.{10 + node}"


def probe_address(region: str, zone_name: str) -> str:
    return f"10.{REGIONS.index(region) + 1}.129.{10 + ZONES.index(zone_name[-1])}"


def answer(**fields: Any) -> dict[str, Any]:
    return {
        "status": "answered",
        "rcode": "NOERROR",
        "truncated": False,
        "authoritative": False,
        "addresses": [],
        "soa": None,
        "ms": 1.0,
        "attempts": 1,
        **fields,
    }


def failed(status: str = "timeout", **fields: Any) -> dict[str, Any]:
    return {"status": status, "error": status, "ms": 1500.0, "attempts": 2, **fields}


def each_way(got: dict[str, Any]) -> dict[str, Any]:
    """The same answer over UDP and TCP."""
    return {"udp": got, "tcp": got}


def denied() -> dict[str, Any]:
    return answer(rcode="NXDOMAIN", soa="cluster.local")


def members() -> list[dict[str, Any]]:
    return [
        {
            "id": index + 1,
            "address": f"{node_name(region, node)}:26257",
            "locality": f"region={region}",
            "live": True,
            "draining": False,
            "membership": "active",
        }
        for index, (region, node) in enumerate((region, node) for region in REGIONS for node in range(NODES))
    ]


def report(aim: Target, region: Region, zone_name: str) -> dict[str, Any]:
    """What a probe in `zone_name` reports when all is well."""
    everyone = [(other, node.ordinal) for other in aim.regions for node in other.nodes]
    return {
        "version": 1,
        "run": "run1",
        "region": region.name,
        "zone": zone_name,
        "address": probe_address(region.name, zone_name),
        "certificates": [
            {"name": name, "ends": 0, "daysLeft": days}
            for name, days in (("authority", 3650.0), ("client root", 365.0), ("client verifier", 365.0))
        ],
        "resolvers": ["10.0.32.10"],
        "names": [
            {
                "region": other.name,
                "node": node,
                "udp": answer(addresses=[pod_address(other.name, node)]),
                "tcp": answer(addresses=[pod_address(other.name, node)]),
                "fresh": each_way(answer(soa="cluster.local")),
            }
            for other, node in everyone
        ],
        "servers": [
            {
                "region": other.name,
                "address": address,
                **{
                    transport: {
                        "known": answer(addresses=[pod_address(other.name, 0)]),
                        "fresh": [denied() for _ in range(4)],
                    }
                    for transport in ("udp", "tcp")
                },
            }
            for other in aim.regions
            if other.name != region.name
            for address in other.dns_addresses
        ],
        "nodes": [
            {
                "region": other.name,
                "node": node,
                "address": pod_address(other.name, node),
                "connect": {"status": "ok", "ms": 1.0},
                "tls": {"status": "ok", "ms": 2.0, "daysLeft": 300.0},
                "sql": {
                    "status": "ok",
                    "ms": 3.0,
                    "clusterId": CLUSTER,
                    **({"members": members()} if other.name == region.name else {}),
                },
                "http": {"status": "ok", "code": 200, "ms": 2.0},
            }
            for other, node in everyone
        ],
        "balancers": [
            {
                "region": other.name,
                "kind": balancer.kind,
                "address": balancer.address,
                "connect": {"status": "ok", "ms": 1.0},
                "tls": {"status": "ok", "ms": 2.0, "daysLeft": 300.0},
                "sql": {"status": "ok", "ms": 3.0, "clusterId": CLUSTER},
            }
            for other in aim.regions
            if other.name != region.name
            for balancer in other.balancers
        ],
        "peers": [
            {
                "region": other.name,
                "zone": peer,
                "address": probe_address(other.name, peer),
                "status": "ok",
                "stage": "done",
                "seen": probe_address(region.name, zone_name),
                "offsetMs": 1.0,
                "roundTripMs": 0.8,
                "up": True,
                "down": True,
            }
            for other in aim.regions
            for peer in other.zones
            if (other.name, peer) != (region.name, zone_name)
        ],
        "seconds": 0.4,
    }


def measure(aim: Target) -> dict[str, RegionMeasurement]:
    """Every region's measurement, all well."""
    return {
        region.name: RegionMeasurement(
            region=region.name,
            api="ok",
            zones=tuple(ZoneProbe(name, "reported", "", report(aim, region, name)) for name in region.zones),
            pods={
                node.ordinal: PodState("Running", True, "", pod_address(region.name, node.ordinal), "host")
                for node in region.nodes
            },
            dns_servers=(2, 2),
        )
        for region in aim.regions
    }


World = dict[str, RegionMeasurement]
Break = Callable[[World], None]


def entries(
    world: World, section: str, source: str | None = None, about: str | None = None, **wanted: Any
) -> Iterator[dict[str, Any]]:
    """Entries of `section` in the reports from `source` about `about` (None: any), whose fields are `wanted`."""
    for name, one in world.items():
        for each in one.reports if source in (None, name) else ():
            for entry in each[section]:
                if about in (None, entry["region"]) and all(entry[key] == value for key, value in wanted.items()):
                    yield entry


def unreachable(world: World, region: str) -> None:
    world[region] = RegionMeasurement(region, "unreachable", "Connection refused")


def lose_zone(world: World, region: str, place: int, status: str = "unschedulable") -> None:
    one = world[region]
    lost = one.zones[place]
    zones = (*one.zones[:place], ZoneProbe(lost.zone, status, "no host fits"), *one.zones[place + 1 :])
    world[region] = replace(one, zones=zones)
    for each in world.values():
        for one_report in each.reports:
            one_report["peers"] = [
                peer for peer in one_report["peers"] if (peer["region"], peer["zone"]) != (region, lost.zone)
            ]


def stop_node(world: World, region: str, node: int, pod: PodState | None = None) -> None:
    """Its pod is gone: no name, no answer, not live for the others."""
    pods = dict(world[region].pods or {})
    pods.pop(node)
    if pod is not None:
        pods[node] = pod
    world[region] = replace(world[region], pods=pods)
    for entry in entries(world, "names", about=region, node=node):
        entry.update(udp=denied(), tcp=denied(), fresh=each_way(denied()))
    for entry in entries(world, "nodes", about=region, node=node):
        entry.update(address=None, connect=None, tls=None, sql=None, http=None)
    if node == 0:
        for entry in entries(world, "servers", about=region):
            for transport in ("udp", "tcp"):
                entry[transport]["known"] = denied()
    for entry in entries(world, "nodes"):
        for member in (entry["sql"] or {}).get("members", []):
            if member["address"].startswith(node_name(region, node)):
                member["live"] = False


def cut(world: World, source: str, about: str) -> None:
    """Nothing from `source` reaches `about`: route or everything filtered; names don't resolve either."""
    for entry in entries(world, "names", source, about):
        entry.update(
            udp=answer(rcode="SERVFAIL"), tcp=answer(rcode="SERVFAIL"), fresh=each_way(answer(rcode="SERVFAIL"))
        )
    for entry in entries(world, "servers", source, about):
        for transport in ("udp", "tcp"):
            entry[transport] = {"known": failed(), "fresh": [failed() for _ in range(4)]}
    for entry in entries(world, "nodes", source, about):
        entry.update(address=None, connect=None, tls=None, sql=None, http=None)
    for entry in entries(world, "balancers", source, about):
        entry.update(connect=failed(), tls=None, sql=None)
    for entry in entries(world, "peers", source, about):
        entry.update(
            status="timeout", stage="connect", seen=None, offsetMs=None, roundTripMs=None, up=False, down=False
        )
