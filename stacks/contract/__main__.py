"""`python -m stacks.contract page` prints docs/outputs.md; `… record` writes what this version promises."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import VERSION, breaks, promised, unworded
from .page import page

VERSIONS = Path(__file__).parent / "versions"


def recorded(version: int = VERSION) -> dict[str, Any]:
    """What a version has promised so far: nothing, where it was never recorded."""
    file = VERSIONS / f"{version}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def record(reworded: bool) -> list[str]:
    """Write what the version promises now. Returns what that would break, and writes nothing then."""
    before, now = recorded(), promised()
    found = breaks(unworded(before), unworded(now)) if reworded else breaks(before, now)
    if not found:
        text = json.dumps(now, indent=1, ensure_ascii=False) + "\n"
        (VERSIONS / f"{VERSION}.json").write_text(text, encoding="utf-8")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 1 with what would be broken on standard error."""
    parser = argparse.ArgumentParser(prog="python -m stacks.contract", description="The contract with app teams.")
    parser.add_argument("what", choices=("page", "record"))
    parser.add_argument("--reworded", action="store_true", help="meanings that read otherwise mean the same")
    arguments = parser.parse_args(argv)
    if arguments.what == "page":
        sys.stdout.write(page())
        return 0
    found = record(arguments.reworded)
    if found:
        told = "\n".join(found)
        sys.stderr.write(f"{told}\nversion {VERSION} has promised otherwise: raise VERSION in stacks/contract\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
