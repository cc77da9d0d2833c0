"""The wheel, built and installed into an environment of its own, as other people's programs have it."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.paths import PROJECT
from lab.venv import find_uv, python

PINNED = re.compile(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+(?: ;[^\\]*)?", re.MULTILINE)
"""What of a line of requirements.txt says a version; hashes come after it."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel and what it asks for, in the versions that this project is tested with."""

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, *extras: str) -> None:
        """Install the wheel with these extras."""
        wanted = f"{self.wheel}[{','.join(extras)}]" if extras else str(self.wheel)
        constraints = self.folder / "constraints.txt"
        constraints.write_text("\n".join(PINNED.findall((PROJECT / "requirements.txt").read_text())))
        _uv("pip", "install", "--quiet", f"--python={self.python}", f"--constraints={constraints}", wanted)

    def run(self, source: str) -> str:
        """What a few lines print, far from this folder."""
        argv = [str(self.python), "-c", source]
        return subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=True, timeout=120).stdout


def installed(folder: Path) -> Installed:
    """Build the wheel and install it in a new environment in `folder`. Raises CalledProcessError."""
    _uv("build", "--wheel", "--quiet", f"--out-dir={folder / 'dist'}", str(PROJECT))
    (wheel,) = (folder / "dist").glob("*.whl")
    _uv("venv", "--quiet", f"--python={python()}", str(folder / "venv"))
    made = Installed(folder / "venv", wheel)
    made.install()
    return made


def _uv(*words: str) -> None:
    uv = find_uv()
    assert uv, "uv can't be installed here"
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": ""}
    subprocess.run([uv, *words], env=environment, check=True, timeout=300)
