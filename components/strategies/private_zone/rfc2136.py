"""DNS servers outside of Kubernetes as the keeper of the zone: dynamic updates, signed with a TSIG key."""

from .external_dns import KeeperArgs
from .options import DynamicServers


def keeper_args(zone: str, servers: DynamicServers) -> KeeperArgs:
    """The first server takes updates. What is in the zone is read by transfer (`axfr`), RFC 2136's one way."""
    return {
        "arguments": [
            "--provider=rfc2136",
            f"--rfc2136-host={servers.servers[0]}",
            f"--rfc2136-port={servers.port}",
            f"--rfc2136-zone={zone}",
            f"--rfc2136-tsig-keyname={servers.key_name}",
            f"--rfc2136-tsig-secret-alg={servers.key_algorithm}",
            "--rfc2136-tsig-axfr",
        ],
        "endpoints": [{"cidr": f"{servers.servers[0]}/32", "ports": [servers.port]}],
    }
