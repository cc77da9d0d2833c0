"""`make up`: lab, `pulumi up`, verification. Every step converges, so it can be killed anywhere and run again."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab import engine, stackfile
from lab.environment import environment
from lab.paths import PROJECT, LabPaths, lab_paths
from lab.shell import LabError
from lab.state import locked

NEXT = """
What to do next:
  {picture}
                                           the regions on a map, as verified; `make picture{make}` draws it anew
  eval "$(.venv/bin/python -m lab env{flag})"   pulumi and kubectl against this lab, in this shell
  pulumi preview                           what the program would change
  kubectl --context {region} -n {region} get pods
  .venv/bin/python -m lab fault --help     break something, then: make verify{make}
  make down{make}                                undo it all
"""

SETTLE_SECONDS = "120"
"""New forwards work once kubelet has refreshed the mounted ConfigMap and CoreDNS has reloaded it (every 30 to 45 s)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one of `up`, `verify`, `picture` and `down`; the exit code.

    Of the first two it is verification's. 0 for a picture that was drawn, whatever it shows, and for `down`. 1, with
    one message on standard error, where the command could not be carried out.
    """
    parser = argparse.ArgumentParser(
        prog="python -m lab.up", description="Bring up, verify, draw or take down a whole stack."
    )
    parser.add_argument("command", choices=("up", "verify", "picture", "down"))
    parser.add_argument("--stack", default="dev", help="the stack file Pulumi.STACK.yaml (default: dev)")
    parser.add_argument("--strategy", help="another strategy than the stack file's")
    parser.add_argument("--name", help="the lab's name (default: the stack's)")
    parser.add_argument("--wait", metavar="S", help="verify again until green, for so many seconds")
    parser.add_argument("--hosts", type=int, default=3, help="hosts per region")
    arguments = parser.parse_args(argv)
    try:
        paths = lab_paths(arguments.name or arguments.stack)
        if arguments.command == "up":
            with locked(paths, "up.lock"):
                return up(paths, arguments.stack, arguments.strategy or None, arguments.hosts)
        if arguments.command == "verify":
            return verify(paths, *(["--wait", arguments.wait] if arguments.wait else []))
        if arguments.command == "picture":
            verify(paths)
            sys.stdout.write(f"{picture(paths)}\n")
            return 0
        _lab(paths, "down")
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return 130
    return 0


def up(paths: LabPaths, stack: str, strategy: str | None, hosts: int) -> int:
    """All of it; the exit code is verification's."""
    begun = time.monotonic()
    copy = stackfile.choose(paths, stack, strategy)
    _lab(paths, "up", "--stack-file", str(copy), "--hosts", str(hosts))
    engine.prepare(paths, stack, strategy)
    program, proof = engine.database(paths), ("--policy-pack", str(PROJECT / "policy"))
    if engine.clear_dead_run(paths, program):
        sys.stderr.write("a run before was killed: taking over what it made\n")
        engine.up(paths, program, *proof, recover=True)
    engine.up(paths, program, *proof, recover=False, preview=stackfile.on_clouds(paths))
    code = verify(paths, "--wait", SETTLE_SECONDS)
    region = _first_region(paths)
    flag, make = words_for(paths.name, stack)
    drawn = picture(paths).relative_to(PROJECT)
    sys.stdout.write(NEXT.format(flag=flag, make=make, region=region, picture=drawn))
    sys.stdout.write(f"\n{time.monotonic() - begun:.0f} s\n")
    return code


def words_for(name: str, stack: str) -> tuple[str, str]:
    """What has to be added to `python -m lab env`, and to `make`, for the lab `name` with `stack` in it: nothing that
    is so by default, as a lab is called like its stack, and the stack is dev."""
    flag = "" if name == "dev" else f" --name {name}"
    return flag, ("" if stack == "dev" else f" STACK={stack}") + ("" if name == stack else f" LAB_NAME={name}")


def verify(paths: LabPaths, *words: str) -> int:
    """The matrix, from inside the regions; its exit code. What was found stays in `.lab/NAME/verify.json`."""
    paths.verdict.unlink(missing_ok=True)
    # Regions on clouds name no kubeconfig: the lab's has a context for each.
    kubeconfig = ["--kubeconfig", str(paths.kubeconfig)]
    return _program(paths, "verify", str(stackfile.refresh(paths)), *kubeconfig, "--json", str(paths.verdict), *words)


def picture(paths: LabPaths) -> Path:
    """The page of the stack, with the health that verification found last, if it could run. Raises LabError."""
    health = ["--verify", str(paths.verdict)] if paths.verdict.exists() else []
    if _program(paths, "topology", str(stackfile.refresh(paths)), *health, "--output", str(paths.picture)) != 0:
        raise LabError("no picture was drawn")
    return paths.picture


def _program(paths: LabPaths, module: str, *words: str) -> int:
    """Run a command of the program's against the lab; its exit code."""
    environ = {**os.environ, **environment(paths)}
    return subprocess.run([sys.executable, "-m", module, *words], cwd=PROJECT, env=environ, check=False).returncode


def _lab(paths: LabPaths, command: str, *words: str) -> None:
    """A command of the lab's own CLI, which becomes root by itself. Raises LabError when it fails."""
    argv = [sys.executable, "-m", "lab", command, "--name", paths.name, *words]
    if subprocess.run(argv, cwd=PROJECT, check=False).returncode != 0:
        raise LabError(f"lab {command} failed; the same command again goes on from here")


def _first_region(paths: LabPaths) -> str:
    from lab.lifecycle import read_world

    return read_world(paths).regions[0].context


if __name__ == "__main__":
    sys.exit(main())
