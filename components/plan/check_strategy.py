"""Stack rules that need the strategy: it is one this version has, and it does not refuse the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..strategies import AVAILABLE, PLANNED, strategy
from .model import Problem
from .rules import Draft, show, stack_rule, suggest


@stack_rule("strategy-known")
def _known(draft: Draft) -> Iterator[Problem]:
    name = draft.settings.strategy
    if not draft.sound("strategy") or name in AVAILABLE:
        return
    here = f"this version has {', '.join(AVAILABLE)}"
    if name in PLANNED:
        yield Problem("strategy", f"{name} is a known strategy, but not in this version; {here}")
    else:
        yield Problem("strategy", f"{show(name)} is not a strategy; {suggest(name, [*AVAILABLE, *PLANNED])} ({here})")


@stack_rule("strategy-refuses")
def _refuses(draft: Draft) -> Iterable[Problem]:
    name = draft.settings.strategy
    if name not in AVAILABLE or draft.broken & {"regions"}:
        return ()
    return strategy(name).refuses(draft.settings)
