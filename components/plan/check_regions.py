"""Stack rules about regions as a whole: their names, states, clusters and node counts."""

from __future__ import annotations

from collections.abc import Iterator

from ..strategies import known, strategy, words
from .defaults import MIN_NODES_IN_ALL
from .model import Problem, RegionState
from .rules import Draft, show, stack_rule


@stack_rule("some-region")
def _some_region(draft: Draft) -> Iterator[Problem]:
    if not draft.sound("regions"):
        return
    if not draft.settings.regions:
        yield Problem("regions", "[] lists no region; list at least one, each with a name")
    elif not any(draft.regions(RegionState.ACTIVE)):
        yield Problem(
            "regions", "no region is active; a cluster needs one, and `pulumi destroy` is the way to have none"
        )


@stack_rule("unique-region-names")
def _unique_names(draft: Draft) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for index, region in enumerate(draft.settings.regions):
        path = f"regions[{index}].name"
        if draft.sound(path) and region.name in seen:
            yield Problem(path, f"{region.name} is the name of {seen[region.name]} too; give each region its own")
        seen.setdefault(region.name, f"regions[{index}]")


@stack_rule("unique-zones")
def _unique_zones(draft: Draft) -> Iterator[Problem]:
    for path, region in draft.regions():
        for zone in sorted({zone for zone in region.zones if region.zones.count(zone) > 1}):
            yield Problem(f"{path}.zones", f"{show(zone)} is listed twice; list each zone once")


@stack_rule("unique-clusters")
def _unique_clusters(draft: Draft) -> Iterator[Problem]:
    seen: dict[tuple[str | None, str | None], str] = {}
    for path, region in draft.regions():
        cluster = (region.kubeconfig, region.context)
        if None in cluster or not draft.sound(f"{path}.kubeconfig", f"{path}.context"):
            continue
        if cluster in seen:
            yield Problem(
                f"{path}.context",
                f"{show(region.context)} is the cluster of {seen[cluster]} too; give each region a cluster of its own",
            )
        seen.setdefault(cluster, path)


@stack_rule("enough-nodes")
def _enough_nodes(draft: Draft) -> Iterator[Problem]:
    active = list(draft.regions(RegionState.ACTIVE))
    if not active or not draft.sound("regions"):
        return
    count = sum(region.kept_nodes for _, region in active)
    if count < MIN_NODES_IN_ALL:
        yield Problem(
            "regions",
            f"{count} {'node' if count == 1 else 'nodes'} in all active regions together; "
            f"CockroachDB keeps three copies of everything, so have at least {MIN_NODES_IN_ALL}",
        )


@stack_rule("draining-nodes")
def _draining_nodes(draft: Draft) -> Iterator[Problem]:
    word = draft.settings.strategy
    if not known(word):
        return
    for path, region in draft.regions():
        at, count = f"{path}.drainingNodes", region.draining_nodes
        if not count or not draft.sound(at, f"{path}.nodes", f"{path}.strategyOptions"):
            continue
        if region.state is RegionState.DRAINING:
            yield Problem(at, f"{count} in a region that is draining, whose nodes all leave; leave it out")
        elif region.kept_nodes < 1:
            yield Problem(
                at, f"{count} would leave none of {region.nodes}; use `state: {RegionState.DRAINING}` for that"
            )
        elif len(words(word)) > 1:
            yield Problem(at, f"{count} while nodes change their addresses; end the change to {words(word)[-1]} first")
        elif strategy(word).node_address(region, region.nodes - 1) is None:
            yield Problem(
                at,
                f"{count} with {word}, where only run time knows which node the last pod is; take the nodes out by "
                "hand with `cockroach node decommission`, then lower `nodes` with allowDataLoss: true",
            )


@stack_rule("authority-approved")
def _authority_approved(draft: Draft) -> Iterator[Problem]:
    """A pod that asks for its own certificate takes no notice of who signs: nobody could say when all have changed."""
    from ..strategies.base import CertificateSource  # strategies import the plan

    word, certificates = draft.settings.strategy, draft.settings.certificates
    if (certificates.word, certificates.leaves) == ("1", 1) or not known(word) or not draft.sound("certificates"):
        return
    for path, region in draft.regions():
        if not draft.sound(f"{path}.strategyOptions"):
            continue
        if strategy(word).pod_identity(region).certificate_source is CertificateSource.APPROVED:
            key = "leaves" if certificates.word == "1" else "authority"
            given = certificates.leaves if key == "leaves" else certificates.word
            yield Problem(
                f"certificates.{key}",
                f"{given} with {word}, where {region.name}'s pods ask for their own certificates and renew them every "
                "20 days; leave it out",
            )
            return


@stack_rule("license-organization")
def _license_organization(draft: Draft) -> Iterator[Problem]:
    if "cockroachdb.license" in draft.given and draft.settings.cockroachdb.organization is None:
        yield Problem(
            "cockroachdb.organization", "missing; a license is valid only with the organization it was issued to"
        )
