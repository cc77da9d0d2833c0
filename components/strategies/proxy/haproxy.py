"""HAProxy's file, rendered from plain values, and the command that keeps a running HAProxy to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEALTH_PORT = 8404
"""Where a proxy says that it runs (`/healthz`), and gives its figures to Prometheus (`/metrics`)."""
MOST_CONNECTIONS = 8000
"""At once, through one proxy: each takes two open files, and this many fit into the limits of any container runtime.

Unsaid, HAProxy would take memory for as many as it may have open files."""
OLD_WORKERS = 3
"""Reloads that a worker outlives. Nodes' connections never end by themselves, so an old worker would not either."""
FOLDER = "/etc/haproxy"
FILE = "haproxy.cfg"
RELOAD_SECONDS = 5
"""How often the file is looked at; the kubelet takes up to a minute or so to bring a new one."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One node."""

    pod: str
    host: str
    """The pod's name in the cluster's own DNS, with the cluster's domain: HAProxy knows no search list."""
    sql: int
    """Port of the proxy that leads to the node's `sql_target`."""
    http: int


def render(backends: Sequence[Backend], sql_target: int, http_target: int) -> str:
    """`haproxy.cfg`. `sql_target`, `http_target`: the ports on which nodes listen.

    What passes is TLS between nodes and stays so: the proxy sees neither names nor keys. Its check asks whether a node
    answers at all, ready or not, for nodes that are not yet ready are dialled by those that join. The check believes
    any certificate, as nothing is told or trusted over it: who a node is, its callers ask it themselves.
    """
    parts = [_general(), *(_node(backend, sql_target, http_target) for backend in backends)]
    return "\n".join(parts)


def _general() -> str:
    return f"""\
global
  log stdout format raw local0 notice
  maxconn {MOST_CONNECTIONS}
  mworker-max-reloads {OLD_WORKERS}

defaults
  mode tcp
  log global
  option tcpka
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout check 5s
  default-server resolvers cluster resolve-prefer ipv4 init-addr none inter 2s downinter 1s fall 3 rise 1

# Pods move: their names are asked again all the time. A DNS that fails changes nothing.
resolvers cluster
  parse-resolv-conf
  accepted_payload_size 1232
  resolve_retries 3
  timeout resolve 1s
  timeout retry 1s
  hold valid 1s
  hold nx 5s
  hold timeout 24h
  hold refused 24h
  hold other 24h

frontend health
  bind :{HEALTH_PORT}
  mode http
  timeout client 10s
  timeout http-request 5s
  monitor-uri /healthz
  http-request use-service prometheus-exporter if {{ path /metrics }}
  http-request return status 404
"""


def _node(backend: Backend, sql_target: int, http_target: int) -> str:
    name = backend.pod
    return f"""\
listen {name}-sql
  bind :{backend.sql}
  option httpchk GET /health
  http-check expect rstatus .
  server {name} {backend.host}:{sql_target} check port {http_target} check-ssl verify none

listen {name}-http
  bind :{backend.http}
  server {name} {backend.host}:{http_target} track {name}-sql/{name}
"""


def command() -> list[str]:
    """Runs HAProxy, and has it read its file anew when that has changed: what is connected stays so.

    `$$` becomes `$` in Kubernetes. The shell's place is taken by HAProxy's master, whose process id the watcher knows.
    """
    script = f"""\
haproxy -c -q -f {FOLDER}/{FILE}
file=$(readlink {FOLDER}/..data || true)
(
  while sleep {RELOAD_SECONDS} && kill -0 $$$$; do
    found=$(readlink {FOLDER}/..data || true)
    if [ "$found" != "$file" ]; then
      file=$found
      kill -USR2 $$$$
    fi
  done
) &
exec haproxy -W -db -f {FOLDER}/{FILE}
"""
    return ["/bin/sh", "-ec", script]
