"""What a guard finds."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Resource


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource that breaks a rule."""

    resource: Resource
    message: str

    def __str__(self) -> str:
        return f"{self.resource.label}: {self.message}"
