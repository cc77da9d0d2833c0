package server

import (
	"context"
	"slices"
	"sort"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/state"
)

// maxVoters is the replication factor of CockroachDB's system ranges. The other nodes hold a copy as learners.
const maxVoters = 5

// minVoters is wanted even where there are fewer nodes: such a cluster is under-replicated.
const minVoters = 3

// neededVoters is how many voters a cluster of so many members has: never an even number, which survives no more failures.
func neededVoters(members int) int {
	if members >= maxVoters {
		return maxVoters
	}
	return minVoters
}

// activeMembers counts those that stay in the cluster, dead ones too.
func activeMembers(members []state.Member) int {
	count := 0
	for _, member := range members {
		if member.Announced && member.Membership == state.Active {
			count++
		}
	}
	return count
}

// chooseVoters spreads voters over regions first, then over zones, and keeps the present ones where that is as good.
func chooseVoters(eligible []state.Member, present []uint64, needed int) []uint64 {
	count := min(needed, len(eligible))
	if count > 0 && count%2 == 0 {
		count--
	}
	regions, zones := map[string]int{}, map[string]int{}
	var chosen []uint64
	rest := slices.Clone(eligible)
	for len(chosen) < count {
		sort.SliceStable(rest, func(i, j int) bool {
			a, b := rest[i], rest[j]
			if x, y := regions[a.Region()], regions[b.Region()]; x != y {
				return x < y
			}
			if x, y := zones[a.Info.Locality], zones[b.Info.Locality]; x != y {
				return x < y
			}
			if x, y := slices.Contains(present, a.ID), slices.Contains(present, b.ID); x != y {
				return x
			}
			return a.ID < b.ID
		})
		next := rest[0]
		rest = rest[1:]
		chosen = append(chosen, next.ID)
		regions[next.Region()]++
		zones[next.Info.Locality]++
	}
	return chosen
}

// eligible members may vote: active, and not dead for long.
func eligible(members []state.Member, now time.Time, storeDead time.Duration) []state.Member {
	var out []state.Member
	for _, member := range members {
		if member.Announced && member.Membership == state.Active && now.UnixNano()-member.Expiration < storeDead.Nanoseconds() {
			out = append(out, member)
		}
	}
	return out
}

// step is one change of the Raft group.
type step struct {
	id   uint64
	kind raftpb.ConfChangeType
}

// nextStep finds the first change that is due, if any. caughtUp says whether a learner has all that is committed.
func nextStep(members []state.Member, conf *raftpb.ConfState, now time.Time, storeDead time.Duration, caughtUp func(uint64) bool) (step, bool) {
	voters, learners := conf.GetVoters(), conf.GetLearners()
	if len(conf.GetVotersOutgoing()) > 0 {
		return step{}, false
	}
	needed := neededVoters(activeMembers(members))
	wanted := chooseVoters(eligible(members, now, storeDead), voters, needed)
	for _, member := range members {
		known := slices.Contains(voters, member.ID) || slices.Contains(learners, member.ID)
		switch {
		case member.Membership == state.Decommissioned && slices.Contains(learners, member.ID):
			return step{member.ID, raftpb.ConfChangeType_ConfChangeRemoveNode}, true
		case member.Membership == state.Decommissioned && slices.Contains(voters, member.ID) && len(voters) > 1:
			return step{member.ID, raftpb.ConfChangeType_ConfChangeRemoveNode}, true
		case member.Membership != state.Decommissioned && member.Announced && !known && live(member, now):
			return step{member.ID, raftpb.ConfChangeType_ConfChangeAddLearnerNode}, true
		}
	}
	missing := false
	for _, id := range wanted {
		if slices.Contains(voters, id) {
			continue
		}
		missing = true
		if slices.Contains(learners, id) && caughtUp(id) {
			return step{id, raftpb.ConfChangeType_ConfChangeAddNode}, true
		}
	}
	if missing || len(voters) <= needed {
		return step{}, false
	}
	return surplus(members, voters, wanted, now)
}

// surplus picks the voter to demote: one that leaves the cluster first, then a dead one.
func surplus(members []state.Member, voters, wanted []uint64, now time.Time) (step, bool) {
	best, rank := uint64(0), -1
	for _, member := range members {
		if !slices.Contains(voters, member.ID) || slices.Contains(wanted, member.ID) {
			continue
		}
		this := 0
		switch {
		case member.Membership != state.Active:
			this = 2
		case !live(member, now):
			this = 1
		}
		if this > rank {
			best, rank = member.ID, this
		}
	}
	return step{best, raftpb.ConfChangeType_ConfChangeAddLearnerNode}, best != 0
}

func (n *Node) allocateLoop() {
	timer := time.NewTicker(n.cfg.Pace.Allocate)
	defer timer.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-timer.C:
		case <-n.kick:
		}
		if n.replica.Load().IsLeader() {
			for n.allocate() && n.pause(n.cfg.Pace.Raft.Tick) {
			}
			n.finalizeUpgrade()
		}
	}
}

// allocate proposes one step, and says whether there was one.
func (n *Node) allocate() bool {
	running := n.replica.Load()
	raftStatus := running.Status()
	if raftStatus.Progress == nil {
		return false
	}
	caughtUp := func(id uint64) bool {
		progress, ok := raftStatus.Progress[id]
		return ok && progress.RecentActive && progress.State == tracker.StateReplicate && progress.Match+maxLag >= raftStatus.GetCommit()
	}
	next, due := nextStep(n.machine.Members(), running.Conf(), time.Now(), n.storeDead(), caughtUp)
	if !due {
		return false
	}
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Pace.Allocate)
	defer cancel()
	if next.id == n.ID() {
		n.handOver(ctx)
		return false
	}
	n.cfg.Log.Info("changing the Raft group", "node", next.id, "change", next.kind.String())
	return running.Reconfigure(ctx, next.id, next.kind) == nil
}

// storeDead is how long a voter may be dead before it is replaced.
func (n *Node) storeDead() time.Duration {
	return n.duration("server.time_until_store_dead", n.cfg.Pace.StoreDead)
}

const maxLag = 50 // entries that a learner may lack when it is made a voter

// handOver moves leadership to the voter that has the most of the log.
func (n *Node) handOver(ctx context.Context) {
	running := n.replica.Load()
	var best, match uint64
	for id, progress := range running.Status().Progress {
		if id != n.ID() && !progress.IsLearner && progress.RecentActive && progress.Match >= match {
			best, match = id, progress.Match
		}
	}
	if best != 0 {
		running.Transfer(ctx, best)
	}
}

// finalizeUpgrade raises the cluster's version once every member runs a newer program and nobody holds it back.
func (n *Node) finalizeUpgrade() {
	active, err := build.ParseVersion(n.machine.Version())
	if err != nil || !active.Less(build.Binary()) {
		return
	}
	if _, held := n.machine.Get("setting/cluster.preserve_downgrade_option"); held || !n.enabled("cluster.auto_upgrade.enabled") {
		return
	}
	now := time.Now()
	for _, member := range n.machine.Members() {
		if member.Membership == state.Decommissioned || !member.Announced {
			continue
		}
		theirs, err := build.ParseVersion(member.Info.Build)
		if err != nil || theirs.Less(build.Binary()) || !live(member, now) {
			return
		}
	}
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Pace.Allocate*5)
	defer cancel()
	if _, err := n.replica.Load().Propose(ctx, state.Command{Upgrade: build.Binary().String()}); err == nil {
		n.cfg.Log.Info("upgraded the cluster version", "from", active.String(), "to", build.Binary().String())
	}
}
