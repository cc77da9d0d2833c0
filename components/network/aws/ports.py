"""Ports of every host that the program's load balancers send to."""

from __future__ import annotations

from collections.abc import Mapping

NODE_PORTS: Mapping[str, int] = {"dns": 30053, "dns-tcp": 30053, "grpc": 30257, "http": 30080}
"""Port name of a Service -> node port, out of Kubernetes' default range of 30000-32767. Fixed, so that target groups
are complete before any Service exists; UDP and TCP may share a number."""
