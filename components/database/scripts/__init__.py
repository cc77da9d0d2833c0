"""Scripts that run in pods, from a ConfigMap: Python's standard library or a POSIX shell, nothing else."""

from pathlib import Path


def read_scripts() -> dict[str, str]:
    """`data` of the ConfigMap: file name -> text."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *here.glob("*.sh")])
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.name != "__init__.py"}
