"""A region's part of the fabric as text: one nftables table, and the routes and rules of its router and of the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, collapse_addresses

from lab.clouds.fabric import ANY_PORT, EVERYWHERE, Balancer, Filter, Router, Rule, Snat
from lab.world import METADATA_SERVER

TABLE = "clouds"
NUMBERS = {"ipip": "4", "esp": "50", "ah": "51", "sctp": "132"}
"""Protocols whose names are not nftables'."""

BY_SOURCE = 1000
BY_MARK = 900
"""Priorities of the routing rules: a balancer's answers go by its own subnet's table, not by the target's."""


def routes(router: Router, gateway: str, control: str) -> list[str]:
    """What `ip` is to add in the router's namespace, sorted: policy rules, then each table's routes.

    `gateway` is the core's address, `control` the control plane's range, which the region's own can reach.
    """
    lines: list[str] = []
    marked = {balancer.table for balancer in router.balancers}
    for table in router.tables:
        number = table.number
        lines += [f"rule pref {BY_SOURCE} from {source} lookup {number}" for source in table.sources]
        if table.name in marked:
            lines.append(f"rule pref {BY_MARK} fwmark {number} lookup {number}")
        local = (*router.ranges, control, f"{METADATA_SERVER}/32")
        lines += [f"route throw {each} table {number}" for each in local]
        lines += [f"route {each} via {gateway} table {number}" for each in table.remote]
        lines += [f"route unreachable {each} table {number}" for each in (*table.refused, "default")]
    return sorted(set(lines), key=lambda line: (line.startswith("rule"), line))


def core_routes(router: Router, gateway: str) -> list[str]:
    """What the core has to know: where the region's ranges are."""
    return sorted(f"route {each} via {gateway}" for each in router.ranges)


def rules(router: Router, *, unbalanced: bool = False) -> str:
    """The router's whole table, for `nft -f`. `unbalanced`: a fault; no load balancer answers for DNS."""
    chains = _Chains()
    forward = [*_fault(router)] if unbalanced else []
    forward += [
        "ct state established,related ct direction reply accept",
        "ct state related accept",
        'iifname "control" accept',
        'oifname "control" accept',
    ]
    for filter in router.egress:
        forward.append(f"ip saddr {_set(filter.ranges)} jump {chains.add('out', _lines(filter, 'return'))}")
    forward += _unsent(router)
    for balancer in router.balancers:
        if balancer.admits is not None:
            forward.append(f"{_came_by(balancer)} jump {_admission(chains, balancer)}")
    for filter in router.filters:
        if filter.machines:
            chain = chains.add("in", _lines(filter, "accept"))
            forward.append(f"rt ip nexthop {_set(filter.machines)} goto {chain}")
    hooks = [
        _chain("answers", ["type filter hook prerouting priority mangle", "ct direction reply meta mark set ct mark"]),
        _chain("balance", ["type nat hook prerouting priority dstnat", *_balance(router, chains)]),
        _chain("forward", ["type filter hook forward priority filter; policy drop", *forward]),
        _chain("translate", ["type nat hook postrouting priority srcnat", *_translate(router)]),
    ]
    if router.health_ports != ANY_PORT:
        asked = f"tcp dport {{ {', '.join(_merged(router.health_ports))} }} accept" if router.health_ports else ""
        lines = ["type filter hook output priority filter", asked, 'oifname "nodes" meta l4proto tcp reject']
        hooks.append(_chain("ask", [line for line in lines if line]))
    body = "".join([*chains.texts(), *hooks])
    return f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{body}}}\n"


def _fault(router: Router) -> Iterator[str]:
    if router.balancer_ranges:
        ranges = _set(router.balancer_ranges)
        for protocol in ("udp", "tcp"):
            yield f"ct original ip daddr {ranges} meta l4proto {protocol} ct original proto-dst 53 counter drop"


def _unsent(router: Router) -> Iterator[str]:
    """What leaves was judged by its sender's rules; nothing leaves that is from nobody here."""
    known = [each for filter in router.egress for each in filter.ranges]
    if known:
        yield f'oifname "core" ip saddr {_set(known)} accept'
    yield 'oifname "core" drop'


def _balance(router: Router, chains: _Chains) -> Iterator[str]:
    """To one of the targets, by chance; without targets the address answers nobody."""
    elements: list[str] = []
    for balancer in router.balancers:
        number = next((table.number for table in router.tables if table.name == balancer.table), 0)
        lines = ["drop"]
        if balancer.targets:
            targets = ", ".join(f"{n} : {each}" for n, each in enumerate(balancer.targets))
            chosen = f"numgen random mod {len(balancer.targets)} map {{ {targets} }}"
            lines = [
                f"meta l4proto {balancer.protocol} ct mark set {number} dnat ip to {chosen} : {balancer.target_port}"
            ]
        elements.append(f"{balancer.address} . {balancer.protocol} . {balancer.port} : goto {chains.add('to', lines)}")
    if elements:
        yield f"ip daddr . meta l4proto . th dport vmap {{ {', '.join(elements)} }}"


def _came_by(balancer: Balancer) -> str:
    return (
        f"ct status dnat ct original ip daddr {balancer.address} meta l4proto {balancer.protocol} "
        f"ct original proto-dst {balancer.port}"
    )


def _admission(chains: _Chains, balancer: Balancer) -> str:
    """What a balancer's own security groups let in, and then let it send."""
    send = chains.add("send", [*(_line(rule, "return") for rule in balancer.sends or ()), "drop"])
    return chains.add("admit", [*(_line(rule, f"goto {send}") for rule in balancer.admits or ()), "drop"])


def _translate(router: Router) -> Iterator[str]:
    for balancer in router.balancers:
        if not balancer.keeps_source:
            yield f"{_came_by(balancer)} snat ip to {balancer.address}"
    by_kept: dict[tuple[str, ...], list[Snat]] = {}
    for snat in router.snats:
        by_kept.setdefault(snat.kept, []).append(snat)
    for kept, snats in by_kept.items():
        pairs = ", ".join(f"{snat.pods} : {snat.address}" for snat in snats)
        yield f'oifname "core" ip daddr != {_set(kept)} snat ip to ip saddr map {{ {pairs} }}'


def _lines(filter: Filter, verdict: str) -> list[str]:
    return [*(_line(rule, verdict if rule.accept else "drop") for rule in filter.rules), "drop"]


def _line(rule: Rule, verdict: str) -> str:
    words: list[str] = []
    if rule.through:
        words.append(f"ct status dnat ct original ip daddr {_set(rule.through)}")
    for field, ranges in (("saddr", rule.sources), ("daddr", rule.destinations)):
        if ranges and EVERYWHERE not in ranges:
            words.append(f"ip {field} {_set(ranges)}")
    if rule.icmp is not None:
        type, code = rule.icmp
        words.append("meta l4proto icmp")
        words += [f"icmp {field} {value}" for field, value in (("type", type), ("code", code)) if value >= 0]
    elif rule.protocol:
        words.append(f"meta l4proto {NUMBERS.get(rule.protocol, rule.protocol)}")
        if rule.ports:
            words.append(f"th dport {{ {', '.join(_merged(rule.ports))} }}")
    return " ".join([*words, "counter", verdict])


class _Chains:
    """Chains by what they say: filters that say the same share one."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, tuple[str, ...]], str] = {}

    def add(self, kind: str, lines: Iterable[str]) -> str:
        key = (kind, tuple(lines))
        return self._names.setdefault(key, f"{kind}_{len(self._names)}")

    def texts(self) -> list[str]:
        """In the order of their making, so that each stands behind what it goes to."""
        return [_chain(name, list(lines)) for (_, lines), name in self._names.items()]


def _chain(name: str, lines: Iterable[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _set(ranges: Iterable[str]) -> str:
    """A set of ranges without overlaps, which nftables refuses."""
    collapsed = collapse_addresses(IPv4Network(each) for each in ranges)
    return f"{{ {', '.join(str(each).removesuffix('/32') for each in collapsed)} }}"


def _merged(ports: Iterable[str]) -> list[str]:
    """Ports and ranges of ports, without overlaps."""
    merged: list[tuple[int, int]] = []
    for low, _, high in sorted((each.partition("-") for each in ports), key=lambda each: int(each[0])):
        first, last = int(low), int(high or low)
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return [str(first) if first == last else f"{first}-{last}" for first, last in merged]
