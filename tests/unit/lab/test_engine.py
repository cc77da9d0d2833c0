"""A killed run's objects are taken over, however often the recovery is killed as well."""

import json
from pathlib import Path

import pytest

from lab import engine
from lab.paths import LabPaths
from lab.shell import LabError

PROGRAM = engine.Program(Path("/nowhere"), "project", "test")


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths("test", tmp_path)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict:
    """The stack's deployment, as export and import see it."""
    deployment: dict = {}

    def pulumi(_: LabPaths, __: engine.Program, *words: str, stdin: str | None = None) -> str:
        if words[1] == "import":
            deployment.clear()
            deployment.update(json.loads(stdin or ""))
        return json.dumps(deployment)

    monkeypatch.setattr(engine, "pulumi", pulumi)
    return deployment


def test_a_recovery_that_was_killed_goes_on(paths: LabPaths, state: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[dict] = []

    def shown(_: LabPaths, __: engine.Program, ___: list[str], extra: dict) -> None:
        runs.append(extra)
        if len(runs) == 1:
            raise LabError("killed")

    monkeypatch.setattr(engine, "_shown", shown)
    state |= {"deployment": {"pending_operations": [{"type": "creating"}]}}
    assert engine.clear_dead_run(paths, PROGRAM)
    assert state == {"deployment": {}}
    with pytest.raises(LabError):
        engine.up(paths, PROGRAM, recover=True)
    assert engine.clear_dead_run(paths, PROGRAM), (
        "nothing is pending now, but what the first run made is still unrecorded"
    )
    engine.up(paths, PROGRAM, recover=True)
    assert runs == [engine.RECOVER, engine.RECOVER]
    assert not engine.clear_dead_run(paths, PROGRAM)


def test_a_plain_run_takes_nothing_over(paths: LabPaths, state: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    state |= {"deployment": {}}
    monkeypatch.setattr(engine, "_shown", lambda _, __, ___, extra: extra and pytest.fail("took over"))
    assert not engine.clear_dead_run(paths, PROGRAM)
    engine.up(paths, PROGRAM, recover=False)
