package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"lab/cockroach/internal/state"
)

func someMembers(now time.Time, regions ...int) []state.Member {
	var out []state.Member
	for region, count := range regions {
		for i := range count {
			out = append(out, state.Member{
				ID: uint64(len(out) + 1), Membership: state.Active, Announced: true, Expiration: now.Add(time.Second).UnixNano(),
				Info: state.Info{Locality: fmt.Sprintf("region=r%d,zone=z%d", region, i)},
			})
		}
	}
	return out
}

// settle applies steps until none is due, and checks that each leaves a quorum of live voters.
func settle(t *testing.T, members []state.Member, conf *raftpb.ConfState, now time.Time) {
	t.Helper()
	for range 200 {
		next, due := nextStep(members, conf, now, time.Minute, func(uint64) bool { return true })
		if !due {
			return
		}
		conf.Voters = slices.DeleteFunc(conf.Voters, func(id uint64) bool { return id == next.id })
		conf.Learners = slices.DeleteFunc(conf.Learners, func(id uint64) bool { return id == next.id })
		switch next.kind {
		case raftpb.ConfChangeType_ConfChangeAddNode:
			conf.Voters = append(conf.Voters, next.id)
		case raftpb.ConfChangeType_ConfChangeAddLearnerNode:
			conf.Learners = append(conf.Learners, next.id)
		}
	}
	t.Fatalf("the voters of %d members never come to rest: %v", len(members), conf)
}

func votersByRegion(members []state.Member, conf *raftpb.ConfState) map[string]int {
	out := map[string]int{}
	for _, member := range members {
		if slices.Contains(conf.Voters, member.ID) {
			out[member.Region()]++
		}
	}
	return out
}

func TestVotersForAnyShapeOfCluster(t *testing.T) {
	now := time.Now()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var regions []int
		for range 1 + random.IntN(5) {
			regions = append(regions, 1+random.IntN(4))
		}
		members := someMembers(now, regions...)
		conf := &raftpb.ConfState{Voters: []uint64{1}}
		settle(t, members, conf, now)
		count := len(conf.Voters)
		if count%2 == 0 || count > maxVoters || len(members) >= 3 && count < 3 || len(members) >= 5 && count != 5 {
			t.Errorf("%v: %d voters of %d members", regions, count, len(members))
		}
		if len(members) != len(conf.Voters)+len(conf.Learners) {
			t.Errorf("%v: a member has no copy: %v", regions, conf)
		}
		room := 0 // for voters that no region holds a majority of
		for _, nodes := range regions {
			room += min(nodes, (count-1)/2)
		}
		if room >= count { // else, as in the real one, a region holds one
			for region, in := range votersByRegion(members, conf) {
				if in*2 > count {
					t.Errorf("%v: the loss of %s takes %d of %d voters", regions, region, in, count)
				}
			}
		}
	}
}

func TestDecommissioningMovesTheVoter(t *testing.T) {
	now := time.Now()
	members := someMembers(now, 3, 3, 3)
	conf := &raftpb.ConfState{Voters: []uint64{1}}
	settle(t, members, conf, now)
	for i := range members[:3] {
		members[i].Membership = state.Decommissioning
	}
	settle(t, members, conf, now)
	for _, id := range []uint64{1, 2, 3} {
		if slices.Contains(conf.Voters, id) || !slices.Contains(conf.Learners, id) {
			t.Errorf("n%d, decommissioning, is no learner: %v", id, conf)
		}
	}
	if len(conf.Voters) != 5 {
		t.Error(conf)
	}
	members[0].Membership = state.Decommissioned
	settle(t, members, conf, now)
	if slices.Contains(conf.Learners, 1) {
		t.Error("a decommissioned node is still a member")
	}
}

func TestDeadVotersAreReplacedOnlyAfterAWhile(t *testing.T) {
	now := time.Now()
	members := someMembers(now, 2, 2, 2)
	conf := &raftpb.ConfState{Voters: []uint64{1}}
	settle(t, members, conf, now)
	before := slices.Clone(conf.Voters)
	dead := before[1]
	members[dead-1].Expiration = now.Add(-10 * time.Second).UnixNano()
	settle(t, members, conf, now)
	if !slices.Equal(conf.Voters, before) {
		t.Errorf("voters changed for a node that is 10 s dead: %v to %v", before, conf.Voters)
	}
	members[dead-1].Expiration = now.Add(-2 * time.Minute).UnixNano()
	settle(t, members, conf, now)
	if slices.Contains(conf.Voters, dead) || len(conf.Voters) != 5 {
		t.Errorf("n%d, long dead, was not replaced: %v", dead, conf.Voters)
	}
}

func TestThreeNodesKeepADeadVoter(t *testing.T) {
	now := time.Now()
	members := someMembers(now, 1, 1, 1)
	conf := &raftpb.ConfState{Voters: []uint64{1}}
	settle(t, members, conf, now)
	members[2].Expiration = now.Add(-time.Hour).UnixNano()
	settle(t, members, conf, now)
	if len(conf.Voters) != 3 {
		t.Errorf("shrank to %v: a second loss would have been survived by nobody", conf.Voters)
	}
}
