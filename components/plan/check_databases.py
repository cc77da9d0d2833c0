"""Stack rules about databases: where they live, what they survive, who uses them."""

from __future__ import annotations

from collections.abc import Iterator

from .defaults import MIN_REGIONS_TO_SURVIVE_ONE
from .model import DatabaseSettings, Problem, RegionState, SurvivalGoal
from .rules import Draft, show, stack_rule, suggest


def _databases(draft: Draft) -> Iterator[tuple[str, DatabaseSettings]]:
    for index, database in enumerate(draft.settings.databases):
        yield f"databases[{index}]", database


def _active(draft: Draft) -> list[str]:
    return [region.name for _, region in draft.regions(RegionState.ACTIVE)]


def _not_there(draft: Draft, name: str) -> str:
    states = {region.name: region.state for region in draft.settings.regions}
    if name in states:
        return f"is {states[name]}; a database can only have active regions"
    return f"is not a region of this stack; {suggest(name, _active(draft))}"


@stack_rule("unique-databases")
def _unique_databases(draft: Draft) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for path, database in _databases(draft):
        if database.name in seen and draft.sound(f"{path}.name"):
            yield Problem(
                f"{path}.name", f"{database.name} is the name of {seen[database.name]} too; name each database once"
            )
        seen.setdefault(database.name, path)


@stack_rule("database-regions")
def _regions(draft: Draft) -> Iterator[Problem]:
    if not draft.sound("regions"):
        return
    for path, database in _databases(draft):
        if f"{path}.regions" not in draft.given:
            continue
        if not database.regions and draft.sound(f"{path}.regions"):
            yield Problem(f"{path}.regions", "[] lists no region; list some, or leave the key out for all active ones")
        for name in dict.fromkeys(database.regions):
            if name not in _active(draft):
                yield Problem(f"{path}.regions", f"{show(name)} {_not_there(draft, name)}")
            elif database.regions.count(name) > 1:
                yield Problem(f"{path}.regions", f"{name} is listed twice; list each region once")


@stack_rule("database-primary-region")
def _primary_region(draft: Draft) -> Iterator[Problem]:
    for path, database in _databases(draft):
        at, name = f"{path}.primaryRegion", database.primary_region
        if at not in draft.given or not draft.sound(at, "regions"):
            continue
        if name not in _active(draft):
            yield Problem(at, f"{show(name)} {_not_there(draft, name)}")
        elif name not in database.regions and draft.sound(f"{path}.regions"):
            yield Problem(
                at, f"{name} is not among the database's regions ({', '.join(database.regions)}); add it there"
            )


@stack_rule("database-survival")
def _survival(draft: Draft) -> Iterator[Problem]:
    if not draft.sound("regions"):
        return
    for path, database in _databases(draft):
        count = len([name for name in dict.fromkeys(database.regions) if name in _active(draft)])
        if (
            database.survive == SurvivalGoal.REGION
            and count < MIN_REGIONS_TO_SURVIVE_ONE
            and draft.sound(f"{path}.regions")
        ):
            yield Problem(
                f"{path}.survive",
                f"region asks to outlive a region, which takes at least {MIN_REGIONS_TO_SURVIVE_ONE} active ones, "
                f"not {count}; add regions, or use zone",
            )


@stack_rule("database-users")
def _users(draft: Draft) -> Iterator[Problem]:
    for path, database in _databases(draft):
        names = list(database.users)
        for name in dict.fromkeys(names):
            if name == database.owner:
                yield Problem(f"{path}.users", f"{name} is the database's owner already; list only further users")
            elif names.count(name) > 1:
                yield Problem(f"{path}.users", f"{name} is listed twice; list each user once")
