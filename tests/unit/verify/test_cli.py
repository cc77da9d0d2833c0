"""`python -m verify`: exit codes, where output goes, and that bad input is told before anything is touched."""

import json
from pathlib import Path

import pytest

from tests.unit.verify import world
from verify import __main__ as cli
from verify import runner
from verify.measurements import RegionMeasurement
from verify.target import Target

CONFIG = """
config:
  cockroachdb-multiregion:platform: existing
  cockroachdb-multiregion:regions:
"""
REGION = """
    - {{name: {name}, nodes: 3, zones: [{name}-a, {name}-b], kubeconfig: kubeconfig, context: {name},
       dns: {{kind: coredns}}{more}}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.test.yaml"
    path.write_text(CONFIG + "".join(REGION.format(name=name, more="") for name in world.REGIONS))
    return path


class FakeRun:
    """In place of `runner.Run`: measures a world broken by `apply`."""

    apply = staticmethod(lambda measured: None)
    closed = 0

    def __init__(self, target: Target, timeout: float, progress=None) -> None:
        self.id, self.target = "run1", target

    def measure(self) -> list[RegionMeasurement]:
        measured = world.measure(world.target())
        type(self).apply(measured)
        return list(measured.values())

    def close(self) -> list[str]:
        type(self).closed += 1
        return []


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeRun]:
    FakeRun.apply, FakeRun.closed = staticmethod(lambda measured: None), 0
    monkeypatch.setattr(runner, "Run", FakeRun)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    return FakeRun


@pytest.mark.parametrize(
    ("apply", "code"),
    [
        (lambda measured: None, 0),
        (lambda measured: world.lose_zone(measured, world.EAST, 0), 1),
        (lambda measured: world.unreachable(measured, world.EAST), 2),
    ],
    ids=["green", "degraded", "red"],
)
def test_the_exit_code_is_the_verdict(stack: Path, fake: type[FakeRun], apply, code: int, capsys) -> None:
    fake.apply = staticmethod(apply)
    assert cli.main([str(stack)]) == code
    assert "us-west1" in capsys.readouterr().out
    assert fake.closed == 1


def test_waiting_measures_again_until_green(stack: Path, fake: type[FakeRun], capsys) -> None:
    def red_once(measured) -> None:
        if fake.closed == 0:
            world.unreachable(measured, world.EAST)

    fake.apply = staticmethod(red_once)
    assert cli.main([str(stack), "--wait", "60"]) == 0
    assert fake.closed == 2
    said = capsys.readouterr()
    assert "not green yet" in said.err
    assert said.out.count("us-west1") < 5, "only the last verdict is printed"


def test_json_goes_to_a_file_beside_the_matrix(stack: Path, tmp_path: Path, capsys) -> None:
    cli.main([str(stack), "--json", str(tmp_path / "out.json")])
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "green"
    assert capsys.readouterr().out.startswith("From the region")


def test_json_on_stdout_is_alone_there(stack: Path, capsys) -> None:
    cli.main([str(stack), "--json", "-"])
    assert json.loads(capsys.readouterr().out)["contractVersion"] == 1


def test_an_interrupt_cleans_up_and_could_not_run(stack: Path, fake: type[FakeRun], monkeypatch, capsys) -> None:
    def interrupted(self: FakeRun) -> list[RegionMeasurement]:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeRun, "measure", interrupted)
    assert cli.main([str(stack)]) == 3
    assert fake.closed == 1


def test_every_problem_of_a_bad_stack_file_is_told(tmp_path: Path, fake: type[FakeRun], capsys) -> None:
    path = tmp_path / "Pulumi.bad.yaml"
    path.write_text(CONFIG + REGION.format(name="UPPER", more=", sate: lost"))
    assert cli.main([str(path)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("regions[0].name:") for line in lines)
    assert any("sate" in line for line in lines)
    assert fake.closed == 0


def test_a_stack_file_that_is_not_there_is_told(tmp_path: Path, capsys) -> None:
    assert cli.main([str(tmp_path / "no.yaml")]) == 3
    assert "no.yaml: No such file" in capsys.readouterr().err


def test_a_region_that_is_not_listed_is_told(stack: Path, capsys) -> None:
    assert cli.main([str(stack), "--region", "mars"]) == 3
    assert "--region mars" in capsys.readouterr().err


def test_no_kubeconfig_anywhere_could_not_run(stack: Path, fake: type[FakeRun], monkeypatch, capsys) -> None:
    missing = [RegionMeasurement(name, "no-kubeconfig", "there is no kubeconfig at x") for name in world.REGIONS]
    monkeypatch.setattr(FakeRun, "measure", lambda self: missing)
    assert cli.main([str(stack)]) == 3
    assert "us-east1: there is no kubeconfig" in capsys.readouterr().err
