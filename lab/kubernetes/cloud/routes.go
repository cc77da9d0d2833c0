package cloud

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Table is the name of the nftables table in the router that lets through to a load balancer only what it serves.
const Table = "lab_load_balancers"

// healthPort is kube-proxy's health check, which cloud load balancers use for Services that any host may answer for.
const healthPort = 10256

// check is what a load balancer asks a host: GET /healthz on a port.
type check struct {
	host netip.Addr
	port int32
}

// routes maps each destination to its next hops: a host for its pods' range, and for the address of a load balancer every
// host that is ready and healthy. A load balancer without such a host has no route, and the router says "unreachable";
// with lastResort it sends to every host that is ready, as Google's do.
func routes(nodes []*corev1.Node, services []*corev1.Service, healthy func(check) bool, lastResort bool) map[netip.Prefix][]netip.Addr {
	wanted := map[netip.Prefix][]netip.Addr{}
	for _, node := range nodes {
		address := internalIP(node)
		if cidr, err := netip.ParsePrefix(node.Spec.PodCIDR); err == nil && address.IsValid() {
			wanted[cidr] = []netip.Addr{address}
		}
	}
	for _, service := range services {
		address := statusAddress(service)
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || !address.IsValid() {
			continue
		}
		var hops, ready []netip.Addr
		for _, node := range nodes {
			host := internalIP(node)
			if !host.IsValid() || !serves(node) {
				continue
			}
			ready = append(ready, host)
			if healthy(check{host, checkPort(service)}) {
				hops = append(hops, host)
			}
		}
		if len(hops) == 0 && lastResort {
			hops = ready
		}
		if len(hops) > 0 {
			slices.SortFunc(hops, netip.Addr.Compare)
			wanted[netip.PrefixFrom(address, 32)] = hops
		}
	}
	return wanted
}

// checks lists what must be asked of each host.
func checks(nodes []*corev1.Node, services []*corev1.Service) []check {
	var all []check
	for _, service := range services {
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
			continue
		}
		for _, node := range nodes {
			if one := (check{internalIP(node), checkPort(service)}); one.host.IsValid() && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// checkPort tells, with externalTrafficPolicy Local, whether a host has a pod of the Service; else whether it has a kube-proxy.
func checkPort(service *corev1.Service) int32 {
	if service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal && service.Spec.HealthCheckNodePort > 0 {
		return service.Spec.HealthCheckNodePort
	}
	return healthPort
}

func serves(node *corev1.Node) bool {
	if _, excluded := node.Labels[corev1.LabelNodeExcludeBalancers]; excluded || node.DeletionTimestamp != nil {
		return false
	}
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

func internalIP(node *corev1.Node) netip.Addr {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			if parsed, err := netip.ParseAddr(address.Address); err == nil {
				return parsed
			}
		}
	}
	return netip.Addr{}
}

// filter returns the text for `nft -f -` that drops what no load balancer serves: other ports of its address, all else
// of the range that load balancers' addresses are from, if there is one, and for those without global access what is from
// elsewhere than local, if that is known. Without it a packet for another port would travel between router and host until
// its time to live ends.
func filter(addresses netip.Prefix, local []netip.Prefix, services []*corev1.Service) string {
	var all []frontend
	served, regional := map[netip.Addr]bool{}, map[frontend]bool{}
	for _, service := range services {
		address := statusAddress(service)
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || !address.IsValid() {
			continue
		}
		served[address] = true
		for _, port := range service.Spec.Ports {
			one := frontend{address, port.Protocol, port.Port}
			all = append(all, one)
			regional[one] = len(local) > 0 && !hasGlobalAccess(service)
		}
	}
	slices.SortFunc(all, compareFrontends)
	var everywhere, nearby []string
	for _, one := range slices.Compact(all) {
		element := fmt.Sprintf("%s . %s . %d", one.address, strings.ToLower(string(one.protocol)), one.port)
		if regional[one] {
			nearby = append(nearby, element)
		} else {
			everywhere = append(everywhere, element)
		}
	}
	var lines strings.Builder
	if len(everywhere) > 0 {
		fmt.Fprintf(&lines, "\t\tip daddr . meta l4proto . th dport { %s } accept\n", strings.Join(everywhere, ", "))
	}
	if len(nearby) > 0 {
		fmt.Fprintf(&lines, "\t\tip saddr { %s } ip daddr . meta l4proto . th dport { %s } accept\n", joined(local), strings.Join(nearby, ", "))
	}
	if addresses.IsValid() {
		fmt.Fprintf(&lines, "\t\tip daddr %s drop\n", addresses)
	} else if len(served) > 0 {
		fmt.Fprintf(&lines, "\t\tip daddr { %s } drop\n", joined(slices.SortedFunc(maps.Keys(served), netip.Addr.Compare)))
	}
	return fmt.Sprintf(`table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
	chain forward {
		type filter hook forward priority filter; policy accept;
%[2]s	}
}
`, Table, lines.String())
}

func joined[T fmt.Stringer](all []T) string {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.String())
	}
	return strings.Join(texts, ", ")
}
