"""The lab's own answers to what kubeconfigs of clouds ask for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab.clouds import auth
from lab.paths import LabPaths

GCLOUD = ["gke-gcloud-auth-plugin", "--use_application_default_credentials"]
AWS = ["aws", "--region", "us-east-1", "eks", "get-token", "--cluster-name", "c", "--output", "json"]


def run(paths: LabPaths, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(paths.root / "bin" / argv[0]), *argv[1:]], capture_output=True, text=True, check=False)


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    made = LabPaths("t", tmp_path / "with a space")
    auth.ensure(made)
    return made


@pytest.mark.parametrize("argv", [GCLOUD, AWS])
def test_a_credential_has_the_servers_token(paths: LabPaths, argv: list[str]) -> None:
    token, user, _, group = auth.token_file(paths).read_text().strip().split(",")
    credential = json.loads(run(paths, *argv).stdout)
    assert credential["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert credential["status"]["token"] == token
    assert (user, group) == (auth.USER, '"system:masters"')


def test_the_token_is_its_owners_and_stays(paths: LabPaths) -> None:
    file = auth.token_file(paths)
    before = file.read_text()
    auth.ensure(paths)
    assert file.read_text() == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(before.split(",")[0] in script.read_text() for script in (paths.root / "bin").iterdir())


@pytest.mark.parametrize(
    ("argv", "knows"), [(["aws", "s3", "ls"], "get-token"), (GCLOUD[:1], "application-default credentials only")]
)
def test_they_answer_to_nothing_else(paths: LabPaths, argv: list[str], knows: str) -> None:
    done = run(paths, *argv)
    assert done.returncode != 0
    assert knows in done.stderr
