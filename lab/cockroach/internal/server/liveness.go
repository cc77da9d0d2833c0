package server

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

// beats gathers, on the leader, the heartbeats heard since the last proposal.
type beats struct {
	mu    sync.Mutex
	heard map[uint64]heard
}

type heard struct {
	info state.Info
	at   time.Time
}

func newBeats() *beats { return &beats{heard: map[uint64]heard{}} }

func (b *beats) add(id uint64, info state.Info) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard[id] = heard{info, time.Now()}
}

func (b *beats) take() map[uint64]heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.heard
	b.heard = map[uint64]heard{}
	return out
}

// beatLoop renews this node's liveness record: it tells the leader, and the leader writes all records that it heard of in one
// log entry. Without a quorum no record is renewed, and every node soon stops being live, as in the real one.
func (n *Node) beatLoop() {
	for n.ctx.Err() == nil {
		n.beat()
		if n.replica.Load().IsLeader() {
			n.flushBeats()
		}
		wait := n.cfg.Pace.Beat
		if member, ok := n.machine.Member(n.ID()); !ok || !member.Announced {
			wait /= 5
		}
		if !n.pause(wait) {
			return
		}
	}
}

func (n *Node) beat() {
	running := n.replica.Load()
	leader := running.Leader()
	if leader == 0 {
		leader = n.gossip.leaderHint()
	}
	if leader == n.ID() {
		n.beats.add(n.ID(), n.info())
		return
	}
	address := n.addressBook()[leader].Address
	if address == "" {
		return
	}
	client, err := n.peers.get(address)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Pace.Beat)
	defer cancel()
	if err := client.Beat(ctx, &transport.BeatRequest{NodeID: n.ID(), Info: n.info()}); err != nil {
		n.checkRemoved(err)
	}
}

func (n *Node) answerBeat(request *transport.BeatRequest) error {
	running := n.replica.Load()
	if running == nil || !running.IsLeader() {
		return status.Error(codes.FailedPrecondition, "not the leader")
	}
	member, ok := n.machine.Member(request.NodeID)
	if ok && member.Membership == state.Decommissioned {
		return status.Error(codes.PermissionDenied, removedText(request.NodeID))
	}
	n.beats.add(request.NodeID, request.Info)
	n.gossip.put(request.NodeID, request.Info)
	if !ok || !member.Announced || member.Info != request.Info {
		n.flushBeats()
	}
	return nil
}

func (n *Node) flushBeats() {
	taken := n.beats.take()
	if len(taken) == 0 {
		return
	}
	var out []state.Beat
	for id, beat := range taken {
		entry := state.Beat{ID: id, Expiration: beat.at.Add(n.cfg.Pace.LivenessTTL).UnixNano()}
		if member, ok := n.machine.Member(id); ok && (member.Info != beat.info || !member.Announced) {
			entry.Info = &beat.info
			n.nudge()
		}
		out = append(out, entry)
	}
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Pace.Beat)
	defer cancel()
	_ = n.replica.Load().Beat(ctx, out)
}

// nudge makes the allocator look soon.
func (n *Node) nudge() {
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// live says whether a record has not run out.
func live(member state.Member, now time.Time) bool { return member.Expiration > now.UnixNano() }

// liveNodes counts the members that are live and not decommissioned.
func (n *Node) liveNodes() int {
	now, count := time.Now(), 0
	for _, member := range n.machine.Members() {
		if live(member, now) && member.Membership != state.Decommissioned {
			count++
		}
	}
	return count
}
