"""The script of the canary, which runs in a pod: Python's standard library and `waiting.py` of the database's."""

from pathlib import Path

from ....database.scripts import read_scripts

CANARY = "canary.py"


def canary_files() -> dict[str, str]:
    """`data` of the ConfigMap: file name -> text."""
    return {
        CANARY: (Path(__file__).parent / CANARY).read_text(encoding="utf-8"),
        "waiting.py": read_scripts()["waiting.py"],
    }
