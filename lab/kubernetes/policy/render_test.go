package policy

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func pod(namespace, name, address string, labels map[string]string, ports ...corev1.ContainerPort) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
	p.Spec.Containers = []corev1.Container{{Ports: ports}}
	p.Status.PodIP = address
	return p
}

// cluster has one local pod, db, a neighbour app elsewhere, and another namespace with a pod of the same labels.
func cluster(t *testing.T, specs ...string) Cluster {
	t.Helper()
	host := pod("east", "host", "10.1.0.10", map[string]string{"app": "app"})
	host.Spec.HostNetwork = true
	c := Cluster{
		Pods: []*corev1.Pod{
			pod("east", "db", "", map[string]string{"app": "db"}, corev1.ContainerPort{Name: "sql", ContainerPort: 26257, Protocol: corev1.ProtocolTCP}),
			pod("east", "app", "10.1.129.7", map[string]string{"app": "app"}, corev1.ContainerPort{Name: "web", ContainerPort: 8000}),
			pod("east", "app2", "10.1.129.8", map[string]string{"app": "app"}, corev1.ContainerPort{Name: "web", ContainerPort: 9000}),
			pod("other", "app", "10.1.129.9", map[string]string{"app": "app"}),
			host,
		},
		Namespaces: map[string]map[string]string{"east": {"region": "east"}, "other": {"region": "none"}},
		Local:      map[types.NamespacedName]netip.Addr{{Namespace: "east", Name: "db"}: netip.MustParseAddr("10.1.128.5")},
	}
	for _, spec := range specs {
		policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "east", Name: "p"}}
		if err := yaml.UnmarshalStrict([]byte(spec), &policy.Spec); err != nil {
			t.Fatal(err)
		}
		c.Policies = append(c.Policies, policy)
	}
	return c
}

// chain returns the lines of one chain, without comments.
func chain(text, name string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		switch {
		case line == "chain "+name+" {":
			inside = true
		case line == "}":
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	ingress = "ingress_10_1_128_5"
	egress  = "egress_10_1_128_5"
)

func TestRender(t *testing.T) {
	for _, test := range []struct {
		name, spec      string
		ingress, egress []string // nil: not isolated
	}{
		{"another pod's policy", `podSelector: {matchLabels: {app: none}}`, nil, nil},
		{"no rules, no types: ingress only", `podSelector: {}`, []string{"drop"}, nil},
		{
			"egress rules imply the type", `{podSelector: {}, egress: [{}]}`,
			[]string{"drop"}, []string{"return", "drop"},
		},
		{"types without rules", `{podSelector: {}, policyTypes: [Egress]}`, nil, []string{"drop"}},
		{"an empty rule allows all", `{podSelector: {}, ingress: [{}]}`, []string{"return", "drop"}, nil},
		{
			"a port from anywhere", `{podSelector: {}, ingress: [{ports: [{port: 8080}]}]}`,
			[]string{"tcp dport 8080 return", "drop"}, nil,
		},
		{
			"pods of the same namespace, not those in a host's network",
			`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: app}}}]}]}`,
			[]string{"ip saddr { 10.1.129.7, 10.1.129.8 } return", "drop"}, nil,
		},
		{
			"all pods of chosen namespaces",
			`{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {region: none}}}]}]}`,
			[]string{"ip saddr { 10.1.129.9 } return", "drop"}, nil,
		},
		{
			"both selectors in one peer are an and",
			`{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}]}]}`,
			[]string{"ip saddr { 10.1.129.7, 10.1.129.8, 10.1.129.9 } return", "drop"}, nil,
		},
		{
			"a peer that chooses nobody allows nobody",
			`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: none}}}]}]}`,
			[]string{"drop"}, nil,
		},
		{
			"a block with exceptions, a range and a protocol",
			`{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.2.0.0/16, 10.3.0.0/16]}}], ports: [{port: 8000, endPort: 8080}, {protocol: UDP}]}]}`,
			[]string{
				"ip saddr 10.0.0.0/8 ip saddr != { 10.2.0.0/16, 10.3.0.0/16 } tcp dport 8000-8080 return",
				"ip saddr 10.0.0.0/8 ip saddr != { 10.2.0.0/16, 10.3.0.0/16 } meta l4proto udp return", "drop",
			}, nil,
		},
		{"a named port is the pod's own", `{podSelector: {}, ingress: [{ports: [{port: sql}]}]}`, []string{"tcp dport 26257 return", "drop"}, nil},
		{"a name of another protocol", `{podSelector: {}, ingress: [{ports: [{port: sql, protocol: UDP}]}]}`, []string{"drop"}, nil},
		{
			"on the way out a name is what each peer calls so",
			`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}], ports: [{port: web}]}]}`,
			nil, []string{"ip daddr 10.1.129.7 tcp dport 8000 return", "ip daddr 10.1.129.8 tcp dport 9000 return", "drop"},
		},
		{
			"egress to a block", `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.2.16.53/32}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}]}`,
			nil, []string{"ip daddr 10.2.16.53/32 tcp dport 53 return", "ip daddr 10.2.16.53/32 udp dport 53 return", "drop"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := Render(cluster(t, test.spec))
			for name, want := range map[string][]string{ingress: test.ingress, egress: test.egress} {
				if got := chain(text, name); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
				}
				field := map[string]string{ingress: "ip daddr", egress: "ip saddr"}[name]
				if jumps := strings.Contains(text, field+" vmap { 10.1.128.5 : jump "+name+" }"); jumps != (want != nil) {
					t.Errorf("%s: jumped to: %v, want %v", name, jumps, want != nil)
				}
			}
		})
	}
}

func TestByIdentityABlockIsOutsideTheCluster(t *testing.T) {
	c := cluster(t, `{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {podSelector: {}}], ports: [{port: 26257}]}]}`)
	c.ByIdentity, c.Nodes = true, []netip.Addr{netip.MustParseAddr("10.1.0.10")}
	text := Render(c)
	want := []string{
		"ip saddr 10.0.0.0/8 ip saddr != @identities tcp dport 26257 return",
		"ip saddr { 10.1.128.5, 10.1.129.7, 10.1.129.8 } tcp dport 26257 return", "drop",
	}
	if got := chain(text, ingress); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if elements := "elements = { 10.1.0.10, 10.1.128.5, 10.1.129.7, 10.1.129.8, 10.1.129.9 }"; !strings.Contains(text, elements) {
		t.Errorf("no %q in\n%s", elements, text)
	}
}

func TestPoliciesAddUp(t *testing.T) {
	text := Render(cluster(t, `{podSelector: {}, ingress: [{ports: [{port: 1}]}]}`, `{podSelector: {}, ingress: [{ports: [{port: 2}]}]}`))
	want := []string{"tcp dport 1 return", "tcp dport 2 return", "drop"}
	if got := chain(text, ingress); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyThePolicysNamespace(t *testing.T) {
	c := cluster(t, `podSelector: {}`)
	c.Policies[0].Namespace = "other"
	if text := Render(c); strings.Contains(text, "drop") {
		t.Errorf("a policy of another namespace isolates the pod:\n%s", text)
	}
}

func TestEstablishedFirst(t *testing.T) {
	lines := chain(Render(cluster(t, `podSelector: {}`)), "forward")
	if len(lines) != 3 || lines[1] != "ct state established,related accept" {
		t.Errorf("answers must be let through before anything is refused: %q", lines)
	}
}

// The kernel itself must take every text.
func TestKernelAccepts(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and nft")
	}
	runtime.LockOSThread() // for good: this thread is in another network namespace from here on
	if _, err := netns.New(); err != nil {
		t.Skip("needs network namespaces:", err)
	}
	all := cluster(t,
		`{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.2.0.0/16]}}], ports: [{port: 8000, endPort: 8080}, {port: 8001}, {protocol: UDP}, {port: 5, protocol: SCTP}]}]}`,
		`{podSelector: {}, policyTypes: [Egress, Ingress], egress: [{to: [{podSelector: {}}], ports: [{port: web}]}, {to: [{namespaceSelector: {}}]}, {}]}`)
	identities := all
	identities.ByIdentity = true
	for _, text := range []string{Render(Cluster{}), Render(Cluster{ByIdentity: true}), Render(identities), Render(all), Render(all)} {
		command := exec.Command(nft, "-f", "-")
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, output, text)
		}
	}
	listed, err := exec.Command(nft, "list", "table", "ip", Table).Output()
	if err != nil || strings.Count(string(listed), "chain ") != 3 {
		t.Errorf("%v\n%s", err, listed)
	}
}
