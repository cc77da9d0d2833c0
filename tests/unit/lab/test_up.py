"""`make up` tells what to type next; `make picture` draws what verification found last, and nothing older."""

import json
from pathlib import Path

import pytest

from lab import up
from lab.paths import PROJECT, LabPaths
from lab.shell import LabError
from lab.up import words_for
from tests.unit.topology.samples import three, verdict


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabPaths:
    monkeypatch.setattr(up, "environment", lambda _: {})
    monkeypatch.setattr(up.stackfile, "refresh", lambda _: PROJECT / "Pulumi.dev.yaml")
    return LabPaths("pictured", tmp_path)


def test_without_a_verdict_the_picture_says_so(paths: LabPaths) -> None:
    assert "planned, not verified" in up.picture(paths).read_text()


def test_a_verdict_is_in_the_picture(paths: LabPaths) -> None:
    paths.verdict.write_text(json.dumps(verdict(three(), cut=["us-west1"])))
    assert "verified: red, 2 of 3 pairs are not green" in up.picture(paths).read_text()


def test_a_picture_of_a_red_cluster_is_a_picture(
    paths: LabPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def red(paths: LabPaths) -> int:
        paths.verdict.write_text(json.dumps(verdict(three(), cut=["us-west1"])))
        return 2

    monkeypatch.setattr(up, "lab_paths", lambda _: paths)
    monkeypatch.setattr(up, "verify", red)
    assert up.main(["picture"]) == 0
    assert capsys.readouterr().out == f"{paths.picture}\n"
    assert "verified: red" in paths.picture.read_text()
    assert up.main(["verify"]) == 2


def test_a_verification_that_cannot_run_leaves_no_verdict_of_before(paths: LabPaths) -> None:
    paths.verdict.write_text(json.dumps(verdict(three())))
    assert up.verify(paths) == 3, "there is no kubeconfig"
    assert not paths.verdict.exists()


@pytest.mark.parametrize(("words", "passed"), [([], ()), (["--wait", "60"], ("--wait", "60"))])
def test_verification_waits_if_asked(
    words: list[str], passed: tuple[str, ...], paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "lab_paths", lambda _: paths)
    monkeypatch.setattr(up, "verify", lambda _, *given: len(given) if given == passed else -1)
    assert up.main(["verify", *words]) == len(passed)


def test_a_picture_that_cannot_be_drawn_is_an_error(paths: LabPaths) -> None:
    paths.verdict.write_text("{}")
    with pytest.raises(LabError, match="no picture"):
        up.picture(paths)


@pytest.mark.parametrize(
    ("name", "stack", "flag", "make"),
    [
        ("dev", "dev", "", ""),
        ("other", "dev", " --name other", " LAB_NAME=other"),
        ("gke", "gke", " --name gke", " STACK=gke"),
        ("other", "gke", " --name other", " STACK=gke LAB_NAME=other"),
    ],
)
def test_only_what_is_no_default_is_told(name: str, stack: str, flag: str, make: str) -> None:
    assert words_for(name, stack) == (flag, make)
