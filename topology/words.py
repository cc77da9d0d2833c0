"""What a picture says of the whole stack, in words."""

from __future__ import annotations

from collections import Counter

from .model import LINKS, PLATFORMS, SAME_NETWORK, Scene, listing


def headline(scene: Scene) -> str:
    """Such as `CockroachDB in 3 regions`."""
    count = len(scene.running)
    return f"CockroachDB in {count} region{'' if count == 1 else 's'}"


def subtitle(scene: Scene) -> str:
    """Strategy, nodes and verdict."""
    nodes = sum(len(region.nodes) for region in scene.regions)
    return f"strategy {scene.strategy} · {nodes} nodes · {verdict_words(scene)}"


def verdict_words(scene: Scene) -> str:
    """What verification said, if it was asked."""
    if scene.verdict is None:
        return "planned, not verified"
    bad = sum(pair.health not in ("green", None) for pair in scene.pairs)
    detail = f", {bad} of {len(scene.pairs)} pairs are not green" if bad else f", all {len(scene.pairs)} pairs"
    return f"verified: {scene.verdict}{detail}"


def network_lines(scene: Scene) -> list[str]:
    """A line for each kind of network, and what joins it."""
    lines = []
    for platform in ("gke", "eks"):
        vpcs = {name: regions for name, (of, regions) in scene.networks.items() if of == platform}
        if not vpcs:
            continue
        shared = next((name for name, regions in vpcs.items() if len(regions) > 1), None)
        if shared is not None:
            what = f"one VPC ({shared}) for {len(vpcs[shared])} regions"
        else:
            what = "one region, a VPC" if len(vpcs) == 1 else f"{len(vpcs)} regions, a VPC each"
        lines.append(f"{PLATFORMS[platform]}: {what}")
    there = [region.name for region in scene.running if region.network is None]
    if there and lines:
        lines.append(f"existing networks: {listing(there)}")
    kinds = Counter(pair.link for pair in scene.pairs if pair.link not in (None, SAME_NETWORK))
    joined = [f"{count} pair{'' if count == 1 else 's'} by {LINKS[kind]}" for kind, count in kinds.items() if kind]
    return [*lines, *([f"regions joined: {', '.join(joined)}"] if joined else [])]
