"""The programs that docs/components.md shows."""

import re

from lab.paths import PROJECT


def shown(language: str) -> str:
    """The one in a language."""
    page = (PROJECT / "docs" / "components.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return found
