package network

import (
	"fmt"
	"net/netip"
	"sync"
)

// Pool gives out the pod addresses of one host. It starts behind the address given last, so that a new pod does not
// get the address that a dead one was just known by.
type Pool struct {
	mu    sync.Mutex
	cidr  netip.Prefix
	last  netip.Addr
	taken map[netip.Addr]bool
}

// SetCIDR sets the range, once the control plane has given the host one.
func (p *Pool) SetCIDR(cidr netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cidr = cidr.Masked()
}

// Ready tells whether the host has a pod range.
func (p *Pool) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cidr.IsValid()
}

// Reserve marks an address as taken, as after a restart.
func (p *Pool) Reserve(address netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take(address)
}

// Release gives an address back.
func (p *Pool) Release(address netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, address)
}

// Take gives out a free address: never the first two of the range (network, the customary gateway) or the last (broadcast).
func (p *Pool) Take() (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cidr.IsValid() {
		return netip.Addr{}, fmt.Errorf("this node has no pod CIDR yet")
	}
	first := p.cidr.Addr().Next().Next()
	start := first
	if p.usable(p.last) && p.usable(p.last.Next()) {
		start = p.last.Next()
	}
	for address := start; ; {
		if !p.taken[address] {
			p.take(address)
			return address, nil
		}
		address = address.Next()
		if !p.usable(address) {
			address = first
		}
		if address == start {
			return netip.Addr{}, fmt.Errorf("no free address in %s", p.cidr)
		}
	}
}

func (p *Pool) usable(address netip.Addr) bool {
	return address.IsValid() && p.cidr.Contains(address) && p.cidr.Contains(address.Next())
}

func (p *Pool) take(address netip.Addr) {
	if p.taken == nil {
		p.taken = map[netip.Addr]bool{}
	}
	p.taken[address] = true
	p.last = address
}
