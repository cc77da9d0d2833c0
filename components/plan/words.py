"""Value rules about the form of one value: types, names, addresses, versions, references."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Any

from .model import DnsKind, Platform, RegionState, SurvivalGoal
from .rules import suggest, value_rule

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OWN_VARIABLES = frozenset({"POD_NAME", "POD_IP", "HOST_IP", "NODE_NAME", "ADVERTISE_HOST", "HOME"})
"""What the start command of a node reads."""
_LABEL_NAME = _LABEL_VALUE
_SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_VERSION = re.compile(r"v[0-9]{2}\.[1-4]\.[0-9]{1,3}")
_REPOSITORY = re.compile(r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG_OR_DIGEST = re.compile(r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")
_CLUSTER_NAME = re.compile(r"[a-zA-Z]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")

RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
RESERVED_USERS = ("root", "node", "admin", "public", "none", "verifier")
"""CockroachDB's own roles, and the program's: `verifier` is the user of `make verify`."""
RESERVED_DATABASES = ("system", "crdb_internal", "information_schema", "pg_catalog", "pg_extension")
OWN_SETTINGS = {
    "cluster.organization": "cockroachdb.organization",
    "enterprise.license": "cockroachdb.license",
    "cluster.auto_upgrade.enabled": "cockroachdb.finalizeUpgrade",
}


@value_rule("string")
def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        return "is not a string; put it in quotes if the text is meant"
    return None if value.strip() else "is empty; write a value or leave the key out"


@value_rule("boolean")
def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "is not a boolean; use true or false"


@value_rule("integer")
def _integer(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "is not an integer; use a whole number"


@value_rule("scalar")
def _scalar(value: Any) -> str | None:
    return (
        None if isinstance(value, str | int | float | bool) else "is not a plain value; use a string, number or boolean"
    )


@value_rule("list")
def _list(value: Any) -> str | None:
    return None if isinstance(value, list) else "is not a list; use `[a, b]` or one `- item` per line"


@value_rule("dns-label")
def _dns_label(value: str) -> str | None:
    if _DNS_LABEL.fullmatch(value):
        return None
    return "is not a DNS label; use 1 to 63 of a-z, 0-9 and -, with a letter or digit first and last"


@value_rule("namespace")
def _namespace(value: str) -> str | None:
    if value in RESERVED_NAMESPACES or value.startswith("kube-"):
        return "is a namespace of Kubernetes itself; the region's name becomes its namespace: choose another"
    return None


@value_rule("dns-name")
def _dns_name(value: str) -> str | None:
    labels = value.split(".")
    if len(value) <= 253 and all(_DNS_LABEL.fullmatch(label) for label in labels):
        return None
    return "is not a DNS name; use DNS labels joined by dots, such as corp.example, with no dot at the end"


@value_rule("host-address")
def _host_address(value: str) -> str | None:
    if value.replace(".", "").isdigit():
        return _address(value)
    return _dns_name(value) and "is neither an IPv4 address nor a DNS name; use a form such as 10.1.0.10 or db1.example"


@value_rule("label-name")
def _label_name(value: str) -> str | None:
    prefix, _, name = value.rpartition("/")
    if prefix.endswith("kubernetes.io"):
        return "is in a domain that Kubernetes keeps for itself; use a prefix of your own"
    if _LABEL_NAME.fullmatch(name) and (not prefix or _dns_name(prefix) is None):
        return None
    return "is not a label name; use up to 63 letters, digits, -, _ and ., with an optional `domain/` before"


@value_rule("variable-name")
def _variable_name(value: str) -> str | None:
    if value in OWN_VARIABLES:
        return f"is set by the program itself, as are {', '.join(sorted(OWN_VARIABLES))}; leave it out"
    if _VARIABLE.fullmatch(value):
        return None
    return "is not a variable's name; use letters, digits and _, with no digit first"


@value_rule("label-value")
def _label_value(value: str) -> str | None:
    if value == "" or _LABEL_VALUE.fullmatch(value):
        return None
    return "is not a label value; use up to 63 letters, digits, -, _ and ., with a letter or digit first and last"


@value_rule("cidr")
def _cidr(value: str) -> str | None:
    try:
        network = IPv4Network(value, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return "is not an IPv4 range; use CIDR form such as 10.1.0.0/16"
    if "/" not in value:
        return f"has no prefix length; use CIDR form such as {value}/16"
    if str(network.network_address) != value.split("/")[0]:
        return f"has bits set after its prefix; use {network}"
    return _unusable(network)


@value_rule("address")
def _address(value: str) -> str | None:
    try:
        address = IPv4Address(value)
    except AddressValueError:
        return "is not an IPv4 address; use a form such as 10.1.16.53"
    return _unusable(IPv4Network(address))


def _unusable(network: IPv4Network) -> str | None:
    for reserved, use in _NEVER.items():
        if network.overlaps(reserved) and network.prefixlen > 0:
            return f"is within {reserved}, which is for {use}; use a private range such as one of 10.0.0.0/8"
    return "is the whole internet; use a private range such as 10.0.0.0/8" if network.prefixlen == 0 else None


_NEVER = {
    IPv4Network("0.0.0.0/8"): "this host",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local addresses",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "nobody",
}


@value_rule("platform")
def _platform(value: str) -> str | None:
    words = [str(platform) for platform in Platform]
    return None if value in words else f"is not a platform; {suggest(value, words)}"


@value_rule("state")
def _state(value: str) -> str | None:
    words = [str(state) for state in RegionState]
    return None if value in words else f"is not a state; {suggest(value, words)}"


@value_rule("dns-kind")
def _dns_kind(value: str) -> str | None:
    words = [str(kind) for kind in DnsKind]
    return None if value in words else f"is not a kind of cluster DNS; {suggest(value, words)}"


@value_rule("survive")
def _survive(value: str) -> str | None:
    words = [str(goal) for goal in SurvivalGoal]
    return None if value in words else f"is not a survival goal; {suggest(value, words)}"


@value_rule("version")
def _version(value: str) -> str | None:
    if _VERSION.fullmatch(value):
        return None
    return "is not a CockroachDB release tag; use the form vYY.R.P, such as v26.2.5"


@value_rule("image-repository")
def _image_repository(value: str) -> str | None:
    if _REPOSITORY.fullmatch(value):
        return None
    if _REPOSITORY.match(value) and ("@" in value or ":" in value.rsplit("/", 1)[-1]):
        return "has a tag or digest; give the repository alone, the tag is cockroachdb.version"
    return "is not an image repository; use a form such as docker.io/cockroachdb/cockroach"


@value_rule("image-reference")
def _image_reference(value: str) -> str | None:
    head, slash, last = value.rpartition("/")
    name, mark = re.split(r"(?=[:@])", last, maxsplit=1) if re.search(r"[:@]", last) else (last, "")
    if not _REPOSITORY.fullmatch(f"{head}{slash}{name}") or not _TAG_OR_DIGEST.fullmatch(mark):
        return "is not an image reference; use a form such as docker.io/library/python:3.13.9-slim-bookworm"
    if not mark or mark == ":latest":
        return "is not pinned; add a tag other than latest, or a digest"
    return None


@value_rule("cluster-name")
def _cluster_name(value: str) -> str | None:
    if _CLUSTER_NAME.fullmatch(value):
        return None
    return "is not a cluster name; start with a letter, then letters, digits and -, and end with a letter or digit"


@value_rule("sql-name")
def _sql_name(value: str) -> str | None:
    if _SQL_NAME.fullmatch(value):
        return None
    return "is not a plain SQL name; use up to 63 of a-z, 0-9 and _, not starting with a digit"


@value_rule("sql-user")
def _sql_user(value: str) -> str | None:
    if value in RESERVED_USERS or value.startswith(("pg_", "crdb_internal_")):
        return "is a role of CockroachDB's or of this program's own; choose another name"
    return None


@value_rule("sql-database")
def _sql_database(value: str) -> str | None:
    return "is one of CockroachDB's own schemas; choose another name" if value in RESERVED_DATABASES else None


@value_rule("setting-name")
def _setting_name(value: str) -> str | None:
    if value in OWN_SETTINGS:
        return f"has a key of its own; set {OWN_SETTINGS[value]}"
    if _SETTING_NAME.fullmatch(value):
        return None
    return "is not the name of a cluster setting; use a form such as kv.snapshot_rebalance.max_rate"


@value_rule("text")
def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "is not text; put it in quotes, or after `|` over several lines"


@value_rule("annotation")
def _annotation(value: Any) -> str | None:
    return (
        None if isinstance(value, str) else 'is not a string, as annotations must be; put it in quotes, such as "true"'
    )


@value_rule("secret-string")
def _secret_string(value: Any) -> str | None:
    if isinstance(value, dict) and set(value) == {"secure"}:
        return None
    return (
        None if isinstance(value, str) and value else "is not a string; set it with `pulumi config set --secret --path`"
    )
