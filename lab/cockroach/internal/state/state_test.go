package state

import (
	"encoding/json"
	"errors"
	"testing"
)

func apply(t *testing.T, m *Machine, index uint64, command Command) Outcome {
	t.Helper()
	data, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := m.Apply(index, data)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func TestAProposalSentTwiceCountsOnce(t *testing.T) {
	m := Bootstrap("c", "26.2", Info{}, nil)
	first := apply(t, m, 2, Command{ID: "a", Join: &Info{Address: "x"}})
	again := apply(t, m, 3, Command{ID: "a", Join: &Info{Address: "x"}})
	if first.NodeID != 2 || again != first || len(m.Members()) != 2 {
		t.Error(first, again, m.Members())
	}
}

func TestTransactionsFailOnStaleReads(t *testing.T) {
	m := Bootstrap("c", "26.2", Info{}, nil)
	put := func(key string) []Write { return []Write{{Key: key, Value: json.RawMessage(`1`)}} }
	if got := apply(t, m, 2, Command{ID: "1", Txn: &Txn{Points: map[string]uint64{"row/1/a": 0}, Writes: put("row/1/a")}}); got.Status != OK {
		t.Fatal(got)
	}
	for name, txn := range map[string]Txn{
		"a key that was missing":   {Points: map[string]uint64{"row/1/a": 0}, Writes: put("row/1/b")},
		"a range that has changed": {Groups: map[string]uint64{"row/1/": 0}, Writes: put("row/1/b")},
	} {
		if got := apply(t, m, 3, Command{ID: name, Txn: &txn}); got.Status != Conflict {
			t.Errorf("%s: %q", name, got.Status)
		}
	}
	if _, ok := m.Get("row/1/b"); ok {
		t.Error("a transaction that failed has written")
	}
	entry, _ := m.Get("row/1/a")
	current := Txn{Points: map[string]uint64{"row/1/a": entry.Version}, Groups: map[string]uint64{"row/1/": m.GroupVersion("row/1/")}, Writes: []Write{{Key: "row/1/a"}}}
	if got := apply(t, m, 4, Command{ID: "ok", Txn: &current}); got.Status != OK {
		t.Error(got)
	}
	if _, ok := m.Get("row/1/a"); ok {
		t.Error("not deleted")
	}
}

func TestMembershipTransitions(t *testing.T) {
	m := Bootstrap("c", "26.2", Info{}, nil)
	change := func(id, to string, index uint64) string {
		return apply(t, m, index, Command{ID: id, Change: &Change{IDs: []uint64{1}, Membership: to}}).Status
	}
	if change("a", Decommissioned, 2) == OK {
		t.Error("active to decommissioned in one step")
	}
	for i, step := range []struct {
		to string
		ok bool
	}{{Decommissioning, true}, {Active, true}, {Decommissioning, true}, {Decommissioned, true}, {Decommissioning, true}, {Active, false}} {
		if status := change(step.to+string(rune('0'+i)), step.to, uint64(3+i)); (status == OK) != step.ok {
			t.Errorf("step %d to %s: %q", i, step.to, status)
		}
	}
	if member, _ := m.Member(1); member.Membership != Decommissioned {
		t.Error(member.Membership)
	}
}

func TestNobodySeesAVersionThatIsNotRecorded(t *testing.T) {
	m := Bootstrap("c", "26.2", Info{}, nil)
	m.RecordVersions(func(string) error { return errors.New("disk full") })
	command, err := json.Marshal(Command{ID: "u", Upgrade: "26.4"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Apply(2, command); err == nil || m.Version() != "26.2" {
		t.Errorf("%v, version %s", err, m.Version())
	}
	newer, err := Bootstrap("c", "26.4", Info{}, nil).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(newer); err == nil || m.Version() != "26.2" {
		t.Errorf("%v, version %s", err, m.Version())
	}
}

func TestSnapshotsHoldEverything(t *testing.T) {
	m := Bootstrap("c", "26.2", Info{Address: "x"}, map[string]json.RawMessage{"db/a": json.RawMessage(`{"n":1}`)})
	apply(t, m, 2, Command{ID: "j", Join: &Info{Address: "y"}})
	apply(t, m, 3, Command{Beats: []Beat{{ID: 2, Expiration: 99, Info: &Info{Address: "z", StartedAt: 5}}}})
	before, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	restored := New()
	if err := restored.Restore(before); err != nil {
		t.Fatal(err)
	}
	after, err := restored.Snapshot()
	if err != nil || string(before) != string(after) {
		t.Errorf("%v\n%s\n%s", err, before, after)
	}
	if again := apply(t, restored, 4, Command{ID: "j", Join: &Info{}}); again.NodeID != 2 {
		t.Error("outcomes were lost")
	}
}
