// Package state is the replicated state machine: the cluster's identity, its members and an ordered key-value map that holds
// the SQL catalog and rows. Every replica applies the same commands in the same order and reaches the same state.
package state

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/google/btree"
)

// Membership states, as the real liveness records name them.
const (
	Active          = "active"
	Decommissioning = "decommissioning"
	Decommissioned  = "decommissioned"
)

// Info is what a node says about itself; a change of it (a new address, a new build) is replicated with its next heartbeat.
type Info struct {
	Address     string `json:"address"`
	SQLAddress  string `json:"sqlAddress"`
	HTTPAddress string `json:"httpAddress"`
	Locality    string `json:"locality"`
	Build       string `json:"build"`
	StartedAt   int64  `json:"startedAt"` // Unix nanoseconds; also orders two infos of one node
	Draining    bool   `json:"draining"`
}

// Member is one node's record.
type Member struct {
	ID         uint64 `json:"id"`
	Info       Info   `json:"info"`
	Membership string `json:"membership"`
	Epoch      int64  `json:"epoch"`
	Expiration int64  `json:"expiration"` // Unix nanoseconds after which the node no longer counts as live
	Announced  bool   `json:"announced"`  // false until its first heartbeat: an id that was given out but never used
}

// Region is the value of the locality tier "region", or "".
func (m Member) Region() string { return Tier(m.Info.Locality, "region") }

// Tier reads one key of a locality such as "region=us-east1,zone=b".
func Tier(locality, key string) string {
	for _, tier := range strings.Split(locality, ",") {
		if name, value, ok := strings.Cut(tier, "="); ok && name == key {
			return value
		}
	}
	return ""
}

// Entry is a stored value, and the log index and the moment that wrote it.
type Entry struct {
	Key     string          `json:"k"`
	Value   json.RawMessage `json:"v"`
	Version uint64          `json:"n"`
	Written int64           `json:"t,omitempty"` // by the machine's clock
}

type image struct {
	ClusterID string             `json:"clusterId"`
	Version   string             `json:"version"`
	NextID    uint64             `json:"nextId"`
	Members   map[uint64]*Member `json:"members"`
	Groups    map[string]uint64  `json:"groups"`
	Written   map[string]int64   `json:"written"` // group -> moment of the last write
	Clock     int64              `json:"clock"`   // of the last transaction, in Unix microseconds: no two have the same
	Recent    []Outcome          `json:"recent"`
	Applied   uint64             `json:"applied"`
	Entries   []Entry            `json:"entries"`
}

// Machine holds one replica's copy. All methods are safe for concurrent use.
type Machine struct {
	mu     sync.RWMutex
	image  image
	data   *btree.BTreeG[Entry]
	recent map[string]Outcome
	record func(version string) error
}

// New returns an empty machine, as on a node that has joined nothing yet.
func New() *Machine {
	m := &Machine{record: func(string) error { return nil }}
	m.reset(image{NextID: 1})
	return m
}

func (m *Machine) reset(from image) {
	if from.Members == nil {
		from.Members = map[uint64]*Member{}
	}
	if from.Groups == nil {
		from.Groups = map[string]uint64{}
	}
	if from.Written == nil {
		from.Written = map[string]int64{}
	}
	m.data = btree.NewG(32, func(a, b Entry) bool { return a.Key < b.Key })
	for _, entry := range from.Entries {
		m.data.ReplaceOrInsert(entry)
	}
	from.Entries = nil
	m.recent = make(map[string]Outcome, len(from.Recent))
	for _, outcome := range from.Recent {
		m.recent[outcome.ID] = outcome
	}
	m.image = from
}

// Snapshot serialises the whole state.
func (m *Machine) Snapshot() ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := m.image
	out.Entries = make([]Entry, 0, m.data.Len())
	m.data.Ascend(func(e Entry) bool {
		out.Entries = append(out.Entries, e)
		return true
	})
	return json.Marshal(out)
}

// RecordVersions has record keep the cluster version before anyone sees a new one here. Its error stops the machine.
func (m *Machine) RecordVersions(record func(version string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record = record
}

// Restore replaces the state with a snapshot's.
func (m *Machine) Restore(data []byte) error {
	var in image
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("restoring a snapshot: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.record(in.Version); err != nil {
		return err
	}
	m.reset(in)
	return nil
}

// ClusterID is "" until the cluster exists.
func (m *Machine) ClusterID() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.image.ClusterID
}

// Version is the cluster's active version, e.g. "26.2".
func (m *Machine) Version() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.image.Version
}

// Applied is the index of the last command seen.
func (m *Machine) Applied() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.image.Applied
}

// Members lists every record by id.
func (m *Machine) Members() []Member {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Member, 0, len(m.image.Members))
	for _, member := range m.image.Members {
		out = append(out, *member)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Member returns one record.
func (m *Machine) Member(id uint64) (Member, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	member, ok := m.image.Members[id]
	if !ok {
		return Member{}, false
	}
	return *member, true
}

// Get reads one key.
func (m *Machine) Get(key string) (Entry, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.data.Get(Entry{Key: key})
}

// Scan reads every key with the prefix, in order.
func (m *Machine) Scan(prefix string) []Entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Entry
	m.data.AscendGreaterOrEqual(Entry{Key: prefix}, func(e Entry) bool {
		if !strings.HasPrefix(e.Key, prefix) {
			return false
		}
		out = append(out, e)
		return true
	})
	return out
}

// At is every entry of one moment, in order, the index of the last command that had been applied, and the clock: nothing that
// comes later is written at that moment or before.
func (m *Machine) At() (entries []Entry, applied uint64, clock int64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.data.Ascend(func(e Entry) bool {
		entries = append(entries, e)
		return true
	})
	return entries, m.image.Applied, m.image.Clock
}

// Group is the part of a key that a range read is checked against: everything up to its second slash.
func Group(key string) string {
	first := strings.IndexByte(key, '/')
	if first < 0 {
		return key
	}
	second := strings.IndexByte(key[first+1:], '/')
	if second < 0 {
		return key[:first+1]
	}
	return key[:first+1+second+1]
}

// GroupVersion is the index of the last write under a group.
func (m *Machine) GroupVersion(group string) uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.image.Groups[group]
}

// GroupWritten is the moment of the last write under a group.
func (m *Machine) GroupWritten(group string) int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.image.Written[group]
}
