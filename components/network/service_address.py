"""The address that a Service of type LoadBalancer was planned at, and the one that it got."""

import pulumi
import pulumi_kubernetes as k8s


def planned_address(
    planned: str, status: k8s.core.v1.outputs.ServiceStatus | None, problem: str, advice: str = ""
) -> str:
    """`planned`, once the status shows it. Raises RuntimeError when the load balancer got another address.

    In a preview the status is of no meaning, and the plan is believed. `problem`: the message's beginning, up to the
    address that it has; `advice`: a further way out.
    """
    if pulumi.runtime.is_dry_run():
        return planned
    given = status.load_balancer if status else None
    addresses = [ingress.ip for ingress in (given.ingress if given else None) or []]
    if planned not in addresses:
        raise RuntimeError(
            f"{problem} {', '.join(filter(None, addresses)) or 'no address'}: is that address free, and does this"
            f" cluster's load balancer honour `loadBalancerIP` (else use `loadBalancer.annotations`{advice})?"
        )
    return planned
