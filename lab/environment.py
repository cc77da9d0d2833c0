"""The environment in which plain `pulumi` and `kubectl` work against a lab."""

from __future__ import annotations

import os
import secrets
import shlex

from lab import stackfile
from lab.paths import PROJECT, LabPaths, cache_dir, no_lab
from lab.tools import bin_dir, link_plugins

PARALLEL = "256"
"""Operations at once. The engine's default, four per CPU, makes regions queue that wait for nothing but an answer."""


def environment(paths: LabPaths) -> dict[str, str]:
    """The variables, the whole PATH among them. Makes the state's folder and its passphrase where they are not."""
    backend = paths.root / "pulumi"
    backend.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = [
        str(paths.root / "bin"),
        str(link_plugins(paths)),
        str(bin_dir()),
        *_private_uv(),
        os.environ.get("PATH", ""),
    ]
    return {
        "PATH": ":".join(path),
        "KUBECONFIG": str(paths.kubeconfig),
        "LAB_NAME": paths.name,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(paths)),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_PARALLEL": PARALLEL,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _private_uv() -> list[str]:
    """The real Python language host asks for uv; where only the set-up's own is there, that is it."""
    folder = cache_dir() / "uv" / "bin"
    return [str(folder)] if (folder / "uv").exists() else []


def exports(paths: LabPaths) -> str:
    """Shell text for `eval`. Raises LabError where the lab was never brought up, or runs no stack yet."""
    if not paths.kubeconfig.exists():
        raise no_lab(paths)
    shown = {**environment(paths), "PULUMI_STACK": stackfile.chosen_stack(paths)}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in shown.items())


def _passphrase(paths: LabPaths) -> str:
    """The file with the passphrase that encrypts this lab's state: made once, its owner's alone."""
    file = paths.root / "passphrase"
    if not file.exists():
        fresh = paths.root / "passphrase.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(32))
        fresh.replace(file)
    return str(file)


WRAPPER = """#!/bin/sh
# Runs pulumi on this lab's copy of the stack file (brought up to date first), from its own project folder.
case "$1" in
config|version|plugin|help|"") exec {pulumi} "$@" ;;
esac
{python} -c 'from lab.paths import lab_paths; from lab.stackfile import refresh; refresh(lab_paths("{name}"))' || exit
exec {pulumi} -C {project} "$@"
"""


def write_wrapper(paths: LabPaths) -> None:
    """Put a `pulumi` before the real one on the lab's PATH, so that plain commands leave tracked files as they are."""
    file = paths.root / "bin" / "pulumi"
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    values = {
        "pulumi": shlex.quote(str(bin_dir() / "pulumi")),
        "python": f"env PYTHONPATH={shlex.quote(str(PROJECT))} {shlex.quote(str(PROJECT / '.venv/bin/python'))}",
        "name": paths.name,
        "project": shlex.quote(str(paths.root / "project")),
    }
    content = WRAPPER.format(**values)
    if not file.exists() or file.read_text() != content:
        fresh = file.with_name("pulumi.new")
        fresh.write_text(content)
        fresh.chmod(0o755)
        fresh.replace(file)
