"""Value rules about amounts and longer texts: quantities, durations, schedules, URIs, flags."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .defaults import MAX_DRAINING_NODES, MAX_NODES_PER_REGION
from .rules import value_rule

_QUANTITY = re.compile(r"\+?(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)(?P<unit>[eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE]|)")
_UNITS = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_UNITS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_AUTHORITY = re.compile(r"[1-9][0-9]{0,5}(\+[1-9][0-9]{0,5})?")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s)")
_SECONDS = {"us": Decimal("0.000001"), "ms": Decimal("0.001"), "s": Decimal(1)}
_SHARE = re.compile(r"0?\.[0-9]+|[0-9]+(\.[0-9]+)?%")
_BYTES = re.compile(r"[0-9]+(\.[0-9]+)?\s?([kKMGTP]i?B|B)")
_SCHEDULE_WORDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_BACKUP_SCHEMES = ("s3", "gs", "azure-blob", "azure-storage", "azure", "external", "nodelocal", "userfile")
_BACKUP_NAME = re.compile(r"LATEST|/?[0-9]{4}/[0-9]{2}/[0-9]{2}-[0-9]{6}\.[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_SECRET_PARAMETERS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CREDENTIALS",
    "AZURE_ACCOUNT_KEY",
    "AZURE_CLIENT_SECRET",
    "BEARER_TOKEN",
)
MANAGED_FLAGS = (
    "advertise-addr", "advertise-sql-addr", "advertise-http-addr", "background", "cache", "certs-dir", "cluster-name",
    "http-addr", "insecure", "accept-sql-without-tls", "join", "listen-addr", "locality", "max-offset",
    "max-sql-memory", "pid-file", "sql-addr", "store", "listening-url-file",
)  # fmt: skip
"""Flags of `cockroach start` that the program sets itself, or that would turn TLS off."""

MIN_MEMORY = 256 * 2**20
MIN_STORAGE = 2**30
"""Bytes. Far below anything useful: what is smaller is a forgotten unit."""


def amount(value: Any) -> Decimal | None:
    """The number that a Kubernetes quantity stands for (bytes, cores), or None where Kubernetes would not parse it."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None or isinstance(value, bool):
        return None
    number, unit = Decimal(match["number"]), match["unit"]
    if unit in _BINARY_UNITS:
        return number * 2 ** _BINARY_UNITS[unit]
    if unit in _UNITS:
        return number.scaleb(_UNITS[unit])
    return number.scaleb(int(unit[1:]))


@value_rule("quantity")
def _quantity(value: Any) -> str | None:
    number = amount(value)
    if number is None:
        return "is not a Kubernetes quantity; use a form such as 500m, 4, 16Gi or 100G (no space, no B)"
    return None if number > 0 else "is nothing; use a quantity above 0"


@value_rule("memory")
def _memory(value: Any) -> str | None:
    number = amount(value)
    if number is None or number >= MIN_MEMORY:
        return None
    return "is less than 256Mi, too little for a node; was a unit such as Gi forgotten?"


@value_rule("storage")
def _storage(value: Any) -> str | None:
    number = amount(value)
    if number is None or number >= MIN_STORAGE:
        return None
    return "is less than 1Gi, too little for a store; was a unit such as Gi forgotten?"


@value_rule("node-count")
def _node_count(value: int) -> str | None:
    if 1 <= value <= MAX_NODES_PER_REGION:
        return None
    return f"is not between 1 and {MAX_NODES_PER_REGION}; a region that is to have no nodes gets `state: draining`"


@value_rule("draining-count")
def _draining_count(value: int) -> str | None:
    if 0 <= value <= MAX_DRAINING_NODES:
        return None
    return f"is not between 0 and {MAX_DRAINING_NODES}; more nodes leave by several ups"


@value_rule("generation")
def _generation(value: int) -> str | None:
    return None if value >= 1 else "is not a generation; count up from 1, by one each time they are to be renewed"


@value_rule("authority")
def _authority(value: object) -> str | None:
    generations = str(value).split("+")
    if _AUTHORITY.fullmatch(str(value)) and len(set(generations)) == len(generations):
        return None
    return "is no authority; use its generation, such as 1, or on the way to the next one 1+2 and then 2+1"


@value_rule("grace-period")
def _grace_period(value: int) -> str | None:
    return None if 30 <= value <= 3600 else "is not between 30 and 3600 seconds; 300 lets a node drain"


@value_rule("cache-size")
def _cache_size(value: Any) -> str | None:
    text = str(value)
    if _BYTES.fullmatch(text):
        return None
    if _SHARE.fullmatch(text):
        share = Decimal(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        return None if 0 < share <= Decimal("0.5") else "is not above 0 and up to half of the memory; use .25"
    return "is not a share or size of memory; use a form such as .25, 25% or 4GiB"


def milliseconds(duration: str) -> float:
    """A Go duration of one unit (`250ms`, `0.5s`) in milliseconds. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s)", duration)
    if found:
        return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
    raise ValueError(f"{duration!r} is no duration in s, ms or us")


@value_rule("max-offset")
def _max_offset(value: str) -> str | None:
    match = _DURATION.fullmatch(value)
    if match is None:
        return "is not a duration; use a form such as 250ms"
    seconds = Decimal(match[1]) * _SECONDS[match[2]]
    return (
        None if 0 < seconds <= 1 else "is not above 0 and up to 1s; use 250ms with synchronised clocks, 500ms otherwise"
    )


@value_rule("schedule")
def _schedule(value: str) -> str | None:
    if value.startswith("@"):
        return None if value in _SCHEDULE_WORDS else f"is not a schedule; known words: {', '.join(_SCHEDULE_WORDS)}"
    fields = value.split()
    if len(fields) != len(_CRON_FIELDS):
        return f"is not a cron expression; use 5 fields (minute hour day month weekday), not {len(fields)}, or @daily"
    for text, (name, low, high, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_cron_item(item, low, high, names) for item in text.split(",")):
            return f"is not a cron expression; {name} is {text}, where {low} to {high}, *, ranges and /steps can stand"
    return None


def _cron_item(item: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    span, _, step = item.partition("/")
    if "/" in item and not (step.isdigit() and int(step) > 0):
        return False
    if span == "*":
        return True
    ends = [str(names.index(end.lower()) + low) if end.lower() in names else end for end in span.split("-")]
    if len(ends) > 2 or not all(end.isdigit() and low <= int(end) <= high for end in ends):
        return False
    return int(ends[0]) <= int(ends[-1])


@value_rule("backup-uri")
def _backup_uri(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return "is not a URI; use a form such as gs://bucket/path?AUTH=implicit"
    if parts.scheme not in _BACKUP_SCHEMES or not value.startswith(f"{parts.scheme}://"):
        known = ", ".join(f"{scheme}://" for scheme in _BACKUP_SCHEMES)
        return f"is not a URI of a known external storage; start with one of {known}"
    if not parts.netloc:
        return f"names no bucket; use a form such as {parts.scheme}://bucket/path"
    return None


@value_rule("backup-uri-secret")
def _backup_uri_secret(value: str) -> str | None:
    try:
        found = [key for key in parse_qs(urlsplit(value).query) if key.upper() in _SECRET_PARAMETERS]
    except ValueError:
        return None
    if not found:
        return None
    return f"carries a secret ({', '.join(found)}) in plain text; use AUTH=implicit and the nodes' own cloud identity"


@value_rule("backup-name")
def _backup_name(value: str) -> str | None:
    if _BACKUP_NAME.fullmatch(value):
        return None
    return "is not a backup; use LATEST, or a full one as SHOW BACKUPS prints it, such as 2026/11/26-030000.00"


@value_rule("moment")
def _moment(value: str) -> str | None:
    complaint = 'is not a moment; use UTC, in quotes and in the form "2026-11-26 03:10:00"'
    if not _MOMENT.fullmatch(value):
        return complaint
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return complaint
    return None


@value_rule("flag")
def _flag(value: str) -> str | None:
    match = re.fullmatch(r"--([a-z][a-z0-9-]*)(=.*)?", value, re.DOTALL)
    if match is None:
        return "is not a flag; use the form --name=value"
    if match[1] in MANAGED_FLAGS:
        return f"is set by the program; --{match[1]} cannot be given here"
    if match[1] == "enterprise-encryption":
        return (
            "asks for store keys, which nothing here brings to the pods, and without which a store never opens again; "
            "encrypt the disks instead, by their StorageClass"
        )
    return None


@value_rule("server-blocks")
def _server_blocks(value: str) -> str | None:
    depth = 0
    for character in re.sub(r"#.*", "", value):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    return None if depth == 0 else "has braces that do not match; use whole CoreDNS server blocks: `zone:53 { … }`"
