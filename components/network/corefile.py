"""The program's own part of a Corefile: one marked run of server blocks, everything around it left byte for byte.

A Corefile is one string in a ConfigMap that the vendor, other tools and people write too. The part between the two
marker lines is ours; nothing outside it is ever parsed to be written again.
"""

from __future__ import annotations

import re

from .forward_rules import ForwardConflict, ForwardError, Forwards, zone_key

HOSTS_SERVERS = "/etc/resolv.conf"
"""Whom the pod's host asks, if the pod's `dnsPolicy` is `Default`."""

EKS_DEFAULT = """.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes %s in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
"""
"""What EKS's coredns add-on writes by itself, but for the cluster domain."""

_UNTERMINATED = " (the line before had no line end)"


def render(forwards: Forwards) -> str:
    """Server blocks that forward each zone to its addresses, in the order of zone names.

    - `health_check … domain`: asks for the zone itself, which the other cluster answers on its own. The default, `.`,
      would be passed on to that cluster's upstream, and a region cut off from the internet would look dead.
    - `serve_stale … verify`: a moved pod's new address is always seen, and the last known one is used only while no
      server of the other region answers.
    - `denial … 5`: a pod that is being born is found within 5 s of its first absence.
    Only options that CoreDNS has known since 1.10 (Kubernetes 1.27).
    """
    return "".join(
        f"{zone}:53 {{\n"
        "    errors\n"
        "    cache 30 {\n"
        "        denial 9984 5\n"
        "        serve_stale 1h verify\n"
        "    }\n"
        f"    forward . {' '.join(forwards[zone])} {{\n"
        "        max_fails 2\n"
        f"        health_check 1s domain {zone}\n"
        "        policy round_robin\n"
        "    }\n"
        "}\n"
        for zone in sorted(forwards)
    )


def whole(cluster_domain: str, forwards: Forwards, extra_server_blocks: str = "", upstream: str = HOSTS_SERVERS) -> str:
    """A whole Corefile, where the program owns it: EKS's default, the forwards, and other people's blocks as they are.

    `cluster_domain`: several, with spaces between them, are the same names in each. `upstream`: servers, with spaces
    too, or the file that lists them, for all names that no block serves.

    Raises ForwardConflict when one of those serves a zone that is served already, the root among them: CoreDNS would
    refuse to start.
    """
    default = (EKS_DEFAULT % cluster_domain).replace(f"forward . {HOSTS_SERVERS}", f"forward . {upstream}")
    text = default + render(forwards)
    twice = served_zones(text) & served_zones(extra_server_blocks)
    if twice:
        zones = ", ".join(sorted(zone or "." for zone in twice))
        raise ForwardConflict(f"extraServerBlocks serve {zones}, which this program's own blocks serve already")
    if not extra_server_blocks.strip():
        return text
    return text + extra_server_blocks + ("" if extra_server_blocks.endswith("\n") else "\n")


def merge(text: str, owner: str, forwards: Forwards) -> str:
    """`text` with the owner's marked part set to `forwards`: replaced where it stands, else appended.

    Raises ForwardConflict when a block outside the marks already serves one of the zones, ForwardError when the marks
    are damaged. No forwards: the same as `remove`.
    """
    bare = remove(text, owner)
    if not forwards:
        return bare
    theirs = served_zones(bare)
    for zone in forwards:
        if zone_key(zone) in theirs:
            raise ForwardConflict(
                f"the Corefile already has a server block for {zone} that this program did not write: remove that"
                " block, or rename the region; CoreDNS would refuse two blocks for one zone"
            )
    span = _span(text, owner)
    if span is None:
        unterminated = bool(text) and not text.endswith("\n")
        return text + ("\n" if unterminated else "") + _marked(owner, forwards, unterminated)
    start, end = span
    return text[:start] + _marked(owner, forwards, _was_unterminated(text[start:end])) + text[end:]


def remove(text: str, owner: str) -> str:
    """`text` without the owner's marked part. Raises ForwardError when the marks are damaged."""
    span = _span(text, owner)
    if span is None:
        return text
    start, end = span
    before, after = text[:start], text[end:]
    if not after and _was_unterminated(text[start:end]):
        before = before.removesuffix("\n")
    return before + after


def own_text(text: str, owner: str) -> str:
    """What stands between the owner's marks; empty when there are none."""
    span = _span(text, owner)
    if span is None:
        return ""
    lines = text[span[0] : span[1]].splitlines(keepends=True)
    return "".join(lines[1:-1])


def served_zones(text: str) -> frozenset[str]:
    """Zones (as `zone_key`) that the Corefile's server blocks serve over plain DNS on port 53."""
    zones: set[str] = set()
    depth = 0
    labels: list[str] = []
    for token in tokens(text):
        if token == "{":  # noqa: S105
            if depth == 0:
                zones.update(zone for label in labels if (zone := served_zone(label)) is not None)
                labels = []
            depth += 1
        elif token == "}":  # noqa: S105
            depth = max(0, depth - 1)
        elif depth == 0:
            labels.extend(part for part in token.split(",") if part)
    return frozenset(zones)


def reloads(text: str) -> bool:
    """Whether CoreDNS watches this Corefile (the `reload` plugin in any server block)."""
    return any(re.match(r"\s*reload(\s|$)", line) for line in text.splitlines())


def _marked(owner: str, forwards: Forwards, unterminated: bool) -> str:
    suffix = _UNTERMINATED if unterminated else ""
    return f"{_begin(owner)}{suffix}\n{render(forwards)}{_end(owner)}\n"


def _begin(owner: str) -> str:
    return f"# BEGIN {owner}: written by a program; changes between BEGIN and END are lost"


def _end(owner: str) -> str:
    return f"# END {owner}"


def _was_unterminated(marked: str) -> bool:
    return marked.split("\n", 1)[0].rstrip("\r").endswith(_UNTERMINATED)


def _span(text: str, owner: str) -> tuple[int, int] | None:
    begins: list[int] = []
    ends: list[int] = []
    position = 0
    for line in text.splitlines(keepends=True):
        if re.match(rf"# BEGIN {re.escape(owner)}(:|\s*$)", line):
            begins.append(position)
        position += len(line)
        if line.rstrip() == _end(owner):
            ends.append(position)
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0] <= begins[0]:
        raise ForwardError(
            f"the Corefile's marks of {owner} are damaged ({len(begins)} BEGIN and {len(ends)} END lines, one pair is"
            " right): repair or delete the lines between them by hand, then run again"
        )
    return begins[0], ends[0]


def tokens(text: str) -> list[str]:
    """The Caddyfile lexer in small: white space separates, `#` at a token's start comments, double quotes group."""
    return [
        token.strip('"')
        for token in re.findall(r'"(?:\\.|[^"\\])*"|#[^\n]*|[^\s"][^\s]*', text)
        if not token.startswith("#")
    ]


def served_zone(label: str) -> str | None:
    """The zone (as `zone_key`) that a server block's label means; None where it is not plain DNS on port 53."""
    scheme, separator, rest = label.partition("://")
    if not separator:
        scheme, rest = "dns", label
    if scheme != "dns" or label.startswith("("):
        return None
    zone, _, port = rest.partition(":")
    return zone_key(zone) if port in ("", "53") else None
