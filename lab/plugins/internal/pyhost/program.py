"""Runs one Pulumi program: the language host starts it as `python -u -c <this> PROGRAM [ARGS…]`.

Settings come as JSON in PULUMI_RUN_SETTINGS, config and its secret keys as the SDK reads them (PULUMI_CONFIG,
PULUMI_CONFIG_SECRET_KEYS), so that no value shows in the process list. Exits 0, 1 (the error is logged to the
engine), or 32 where the user has been shown what to mend.
"""

import asyncio
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SAID = 32


def user_traceback(program: Path, error: BaseException) -> str:
    """The traceback from the first frame inside the program's folder on: the host's own frames tell a user nothing."""
    folder = program if program.is_dir() else program.parent
    frames = traceback.extract_tb(error.__traceback__)
    for index, frame in enumerate(frames):
        if frame.filename.startswith(f"{folder}{os.sep}"):
            return "".join(traceback.format_exception(error, limit=index - len(frames)))
    return "".join(traceback.format_exception(error))


def main() -> int:
    """Configure the SDK, run the program to the end of all its outputs, return the exit code."""
    sys.path[:] = [entry for entry in sys.path if entry]
    program, sys.argv = Path(sys.argv[1]).absolute(), sys.argv[1:]
    try:
        import pulumi
        import pulumi.runtime
    except ImportError:
        traceback.print_exc()
        sys.stderr.write(f"The Pulumi SDK is not installed for {sys.executable}: install the project's packages.\n")
        return 1
    wanted = json.loads(os.environ.pop("PULUMI_RUN_SETTINGS"))
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**wanted))
    if program.is_dir() and not (program / "__main__.py").exists():
        pulumi.log.error(f"there is no `__main__.py` in {program}")
        return SAID

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(wanted["parallel"], 1) * 4)
    loop.set_default_executor(executor)
    # A program that stops early leaves futures nobody will look at; asyncio would report each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:
        pulumi.log.error("the program failed:\n" + user_traceback(program, error))
        return SAID
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
