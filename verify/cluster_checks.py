"""Checks of the cluster as a whole: one id, every planned node a live member, nobody else."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from .evidence import Evidence, NodeKey
from .findings import Finding, Layer, Severity, finding, listing


def login(evidence: Evidence) -> Iterator[Finding]:
    """Nodes that take TLS and then answer no query."""
    for source, target, reports in evidence.pairs():
        failed: dict[tuple[str, str], list[str]] = defaultdict(list)
        for report in reports:
            for node in report["nodes"]:
                key = (node["region"], node["node"])
                if (
                    node["region"] == target.name
                    and node["sql"]
                    and node["sql"]["status"] != "ok"
                    and key not in evidence.down
                ):
                    code = "sql-refused" if node["sql"]["status"] == "refused" else "sql-silent"
                    failed[code, node["sql"].get("error", node["sql"]["status"])].append(f"cockroachdb-{node['node']}")
        for (code, said), nodes in failed.items():
            yield finding(
                evidence.target,
                Severity.RED,
                Layer.MEMBERSHIP,
                code,
                source.name,
                target.name,
                listing(sorted(nodes)),
                said,
            )


def one_cluster(evidence: Evidence) -> Iterator[Finding]:
    """Every node that answers names the same cluster."""
    ids: dict[str, list[str]] = defaultdict(list)
    for report in evidence.reports:
        for node in report["nodes"]:
            if node["sql"] and node["sql"]["status"] == "ok":
                ids[node["sql"]["clusterId"]].append(_called((node["region"], node["node"])))
    if len(ids) > 1:
        said = "; ".join(f"{identifier}: {listing(sorted(set(nodes)))}" for identifier, nodes in sorted(ids.items()))
        yield finding(
            evidence.target,
            Severity.RED,
            Layer.MEMBERSHIP,
            "split-cluster",
            None,
            None,
            f"{len(ids)} cluster ids",
            said,
        )
    if not ids and evidence.reports:
        yield finding(
            evidence.target,
            Severity.RED,
            Layer.MEMBERSHIP,
            "no-cluster",
            None,
            None,
            "cluster id",
            "no node named its cluster's id",
        )


def members(evidence: Evidence) -> Iterator[Finding]:
    """Each node's own view of the membership, against the plan. Nodes that are down are `down_nodes`' to report."""
    if not evidence.views:
        if evidence.reports:
            yield _cluster_wide(evidence, Severity.RED, "membership-unknown", ["members"], "no node showed its members")
        return
    known = {key: node for key, node in evidence.nodes.items() if not node.unlocated}
    expected = {node.advertised: key for key, node in known.items()}
    active = {region.name for region in evidence.target.regions if not region.draining}
    must = {address for address, key in expected.items() if key[0] in active and key not in evidence.down}
    missing, dead, extra, leaving = set[str](), set[str](), set[str](), set[str]()
    for view in evidence.views:
        joined = {member["address"]: member for member in view if member["membership"] != "decommissioned"}
        missing |= must - joined.keys()
        extra |= {
            address
            for address in joined.keys() - expected.keys() - evidence.target.unasked
            if not _within(address, evidence.target.unasked_pods)
        }
        dead |= {address for address in must & joined.keys() if not joined[address]["live"]}
        leaving |= {address for address in must & joined.keys() if joined[address]["membership"] == "decommissioning"}
    if missing:
        yield _cluster_wide(
            evidence,
            Severity.RED,
            "member-missing",
            sorted(missing),
            f"{len(missing)} of {len(expected)} nodes are no members",
        )
    if dead:
        yield _cluster_wide(evidence, Severity.RED, "member-not-live", sorted(dead), "members, but not live")
    if extra:
        yield _cluster_wide(
            evidence, Severity.DEGRADED, "member-extra", sorted(extra), "members that the plan does not know"
        )
    if leaving:
        yield _cluster_wide(
            evidence,
            Severity.DEGRADED,
            "member-leaving",
            sorted(leaving),
            "decommissioning, in a region that is active",
        )


def quorum(evidence: Evidence) -> Iterator[Finding]:
    """Fewer nodes than a majority of the planned ones: most ranges have lost theirs."""
    active = {region.name for region in evidence.target.regions if not region.draining}
    down = {key for key in evidence.down if key[0] in active}
    planned = evidence.target.expected_nodes
    if planned and 2 * (planned - len(down)) <= planned:
        yield _cluster_wide(
            evidence,
            Severity.RED,
            "quorum-lost",
            sorted(map(_called, down)),
            f"{len(down)} of {planned} nodes down",
        )


def _cluster_wide(evidence: Evidence, severity: Severity, code: str, subject: list[str], symptom: str) -> Finding:
    return finding(evidence.target, severity, Layer.MEMBERSHIP, code, None, None, listing(subject), symptom)


def _within(address: str, ranges: Sequence[IPv4Network]) -> bool:
    """Whether `host:port` is an address of one of the ranges."""
    try:
        host = IPv4Address(address.rpartition(":")[0])
    except ValueError:
        return False
    return any(host in one for one in ranges)


def _called(key: NodeKey) -> str:
    return f"{key[0]}/cockroachdb-{key[1]}"
