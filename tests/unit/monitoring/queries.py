"""Every query of the alerts and dashboards, and the names of the metrics in one."""

import re
from collections.abc import Iterator

from components.monitoring.alerts import Watched, groups, groups_of_all_regions
from components.monitoring.dashboards import DASHBOARDS

WATCHED = Watched("crdb", 9, 250, ["10.2.16.53:53", "10.3.16.53:53"], backups=True)
GROUPS = [*groups(WATCHED), *groups_of_all_regions(WATCHED, 86_400)]

_ASIDE = re.compile(r'"(?:\\.|[^"\\])*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|ignoring|on)\s*\([^)]*\)')
_WORDS = re.compile(r"(?<![0-9.])\b[a-zA-Z_:][a-zA-Z0-9_:]*")
_FUNCTIONS = re.compile(r"[a-zA-Z_]+\s*(?=\()")
_OPERATORS = {"and", "or", "unless", "bool", "by", "without"}


def of_alerts() -> Iterator[str]:
    for group in GROUPS:
        yield from (rule["expr"] for rule in group["rules"])


def of_dashboards(cluster: str = WATCHED.cluster) -> Iterator[str]:
    """With Grafana's variables as it would fill them in."""
    variables = {"$__rate_interval": "2m", "$cluster": cluster, "$region": ".*"}
    for query in (query for dashboard in DASHBOARDS for query in dashboard.queries):
        for name, value in variables.items():
            query = query.replace(name, value)
        yield query


def metrics(query: str) -> set[str]:
    """Names of the series that a query selects."""
    bare = _FUNCTIONS.sub("", _ASIDE.sub("", query))
    return {word for word in _WORDS.findall(bare) if word not in _OPERATORS}
