COMPONENTS = ("reader.FederatedDnsReader", "servers.FederatedDns")
"""What other programs may use: module and class, under this package."""
