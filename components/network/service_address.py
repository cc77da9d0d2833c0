"""The address that a Service of type LoadBalancer was planned at, and the one that it got."""

import pulumi
import pulumi_kubernetes as k8s


def planned_address(
    planned: str, status: k8s.core.v1.outputs.ServiceStatus | None, balancer: str, user: str, advice: str = ""
) -> str:
    """`planned`, once the status shows it. Raises RuntimeError when the load balancer got another address.

    In a preview the status is of no meaning, and the plan is believed. `balancer`, `user`: whose it is and what looks
    for it there; `advice`: a further way out, for the message.
    """
    if pulumi.runtime.is_dry_run():
        return planned
    given = status.load_balancer if status else None
    addresses = [ingress.ip for ingress in (given.ingress if given else None) or []]
    if planned not in addresses:
        raise RuntimeError(
            f"the {balancer} load balancer was planned at {planned}, {user}, but has"
            f" {', '.join(filter(None, addresses)) or 'no address'}: is that address free, and does this cluster's load"
            f" balancer honour `loadBalancerIP` (else use `loadBalancer.annotations`{advice})?"
        )
    return planned
