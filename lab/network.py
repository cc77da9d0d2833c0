"""The lab's wires: which namespaces there are, how they are joined, and what a router lets through.

A region is a switch of hosts behind its router, and a control plane on a wire of its own; a core router joins the
regions. The machine's own namespace sees only the API servers, over one bridge.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

from lab import nameservers, netns
from lab.netns import Namespace
from lab.paths import LabPaths
from lab.shell import ip_batch, nft, run
from lab.world import API_PORT, Host, Region, World

ROUTING = (
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
    "net.ipv4.fib_multipath_hash_policy=1",
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
)
"""A router's sysctls. Equal-cost routes are chosen by ports too, as balancers do; IPv6 is off: the plan is IPv4."""

CLIENT_PORTS = (("tcp", "26257"), ("tcp", "8080"))
"""SQL clients come from other regions too, whatever the strategy."""


def build(paths: LabPaths, world: World) -> None:
    """Make what is missing of the network; the firewalls are always set anew (each in one transaction)."""
    ensure_bridge(world)
    netns.ensure(paths, Namespace(world.netns("core"), [], ROUTING))
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda region: build_region(paths, world, region), world.regions))
    for server in world.nameservers:
        netns.ensure(paths, nameservers.namespace(world, server, ROUTING[6:]))


def build_region(paths: LabPaths, world: World, region: Region) -> None:
    """One region's router, then what hangs on it."""
    netns.ensure(paths, router(world, region))
    netns.ensure(paths, control_plane(world, region))
    for host in region.hosts:
        netns.ensure(paths, host_namespace(world, region, host))


def ensure_bridge(world: World) -> None:
    """The bridge by which the machine reaches the API servers."""
    links = {link["ifname"] for link in json.loads(run(["ip", "-json", "link", "show"]))}
    if world.bridge not in links:
        ip_batch([f"link add name {world.bridge} type bridge"])
    ip_batch(
        [f"address replace {world.management[1]}/24 dev {world.bridge}", f"link set {world.bridge} up"],
    )


def router(world: World, region: Region) -> Namespace:
    """The region's router: the hosts' gateway, a wire to the core and one to the control plane."""
    name, core, port = world.netns(f"{region.name}-router"), world.netns("core"), f"region{region.index}"
    far, near = core_wire(region)
    lines = [
        f"link add name core netns {name} type veth peer name {port} netns {core}",
        f"-n {name} address add {near}/30 dev core",
        f"-n {name} link set core up",
        f"-n {core} address add {far}/30 dev {port}",
        f"-n {core} link set {port} up",
        f"-n {name} link add name nodes type bridge",
        f"-n {name} link set nodes up",
    ]
    if region.is_cloud:
        # All routes beyond it follow from the cloud's records (lab/clouds/apply.py).
        return Namespace(name, lines, ROUTING, ((core, port),))
    lines += [
        f"-n {name} route add default via {far}",
        f"-n {name} address add {region.router_address}/{_bits(region.node_cidr)} dev nodes",
        # Where kubeconfigs have its API server; whether anybody of another region gets there is the firewall's affair.
        f"-n {core} route add {world.api_management_address(region)} via {near}",
        # What nobody in the region has is refused at once, instead of going round between the routers.
        *(f"-n {name} route add unreachable {net}" for net in (region.pod_cidr, region.lb_cidr)),
        *(f"-n {core} route add {net} via {near}" for net in routed(region)),
    ]
    return Namespace(name, lines, ROUTING, ((core, port),))


def control_plane(world: World, region: Region) -> Namespace:
    """Where a region's etcd, API server, controller manager, scheduler and cloud run."""
    name, gateway = world.netns(f"{region.name}-control"), world.netns(f"{region.name}-router")
    port, bits = f"{world.bridge}c{region.index}", _bits(region.control_cidr)
    lines = [
        f"link add name eth0 netns {name} type veth peer name control netns {gateway}",
        f"-n {gateway} address add {region.control_router_address}/{bits} dev control",
        f"-n {gateway} link set control up",
        f"-n {name} address add {region.api_address}/{bits} dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} route add default via {region.control_router_address}",
        f"-n {gateway} route add {world.api_management_address(region)} via {region.api_address}",
        f"link add name management netns {name} type veth peer name {port}",
        f"-n {name} address add {world.api_management_address(region)}/24 dev management",
        f"-n {name} link set management up",
        f"link set {port} master {world.bridge} up",
    ]
    return Namespace(name, lines, ROUTING[6:], ((gateway, "control"), (None, port)))


def host_namespace(world: World, region: Region, host: Host) -> Namespace:
    """One machine: its pods' traffic goes by its own address space, unmasqueraded, through the region's router."""
    name, gateway = world.netns(host.name), world.netns(f"{region.name}-router")
    if region.is_cloud:
        return _cloud_host(name, gateway, host)
    port = f"host{region.hosts.index(host)}"
    lines = [
        f"link add name eth0 netns {name} type veth peer name {port} netns {gateway}",
        f"-n {gateway} link set {port} master nodes up",
        f"-n {name} address add {host.address}/{_bits(region.node_cidr)} dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} route add default via {region.router_address}",
    ]
    return Namespace(name, lines, ROUTING, ((gateway, port),))


def _cloud_host(name: str, gateway: str, host: Host) -> Namespace:
    """A machine whose neighbours are behind the router too, as every hypervisor has it: filters hold between them."""
    port = host_port(host)
    lines = [
        f"link add name eth0 netns {name} type veth peer name {port} netns {gateway}",
        f"-n {gateway} link set {port} master nodes up",
        f"-n {gateway} address replace {host.gateway}/32 dev nodes",
        f"-n {gateway} route replace {host.address}/32 dev nodes",
        f"-n {name} address add {host.address}/32 dev eth0",
        f"-n {name} link set eth0 up",
        *(f"-n {name} {line}" for line in host_routes(host)),
    ]
    return Namespace(name, lines, ROUTING, ((gateway, port),))


def host_port(host: Host) -> str:
    """The router's end of a cloud's machine: by its name, for others come and go."""
    return f"host{hashlib.sha256(host.name.encode()).hexdigest()[:9]}"


def host_routes(host: Host) -> tuple[str, ...]:
    """How a cloud's machine finds its gateway, and by it everything."""
    return (f"route replace {host.gateway} dev eth0", f"route replace default via {host.gateway}")


def core_wire(region: Region) -> tuple[str, str]:
    """(the core's address, the router's) on the wire between them."""
    return f"100.64.{region.index}.1", f"100.64.{region.index}.2"


def routed(region: Region) -> tuple[str, ...]:
    """What the core routes to a region: services stay inside, and so does the control plane."""
    return (region.node_cidr, region.lb_cidr, *((region.pod_cidr,) if region.pods_routed else ()))


def set_firewalls(
    world: World, cut: frozenset[str], unbalanced: frozenset[str], silent: frozenset[str] = frozenset()
) -> None:
    """Load the core's rules and those of every router that is no cloud's.

    `cut` regions are off the core; `unbalanced` ones have no load balancers for the others any more; `silent` are
    addresses of name servers that nobody reaches.
    """
    nft(core_rules(world, cut, silent), world.netns("core"))
    for region in (region for region in world.regions if not region.is_cloud):
        nft(router_rules(world, region, region.name in unbalanced), world.netns(f"{region.name}-router"))
        if not region.pods_routed:
            for host in region.hosts:
                nft(masquerade(region), world.netns(host.name))


def core_rules(world: World, cut: frozenset[str], silent: frozenset[str] = frozenset()) -> str:
    """The core drops what comes from or goes to a region that is cut off, or a name server that is lost."""
    wires = [f"region{region.index}" for region in world.regions if region.name in cut]
    wires += [nameservers.wire(world, server) for server in world.nameservers if server.address in silent]
    drops = "\n".join(f'    iifname "{wire}" drop\n    oifname "{wire}" drop' for wire in wires)
    return _table(f"  chain forward {{\n    type filter hook forward priority 0; policy accept;\n{drops}\n  }}")


def router_rules(world: World, region: Region, unbalanced: bool) -> str:
    """What may come into a region: from other regions' pods and hosts, the ports that the strategies state; no more."""
    peers = sorted({net for other in world.regions if other != region for net in (other.node_cidr, other.pod_cidr)})
    mine = ", ".join(sorted({region.node_cidr, region.pod_cidr, region.lb_cidr}))
    lines = ["  chain forward {", "    type filter hook forward priority 0; policy accept;"]
    if unbalanced:
        for address in region.balancer_addresses:
            lines += [f"    ip daddr {address} counter drop", f"    ip saddr {address} counter drop"]
    lines += ['    iifname "core" jump from_core', "  }", "  chain from_core {"]
    lines += ["    ct state established,related accept"]
    if peers:
        lines += [
            f"    ip saddr {{ {', '.join(peers)} }} ip daddr {{ {mine} }} jump from_peers",
        ]
    callers = _api_callers(world, region)
    if callers:
        at = f"ip daddr {world.api_management_address(region)} tcp dport {API_PORT}"
        lines += [f"    ip saddr {{ {', '.join(callers)} }} {at} accept"]
    lines += ["    counter drop", "  }", "  chain from_peers {"]
    lines += [
        f"    {protocol} dport {numbers} accept" for protocol, numbers in dict.fromkeys((*CLIENT_PORTS, *region.ports))
    ]
    lines += ["    ip protocol icmp accept", "  }"]
    return _table("\n".join(lines))


def _api_callers(world: World, region: Region) -> list[str]:
    """Ranges of other regions that the program has call this one's API server."""
    others = [other for other in world.regions if other != region]
    ranges = {"pods": [other.pod_cidr for other in others], "nodes": [other.node_cidr for other in others]}
    return sorted({cidr for caller in region.api_callers for cidr in ranges[caller]})


def masquerade(region: Region) -> str:
    """A host's rules: what its pods send out of the region goes in its own name."""
    near = ", ".join((region.pod_cidr, region.node_cidr))
    rule = f"    ip saddr {region.pod_cidr} ip daddr != {{ {near} }} masquerade"
    return _table(f"  chain out {{\n    type nat hook postrouting priority 100; policy accept;\n{rule}\n  }}")


def _table(body: str) -> str:
    return f"table inet firewall\ndelete table inet firewall\ntable inet firewall {{\n{body}\n}}\n"


def _bits(network: str) -> str:
    return network.partition("/")[2]


def remove_bridge(bridge: str) -> None:
    """Remove a lab's bridge and what is left plugged into it."""
    for link in json.loads(run(["ip", "-json", "link", "show"])):
        if link["ifname"] == bridge or link.get("master") == bridge:
            netns.delete_link(None, link["ifname"])
