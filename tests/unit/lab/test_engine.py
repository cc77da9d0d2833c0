"""A killed run's objects are taken over, however often the recovery is killed as well."""

import json
from pathlib import Path

import pytest

from lab import engine
from lab.paths import LabPaths
from lab.shell import LabError


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths("test", tmp_path)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict:
    """The stack's deployment, as export and import see it."""
    deployment: dict = {}

    def pulumi(_: LabPaths, *words: str, stdin: str | None = None) -> str:
        if words[1] == "import":
            deployment.clear()
            deployment.update(json.loads(stdin or ""))
        return json.dumps(deployment)

    monkeypatch.setattr(engine, "_pulumi", pulumi)
    monkeypatch.setattr(engine, "chosen_stack", lambda _: "test")
    return deployment


def test_a_recovery_that_was_killed_goes_on(paths: LabPaths, state: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[dict] = []

    def shown(_: LabPaths, __: list[str], extra: dict) -> None:
        runs.append(extra)
        if len(runs) == 1:
            raise LabError("killed")

    monkeypatch.setattr(engine, "_shown", shown)
    state |= {"deployment": {"pending_operations": [{"type": "creating"}]}}
    assert engine.clear_dead_run(paths)
    assert state == {"deployment": {}}
    with pytest.raises(LabError):
        engine.up(paths, recover=True)
    assert engine.clear_dead_run(paths), "nothing is pending now, but what the first run made is still unrecorded"
    engine.up(paths, recover=True)
    assert runs == [engine.RECOVER, engine.RECOVER]
    assert not engine.clear_dead_run(paths)


def test_a_plain_run_takes_nothing_over(paths: LabPaths, state: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    state |= {"deployment": {}}
    monkeypatch.setattr(engine, "_shown", lambda _, __, extra: extra and pytest.fail("took over"))
    assert not engine.clear_dead_run(paths)
    engine.up(paths, recover=False)
