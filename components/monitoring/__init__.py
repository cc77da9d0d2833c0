"""Metrics, alerts and dashboards of a region's nodes and of the DNS between regions, as code."""
