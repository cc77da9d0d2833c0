"""What joins regions on GKE with regions on EKS."""
