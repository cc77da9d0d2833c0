"""What regions on GKE have in common, and what a cluster stands on there."""
