COMPONENTS = ("resources.PrivateZone", "resources.ZoneWriter", "google.GoogleZone", "route53.Route53Zone")
"""What other programs may use: module and class, under this package."""
