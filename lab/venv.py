"""The project's Python environment, from uv.lock by uv, or from its export by pip. Standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab.paths import PROJECT, cache_dir
from lab.shell import LabError

VENV = PROJECT / ".venv"
STAMP = VENV / ".made-from"
UV = "uv==0.13.9"
REQUIREMENTS = "requirements.txt"
"""What `uv export --frozen --group dev --no-emit-project --no-header -o requirements.txt` makes of uv.lock."""


def python() -> Path:
    """The environment's interpreter."""
    return VENV / "bin" / "python"


def current() -> bool:
    """Whether `.venv` is what the lock asks for."""
    return python().exists() and STAMP.exists() and STAMP.read_text() == _key()


def make() -> None:
    """Make `.venv`, or bring it to the lock. Raises LabError with the installer's words."""
    uv = find_uv()
    if uv:
        # Some networks put a certificate authority of their own before the registry: the system knows it.
        trust = {"UV_SYSTEM_CERTS": "true"}
        environment = {**trust, **os.environ, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": ""}
        command = [uv, "sync", "--frozen", "--group", "dev", "--python", _interpreter(), "--quiet"]
        # Compiling everything pays once: the largest provider SDKs take seconds to import without bytecode.
        _run(command if python().exists() else [*command, "--compile-bytecode"], environment)
    else:
        _make_with_pip()
    STAMP.write_text(_key())


def find_uv() -> str | None:
    """uv from PATH, else one installed by pip into a private environment; None where pip can't have it."""
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return found
    home = cache_dir() / "uv"
    if not (home / "bin" / "uv").exists():
        try:
            _run([sys.executable, "-m", "venv", str(home)])
            _run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", UV])
        except LabError:
            shutil.rmtree(home, ignore_errors=True)
            return None
    return str(home / "bin" / "uv")


def _make_with_pip() -> None:
    """Without uv: the same versions, from the lock's export, their hashes checked."""
    if not python().exists():
        _run([sys.executable, "-m", "venv", str(VENV)])
    _run([str(python()), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(PROJECT / REQUIREMENTS)])


def _interpreter() -> str:
    """An existing environment keeps its interpreter; a new one gets the one that runs this."""
    return str(python()) if python().exists() else sys.executable


def _key() -> str:
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "uv.lock", REQUIREMENTS):
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()


def _run(argv: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        hint = "\n(Debian: apt-get install python3-venv)" if "ensurepip" in words else ""
        raise LabError(f"{' '.join(argv)} failed:\n{words}{hint}")
