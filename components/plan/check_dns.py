"""Stack rules about name resolution: forwards that would loop, and too many or too few servers for a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .defaults import MAX_UPSTREAMS
from .model import Problem
from .rules import Draft, show, stack_rule


@stack_rule("upstreams")
def _upstreams(draft: Draft) -> Iterator[Problem]:
    lists = [
        (f"{path}.dnsAddresses", region.dns_addresses)
        for path, region in draft.regions()
        if f"{path}.dnsAddresses" in draft.given
    ]
    lists += [
        (f"dns.extraStubDomains.{zone}", servers) for zone, servers in draft.settings.dns.extra_stub_domains.items()
    ]
    for path, servers in lists:
        if not servers and draft.sound(path):
            yield Problem(path, "[] names no DNS server; list at least one IPv4 address")
        if len(servers) > MAX_UPSTREAMS:
            yield Problem(
                path,
                f"lists {len(servers)} DNS servers; CoreDNS forwards a zone to at most {MAX_UPSTREAMS}, two are plenty",
            )


@stack_rule("own-zone")
def _own_zone(draft: Draft) -> Iterator[Problem]:
    """No forward of a cluster's own zone: its DNS would ask itself for ever."""
    for zone in draft.settings.dns.extra_stub_domains:
        yield from _refuse_own(draft, f"dns.extraStubDomains.{zone}", zone)


@stack_rule("own-zone-block")
def _own_zone_block(draft: Draft) -> Iterator[Problem]:
    for zone in block_zones(draft.settings.dns.extra_server_blocks):
        yield from _refuse_own(draft, "dns.extraServerBlocks", zone)


def _refuse_own(draft: Draft, path: str, zone: str) -> Iterator[Problem]:
    for domain in sorted({region.cluster_domain for _, region in draft.regions()}):
        if zone == "" or zone == domain or zone.endswith("." + domain) or domain.endswith("." + zone):
            names = [region.name for _, region in draft.regions() if region.cluster_domain == domain]
            owner = next((name for name in names if zone.endswith(f"{name}.svc.{domain}")), names[0])
            yield Problem(
                path,
                f"{show(zone or '.')} covers or is part of {domain}, the clusters' own domain: {owner} would forward "
                "names to itself; other regions' zones are forwarded already, list only zones outside it",
            )
            return


def block_zones(text: str) -> list[str]:
    """The zones that CoreDNS server blocks in `text` answer for, lower case, without scheme, port or final dot."""
    zones: list[str] = []
    depth = 0
    header = ""
    for character in re.sub(r"#.*", "", text):
        if character == "{":
            if depth == 0:
                zones += [_zone(word) for word in re.split(r"[\s,]+", header) if word and not word.startswith("(")]
                header = ""
            depth += 1
        elif character == "}":
            depth -= 1
        elif depth == 0:
            header += character
    return zones


def _zone(word: str) -> str:
    return re.sub(r":[0-9]+$", "", re.sub(r"^[a-z0-9]+://", "", word)).rstrip(".").lower()
