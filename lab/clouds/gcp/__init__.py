"""Models of the GCP resources that the program uses; importing this registers them."""

from lab.clouds.gcp import access, address, cluster, firewall, network, node_pool, router, vpn

__all__ = ["access", "address", "cluster", "firewall", "network", "node_pool", "router", "vpn"]
