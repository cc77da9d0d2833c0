package server

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/sqlexec"
	"lab/cockroach/internal/state"
)

// breaker is the replica circuit breaker: when a request waited in vain for a quorum, those after it fail at once, until a probe
// gets through.
type breaker struct {
	mu      sync.Mutex
	tripped bool
}

const trippedWait = 500 * time.Millisecond // long enough for a healthy group to answer

func (b *breaker) limit(slow time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tripped {
		return trippedWait
	}
	return slow
}

func (b *breaker) set(tripped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tripped = tripped
}

// guarded runs a request that needs a quorum.
func (n *Node) guarded(ctx context.Context, request func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, n.breaker.limit(n.slowReplication()))
	defer cancel()
	err := request(limited)
	if err == nil {
		n.breaker.set(false)
		return nil
	}
	if ctx.Err() == nil && limited.Err() != nil {
		n.breaker.set(true)
		return sqlexec.ErrUnavailable
	}
	return err
}

func (n *Node) slowReplication() time.Duration {
	return n.duration("kv.replica_circuit_breaker.slow_replication_threshold", n.cfg.Pace.SlowReplication)
}

// duration is a cluster setting, or the fallback where it was not set.
func (n *Node) duration(setting string, fallback time.Duration) time.Duration {
	if text, ok := sqlexec.Setting(n.machine, setting); ok {
		if d, err := time.ParseDuration(text); err == nil {
			return d
		}
	}
	return fallback
}

// enabled is a boolean cluster setting that is on by default.
func (n *Node) enabled(setting string) bool {
	text, ok := sqlexec.Setting(n.machine, setting)
	return !ok || text == "true"
}

// propose runs a command for an RPC.
func (n *Node) propose(ctx context.Context, command state.Command) (state.Outcome, error) {
	var outcome state.Outcome
	err := n.guarded(ctx, func(ctx context.Context) (err error) {
		outcome, err = n.replica.Load().Propose(ctx, command)
		return err
	})
	if err != nil {
		return outcome, status.Error(codes.Unavailable, err.Error())
	}
	return outcome, nil
}

// clusterView is what the SQL layer sees of the node.
type clusterView struct{ node *Node }

func (v clusterView) Machine() *state.Machine { return v.node.machine }
func (v clusterView) NodeID() uint64          { return v.node.ID() }
func (v clusterView) ClusterID() string       { return v.node.ClusterID() }
func (v clusterView) Locality() string        { return v.node.cfg.Locality }

func (v clusterView) Voters() (voters []uint64, leader uint64) {
	running := v.node.replica.Load()
	return running.Conf().GetVoters(), running.Leader()
}

func (v clusterView) Barrier(ctx context.Context) error {
	return v.node.guarded(ctx, v.node.replica.Load().Barrier)
}

func (v clusterView) Commit(ctx context.Context, txn state.Txn) (bool, error) {
	var outcome state.Outcome
	err := v.node.guarded(ctx, func(ctx context.Context) (err error) {
		outcome, err = v.node.replica.Load().Propose(ctx, state.Command{Txn: &txn})
		return err
	})
	return outcome.Status == state.OK, err
}
