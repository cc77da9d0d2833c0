package sqlexec

import (
	"context"
	"encoding/json"
	"sort"
	"strings"
	"time"

	"lab/cockroach/internal/state"
)

// txn gathers what a transaction reads and writes. It reads from the local replica, after a barrier that makes the reads
// linearizable, and commits through the log, which refuses it if anything it read has changed.
type txn struct {
	ctx     context.Context
	cluster Cluster
	barrier bool
	points  map[string]uint64
	groups  map[string]uint64
	writes  map[string]json.RawMessage // nil deletes
	asOf    int64                      // Unix microseconds of AS OF SYSTEM TIME; 0: now
}

func newTxn(cluster Cluster) *txn {
	return &txn{cluster: cluster, points: map[string]uint64{}, groups: map[string]uint64{}, writes: map[string]json.RawMessage{}}
}

func (t *txn) settle() error {
	if t.barrier {
		return nil
	}
	if err := t.cluster.Barrier(t.ctx); err != nil {
		return err
	}
	t.barrier = true
	return nil
}

// get decodes the value of a key into out, and says whether there is one.
func (t *txn) get(key string, out any) (bool, error) {
	if value, ok := t.writes[key]; ok {
		if value == nil {
			return false, nil
		}
		return true, json.Unmarshal(value, out)
	}
	if err := t.settle(); err != nil {
		return false, err
	}
	entry, ok := t.cluster.Machine().Get(key)
	if _, seen := t.points[key]; !seen {
		t.points[key] = entry.Version
	}
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(entry.Value, out)
}

type keyValue struct {
	key   string
	value json.RawMessage
}

// scan returns every pair under a prefix, in order, with this transaction's own writes.
func (t *txn) scan(prefix string) ([]keyValue, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	machine := t.cluster.Machine()
	group := state.Group(prefix)
	if _, seen := t.groups[group]; !seen {
		t.groups[group] = machine.GroupVersion(group)
	}
	var out []keyValue
	for _, entry := range machine.Scan(prefix) {
		if _, changed := t.writes[entry.Key]; !changed {
			out = append(out, keyValue{entry.Key, entry.Value})
		}
	}
	added := false
	for key, value := range t.writes {
		if value != nil && strings.HasPrefix(key, prefix) {
			out = append(out, keyValue{key, value})
			added = true
		}
	}
	if added {
		sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	}
	return out, nil
}

func (t *txn) put(key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	t.writes[key] = data
	return nil
}

func (t *txn) delete(key string) { t.writes[key] = nil }

// unchanged refuses what was read, under a key or a group, if it has been written since the moment that is asked for: versions before
// the newest are not kept, as if the garbage collector came at once.
func (t *txn) unchanged(key string) error {
	if t.asOf == 0 {
		return nil
	}
	machine := t.cluster.Machine()
	written := machine.GroupWritten(key)
	if entry, ok := machine.Get(key); ok {
		written = entry.Written
	}
	if written > t.asOf {
		return errorf(codeInternal, "batch timestamp %d must be after replica GC threshold %d", t.asOf, written)
	}
	return nil
}

// commit says whether the transaction took effect; where it did not, something it read has changed.
func (t *txn) commit() (bool, error) {
	if len(t.writes) == 0 {
		return true, nil
	}
	command := state.Txn{Time: time.Now().UnixMicro(), Points: t.points, Groups: t.groups}
	for key, value := range t.writes {
		command.Writes = append(command.Writes, state.Write{Key: key, Value: value})
	}
	sort.Slice(command.Writes, func(i, j int) bool { return command.Writes[i].Key < command.Writes[j].Key })
	return t.cluster.Commit(t.ctx, command)
}
