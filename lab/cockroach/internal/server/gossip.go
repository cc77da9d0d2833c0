package server

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

// gossip is what is known of nodes' addresses without any quorum: each node's newest word about itself.
type gossip struct {
	mu      sync.Mutex
	nodes   map[uint64]state.Info
	offsets map[uint64]offset
	leader  uint64
}

type offset struct {
	nanos   float64
	seen    time.Time
	latency time.Duration
}

func newGossip() *gossip {
	return &gossip{nodes: map[uint64]state.Info{}, offsets: map[uint64]offset{}}
}

func (g *gossip) put(id uint64, info state.Info) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id != 0 && info.StartedAt >= g.nodes[id].StartedAt {
		g.nodes[id] = info
	}
}

func (g *gossip) merge(nodes map[uint64]state.Info) {
	for id, info := range nodes {
		g.put(id, info)
	}
}

func (g *gossip) copy() map[uint64]state.Info {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[uint64]state.Info, len(g.nodes))
	for id, info := range g.nodes {
		out[id] = info
	}
	return out
}

func (g *gossip) heard(id uint64, latency time.Duration, nanos float64, leader uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.offsets[id] = offset{nanos: nanos, seen: time.Now(), latency: latency}
	if leader != 0 {
		g.leader = leader
	}
}

func (g *gossip) leaderHint() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leader
}

const freshPing = 6 * time.Second

// clock is the mean offset to the nodes heard lately, its standard deviation, and how many they are.
func (g *gossip) clock() (mean, deviation float64, count int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var sum, squares float64
	for _, o := range g.offsets {
		if time.Since(o.seen) < freshPing {
			sum += o.nanos
			squares += o.nanos * o.nanos
			count++
		}
	}
	if count == 0 {
		return 0, 0, 0
	}
	mean = sum / float64(count)
	return mean, math.Sqrt(max(0, squares/float64(count)-mean*mean)), count
}

// roundTrips are the latest to the nodes heard lately.
func (g *gossip) roundTrips() map[uint64]time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[uint64]time.Duration{}
	for id, o := range g.offsets {
		if time.Since(o.seen) < freshPing {
			out[id] = o.latency
		}
	}
	return out
}

// addressBook merges what is replicated with what is gossiped; the newer word of a node wins.
func (n *Node) addressBook() map[uint64]state.Info {
	for _, member := range n.machine.Members() {
		if member.Membership != state.Decommissioned {
			n.gossip.put(member.ID, member.Info)
		}
	}
	book := n.gossip.copy()
	for _, member := range n.machine.Members() {
		if member.Membership == state.Decommissioned {
			delete(book, member.ID)
		}
	}
	return book
}

const (
	pingTimeout     = 4 * time.Second
	maxJoinBackoff  = 5 // times the first
	strangersPeriod = 4 // join targets that are no known node are tried on every n-th round only, once there is a cluster
)

// pingLoop exchanges heartbeats with every known node and with the join list, whose names are looked up anew at each
// connection attempt. Before the node has a cluster this is how it finds one.
func (n *Node) pingLoop() {
	backoff := n.cfg.Pace.JoinBackoff
	for round := 0; ; round++ {
		book := n.addressBook()
		addresses := map[string]bool{}
		for id, info := range book {
			if id != n.ID() && info.Address != "" {
				addresses[info.Address] = true
			}
		}
		if !n.initialized() || len(addresses) == 0 || round%strangersPeriod == 0 {
			for _, target := range n.cfg.Join {
				addresses[target] = true
			}
		}
		delete(addresses, n.cfg.AdvertiseAddr)
		for address := range addresses {
			if n.peers.claim(address) {
				n.background(func() {
					defer n.peers.release(address)
					n.ping(address)
				})
			}
		}
		wait := n.cfg.Pace.Ping
		if !n.initialized() {
			wait = backoff
			backoff = min(backoff*3/2, n.cfg.Pace.JoinBackoff*maxJoinBackoff)
		}
		if !n.pauseOrReady(wait) {
			return
		}
	}
}

// pauseOrReady is a pause that ends early when the node gets its identity.
func (n *Node) pauseOrReady(d time.Duration) bool {
	if n.initialized() {
		return n.pause(d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.ready:
	case <-n.ctx.Done():
		return false
	}
	return true
}

func (n *Node) ping(address string) {
	client, err := n.peers.get(address)
	if err != nil {
		n.logPeer(address, err)
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, pingTimeout)
	defer cancel()
	sent := time.Now()
	response, err := client.Ping(ctx, &transport.PingRequest{Hello: n.hello(), Nodes: n.gossip.copy()})
	if err != nil {
		if status.Code(err) == codes.DeadlineExceeded {
			n.peers.drop(client)
		}
		if cause := client.DialError(); cause != nil {
			err = cause
		}
		n.checkRemoved(err)
		n.logPeer(address, err)
		return
	}
	if err := n.compatible(response.Hello); err != nil {
		n.logPeer(address, err)
		return
	}
	n.logPeer(address, nil)
	n.welcome.Store(n.initialized())
	received := time.Now()
	middle := sent.Add(received.Sub(sent) / 2)
	if response.Hello.NodeID != 0 && response.Hello.NodeID != n.ID() {
		n.gossip.heard(response.Hello.NodeID, received.Sub(sent), float64(response.Hello.Now-middle.UnixNano()), response.Leader)
	}
	n.gossip.merge(response.Nodes)
	if !n.initialized() && response.Hello.ClusterID != "" {
		joining, cancel := context.WithTimeout(n.ctx, 20*time.Second)
		defer cancel()
		if err := n.join(joining, client); err != nil {
			n.logPeer(address, err)
		}
	}
}

// answerPing is the other side.
func (n *Node) answerPing(request *transport.PingRequest) (*transport.PingResponse, error) {
	if err := n.compatible(request.Hello); err != nil {
		return nil, err
	}
	n.gossip.merge(request.Nodes)
	response := &transport.PingResponse{Hello: n.hello(), Nodes: n.addressBook()}
	if running := n.replica.Load(); running != nil {
		response.Leader = running.Leader()
		response.Nodes[n.ID()] = n.info()
	}
	return response, nil
}

// checkRemoved ends a node that starts on a decommissioned store, with the words of the real one. A node that is decommissioned
// while it runs goes on, cut off from the others.
func (n *Node) checkRemoved(err error) {
	if n.initialized() && !n.welcome.Load() && status.Code(err) == codes.PermissionDenied && strings.Contains(err.Error(), removedText(n.ID())) {
		select {
		case n.fatal <- errors.New(status.Convert(err).Message()):
		default:
		}
	}
}

// logPeer tells of a peer once when it fails, again when it fails otherwise, and when it is back.
func (n *Node) logPeer(address string, err error) {
	text := ""
	if err != nil {
		text = status.Convert(err).Message()
	}
	if n.peers.changed(address, text) {
		if err != nil {
			n.cfg.Log.Warn("no contact", "peer", address, "error", text)
		} else {
			n.cfg.Log.Info("in contact", "peer", address)
		}
	}
}

// fresh says whether a node answered a ping lately.
func (g *gossip) fresh(id uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.offsets[id].seen) < freshPing
}
