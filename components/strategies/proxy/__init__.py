COMPONENTS = ("resources.NodeProxies",)
"""What other programs may use: module and class, under this package."""
