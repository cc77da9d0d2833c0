"""What of a preview is refused, and what wants a second look; each by a rule over the whole preview."""

from __future__ import annotations

from .cautions import CAUTIONS
from .preview import Preview
from .refusals import REFUSALS
from .risk import Risk, Severity


def risks(preview: Preview) -> list[Risk]:
    """All of them, refusals first."""
    found = dict.fromkeys(risk for rule in (*REFUSALS, *CAUTIONS) for risk in rule(preview))
    return sorted(found, key=lambda risk: risk.severity is not Severity.REFUSED)
