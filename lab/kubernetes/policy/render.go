// Package policy enforces NetworkPolicy for the pods of one host, by an nftables table of its own in the host's network
// namespace.
package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Table is the name of the nftables table.
const Table = "lab_network_policy"

// Cluster is what the rules follow from.
type Cluster struct {
	Policies []*networkingv1.NetworkPolicy
	// Pods are those of the whole cluster, without those that have ended.
	Pods []*corev1.Pod
	// Namespaces are the labels of every namespace.
	Namespaces map[string]map[string]string
	// Nodes are the addresses of the cluster's hosts.
	Nodes []netip.Addr
	// ByIdentity: a block is never a pod or host of this cluster, only what is outside of it, as Cilium has it. Without
	// it a block is every address in it, as Calico and the VPC CNI have it.
	ByIdentity bool
	// Local are the addresses of this host's pods, without those in the host's own network: known here before the API
	// server knows them.
	Local map[types.NamespacedName]netip.Addr
}

// endpoint is a pod as a policy sees it.
type endpoint struct {
	pod     *corev1.Pod
	address netip.Addr
}

// Render returns the text for `nft -f -` that replaces the whole table in one transaction.
//
// Only forwarded packets are looked at: those between a local pod and anything but this host itself, whose kubelet must
// reach every pod. Services are no concern: kube-proxy has put the pod's address in by then.
func Render(cluster Cluster) string {
	all := endpoints(cluster)
	var chains strings.Builder
	jumps := map[networkingv1.PolicyType][]string{}
	for _, name := range slices.SortedFunc(maps.Keys(cluster.Local), compareNames) {
		index := slices.IndexFunc(all, func(e endpoint) bool { return e.pod.Namespace == name.Namespace && e.pod.Name == name.Name })
		if index < 0 {
			continue // not in the API server's answer yet, or any more
		}
		local := all[index]
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeEgress, networkingv1.PolicyTypeIngress} {
			policies := applying(cluster.Policies, local.pod, direction)
			if len(policies) == 0 {
				continue
			}
			chain := fmt.Sprintf("%s_%s", strings.ToLower(string(direction)), strings.ReplaceAll(local.address.String(), ".", "_"))
			jumps[direction] = append(jumps[direction], fmt.Sprintf("%s : jump %s", local.address, chain))
			fmt.Fprintf(&chains, "\tchain %s { # %s\n", chain, name)
			for _, policy := range policies {
				for _, line := range allowed(cluster, policy, direction, local, all) {
					fmt.Fprintf(&chains, "\t\t%s # %s\n", strings.TrimSpace(line+" return"), policy.Name)
				}
			}
			chains.WriteString("\t\tdrop\n\t}\n")
		}
	}
	var text strings.Builder
	// Declared before it is deleted, as a missing table can't be.
	fmt.Fprintf(&text, "table ip %s\ndelete table ip %s\ntable ip %s {\n", Table, Table, Table)
	if cluster.ByIdentity {
		fmt.Fprintf(&text, "\tset %s {\n\t\ttype ipv4_addr\n", identities)
		if known := identified(cluster, all); len(known) > 0 {
			fmt.Fprintf(&text, "\t\telements = { %s }\n", strings.Join(known, ", "))
		}
		text.WriteString("\t}\n")
	}
	text.WriteString(chains.String())
	text.WriteString("\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tct state established,related accept\n")
	for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeEgress, networkingv1.PolicyTypeIngress} {
		if len(jumps[direction]) > 0 {
			own, _ := fields(direction)
			fmt.Fprintf(&text, "\t\t%s vmap { %s }\n", own, strings.Join(jumps[direction], ", "))
		}
	}
	text.WriteString("\t}\n}\n")
	return text.String()
}

// identities is the name of the set of addresses that blocks don't hold.
const identities = "identities"

// identified lists the addresses of the cluster's pods and hosts.
func identified(cluster Cluster, pods []endpoint) []string {
	var all []string
	for _, node := range cluster.Nodes {
		all = append(all, node.String())
	}
	for _, pod := range pods {
		all = append(all, pod.address.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fields names the packet's field with the pod's own address and the one with its peer's.
func fields(direction networkingv1.PolicyType) (own, peer string) {
	if direction == networkingv1.PolicyTypeEgress {
		return "ip saddr", "ip daddr"
	}
	return "ip daddr", "ip saddr"
}

func compareNames(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// endpoints lists the pods that a selector can choose: pods in a host's network are hosts, which it can't.
func endpoints(cluster Cluster) []endpoint {
	var all []endpoint
	for _, pod := range cluster.Pods {
		if pod.Spec.HostNetwork {
			continue
		}
		address, local := cluster.Local[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]
		if !local {
			var err error
			if address, err = netip.ParseAddr(pod.Status.PodIP); err != nil {
				continue
			}
		}
		all = append(all, endpoint{pod, address})
	}
	slices.SortFunc(all, func(a, b endpoint) int { return a.address.Compare(b.address) })
	return all
}

// applying returns the policies that isolate a pod in one direction.
func applying(policies []*networkingv1.NetworkPolicy, pod *corev1.Pod, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var some []*networkingv1.NetworkPolicy
	for _, policy := range policies {
		if policy.Namespace == pod.Namespace && hasDirection(policy, direction) && selects(&policy.Spec.PodSelector, pod.Labels) {
			some = append(some, policy)
		}
	}
	slices.SortFunc(some, func(a, b *networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) })
	return some
}

// hasDirection follows the API's defaults: without types, a policy is one for ingress, and for egress if it has such rules.
func hasDirection(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set)) // the API server lets no selector through that can't be read
}

// allowed returns the matches, without verdict, of what one policy lets through.
func allowed(cluster Cluster, policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType, local endpoint, all []endpoint) []string {
	var lines []string
	if direction == networkingv1.PolicyTypeIngress {
		for _, rule := range policy.Spec.Ingress {
			lines = append(lines, ruleLines(cluster, policy.Namespace, direction, rule.From, rule.Ports, local, all)...)
		}
		return lines
	}
	for _, rule := range policy.Spec.Egress {
		lines = append(lines, ruleLines(cluster, policy.Namespace, direction, rule.To, rule.Ports, local, all)...)
	}
	return lines
}

func ruleLines(cluster Cluster, namespace string, direction networkingv1.PolicyType, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort,
	local endpoint, all []endpoint,
) []string {
	_, field := fields(direction)
	var lines []string
	// Egress to a named port: a name means what each destination pod says it does.
	perPod := direction == networkingv1.PolicyTypeEgress && slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port != nil && p.Port.Type == intstr.String
	})
	add := func(match string, destination *corev1.Pod) {
		for _, port := range portMatches(ports, destination) {
			lines = append(lines, strings.TrimSpace(match+" "+port))
		}
	}
	named := local.pod
	if direction == networkingv1.PolicyTypeEgress {
		named = nil
	}
	if len(peers) == 0 {
		add("", named)
		peers = nil
		if perPod {
			for _, other := range all {
				add(fmt.Sprintf("%s %s", field, other.address), other.pod)
			}
		}
		return lines
	}
	var addresses []string
	for _, peer := range peers {
		if peer.IPBlock != nil {
			match := fmt.Sprintf("%s %s", field, peer.IPBlock.CIDR)
			if strings.Contains(peer.IPBlock.CIDR, ":") {
				continue
			}
			if len(peer.IPBlock.Except) > 0 {
				match += fmt.Sprintf(" %s != { %s }", field, strings.Join(peer.IPBlock.Except, ", "))
			}
			if cluster.ByIdentity {
				match += fmt.Sprintf(" %s != @%s", field, identities)
			}
			add(match, named)
			continue
		}
		for _, other := range all {
			if !chosen(peer, namespace, other.pod, cluster.Namespaces) {
				continue
			}
			if perPod {
				add(fmt.Sprintf("%s %s", field, other.address), other.pod)
			} else {
				addresses = append(addresses, other.address.String())
			}
		}
	}
	if len(addresses) > 0 {
		slices.Sort(addresses)
		add(fmt.Sprintf("%s { %s }", field, strings.Join(slices.Compact(addresses), ", ")), named)
	}
	return lines
}

// chosen tells whether a peer's selectors choose a pod: without a namespace selector, of the policy's namespace only.
func chosen(peer networkingv1.NetworkPolicyPeer, namespace string, pod *corev1.Pod, namespaces map[string]map[string]string) bool {
	if peer.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if set, known := namespaces[pod.Namespace]; !known || !selects(peer.NamespaceSelector, set) {
		return false
	}
	return peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels)
}

// portMatches returns one match per protocol, or one empty match where all ports are meant. Names are looked up in
// destination; a name that is not there matches nothing.
func portMatches(ports []networkingv1.NetworkPolicyPort, destination *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	numbers := map[corev1.Protocol][]string{}
	whole := map[corev1.Protocol]bool{}
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		switch {
		case port.Port == nil:
			whole[protocol] = true
		case port.Port.Type == intstr.String:
			numbers[protocol] = append(numbers[protocol], namedPorts(destination, protocol, port.Port.StrVal)...)
		case port.EndPort != nil:
			numbers[protocol] = append(numbers[protocol], fmt.Sprintf("%d-%d", port.Port.IntVal, *port.EndPort))
		default:
			numbers[protocol] = append(numbers[protocol], strconv.Itoa(int(port.Port.IntVal)))
		}
	}
	var matches []string
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		name := strings.ToLower(string(protocol))
		if whole[protocol] {
			matches = append(matches, "meta l4proto "+name)
		} else {
			// One line each: elements of one set must not overlap, and ranges here may.
			for _, number := range slices.Compact(slices.Sorted(slices.Values(numbers[protocol]))) {
				matches = append(matches, fmt.Sprintf("%s dport %s", name, number))
			}
		}
	}
	return matches
}

func namedPorts(pod *corev1.Pod, protocol corev1.Protocol, name string) []string {
	var found []string
	if pod == nil {
		return nil
	}
	for _, container := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, port := range container.Ports {
			if port.Name == name && cmp.Or(port.Protocol, corev1.ProtocolTCP) == protocol {
				found = append(found, strconv.Itoa(int(port.ContainerPort)))
			}
		}
	}
	return found
}
