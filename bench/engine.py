"""Runs of the real `pulumi` in a folder of their own: nothing of the user's Pulumi is read or written."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cockroachdb-multiregion" / "bin"
SAMPLE_SECONDS = 0.1
PARALLEL = 1024
"""Resource operations at once. The engine's default is four per CPU of the machine that it runs on, which has nothing
to do with operations that wait for a cloud: with 8 workers, nine load balancers of 40 s take 80 s."""


class BenchError(RuntimeError):
    """A run failed; the message ends with its last lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """One `pulumi` run: wall time, and the most memory that it and what it started had resident at once."""

    seconds: float
    peak_mib: float
    output: str


class Workspace:
    """A project folder whose program is this repository's (or `main`), with its own backend and one stack, `bench`."""

    def __init__(self, folder: Path, config: dict[str, Any], main: Path = ROOT) -> None:
        self.folder = folder
        self._env = {
            "PATH": f"{BIN}:{BIN / 'plugins'}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_PARALLEL": str(PARALLEL),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PYTHONPATH": str(ROOT),
        }
        for name in ("home", "backend", "project"):
            (folder / name).mkdir(parents=True)
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        project["main"] = str(main)
        project["runtime"]["options"] = {"virtualenv": str(ROOT / ".venv")}
        (folder / "project" / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        self._stack_file = folder / "project" / "Pulumi.bench.yaml"
        self.configure(config)
        self.run("stack", "init", "bench")

    def configure(self, config: dict[str, Any]) -> None:
        """Another config for the same stack."""
        before = yaml.safe_load(self._stack_file.read_text()) if self._stack_file.exists() else {}
        stack = {"config": {f"cockroachdb-multiregion:{key}": value for key, value in config.items()}}
        self._stack_file.write_text(yaml.safe_dump({**before, **stack}))

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> Run:
        """`pulumi …`, to its end. Raises BenchError."""
        argv = ["pulumi", *arguments, "--non-interactive", "-C", str(self.folder / "project")]
        return timed(argv, {**self._env, **(environment or {})})

    def up(self, environment: dict[str, str], *options: str) -> Run:
        return self.run("up", "--yes", "--skip-preview", "--stack", "bench", *options, environment=environment)

    def preview(self, environment: dict[str, str]) -> Run:
        return self.run("preview", "--stack", "bench", environment=environment)

    def resources(self) -> list[dict[str, Any]]:
        """The deployment's resources, what is waited for first."""
        return json.loads(self.run("stack", "export", "--stack", "bench").output)["deployment"]["resources"]


def timed(argv: list[str], environment: dict[str, str]) -> Run:
    """A command from the project's folder, to its end, with `environment` over this process's. Raises BenchError."""
    merged = {**os.environ, **environment}
    program = shutil.which(argv[0], path=merged["PATH"]) or argv[0]
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [program, *argv[1:]],
            cwd=ROOT,
            env=merged,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        memory = _Sampler(process.pid)
        memory.start()
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
            memory.stop()
        seconds = time.monotonic() - started
        output.seek(0)
        text = output.read()
    if code:
        raise BenchError(f"{shlex.join(argv)}: exit code {code}\n" + "\n".join(text.splitlines()[-40:]))
    return Run(seconds, memory.peak / 2**20, text)


class _Sampler(threading.Thread):
    """Adds up the resident memory of a process and its descendants until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stop_event = threading.Event()
        self.peak = 0

    def stop(self) -> None:
        self._stop_event.set()
        self.join()

    def run(self) -> None:
        while not self._stop_event.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(_resident(pid) for pid in _family(self._pid)))


def _family(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    family = {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
