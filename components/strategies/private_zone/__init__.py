COMPONENTS = ("resources.PrivateZone", "resources.ZoneWriter")
"""What other programs may use: module and class, under this package."""
