"""Types, parents and names of resources are what a state knows them by: those of earlier versions are all still there.

`tests/golden/names/STACK[+STRATEGY].txt` has those that an early version declared, the commit in its first line; but
for Jobs and their SQL, whose names are hashes of what they do. Whoever renames one gives it an alias, sees an earlier
state come up (tests/engine/test_earlier_states.py), and only then writes the new name into the list.
"""

from pathlib import Path

import pytest

from components.plan import plan
from lab.paths import PROJECT
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from stacks.settings import raw_from_stack_file
from tests.lab.strategies import stack_options
from tests.unit.recording import Recording, Registered, record

NAMES = sorted((PROJECT / "tests" / "golden" / "names").glob("*.txt"))
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
"""Of these some gave way to others, for prefix lists: the new ones let in the same, and are there before the old go."""


@pytest.fixture(autouse=True)
def kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say is read from files that are not here."""
    monkeypatch.setattr("components.platforms.server", lambda _, context: f"https://{context}.example:6443")


def test_there_are_lists() -> None:
    assert {file.stem.partition("+")[0] for file in NAMES} == {"dev", "eks", "multicloud"}


@pytest.mark.parametrize("file", NAMES, ids=lambda file: file.stem)
def test_resources_keep_their_names(file: Path) -> None:
    stack, _, strategy = file.stem.partition("+")
    raw = raw_from_stack_file(PROJECT / f"Pulumi.{stack}.yaml")
    if strategy:
        raw |= {"strategy": strategy, "strategyOptions": stack_options(strategy)}
    settings, addresses = plan(raw)
    recording = record(lambda: outputs(multi_region(settings, addresses, None)), lambda _: {}, preview=True)
    known = file.read_text(encoding="utf-8").splitlines()[1:]
    assert len(known) > 100
    gone = set(known) - {name_in_state(recording, made) for made in recording.resources}
    assert {name for name in gone if not name.partition("::")[0].endswith(INGRESS)} == set()


def name_in_state(recording: Recording, made: Registered) -> str:
    """The types from the outermost parent to the resource, and its name: what of a URN the program says."""
    by_urn = {each.urn: each for each in recording.resources}
    name, types = made.name, [made.type]
    while made.parent in by_urn:
        made = by_urn[made.parent]
        types.insert(0, made.type)
    return f"{'$'.join(types)}::{name}"
