package state

import (
	"encoding/json"
	"fmt"
)

// Write puts a value under a key, or deletes the key where Value is empty.
type Write struct {
	Key   string          `json:"k"`
	Value json.RawMessage `json:"v,omitempty"`
}

// Txn is a serializable transaction: it takes effect only if nothing that it read has changed since.
type Txn struct {
	Time   int64             `json:"t,omitempty"` // when it was sent, in Unix microseconds
	Points map[string]uint64 `json:"p,omitempty"` // key -> version read, 0 where it was missing
	Groups map[string]uint64 `json:"g,omitempty"` // group -> version at the time of the range read
	Writes []Write           `json:"w,omitempty"`
}

// Beat is one node's heartbeat, as the leader saw it.
type Beat struct {
	ID         uint64 `json:"id"`
	Expiration int64  `json:"x"`
	Info       *Info  `json:"i,omitempty"` // set only where it differs from the record
}

// Member change asked for by `node decommission` and `node recommission`.
type Change struct {
	IDs        []uint64 `json:"ids"`
	Membership string   `json:"to"`
}

// Command is one entry of the log. Exactly one of the pointers is set.
type Command struct {
	ID      string  `json:"id"` // lets a proposal be sent again without taking effect twice
	Join    *Info   `json:"join,omitempty"`
	Beats   []Beat  `json:"beats,omitempty"`
	Change  *Change `json:"change,omitempty"`
	Txn     *Txn    `json:"txn,omitempty"`
	Upgrade string  `json:"upgrade,omitempty"`
}

// Result of a command.
const (
	OK       = ""
	Conflict = "conflict" // a transaction's reads are stale: run it again
)

// Outcome is what became of a command; kept for the latest ones, so that a repeated proposal gets the same answer.
type Outcome struct {
	ID     string `json:"id"`
	NodeID uint64 `json:"nodeId,omitempty"`
	Status string `json:"status,omitempty"`
}

const recentOutcomes = 2048

// Bootstrap makes the first state of a new cluster, with its first node and catalog.
func Bootstrap(clusterID, version string, first Info, catalog map[string]json.RawMessage) *Machine {
	m := New()
	m.image.ClusterID = clusterID
	m.image.Version = version
	m.image.NextID = 2
	m.image.Members[1] = &Member{ID: 1, Info: first, Membership: Active, Epoch: 1}
	m.image.Applied = 1
	for key, value := range catalog {
		m.data.ReplaceOrInsert(Entry{Key: key, Value: value, Version: 1})
		m.image.Groups[Group(key)] = 1
	}
	return m
}

// Apply runs one command. Heartbeats carry no id, and have no outcome worth keeping.
func (m *Machine) Apply(index uint64, data []byte) (Outcome, error) {
	var command Command
	if len(data) > 0 {
		if err := json.Unmarshal(data, &command); err != nil {
			return Outcome{}, fmt.Errorf("log entry %d: %w", index, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.image.Applied = index
	if command.ID == "" {
		m.applyBeats(command.Beats)
		return Outcome{}, nil
	}
	if earlier, ok := m.recent[command.ID]; ok {
		return earlier, nil
	}
	outcome := Outcome{ID: command.ID}
	switch {
	case command.Join != nil:
		outcome.NodeID = m.applyJoin(*command.Join)
	case command.Change != nil:
		outcome.Status = m.applyChange(*command.Change)
	case command.Txn != nil:
		outcome.Status = m.applyTxn(index, *command.Txn)
	case command.Upgrade != "":
		if err := m.record(command.Upgrade); err != nil {
			return Outcome{}, err
		}
		m.image.Version = command.Upgrade
	}
	m.remember(outcome)
	return outcome, nil
}

func (m *Machine) remember(outcome Outcome) {
	m.recent[outcome.ID] = outcome
	m.image.Recent = append(m.image.Recent, outcome)
	if len(m.image.Recent) > recentOutcomes {
		for _, old := range m.image.Recent[:recentOutcomes/2] {
			delete(m.recent, old.ID)
		}
		m.image.Recent = append([]Outcome(nil), m.image.Recent[recentOutcomes/2:]...)
	}
}

func (m *Machine) applyJoin(info Info) uint64 {
	id := m.image.NextID
	m.image.NextID++
	m.image.Members[id] = &Member{ID: id, Info: info, Membership: Active, Epoch: 1}
	return id
}

func (m *Machine) applyBeats(beats []Beat) {
	for _, beat := range beats {
		member, ok := m.image.Members[beat.ID]
		if !ok || member.Membership == Decommissioned {
			continue
		}
		if beat.Info != nil {
			if beat.Info.StartedAt < member.Info.StartedAt {
				continue
			}
			if beat.Info.StartedAt > member.Info.StartedAt && member.Announced {
				member.Epoch++
			}
			member.Info = *beat.Info
		}
		member.Announced = true
		if beat.Expiration > member.Expiration {
			member.Expiration = beat.Expiration
		}
	}
}

// applyChange refuses what the real one refuses: nothing becomes active again that is decommissioned, and nothing gets there
// but through "decommissioning".
func (m *Machine) applyChange(change Change) string {
	for _, id := range change.IDs {
		member, ok := m.image.Members[id]
		if !ok {
			return "node does not exist"
		}
		if member.Membership == change.Membership || member.Membership == Decommissioned && change.Membership == Decommissioning {
			continue
		}
		if member.Membership == Decommissioned {
			return fmt.Sprintf("can only recommission a decommissioning node; n%d found to be %s", id, member.Membership)
		}
		if change.Membership == Decommissioned && member.Membership != Decommissioning {
			return fmt.Sprintf("can only fully decommission an already decommissioning node; n%d found to be %s", id, member.Membership)
		}
	}
	for _, id := range change.IDs {
		if member := m.image.Members[id]; member.Membership != Decommissioned {
			member.Membership = change.Membership
		}
	}
	return OK
}

func (m *Machine) applyTxn(index uint64, txn Txn) string {
	for key, version := range txn.Points {
		entry, _ := m.data.Get(Entry{Key: key})
		if entry.Version != version {
			return Conflict
		}
	}
	for group, version := range txn.Groups {
		if m.image.Groups[group] != version {
			return Conflict
		}
	}
	m.image.Clock = max(m.image.Clock+1, txn.Time)
	for _, write := range txn.Writes {
		if len(write.Value) == 0 {
			m.data.Delete(Entry{Key: write.Key})
		} else {
			m.data.ReplaceOrInsert(Entry{Key: write.Key, Value: write.Value, Version: index, Written: m.image.Clock})
		}
		m.image.Groups[Group(write.Key)] = index
		m.image.Written[Group(write.Key)] = m.image.Clock
	}
	return OK
}
