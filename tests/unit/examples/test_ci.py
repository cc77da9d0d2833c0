"""The CI files to copy: lint clean, keep no key, ask for little, and do what they say as far as that runs here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import tools
from lab.venv import UV

ROOT = Path(__file__).parents[3]
CI = ROOT / "examples" / "ci"
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((CI / "github/workflows").glob("*.yml"))
SCRIPTS = sorted(CI.rglob("*.sh"))
GITLAB = CI / "gitlab/.gitlab-ci.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The files where GitHub looks for them."""
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    shutil.copytree(CI / "github", folder / ".github")
    return folder


def actionlint(repository: Path) -> str:
    tools.demand("actionlint")
    flags = ["-no-color", f"-shellcheck={BIN / 'shellcheck'}", "-pyflakes="]
    ran = subprocess.run(
        [str(tools.bin_dir() / "actionlint"), *flags], cwd=repository, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def test_github_workflows_pass_actionlint(repository: Path) -> None:
    assert actionlint(repository) == ""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("aws-role:", "aws-rol:", 'input "aws-rol" is not defined in action "Prepare Pulumi"'),
        ("matrix.stack", "matrix.stak", 'property "stak" is not defined'),
        ('"$STACK"', "$STACK", "SC2086"),
    ],
)
def test_actionlint_sees_into_the_files(repository: Path, old: str, new: str, complaint: str) -> None:
    file = repository / ".github/workflows/pull-request.yml"
    file.write_text(file.read_text().replace(old, new))
    assert complaint in actionlint(repository)


@pytest.mark.parametrize("file", [*WORKFLOWS, CI / "github/actions/prepare/action.yml"], ids=lambda file: file.name)
def test_actions_are_pinned_and_no_key_is_stored(file: Path) -> None:
    text = file.read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for action, comment in used:
        local = action.startswith("./")
        assert local or (re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action) and "# v" in comment), action
    assert "secrets." not in text


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_jobs_ask_for_little(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        asked = dict(job["permissions"])
        assert asked.pop("contents") == "read"
        if asked.pop("id-token", None):
            assert "environment" in job, "an identity is bound to an environment"
        assert asked == ({"pull-requests": "write"} if file.name == "pull-request.yml" and asked else {})
        assert job["timeout-minutes"]


def test_only_an_approved_job_updates_and_one_at_a_time() -> None:
    updating = [
        (file.name, job)
        for file in WORKFLOWS
        for job in yaml.safe_load(file.read_text())["jobs"].values()
        if "pulumi up" in json.dumps(job)
    ]
    ((name, job),) = updating
    assert name == "deploy.yml"
    assert job["environment"] == "${{ matrix.stack }}"
    assert job["concurrency"] == {"group": "pulumi-${{ matrix.stack }}", "cancel-in-progress": False}
    gitlab = yaml.safe_load(GITLAB.read_text())
    (up,) = [job for job in gitlab.values() if isinstance(job, dict) and "pulumi up" in json.dumps(job.get("script"))]
    assert (up["resource_group"], up["environment"]["name"]) == ("pulumi-$STACK", "$STACK")
    assert up["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "push"', "when": "manual"}]


def gitlab_schema(file: Path) -> subprocess.CompletedProcess[str]:
    """GitLab's published schema, as check-jsonschema brings it."""
    words = ["--builtin-schema=vendor.gitlab-ci", "--data-transform=gitlab-ci", str(file)]
    return subprocess.run([str(BIN / "check-jsonschema"), *words], capture_output=True, text=True, timeout=60)


def test_gitlab_pipeline_passes_its_schema(tmp_path: Path) -> None:
    passed = gitlab_schema(GITLAB)
    assert passed.returncode == 0, passed.stdout
    broken = tmp_path / ".gitlab-ci.yml"
    broken.write_text(GITLAB.read_text().replace("action: access", "action: look"))
    assert gitlab_schema(broken).returncode == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_pass_shellcheck(script: Path) -> None:
    checked = subprocess.run([str(BIN / "shellcheck"), str(script)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's environment, and a `pulumi` that answers as it is told."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / ".venv").symlink_to(BIN.parent)
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'echo "$@" >>"$CALLS"\n'
        'case "$*" in *--json*) cat "$PREVIEW" ;; *--diff*) echo "+ a resource"; exit "$DIFF_CODE" ;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return folder


@pytest.mark.parametrize(("diff_code", "refuses", "code"), [(0, False, 0), (255, False, 1), (0, True, 1)])
def test_preview_script(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, diff_code: int, refuses: bool, code: int
) -> None:
    diagnostics = [{"severity": "error", "message": "error: regions[0].cidr: moved"}] if refuses else []
    document = {"steps": [], "changeSummary": {}, "diagnostics": diagnostics}
    (checkout / "preview").write_text(json.dumps(document))
    monkeypatch.setenv("PREVIEW", str(checkout / "preview"))
    monkeypatch.setenv("DIFF_CODE", str(diff_code))
    ran = subprocess.run(
        [str(CI / "preview.sh"), "gke", "--refresh"], cwd=checkout, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == code, ran.stderr
    comment = (checkout / ".review/comment.md").read_text()
    assert ("**Refused**" in comment) == refuses
    assert f"of gke: exit code {diff_code}" in comment
    assert "+ a resource" in comment
    calls = Path(os.environ["CALLS"]).read_text().splitlines()
    assert all("--stack gke" in call and "--refresh" in call for call in calls)
    assert [call for call in calls if "--policy-pack policy" in call] == calls[:1]


class Notes(HTTPServer):
    """A merge request's notes, as GitLab's API has them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _NotesHandler)
        self.notes: dict[int, str] = {7: "somebody's own"}
        self.tokens: set[str | None] = set()


class _NotesHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Notes)
        self._answer([{"id": number, "body": body} for number, body in self.server.notes.items()])

    def do_POST(self) -> None:
        self._write(max(self._notes()) + 1)

    def do_PUT(self) -> None:
        self._write(int(self.path.rpartition("/")[2]))

    def _notes(self) -> dict[int, str]:
        assert isinstance(self.server, Notes)
        self.server.tokens.add(self.headers["PRIVATE-TOKEN"])
        return self.server.notes

    def _write(self, number: int) -> None:
        self._notes()[number] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        self._answer({"id": number})

    def _answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read stderr."""


@pytest.fixture
def notes() -> Iterator[Notes]:
    server = Notes()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)


needs_jq = pytest.mark.skipif(shutil.which("jq") is None or shutil.which("curl") is None, reason="needs curl and jq")


@needs_jq
def test_gitlab_note_is_made_once_and_then_changed(tmp_path: Path, notes: Notes) -> None:
    file = tmp_path / "comment.md"
    environment = {
        "PATH": os.environ["PATH"],
        "CI_API_V4_URL": f"http://127.0.0.1:{notes.server_port}/api/v4",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "2",
        "STACK": "gke",
    }

    def comment(text: str, **more: str) -> None:
        file.write_text(text)
        subprocess.run([str(CI / "gitlab/comment.sh"), str(file)], env=environment | more, check=True, timeout=60)

    comment("without a token")
    assert notes.notes == {7: "somebody's own"}
    comment("first «quoted»", REVIEW_TOKEN="token")
    comment("eks", REVIEW_TOKEN="token", STACK="eks")
    comment('second, with "quotes"', REVIEW_TOKEN="token")
    assert notes.notes == {
        7: "somebody's own",
        8: '<!-- preview of gke -->\nsecond, with "quotes"',
        9: "<!-- preview of eks -->\neks",
    }
    assert notes.tokens == {"token"}


@needs_jq
def test_gitlab_login_keeps_no_key(checkout: Path) -> None:
    gcloud = checkout.parent / "bin" / "gcloud"
    gcloud.write_text("#!/bin/sh\n")
    gcloud.chmod(0o755)
    script = (
        f". {CI / 'gitlab/login.sh'}\n"
        'cat "$GOOGLE_APPLICATION_CREDENTIALS" "$AWS_WEB_IDENTITY_TOKEN_FILE"; echo; echo "$AWS_ROLE_SESSION_NAME"'
    )
    own = {
        "GCP_AUDIENCE": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/g",
        "GCP_SERVICE_ACCOUNT": "preview@project.iam.gserviceaccount.com",
        "GCP_TOKEN": "token for google",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/preview",
        "AWS_TOKEN": "token for amazon",
        "CI_JOB_ID": "42",
        "PULUMI_ORGANIZATION": "acme",
        "PULUMI_TOKEN": "token for pulumi",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    credentials, end = json.JSONDecoder().raw_decode(ran.stdout)
    assert ran.stdout[end:].split("\n")[-3:] == ["token for amazon", "gitlab-42", ""]
    assert credentials["type"] == "external_account"
    assert credentials["audience"] == own["GCP_AUDIENCE"]
    assert Path(credentials["credential_source"]["file"]).read_text() == "token for google"
    assert own["GCP_SERVICE_ACCOUNT"] in credentials["service_account_impersonation_url"]
    (login,) = Path(os.environ["CALLS"]).read_text().splitlines()
    assert re.fullmatch(r"login --oidc-token file://\S+ --oidc-org acme --oidc-expiration 1h", login)


def test_the_versions_are_the_projects_own() -> None:
    pulumi = re.search(r"Version=v([\d.]+)", tools.PULUMI_FLAGS)
    assert pulumi is not None
    for file in (CI / "github/actions/prepare/action.yml", GITLAB):
        assert pulumi[1] in file.read_text()
    for file in (CI / "github/actions/prepare/action.yml", CI / "github/workflows/pull-request.yml"):
        assert f"version: {UV.partition('==')[2]}" in file.read_text()
