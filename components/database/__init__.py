"""The database: a region's nodes, the cluster's one initialisation, its rollouts, its SQL."""
