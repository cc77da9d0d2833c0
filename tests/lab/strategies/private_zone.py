"""`private-zone`: a primary and a secondary outside of all regions, in 10.0.0.0/16, which is nobody's.

They are every region's: without them no region finds any, itself included.
"""

from tests.lab.stack import Json
from tests.lab.strategies import NAMES, Scene, existing

SERVERS = ("10.0.0.53", "10.0.1.53")


def config(nodes: int) -> Json:
    """Clusters that are there, and the zone's servers."""
    rfc2136 = {"servers": list(SERVERS), "tsigKeyName": "external-dns", "tsigSecret": {"secure": "not yet"}}
    return {**existing("private-zone", nodes), "strategyOptions": {"zone": "crdb.internal", "rfc2136": rfc2136}}


SCENE = Scene(config, faults=tuple(("kill-nameserver", server) for server in SERVERS), red=frozenset(NAMES))
