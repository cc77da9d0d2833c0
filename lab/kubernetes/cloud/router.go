package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"lab/kubernetes/network"
)

const (
	// protocol marks the routes made here among the router's.
	protocol = 199
	// A host is out after this many unanswered checks in a row, and in again after one answer.
	checkEvery   = 2 * time.Second
	checkTimeout = time.Second
	failures     = 2
)

// Router keeps the region's router in step with the cluster.
type Router struct {
	namespace netns.NsHandle
	handle    *netlink.Handle
	addresses netip.Prefix
	networks  Networks
	hosts     netip.Prefix
	changed   chan struct{}

	mu     sync.Mutex
	failed map[check]int
}

// NewRouter opens the named network namespace. The load balancers' addresses are from one range or, on GKE, from networks;
// hosts are the only next hops there may be.
func NewRouter(name string, addresses netip.Prefix, networks Networks, hosts netip.Prefix) (*Router, error) {
	namespace, err := netns.GetFromName(name)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", name, err)
	}
	handle, err := netlink.NewHandleAt(namespace)
	if err != nil {
		return nil, err
	}
	// Hosts are chosen by ports too: by addresses alone, all connections between two would take one host.
	err = network.In(namespace, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/fib_multipath_hash_policy", []byte("1"), 0o644)
	})
	return &Router{namespace: namespace, handle: handle, addresses: addresses.Masked(), networks: networks, hosts: hosts.Masked(), changed: make(chan struct{}, 1), failed: map[check]int{}}, err
}

// Run writes routes until ctx ends.
func (r *Router) Run(ctx context.Context, factory informers.SharedInformerFactory) error {
	nodes, services := factory.Core().V1().Nodes(), factory.Core().V1().Services()
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { r.touch() }, UpdateFunc: func(_, _ any) { r.touch() }, DeleteFunc: func(any) { r.touch() },
	}
	for _, informer := range []cache.SharedIndexInformer{nodes.Informer(), services.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	read := func() ([]*corev1.Node, []*corev1.Service) {
		allNodes, _ := nodes.Lister().List(labels.Everything())
		allNodes = slices.DeleteFunc(allNodes, func(node *corev1.Node) bool { return !r.hosts.Contains(internalIP(node)) })
		allServices, _ := services.Lister().List(labels.Everything())
		return allNodes, allServices
	}
	if !cache.WaitForCacheSync(ctx.Done(), nodes.Informer().HasSynced, services.Informer().HasSynced) {
		return nil
	}
	go r.checkAll(ctx, read)
	go r.write(ctx, read)
	return nil
}

func (r *Router) touch() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *Router) write(ctx context.Context, read func() ([]*corev1.Node, []*corev1.Service)) {
	logger := klog.FromContext(ctx)
	filtered := ""
	r.touch()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.changed:
		}
		nodes, services := read()
		var local []netip.Prefix
		if r.networks != "" {
			said, err := r.networks.read()
			if err != nil {
				logger.Error(err, "Reading the networks")
				time.AfterFunc(time.Second, r.touch)
			}
			local = said.Local
		}
		if text := filter(r.addresses, local, services); text != filtered {
			if err := r.nft(ctx, text); err != nil {
				logger.Error(err, "Writing the load balancers' filter")
				time.AfterFunc(time.Second, r.touch)
			} else {
				filtered = text
			}
		}
		if err := r.replaceRoutes(routes(nodes, services, r.healthy, r.networks != "")); err != nil {
			logger.Error(err, "Writing routes")
			time.AfterFunc(time.Second, r.touch)
		}
	}
}

func (r *Router) nft(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return network.In(r.namespace, func() error {
		command := exec.CommandContext(ctx, "nft", "-f", "-")
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(output))
		}
		return nil
	})
}

// replaceRoutes makes the marked routes those that are wanted.
func (r *Router) replaceRoutes(wanted map[netip.Prefix][]netip.Addr) error {
	present, err := r.handle.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	var errs []error
	kept := map[netip.Prefix]bool{}
	for _, route := range present {
		destination := prefixOf(route.Dst)
		if hops, want := wanted[destination]; want && slices.Equal(hops, hopsOf(route)) {
			kept[destination] = true
		} else if !want {
			errs = append(errs, r.handle.RouteDel(&route))
		}
	}
	for destination, hops := range wanted {
		if kept[destination] {
			continue
		}
		route := &netlink.Route{Protocol: protocol, Dst: &net.IPNet{IP: destination.Addr().AsSlice(), Mask: net.CIDRMask(destination.Bits(), 32)}}
		if len(hops) == 1 {
			route.Gw = hops[0].AsSlice()
		} else {
			for _, hop := range hops {
				route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{Gw: hop.AsSlice()})
			}
		}
		if err := r.handle.RouteReplace(route); err != nil {
			errs = append(errs, fmt.Errorf("route to %s by %v: %w", destination, hops, err))
		}
	}
	return errors.Join(errs...)
}

func prefixOf(network *net.IPNet) netip.Prefix {
	if network == nil {
		return netip.Prefix{}
	}
	address, _ := netip.AddrFromSlice(network.IP)
	bits, _ := network.Mask.Size()
	return netip.PrefixFrom(address.Unmap(), bits)
}

func hopsOf(route netlink.Route) []netip.Addr {
	var hops []netip.Addr
	if address, ok := netip.AddrFromSlice(route.Gw); ok {
		hops = append(hops, address.Unmap())
	}
	for _, hop := range route.MultiPath {
		if address, ok := netip.AddrFromSlice(hop.Gw); ok {
			hops = append(hops, address.Unmap())
		}
	}
	slices.SortFunc(hops, netip.Addr.Compare)
	return hops
}

// healthy believes in a host until it has failed.
func (r *Router) healthy(one check) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[one] < failures
}

func (r *Router) checkAll(ctx context.Context, read func() ([]*corev1.Node, []*corev1.Service)) {
	client := &http.Client{Timeout: checkTimeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: r.dial}}
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		all := checks(read())
		var running sync.WaitGroup
		for _, one := range all {
			running.Go(func() { r.note(one, ask(ctx, client, one)) })
		}
		running.Wait()
	}
}

func (r *Router) note(one check, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.failed[one] < failures
	if answered {
		r.failed[one] = 0
	} else {
		r.failed[one]++
	}
	if before != (r.failed[one] < failures) {
		r.touch()
	}
}

func ask(ctx context.Context, client *http.Client, one check) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/healthz", netip.AddrPortFrom(one.host, uint16(one.port))), nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// dial connects from within the router.
func (r *Router) dial(ctx context.Context, kind, address string) (connection net.Conn, err error) {
	err = network.In(r.namespace, func() (err error) {
		connection, err = (&net.Dialer{Timeout: checkTimeout}).DialContext(ctx, kind, address)
		return err
	})
	return connection, err
}
