"""Markdown tables of the report's parts. Pure."""

from typing import Any


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return ["| " + " | ".join(map(str, row)) + " |" for row in (head, ("---",) * len(head), *rows)]


def edge_rows(runs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """(step, what it waits for, a count per run): every edge between regions that any run has."""
    counts = [{(edge["waits"], edge["for"]): edge["count"] for edge in run["edgesBetweenRegions"]} for run in runs]
    return [
        (*key, *(count.get(key, 0) for count in counts)) for key in sorted({key for count in counts for key in count})
    ]
