"""The likely fix of each kind of fault, for the cluster DNS and the platform at hand. The texts are in `fixes.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components import strategies

FORWARD_FAULTS = frozenset({"dns-forward-missing", "dns-forward-dead", "dns-cached"})
"""Faults that are mended where the source's forwards are written."""


def fix(
    code: str, *, strategy: str, platform: str | None, dns_kind: str | None, source: str, target: str, subject: str
) -> str:
    """The text for `code`: the strategy's own where it has one, else that of the DNS, the platform, the general one.

    Raises KeyError for a code nobody wrote a fix for.
    """
    words = texts()
    own = (of_strategy(strategy), words["dns"].get(dns_kind, {}), words["platform"].get(platform, {}))
    text: str = next((found[code] for found in own if code in found), None) or words["general"][code]
    if code in FORWARD_FAULTS and dns_kind in words["forwards"]:
        text += f"; forwards live in {words['forwards'][dns_kind]} of {{source}}"
    return text.format(source=source, target=target, subject=subject)


@cache
def texts() -> dict[str, Any]:
    """The file's content: {general: {code: text}, platform: {platform: {code: text}}, dns: {dns kind: {code: text}},
    forwards: {dns kind: where}}.
    """
    return yaml.safe_load((Path(__file__).parent / "fixes.yaml").read_text(encoding="utf-8"))


@cache
def of_strategy(name: str) -> dict[str, str]:
    """{code: text} of `fixes.yaml` in the strategy's package, where there is one; of both in a transition."""
    found: dict[str, str] = {}
    for word in strategies.words(name):
        file = Path(strategies.__file__).parent / strategies.AVAILABLE[word] / "fixes.yaml"
        found |= yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found
