// Package cloud is what a region's cloud does for its Kubernetes cluster: addresses of load balancers, routes to hosts
// and pods, and disks.
package cloud

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// Balancer gives out load balancer addresses. The service controller of k8s.io/cloud-provider calls it, writes the
// status, keeps the finalizer and reports errors as events, as it does in every cloud; package cloud's Router does the rest.
type Balancer struct {
	// Nothing but load balancers is asked for.
	cloudprovider.Interface

	pool     Pool
	services corelisters.ServiceLister

	mu    sync.Mutex
	given map[types.NamespacedName]holding
}

// Pool knows which address a Service may have. What others hold is given, the Service's own holding too.
type Pool interface {
	Choose(service *corev1.Service, given map[types.NamespacedName]holding) (netip.Addr, error)
}

// holding is a Service's address, and the transports that it uses there.
type holding struct {
	address   netip.Addr
	protocols map[corev1.Protocol]bool
}

func holdingOf(address netip.Addr, service *corev1.Service) holding {
	protocols := map[corev1.Protocol]bool{}
	for _, port := range service.Spec.Ports {
		protocols[port.Protocol] = true
	}
	return holding{address, protocols}
}

func nameOf(service *corev1.Service) types.NamespacedName {
	return types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
}

var (
	_ cloudprovider.Interface    = (*Balancer)(nil)
	_ cloudprovider.LoadBalancer = (*Balancer)(nil)
)

// NewBalancer gives out addresses of a pool. The lister is read at the first request, when it must have synced.
func NewBalancer(pool Pool, services corelisters.ServiceLister) *Balancer {
	return &Balancer{pool: pool, services: services}
}

// LoadBalancer says that there are load balancers.
func (b *Balancer) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return b, true }

// ProviderName is the scheme of the hosts' provider ids.
func (b *Balancer) ProviderName() string { return "lab" }

// HasClusterID says that clusters share nothing here.
func (b *Balancer) HasClusterID() bool { return true }

// GetLoadBalancer returns the address that a Service has.
func (b *Balancer) GetLoadBalancer(_ context.Context, _ string, service *corev1.Service) (*corev1.LoadBalancerStatus, bool, error) {
	address := statusAddress(service)
	return balancerStatus(address), address.IsValid(), nil
}

// GetLoadBalancerName names a Service's load balancer.
func (b *Balancer) GetLoadBalancerName(_ context.Context, _ string, service *corev1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

// EnsureLoadBalancer gives a Service the address it asks for, or any.
func (b *Balancer) EnsureLoadBalancer(_ context.Context, _ string, service *corev1.Service, _ []*corev1.Node) (*corev1.LoadBalancerStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.recall(); err != nil {
		return nil, err
	}
	address, err := b.pool.Choose(service, b.given)
	if err != nil {
		return nil, err
	}
	b.given[nameOf(service)] = holdingOf(address, service)
	return balancerStatus(address), nil
}

// UpdateLoadBalancer has nothing to do: the Router watches hosts itself.
func (b *Balancer) UpdateLoadBalancer(context.Context, string, *corev1.Service, []*corev1.Node) error {
	return nil
}

// EnsureLoadBalancerDeleted takes a Service's address back.
func (b *Balancer) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *corev1.Service) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.recall(); err != nil {
		return err
	}
	delete(b.given, nameOf(service))
	return nil
}

// recall reads, once, what an earlier process gave out.
func (b *Balancer) recall() error {
	if b.given != nil {
		return nil
	}
	services, err := b.services.List(labels.Everything())
	if err != nil {
		return err
	}
	b.given = map[types.NamespacedName]holding{}
	for _, service := range services {
		if address := statusAddress(service); address.IsValid() {
			b.given[nameOf(service)] = holdingOf(address, service)
		}
	}
	return nil
}

// Range is a pool of one range, of which each Service has an address of its own.
type Range netip.Prefix

// Choose returns the address that the Service asks for, if that is in the range and nobody else's; else the one it has;
// else the highest that is free, as planned addresses are counted from below.
func (r Range) Choose(service *corev1.Service, given map[types.NamespacedName]holding) (netip.Addr, error) {
	addresses, name := netip.Prefix(r).Masked(), nameOf(service)
	if wanted := service.Spec.LoadBalancerIP; wanted != "" {
		address, err := netip.ParseAddr(wanted)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("loadBalancerIP %q is no address", wanted)
		}
		if !usable(addresses, address) {
			return netip.Addr{}, fmt.Errorf("loadBalancerIP %s is not an address for load balancers: the range is %s", address, addresses)
		}
		for owner, held := range given {
			if owner != name && held.address == address {
				return netip.Addr{}, fmt.Errorf("loadBalancerIP %s is in use by Service %s", address, owner)
			}
		}
		return address, nil
	}
	if held, has := given[name]; has {
		return held.address, nil
	}
	return free(addresses, given, nil)
}

// free returns the highest address of a range that nobody holds and that is not reserved.
func free(addresses netip.Prefix, given map[types.NamespacedName]holding, reserved map[netip.Addr]string) (netip.Addr, error) {
	taken := map[netip.Addr]bool{}
	for _, held := range given {
		taken[held.address] = true
	}
	for address := last(addresses); addresses.Contains(address); address = address.Prev() {
		if _, kept := reserved[address]; !kept && !taken[address] && usable(addresses, address) {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no free address in %s", addresses)
}

// usable excludes the first and the last address of the range, as a subnet does.
func usable(addresses netip.Prefix, address netip.Addr) bool {
	return addresses.Contains(address) && address != addresses.Addr() && address != last(addresses)
}

func last(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Masked().Addr().As4()
	for bit := prefix.Bits(); bit < 32; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(bytes)
}

// statusAddress returns the address that a Service was given, or an invalid one.
func statusAddress(service *corev1.Service) netip.Addr {
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil {
			return address
		}
	}
	return netip.Addr{}
}

func balancerStatus(address netip.Addr) *corev1.LoadBalancerStatus {
	if !address.IsValid() {
		return &corev1.LoadBalancerStatus{}
	}
	mode := corev1.LoadBalancerIPModeVIP
	return &corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}}
}

// frontend is one port of one load balancer.
type frontend struct {
	address  netip.Addr
	protocol corev1.Protocol
	port     int32
}

func compareFrontends(a, b frontend) int {
	return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port))
}
