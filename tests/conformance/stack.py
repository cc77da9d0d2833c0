"""A small Pulumi project in a folder of its own, driven through the real CLI."""

from __future__ import annotations

import json
import signal
import subprocess
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent.parent
TIMEOUT = 180.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one command did: its exit code, all it printed, and the engine's events."""

    code: int
    text: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps(self) -> dict[str, str]:
        """Resource name -> what was done, or would be (create, update, replace, delete, same, import, …)."""
        done: dict[str, str] = {}
        for event in self.events:
            metadata = event.get("resourcePreEvent", {}).get("metadata")
            if metadata and "pulumi:providers:" not in metadata["type"] and metadata["type"] != "pulumi:pulumi:Stack":
                name = metadata["urn"].rsplit("::", 1)[1]
                if metadata["op"] in ("create-replacement", "delete-replaced", "discard-replaced"):
                    continue
                done[name] = metadata["op"]
        return done

    @property
    def order(self) -> list[tuple[str, str]]:
        """(operation, name) of every step that was started, the parts of a replacement too."""
        found = [event["resourcePreEvent"]["metadata"] for event in self.events if "resourcePreEvent" in event]
        return [(each["op"], each["urn"].rsplit("::", 1)[1]) for each in found]

    def details(self, name: str) -> dict[str, str]:
        """Property path -> kind of difference, of one resource's step."""
        for event in self.events:
            metadata = event.get("resourcePreEvent", {}).get("metadata")
            if metadata and metadata["urn"].endswith(f"::{name}") and metadata.get("detailedDiff"):
                return {path: each["diffKind"] for path, each in metadata["detailedDiff"].items()}
        return {}


@dataclass(slots=True)
class Stack:
    """One project with one stack, `test`, its state in a file backend beside it."""

    folder: Path
    environment: dict[str, str]
    header: str = ""

    def init(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = json.dumps({"name": "python", "options": {"virtualenv": str(PROJECT / ".venv")}})
        (self.folder / "Pulumi.yaml").write_text(f"name: conformance\nruntime: {options}\n")
        self.program("")
        backend = self.folder / "state"
        backend.mkdir()
        self.environment |= {"PULUMI_BACKEND_URL": f"file://{backend}"}
        assert self.pulumi("stack", "init", "test").code == 0

    def program(self, source: str) -> None:
        (self.folder / "__main__.py").write_text(textwrap.dedent(self.header) + textwrap.dedent(source))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and return at once."""
        argv = ["pulumi", *arguments, "--non-interactive", "--color=never"]
        return subprocess.Popen(
            argv,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def pulumi(self, *arguments: str) -> Run:
        return self.finish(self.start(*arguments))

    def finish(self, process: subprocess.Popen[str], timeout: float = TIMEOUT) -> Run:
        """Wait for a started command."""
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            text, _ = process.communicate()
            raise AssertionError(f"no end after {timeout} s:\n{text}") from None
        log = self.folder / "events.json"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return Run(process.returncode, text, events)

    def engine(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        skip = () if command == "preview" else ("--yes", "--skip-preview")
        return self.start(command, *skip, f"--event-log={self.folder / 'events.json'}", *arguments)

    def up(self, source: str | None = None, *arguments: str, fails: bool = False) -> Run:
        """Run `pulumi up` of a program (of the last one without `source`) and check that it ends as it should."""
        return self._checked("up", source, arguments, fails)

    def preview(self, source: str | None = None, *arguments: str, fails: bool = False) -> Run:
        return self._checked("preview", source, arguments, fails)

    def refresh(self, *arguments: str, fails: bool = False) -> Run:
        return self._checked("refresh", None, arguments, fails)

    def destroy(self, *arguments: str, fails: bool = False) -> Run:
        return self._checked("destroy", None, arguments, fails)

    def _checked(self, command: str, source: str | None, arguments: tuple[str, ...], fails: bool) -> Run:
        if source is not None:
            self.program(source)
        run = self.finish(self.engine(command, *arguments))
        assert (run.code != 0) == fails, run.text
        return run

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json", "--show-secrets").text)

    def state(self) -> dict[str, dict[str, Any]]:
        """The state's resources by name, with secrets as ciphertext."""
        resources = json.loads(self.state_text())["deployment"].get("resources", [])
        return {each["urn"].rsplit("::", 1)[1]: each for each in resources}

    def state_text(self) -> str:
        return self.pulumi("stack", "export").text
