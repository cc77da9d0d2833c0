package server

import (
	"net"
	"sync"

	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/transport"
)

// peers holds one client for each address.
type peers struct {
	mu      sync.Mutex
	manager *certs.Manager
	clients map[string]*transport.Client
	busy    map[string]bool
	said    map[string]string
	closed  bool
}

func newPeers(manager *certs.Manager) *peers {
	return &peers{manager: manager, clients: map[string]*transport.Client{}, busy: map[string]bool{}, said: map[string]string{}}
}

func (p *peers) get(address string) (*transport.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if client, ok := p.clients[address]; ok {
		return client, nil
	}
	if p.closed {
		return nil, net.ErrClosed
	}
	client, err := transport.Dial(address, p.manager.ClientConfig)
	if err != nil {
		return nil, err
	}
	p.clients[address] = client
	return client, nil
}

// drop forgets a connection that hangs, so that the next call looks the name up again and connects anew.
func (p *peers) drop(client *transport.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clients[client.Address] == client {
		delete(p.clients, client.Address)
		_ = client.Close()
	}
}

func (p *peers) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for address, client := range p.clients {
		_ = client.Close()
		delete(p.clients, address)
	}
}

func (p *peers) close() {
	p.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// claim keeps two pings of one address from running at a time.
func (p *peers) claim(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[address] {
		return false
	}
	p.busy[address] = true
	return true
}

// changed notes what was last said of an address; it is news where it differs.
func (p *peers) changed(address, text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	earlier, known := p.said[address]
	p.said[address] = text
	return earlier != text || !known
}

func (p *peers) release(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, address)
}
