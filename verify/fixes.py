"""The likely fix of each kind of fault, for the cluster DNS and the platform at hand. The texts are in `fixes.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FORWARD_FAULTS = frozenset({"dns-forward-missing", "dns-forward-dead", "dns-cached"})
"""Faults that are mended where the source's forwards are written."""


def fix(
    code: str,
    *,
    platform: str | None,
    dns_kind: str | None,
    source: str,
    target: str,
    subject: str,
    asks_itself: bool = False,
) -> str:
    """The text for `code`, the platform's own where there is one. Raises KeyError for a code nobody wrote a fix for.

    `asks_itself`: the source's own servers answer for the target's zone.
    """
    words = texts()
    asked = (words["asks-itself"] if asks_itself else {}).get(code)
    own = words["dns"].get(dns_kind, {}).get(code) or words["platform"].get(platform, {}).get(code)
    text: str = asked or own or words["general"][code]
    if code in FORWARD_FAULTS and dns_kind in words["forwards"]:
        text += f"; forwards live in {words['forwards'][dns_kind]} of {{source}}"
    return text.format(source=source, target=target, subject=subject)


@cache
def texts() -> dict[str, Any]:
    """The file's content: {general: {code: text}, platform: {platform: {code: text}}, dns: {dns kind: {code: text}},
    forwards: {dns kind: where}}.
    """
    return yaml.safe_load((Path(__file__).parent / "fixes.yaml").read_text(encoding="utf-8"))
