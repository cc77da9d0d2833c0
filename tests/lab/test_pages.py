"""The pages that a newcomer types from, command by command, in a copy of the repository and a lab of its own."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from lab.packages import privilege_problem
from tests.pages import commands as pages

LAB = "page"
SECONDS = 900
"""`make up` of three regions takes a minute on two idle cores; tests run where others do."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(privilege_problem() is not None, reason="a lab needs root"),
]


@dataclass
class Shell:
    """A reader's shell: what one command exports, the next one has."""

    folder: Path
    times: list[tuple[float, str]] = field(default_factory=list)

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run it. Its failure is the test's to judge."""
        kept = self.folder / ".lab" / "exports"
        kept.parent.mkdir(exist_ok=True)
        script = f'test ! -e "{kept}" || . "{kept}"\n{command}\ncode=$?\nexport -p > "{kept}"\nexit $code\n'
        environment = {**os.environ, "LAB_NAME": LAB}
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        self.times.append((time.monotonic() - begun, command))
        return done

    def succeed(self, command: str) -> str:
        """Run it; what it printed."""
        done = self.type(command)
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell() -> Iterator[Shell]:
    """In a copy of the repository; its lab is taken down whatever happens."""
    # Not pytest's folder: pods' users have to get through, and sockets' paths end at 107 characters.
    with TemporaryDirectory(prefix="page-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        made = Shell(pages.scratch(Path(folder)))
        try:
            yield made
        finally:
            made.type("make down")
            print("\n".join(f"{seconds:6.1f} s  {command}" for seconds, command in made.times))  # noqa: T201


def matrix(printed: str) -> dict[str, list[str]]:
    """The last matrix of an output: region -> its row, in words."""
    rows = re.split(r"From the region in a row.*?\n\n", printed, flags=re.DOTALL)[-1].split("\n\n")[0].splitlines()[1:]
    return {row.split()[0]: re.split(r"\s{2,}", row.strip())[1:] for row in rows}


def all_ok(printed: str, regions: int) -> bool:
    found = matrix(printed)
    return len(found) == regions and all(row == ["ok"] * regions for row in found.values())


def test_the_tutorial(shell: Shell) -> None:
    """A region is cut off, named, drawn and healed; an app comes, and a fourth region; what is bad is refused."""
    steps = iter(pages.commands("docs/tutorial.md"))

    def until(text: str) -> str:
        """Every command before the next one that is `text` succeeds; `text` is for the test to type."""
        for step in steps:
            if step.text == text:
                return text
            shell.succeed(step.text)
        pytest.fail(f"the tutorial has no {text!r} any more")

    assert all_ok(shell.succeed(until("make up")), 3)
    assert "contractVersion" in shell.succeed(until("pulumi stack output"))
    preview = shell.succeed(until("pulumi preview"))
    assert "unchanged" in preview
    assert not re.search(r"\d+ to (create|update|delete|replace)", preview)

    broken = shell.type(until("make verify"))
    assert broken.returncode != 0
    red = matrix(broken.stdout)
    assert all("ok" not in row for row in (red["us-west1"][:2], [red["us-east1"][2]], [red["us-central1"][2]]))
    assert red["us-east1"][:2] == red["us-central1"][:2] == ["ok", "ok"]
    assert "route" in broken.stdout

    shell.succeed(until("make picture"))
    assert "verified: red" in (shell.folder / ".lab" / LAB / "topology.html").read_text()

    assert all_ok(shell.succeed(until("make verify WAIT=60")), 3)
    told = shell.succeed(until("make app"))
    assert all(re.search(rf"^{region} +ledger-\S+ +{region} ", told, re.MULTILINE) for region in matrix(broken.stdout))
    shell.succeed(until("pulumi -C .lab/dev/app-team destroy").replace("/dev/", f"/{LAB}/") + " --yes")

    file = shell.folder / "Pulumi.dev.yaml"
    fourth, meant = pages.blocks("docs/tutorial.md", "yaml")
    _append_region(file, fourth)
    review = shell.succeed(until("pulumi preview --json --show-sames | .venv/bin/python -m review -"))
    assert re.match(r"dev: \d+ resources change in 4 of 4 regions, nothing refused", review), review
    assert all_ok(shell.succeed(until("make up")), 4)
    good = file.read_text()
    _overlapping(file)
    refused = shell.type("make up")
    assert refused.returncode != 0
    assert "regions[3].cidr: 10.1.0.0/16 overlaps regions[0].cidr" in refused.stdout + refused.stderr

    file.write_text(good)
    assert shell.type(until("pulumi destroy") + " --yes").returncode != 0
    file.write_text(good + meant)
    shell.succeed(until("pulumi up") + " --yes")
    shell.succeed(until("pulumi destroy") + " --yes")
    shell.succeed(until("make down"))
    assert [step.text for step in steps] == []
    assert not (shell.folder / ".lab" / LAB).exists()


def test_the_labs_own_page(shell: Shell) -> None:
    for step in pages.commands("lab/README.md"):
        printed = shell.succeed(step.text)
        if step.text == "make up":
            assert all_ok(printed, 3)
    assert not (shell.folder / ".lab" / LAB).exists()


def _append_region(file: Path, entry: str) -> None:
    """The page's region at the end of the list of regions, as text: a reader keeps the file's comments."""
    text = file.read_text()
    head, mark, rest = text.partition("  cockroachdb-multiregion:cockroachdb:")
    assert mark
    file.write_text(f"{head}{entry}{mark}{rest}")
    assert len(yaml.safe_load(file.read_text())["config"]["cockroachdb-multiregion:regions"]) == 4


def _overlapping(file: Path) -> None:
    """The mistake that the page proposes: the first region's range for the fourth one."""
    text = file.read_text()
    file.write_text(text.replace("    - name: europe-west1\n", "    - name: europe-west1\n      cidr: 10.1.0.0/16\n"))
