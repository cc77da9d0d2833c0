"""The command that starts a node, rendered from plain values."""

import shlex

from . import names
from .settings import CockroachNodeArgs

RELOAD_SECONDS = 60
"""How often a node's certificate is looked at. The kubelet itself may take as long to bring a new one."""

# The kubelet swaps the link `..data` when it brings a Secret's new content; `$$` is the node, once that has started.
_RELOAD_CERTIFICATES = f"""\
certificates=$(readlink {names.CERTS_DIR}/..data || true)
(
  while sleep {RELOAD_SECONDS} && kill -0 $$; do
    found=$(readlink {names.CERTS_DIR}/..data || true)
    if [ "$found" != "$certificates" ]; then
      certificates=$found
      kill -HUP $$
    fi
  done
) >/dev/null 2>&1 &
"""


def _planned_address(variable: str) -> str:
    own = f"{names.JOIN_DIR}/${variable}"
    return (
        f"ADVERTISE_ADDR=$(cat {own}{names.ADDRESS_SUFFIX})\n"
        f"ADVERTISE_HTTP_ADDR=$(cat {own}{names.HTTP_ADDRESS_SUFFIX})\n"
    )


def start_script(
    region: str, node: CockroachNodeArgs, *, address_of: str | None = None, host_network: bool = False
) -> str:
    """The shell text that becomes `cockroach start`. `address_of`: the variable that names the files with its
    addresses, beside the join list.

    `exec` puts it in the shell's place, as the container's first process: SIGTERM drains the node. Before that, the
    shell leaves a watcher behind, for a node reads renewed certificates only when SIGHUP tells it to.
    """
    flags = [
        f"--certs-dir={names.CERTS_DIR}",
        f"--store=path={names.DATA_DIR}",
        f"--listen-addr=:{names.RPC_PORT}",
        f"--cluster-name={node['cluster_name']}",
        f"--max-offset={node['max_offset']}",
        f"--cache={node['cache']}",
        f"--max-sql-memory={node['max_sql_memory']}",
        "--logtostderr=INFO",
        *node.get("extra_flags", []),
    ]
    advertised = "${ADVERTISE_ADDR}" if address_of else f"${{ADVERTISE_HOST}}:{names.RPC_PORT}"
    lines = [
        "exec /cockroach/cockroach start",
        f'--advertise-addr="{advertised}"',
        *(['--advertise-http-addr="${ADVERTISE_HTTP_ADDR}"'] if address_of else []),
        f'--join="$(cat {names.JOIN_DIR}/join)"',
        f'--locality="region={region},zone=$(cat {names.ZONE_DIR}/zone)"',
        # NodeLocal DNSCache has the port at its own address on every host, beside which there is no listening on all.
        f'--http-addr="{"${POD_IP}" if host_network else ""}:{names.HTTP_PORT}"',
        *(shlex.quote(flag) for flag in flags),
    ]
    before = (_planned_address(address_of) if address_of else "") + _RELOAD_CERTIFICATES
    return before + " \\\n  ".join(lines) + "\n"


def as_command(text: str) -> str:
    """A shell text as a word of `command`, where Kubernetes makes one `$` of each two."""
    return text.replace("$$", "$$$$")
