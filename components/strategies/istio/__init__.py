COMPONENTS = (
    "authority.MeshRoot",
    "authority.MeshAuthority",
    "reader.MeshReader",
    "region.MeshRegion",
    "policies.MeshPolicies",
)
"""What other programs may use: module and class, under this package."""
