"""This project's own program in the real engine, and the JSON of its previews as `python -m review` reads it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from lab.paths import PROJECT
from tests.conformance.stack import Stack

NAMES = ("us-east1", "us-west1")


class Program(Stack):
    """This project's own program with a stack file, state and settings of the test's."""

    def configure(self, config: dict[str, Any]) -> None:
        """Write the stack file, its encryption salt kept."""
        document = yaml.safe_load(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}
        document["config"] = {f"cockroachdb-multiregion:{key}": value for key, value in config.items()}
        self.file.write_text(yaml.safe_dump(document), encoding="utf-8")

    @property
    def file(self) -> Path:
        return self.folder / "Pulumi.life.yaml"

    def stacked(self, checkout: Path = PROJECT) -> None:
        """A project beside the real one, whose program is that of a checkout of this project."""
        self.folder.mkdir(parents=True)
        project = yaml.safe_load((checkout / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(checkout)
        project["runtime"]["options"]["virtualenv"] = str(PROJECT / ".venv")
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        backend = self.folder / "state"
        backend.mkdir()
        self.environment |= {"PULUMI_BACKEND_URL": f"file://{backend}"}
        made = self.pulumi("stack", "init", "life")
        assert made.code == 0, made.text


def previewed(stack: Stack, *flags: str) -> dict[str, Any]:
    """The JSON of a preview, whatever its end."""
    words = ["pulumi", "preview", "--json", "--show-sames", "--non-interactive", *flags]
    ran = subprocess.run(
        words, cwd=stack.folder, env=stack.environment, capture_output=True, text=True, timeout=180, check=False
    )
    return json.loads(ran.stdout)


def reviewed(preview: dict[str, Any], *flags: str) -> tuple[int, str]:
    """Exit code and words of `python -m review` on a preview."""
    ran = subprocess.run(
        [sys.executable, "-m", "review", *flags, "-"],
        cwd=PROJECT,
        input=json.dumps(preview),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr
