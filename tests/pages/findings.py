"""`python -m tests.pages.findings`: write what `verify` can find into docs/troubleshooting.md, by verify/fixes.yaml."""

import re

from docs.hooks import ROOT
from verify import fixes

PAGE = ROOT / "docs" / "troubleshooting.md"
BLOCK = re.compile(
    r"(?<=<!-- findings: made by python -m tests\.pages\.findings -->\n).*?(?=<!-- end of findings -->)", re.DOTALL
)


def table() -> str:
    """Code and likely fix of every kind of fault, in the order of the file: from the ground up."""
    rows = [f"| `{code}` | {' '.join(text.split())} |\n" for code, text in fixes.texts()["general"].items()]
    return "| code | likely fix |\n|---|---|\n" + "".join(rows)


def written(page: str) -> str:
    """The page with the table of today."""
    return BLOCK.sub(lambda _: table(), page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
