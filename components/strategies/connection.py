"""What every strategy's resources are to the composition."""

import pulumi


class Connection(pulumi.ComponentResource):
    """A region's part in the regions' finding each other. A strategy's `resources.connect_region` makes one."""

    addresses: pulumi.Output[list[str]]
    """Where this region's DNS answers the other regions, once it does; empty where the strategy has no such servers."""
