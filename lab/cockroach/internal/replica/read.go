package replica

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/raft/v3"
)

// Barrier returns once everything that was committed before the call is applied here: reads after it are linearizable. It
// needs a quorum, and waits for one until ctx ends.
func (r *Replica) Barrier(ctx context.Context) error {
	for {
		id := uuid.NewString()
		answer := make(chan uint64, 1)
		r.mu.Lock()
		r.reads[id] = answer
		r.mu.Unlock()
		attempt, cancel := context.WithTimeout(ctx, readRetry)
		_ = r.node.ReadIndex(attempt, []byte(id))
		var index uint64
		var confirmed bool
		select {
		case index = <-answer:
			confirmed = true
		case <-attempt.Done():
		case <-r.stop:
			cancel()
			return context.Canceled
		}
		cancel()
		r.mu.Lock()
		delete(r.reads, id)
		r.mu.Unlock()
		if confirmed {
			return r.waitApplied(ctx, index)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (r *Replica) waitApplied(ctx context.Context, index uint64) error {
	ready := make(chan struct{})
	r.mu.Lock()
	if r.machine.Applied() >= index {
		r.mu.Unlock()
		return nil
	}
	r.waiters = append(r.waiters, applyWaiter{index, ready})
	r.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.stop:
		return context.Canceled
	}
}

func (r *Replica) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.waiters[:0]
	for _, waiter := range r.waiters {
		if waiter.index <= r.applied {
			close(waiter.ready)
		} else {
			kept = append(kept, waiter)
		}
	}
	r.waiters = kept
}

func (r *Replica) finishReads(states []raft.ReadState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, read := range states {
		if answer, ok := r.reads[string(read.RequestCtx)]; ok {
			delete(r.reads, string(read.RequestCtx))
			answer <- read.Index
		}
	}
}

// WaitLeader blocks until some leader is known.
func (r *Replica) WaitLeader(ctx context.Context) error {
	ticker := time.NewTicker(r.timing.Tick)
	defer ticker.Stop()
	for r.Leader() == 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
