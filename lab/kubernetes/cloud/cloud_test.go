package cloud

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var addresses = netip.MustParsePrefix("10.1.16.0/24")

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "kube-system", Name: name}
}

func held(address string, protocols ...corev1.Protocol) holding {
	one := holding{netip.MustParseAddr(address), map[corev1.Protocol]bool{}}
	for _, protocol := range protocols {
		one.protocols[protocol] = true
	}
	return one
}

func asking(name, address string, annotations map[string]string, protocols ...corev1.Protocol) *corev1.Service {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name, Annotations: annotations}}
	service.Spec.LoadBalancerIP = address
	for _, protocol := range protocols {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Protocol: protocol, Port: 53})
	}
	return service
}

func TestChoose(t *testing.T) {
	given := map[types.NamespacedName]holding{named("dns"): held("10.1.16.53"), named("sql"): held("10.1.16.254")}
	for _, test := range []struct{ name, wanted, address, err string }{
		{"new", "10.1.16.7", "10.1.16.7", ""},
		{"dns", "10.1.16.53", "10.1.16.53", ""},
		{"dns", "", "10.1.16.53", ""},
		{"new", "10.1.16.53", "", "in use by Service kube-system/dns"},
		{"new", "10.1.17.1", "", "the range is 10.1.16.0/24"},
		{"new", "10.1.16.0", "", "the range is"},
		{"new", "10.1.16.255", "", "the range is"},
		{"new", "one", "", "no address"},
		{"new", "", "10.1.16.253", ""},
	} {
		address, err := Range(addresses).Choose(asking(test.name, test.wanted, nil), given)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%+v: got error %v", test, err)
			}
		case err != nil || address.String() != test.address:
			t.Errorf("%+v: got %s, %v", test, address, err)
		}
	}
}

func TestChooseFull(t *testing.T) {
	small := Range(netip.MustParsePrefix("10.1.16.0/30"))
	given := map[types.NamespacedName]holding{named("a"): held("10.1.16.1"), named("b"): held("10.1.16.2")}
	if address, err := small.Choose(asking("c", "", nil), given); err == nil {
		t.Errorf("%s from a full range", address)
	}
}

func TestChooseOnGke(t *testing.T) {
	said := networks{
		Subnets:  map[string]netip.Prefix{"nodes": netip.MustParsePrefix("10.1.0.0/20"), "balancers": addresses},
		Nodes:    "nodes",
		Reserved: map[netip.Addr]string{netip.MustParseAddr("10.1.16.53"): sharedPurpose, netip.MustParseAddr("10.1.16.26"): "GCE_ENDPOINT"},
	}
	given := map[types.NamespacedName]holding{
		named("dns-tcp"): held("10.1.16.53", corev1.ProtocolTCP),
		named("sql"):     held("10.1.16.26", corev1.ProtocolTCP),
	}
	internal := map[string]string{typeAnnotation: "Internal", subnetAnnotation: "balancers"}
	udp, tcp := corev1.ProtocolUDP, corev1.ProtocolTCP
	for _, test := range []struct {
		service      *corev1.Service
		address, err string
	}{
		{asking("dns-udp", "10.1.16.53", internal, udp), "10.1.16.53", ""},
		{asking("dns-more", "10.1.16.53", internal, tcp), "", "in use by Service kube-system/dns-tcp for TCP"},
		{asking("dns-both", "10.1.16.53", internal, udp, tcp), "", "in use by Service kube-system/dns-tcp for TCP"},
		{asking("dns-tcp", "10.1.16.53", internal, tcp), "10.1.16.53", ""},
		{asking("other", "10.1.16.26", internal, udp), "", "not reserved as SHARED_LOADBALANCER_VIP"},
		{asking("other", "10.1.0.7", internal, udp), "", "outside the subnetwork CIDR range"},
		{asking("other", "", internal, udp), "10.1.16.254", ""},
		{asking("other", "", map[string]string{typeAnnotation: "Internal"}, udp), "10.1.15.254", ""},
		{asking("other", "", map[string]string{typeAnnotation: "Internal", subnetAnnotation: "gone"}, udp), "", "cannot be found"},
		{asking("other", "", nil, udp), "", "external load balancer"},
	} {
		address, err := said.choose(test.service, given)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got %s, error %v, want %s", test.service.Name, address, err, test.err)
			}
		case err != nil || address.String() != test.address:
			t.Errorf("%s: got %s, %v, want %s", test.service.Name, address, err, test.address)
		}
	}
}

func node(name, address, cidr string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}},
		Spec:       corev1.NodeSpec{PodCIDR: cidr},
		Status: corev1.NodeStatus{
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: address}},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}},
		},
	}
}

func balanced(address string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		Spec:   corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: ports},
		Status: corev1.ServiceStatus{LoadBalancer: *balancerStatus(netip.MustParseAddr(address))},
	}
}

func TestRoutes(t *testing.T) {
	excluded := node("excluded", "10.1.0.13", "10.1.131.0/24", corev1.ConditionTrue)
	excluded.Labels[corev1.LabelNodeExcludeBalancers] = ""
	nodes := []*corev1.Node{
		node("b", "10.1.0.11", "10.1.129.0/24", corev1.ConditionTrue),
		node("a", "10.1.0.10", "10.1.128.0/24", corev1.ConditionTrue),
		node("unready", "10.1.0.12", "10.1.130.0/24", corev1.ConditionUnknown),
		excluded,
		node("new", "10.1.0.14", "", corev1.ConditionTrue),
	}
	local := balanced("10.1.16.54")
	local.Spec.ExternalTrafficPolicy, local.Spec.HealthCheckNodePort = corev1.ServiceExternalTrafficPolicyLocal, 30001
	nobody := balanced("10.1.16.55")
	nobody.Spec.ExternalTrafficPolicy, nobody.Spec.HealthCheckNodePort = corev1.ServiceExternalTrafficPolicyLocal, 30002
	noLonger := balanced("10.1.16.56")
	noLonger.Spec.Type = corev1.ServiceTypeClusterIP
	pending := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
	services := []*corev1.Service{balanced("10.1.16.53"), local, nobody, noLonger, pending}
	healthy := func(one check) bool {
		return one.port == healthPort && one.host != netip.MustParseAddr("10.1.0.14") || one.port == 30001 && one.host == netip.MustParseAddr("10.1.0.11")
	}
	got := map[string]string{}
	for destination, hops := range routes(nodes, services, healthy, false) {
		var texts []string
		for _, hop := range hops {
			texts = append(texts, hop.String())
		}
		got[destination.String()] = strings.Join(texts, " ")
	}
	want := map[string]string{
		"10.1.128.0/24": "10.1.0.10", "10.1.129.0/24": "10.1.0.11", "10.1.130.0/24": "10.1.0.12", "10.1.131.0/24": "10.1.0.13",
		"10.1.16.53/32": "10.1.0.10 10.1.0.11", // neither unready, excluded nor unhealthy
		"10.1.16.54/32": "10.1.0.11",           // where its pod is
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if hops := routes(nodes, services, healthy, true)[netip.MustParsePrefix("10.1.16.55/32")]; len(hops) != 3 {
		t.Errorf("last resort: %v, want every host that is ready", hops)
	}
	ports := map[int32]int{}
	for _, one := range checks(nodes, services) {
		ports[one.port]++
	}
	if !reflect.DeepEqual(ports, map[int32]int{healthPort: 5, 30001: 5, 30002: 5}) {
		t.Errorf("checks: %v", ports)
	}
}

func TestFilter(t *testing.T) {
	dns := balanced("10.1.16.53", corev1.ServicePort{Protocol: corev1.ProtocolUDP, Port: 53}, corev1.ServicePort{Protocol: corev1.ProtocolTCP, Port: 53})
	lines := strings.Split(filter(addresses, nil, []*corev1.Service{dns}), "\n")
	served := slices.IndexFunc(lines, func(l string) bool {
		return strings.TrimSpace(l) == "ip daddr . meta l4proto . th dport { 10.1.16.53 . tcp . 53, 10.1.16.53 . udp . 53 } accept"
	})
	rest := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "ip daddr 10.1.16.0/24 drop" })
	if served < 0 || rest < served {
		t.Errorf("lines %d and %d of %q", served, rest, lines)
	}
	if text := filter(addresses, nil, nil); !strings.Contains(text, "drop") || strings.Contains(text, "{ }") {
		t.Error(text)
	}
	if text := filter(netip.Prefix{}, nil, nil); strings.Contains(text, "drop") {
		t.Error(text)
	}
}

func TestFilterOnGke(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/20"), netip.MustParsePrefix("10.1.128.0/17")}
	near := balanced("10.1.16.26", corev1.ServicePort{Protocol: corev1.ProtocolTCP, Port: 26257})
	wide := balanced("10.1.16.53", corev1.ServicePort{Protocol: corev1.ProtocolUDP, Port: 53})
	wide.Annotations = map[string]string{globalAccessAnnotation: "true"}
	text := filter(netip.Prefix{}, local, []*corev1.Service{near, wide})
	for _, want := range []string{
		"\t\tip daddr . meta l4proto . th dport { 10.1.16.53 . udp . 53 } accept\n",
		"\t\tip saddr { 10.1.0.0/20, 10.1.128.0/17 } ip daddr . meta l4proto . th dport { 10.1.16.26 . tcp . 26257 } accept\n",
		"\t\tip daddr { 10.1.16.26, 10.1.16.53 } drop\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
