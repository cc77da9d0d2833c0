package await

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// judgeService waits, for a Service with a selector, until its endpoints have settled and none is unready; for a load
// balancer until it has an address. Headless Services and those without a selector wait for no pod.
func judgeService(view View) Verdict {
	if view.Object == nil {
		return Verdict{Status: "Waiting for the Service", Problems: []string{"the Service was deleted"}}
	}
	service := as[corev1.Service](view.Object)
	placed := service.Spec.Type != corev1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0
	if service.Spec.Type == corev1.ServiceTypeExternalName || len(service.Spec.Selector) == 0 || service.Spec.ClusterIP == corev1.ClusterIPNone {
		verdict := Verdict{Ready: placed, Status: "waiting for an address"}
		if !placed {
			verdict.Problems = []string{"no load balancer has given the Service an address"}
		}
		return verdict
	}
	targets := as[corev1.Endpoints](view.Around[endpoints][service.Name]) //nolint:staticcheck // what the real provider reads
	ready, pending := false, false
	for _, subset := range targets.Subsets {
		ready = ready || len(subset.Addresses) > 0
		pending = pending || len(subset.NotReadyAddresses) > 0
	}
	verdict := Verdict{
		Ready: placed && view.Settled && !pending, Enough: placed && !pending, Status: "waiting for pods to lead to",
	}
	if view.Settled && ready {
		verdict.Status = "waiting for an address"
	}
	if !ready {
		verdict.Problems = append(verdict.Problems, "no ready pod is behind the Service: none is ready, or none has the labels of its selector")
	}
	if !placed {
		verdict.Problems = append(verdict.Problems, "no load balancer has given the Service an address")
	}
	return verdict
}

// judgeIngress waits until every path leads to a Service with endpoints and the Ingress has an address.
func judgeIngress(view View) Verdict {
	if view.Object == nil {
		return Verdict{Status: "Waiting for the Ingress", Problems: []string{"the Ingress was deleted"}}
	}
	ingress := as[networkingv1.Ingress](view.Object)
	verdict := Verdict{Status: "waiting for the Services that the rules lead to"}
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if path.Backend.Service == nil {
				continue
			}
			name := path.Backend.Service.Name
			external := as[corev1.Service](view.Around[services][name]).Spec.Type == corev1.ServiceTypeExternalName
			if view.Around[endpoints][name] == nil && !external {
				verdict.Problems = append(verdict.Problems, fmt.Sprintf(
					"no Service %q with endpoints, which a rule leads to", name))
			}
		}
	}
	matched := len(verdict.Problems) == 0
	if matched {
		verdict.Status = "waiting for an address"
	}
	placed := len(ingress.Status.LoadBalancer.Ingress) > 0
	if !placed {
		verdict.Problems = append(verdict.Problems, "no controller has given the Ingress an address")
	}
	verdict.Ready = matched && placed
	return verdict
}
