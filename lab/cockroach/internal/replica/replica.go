// Package replica runs one member of the Raft group: it makes entries durable, exchanges messages and applies what a quorum
// has agreed on to the state machine.
package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/store"
)

// Timing of elections. With these, a lost leader is replaced within 2 to 5 s, and an idle group costs a few messages a second.
type Timing struct {
	Tick      time.Duration
	Election  int // ticks
	Heartbeat int // ticks
}

// DefaultTiming suits links of up to a few hundred milliseconds between regions.
var DefaultTiming = Timing{Tick: 150 * time.Millisecond, Election: 14, Heartbeat: 3}

const (
	snapshotEvery  = 2000 // entries
	keptEntries    = 500  // in memory behind a snapshot, for followers that are only a little late
	proposalRetry  = time.Second
	readRetry      = 700 * time.Millisecond
	maxMessageSize = 1 << 20 // bytes
	maxInflight    = 64
)

// Sender hands Raft messages to the network. It must not block: what cannot be sent is dropped, and Raft sends it again.
type Sender interface {
	Send(message *raftpb.Message)
}

// Replica is one running member.
type Replica struct {
	id      uint64
	node    raft.Node
	storage *raft.MemoryStorage
	store   *store.Store
	machine *state.Machine
	sender  Sender
	timing  Timing

	conf        atomic.Pointer[raftpb.ConfState]
	leader      atomic.Uint64
	applied     uint64
	snapshotted uint64
	snapshotDue bool

	mu      sync.Mutex
	waiting map[string]chan state.Outcome
	reads   map[string]chan uint64
	waiters []applyWaiter

	stop chan struct{}
	done chan struct{}
	fail func(error)
}

type applyWaiter struct {
	index uint64
	ready chan struct{}
}

// Start loads an initialised store and runs. fail is called once if the store can no longer be written.
func Start(st *store.Store, contents store.Contents, machine *state.Machine, sender Sender, timing Timing, fail func(error)) (*Replica, error) {
	r := &Replica{
		id: contents.Identity.NodeID, storage: raft.NewMemoryStorage(), store: st, machine: machine, sender: sender, timing: timing,
		waiting: map[string]chan state.Outcome{}, reads: map[string]chan uint64{},
		stop: make(chan struct{}), done: make(chan struct{}), fail: fail,
	}
	r.conf.Store(&raftpb.ConfState{})
	if contents.Snapshot != nil {
		if err := r.storage.ApplySnapshot(contents.Snapshot); err != nil {
			return nil, err
		}
		if err := r.install(contents.Snapshot); err != nil {
			return nil, err
		}
	}
	if contents.HardState != nil && !raft.IsEmptyHardState(contents.HardState) {
		if err := r.storage.SetHardState(contents.HardState); err != nil {
			return nil, err
		}
	}
	if err := r.storage.Append(contents.Entries); err != nil {
		return nil, err
	}
	r.node = raft.RestartNode(&raft.Config{
		ID: r.id, ElectionTick: timing.Election, HeartbeatTick: timing.Heartbeat, Storage: r.storage, Applied: r.applied,
		MaxSizePerMsg: maxMessageSize, MaxInflightMsgs: maxInflight, CheckQuorum: true, PreVote: true,
		ReadOnlyOption: raft.ReadOnlySafe, Logger: quiet(),
	})
	go r.run()
	if voters := r.Conf().GetVoters(); len(voters) == 1 && voters[0] == r.id {
		return r, r.node.Campaign(context.Background()) // there is nobody to wait for
	}
	return r, nil
}

func quiet() raft.Logger {
	return &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}
}

func (r *Replica) run() {
	defer close(r.done)
	ticker := time.NewTicker(r.timing.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.node.Tick()
		case ready := <-r.node.Ready():
			if err := r.handle(ready); err != nil {
				r.fail(fmt.Errorf("replica: %w", err))
				return
			}
			r.node.Advance()
		case <-r.stop:
			return
		}
	}
}

func (r *Replica) handle(ready raft.Ready) error {
	if ready.SoftState != nil {
		r.leader.Store(ready.SoftState.Lead)
	}
	if err := r.store.Save(ready); err != nil {
		return err
	}
	if !raft.IsEmptySnap(ready.Snapshot) {
		if err := r.storage.ApplySnapshot(ready.Snapshot); err != nil {
			return err
		}
		if err := r.install(ready.Snapshot); err != nil {
			return err
		}
	}
	if ready.HardState != nil && !raft.IsEmptyHardState(ready.HardState) {
		if err := r.storage.SetHardState(ready.HardState); err != nil {
			return err
		}
	}
	if err := r.storage.Append(ready.Entries); err != nil {
		return err
	}
	for _, message := range ready.Messages {
		if message.GetTo() != r.id {
			r.sender.Send(message)
		}
	}
	for _, entry := range ready.CommittedEntries {
		if err := r.apply(entry); err != nil {
			return err
		}
	}
	r.finishReads(ready.ReadStates)
	return r.maybeSnapshot()
}

func (r *Replica) install(snapshot *raftpb.Snapshot) error {
	if err := r.machine.Restore(snapshot.GetData()); err != nil {
		return err
	}
	r.conf.Store(snapshot.GetMetadata().GetConfState())
	r.applied = snapshot.GetMetadata().GetIndex()
	r.snapshotted = r.applied
	r.wake()
	return nil
}

func (r *Replica) apply(entry *raftpb.Entry) error {
	if entry.GetIndex() <= r.applied {
		return nil
	}
	switch entry.GetType() {
	case raftpb.EntryType_EntryNormal:
		outcome, err := r.machine.Apply(entry.GetIndex(), entry.GetData())
		if err != nil {
			return err
		}
		r.answer(outcome)
	case raftpb.EntryType_EntryConfChangeV2:
		var change raftpb.ConfChangeV2
		if err := proto.Unmarshal(entry.GetData(), &change); err != nil {
			return err
		}
		r.conf.Store(r.node.ApplyConfChange(&change))
		if _, err := r.machine.Apply(entry.GetIndex(), nil); err != nil {
			return err
		}
		r.snapshotDue = true // a new member takes no snapshot that is older than its membership
	}
	r.applied = entry.GetIndex()
	r.wake()
	return nil
}

func (r *Replica) maybeSnapshot() error {
	if !r.snapshotDue && r.applied-r.snapshotted < snapshotEvery || r.applied == r.snapshotted {
		return nil
	}
	r.snapshotDue = false
	data, err := r.machine.Snapshot()
	if err != nil {
		return err
	}
	snapshot, err := r.storage.CreateSnapshot(r.applied, r.conf.Load(), data)
	if err != nil {
		return err
	}
	if err := r.store.SaveSnapshot(snapshot); err != nil {
		return err
	}
	r.snapshotted = r.applied
	first, err := r.storage.FirstIndex()
	if err != nil || r.applied < first+keptEntries {
		return err
	}
	return r.storage.Compact(r.applied - keptEntries)
}

// Stop ends the loop; nothing is applied or sent after it returns.
func (r *Replica) Stop() {
	close(r.stop)
	<-r.done
	r.node.Stop()
}

// Step feeds a message from the network.
func (r *Replica) Step(ctx context.Context, message *raftpb.Message) error {
	return r.node.Step(ctx, message)
}

// Unreachable tells Raft that a message to a peer was lost.
func (r *Replica) Unreachable(id uint64) { r.node.ReportUnreachable(id) }

// SnapshotSent tells Raft how the sending of a snapshot went.
func (r *Replica) SnapshotSent(id uint64, ok bool) {
	status := raft.SnapshotFinish
	if !ok {
		status = raft.SnapshotFailure
	}
	r.node.ReportSnapshot(id, status)
}

// Leader is the current leader's id as this replica knows it, or 0.
func (r *Replica) Leader() uint64 { return r.leader.Load() }

// IsLeader says whether this replica leads.
func (r *Replica) IsLeader() bool { return r.Leader() == r.id }

// Conf is the last configuration applied here.
func (r *Replica) Conf() *raftpb.ConfState { return r.conf.Load() }

// Status is Raft's own view, with per-follower progress where this replica leads.
func (r *Replica) Status() raft.Status { return r.node.Status() }

// Transfer hands leadership to another voter.
func (r *Replica) Transfer(ctx context.Context, to uint64) { r.node.TransferLeadership(ctx, r.id, to) }

// Reconfigure proposes one change of the group's membership.
func (r *Replica) Reconfigure(ctx context.Context, id uint64, kind raftpb.ConfChangeType) error {
	return r.node.ProposeConfChange(ctx, &raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{{Type: &kind, NodeId: &id}}})
}

// Propose runs a command through the log and returns its outcome once it is applied here. It is sent again while nothing is
// heard, which the command's id makes harmless. When ctx ends first, the outcome is not known.
func (r *Replica) Propose(ctx context.Context, command state.Command) (state.Outcome, error) {
	command.ID = uuid.NewString()
	data, err := json.Marshal(command)
	if err != nil {
		return state.Outcome{}, err
	}
	answer := make(chan state.Outcome, 1)
	r.mu.Lock()
	r.waiting[command.ID] = answer
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, command.ID)
		r.mu.Unlock()
	}()
	for {
		attempt, cancel := context.WithTimeout(ctx, proposalRetry)
		_ = r.node.Propose(attempt, data) // dropped while there is no leader: sent again below
		select {
		case outcome := <-answer:
			cancel()
			return outcome, nil
		case <-attempt.Done():
			cancel()
		case <-r.stop:
			cancel()
			return state.Outcome{}, context.Canceled
		}
		if ctx.Err() != nil {
			return state.Outcome{}, ctx.Err()
		}
	}
}

// Beat proposes heartbeats; nobody waits for them.
func (r *Replica) Beat(ctx context.Context, beats []state.Beat) error {
	data, err := json.Marshal(state.Command{Beats: beats})
	if err != nil {
		return err
	}
	return r.node.Propose(ctx, data)
}

func (r *Replica) answer(outcome state.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if waiter, ok := r.waiting[outcome.ID]; ok {
		delete(r.waiting, outcome.ID)
		waiter <- outcome
	}
}
