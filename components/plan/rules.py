"""The registry of everything that can be wrong in a config.

A *value rule* looks at one value and says what is wrong with it and what would be right, or None. A *stack rule* looks
at the whole `Draft` and yields `Problem`s. All are looked up by name at the moment of use, so a test can switch one off
and see that a golden message misses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from .model import Problem, RegionSettings, RegionState, Settings

ValueRule = Callable[[Any], "str | None"]
StackRule = Callable[["Draft"], "Iterable[Problem] | None"]

VALUE_RULES: dict[str, ValueRule] = {}
STACK_RULES: dict[str, StackRule] = {}

RUNNING = (RegionState.ACTIVE, RegionState.DRAINING)
"""States in which a region's nodes are part of the cluster and its API server is called."""

_PLAIN = re.compile(r"[\w./:@*+=$-]{1,80}")


@dataclass(frozen=True)
class Draft:
    """Settings read so far: where a value was refused its default stands in, and its path is in `broken`."""

    settings: Settings
    broken: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    """Paths that the config states itself, as opposed to defaults."""

    def sound(self, *paths: str) -> bool:
        """Whether nothing at, above or below these paths was refused already (a second complaint would be noise)."""
        return not any(_related(path, broken) for path in paths for broken in self.broken)

    def regions(self, *states: RegionState) -> Iterator[tuple[str, RegionSettings]]:
        """`(config path, region)` of the regions in one of `states` (default: active and draining)."""
        for index, region in enumerate(self.settings.regions):
            if region.state in (states or RUNNING):
                yield f"regions[{index}]", region


def value_rule(name: str) -> Callable[[ValueRule], ValueRule]:
    """Register a rule about one value under `name`."""

    def register(rule: ValueRule) -> ValueRule:
        VALUE_RULES[name] = rule
        return rule

    return register


def stack_rule(name: str) -> Callable[[StackRule], StackRule]:
    """Register a rule about a whole config under `name`."""

    def register(rule: StackRule) -> StackRule:
        STACK_RULES[name] = rule
        return rule

    return register


def complain(name: str, value: Any) -> str | None:
    """What the value rule `name` has against `value`."""
    return VALUE_RULES[name](value)


def show(value: Any) -> str:
    """A value as a message shows it: plain where that is unambiguous, else JSON, cut at 80 characters."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _looks_typed(value):
        return value
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where a known word is near, else the list of known words."""
    words = sorted(known)
    by_lower = {name.lower(): name for name in words}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    near = near or [
        name for name in by_lower if min(len(name), len(word)) > 3 and (name in word.lower() or word.lower() in name)
    ]
    if near:
        return f"did you mean {by_lower[near[0]]}?"
    return f"known: {', '.join(words)}" if words else "none is known"


def _looks_typed(text: str) -> bool:
    """Whether YAML without quotes would read the text as a number or boolean: a message must show the quotes then."""
    try:
        return not isinstance(json.loads(text), str)
    except ValueError:
        return False


def _related(path: str, broken: str) -> bool:
    return (
        path == broken or path.startswith((broken + ".", broken + "[")) or broken.startswith((path + ".", path + "["))
    )
