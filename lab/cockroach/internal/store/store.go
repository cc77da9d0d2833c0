// Package store keeps a node's identity, Raft log and snapshots in its --store directory, with etcd's write-ahead log and
// snapshot files. One process at a time: a second start on the same directory is refused.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// Identity is written once, when the node bootstraps a cluster or is let into one.
type Identity struct {
	ClusterID string `json:"clusterId"`
	NodeID    uint64 `json:"nodeId"`
}

// Contents is what an initialised store held when it was opened.
type Contents struct {
	Identity  Identity
	Snapshot  *raftpb.Snapshot
	HardState *raftpb.HardState
	Entries   []*raftpb.Entry
}

// Store is an open directory. Methods that write are for one goroutine.
type Store struct {
	dir   string
	lock  *os.File
	snaps *snap.Snapshotter
	log   *wal.WAL
}

const (
	walDir      = "wal"
	snapDir     = "snap"
	versionFile = "CLUSTER_VERSION"
	segmentSize = 4 << 20 // bytes; etcd's default of 64 MiB would cost nine nodes a gigabyte
	keptSnaps   = 2
)

func init() { wal.SegmentSizeBytes = segmentSize }

// Open locks the directory, making it where it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, snapDir), 0o750); err != nil {
		return nil, fmt.Errorf("failed to create store directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("failed to create engines: could not open store %s: lock %s: %w", dir, lock.Name(), err)
	}
	return &Store{dir: dir, lock: lock, snaps: snap.New(zap.NewNop(), filepath.Join(dir, snapDir))}, nil
}

// Initialized says whether the store belongs to a cluster.
func (s *Store) Initialized() bool { return wal.Exist(filepath.Join(s.dir, walDir)) }

// Version is the cluster version that the store's data was last seen at, or "".
func (s *Store) Version() string {
	data, err := os.ReadFile(filepath.Join(s.dir, versionFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// SetVersion records the cluster version, so that an older program refuses the store later.
func (s *Store) SetVersion(version string) error {
	path := filepath.Join(s.dir, versionFile)
	if err := writeSynced(path+".new", []byte(version+"\n")); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Initialize makes the store part of a cluster, in one atomic step. first is the state that bootstraps a new cluster; nil for
// a node that joins one and will be sent its state.
func (s *Store) Initialize(identity Identity, first *raftpb.Snapshot) error {
	metadata, err := json.Marshal(identity)
	if err != nil {
		return err
	}
	fresh := filepath.Join(s.dir, walDir+".new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	log, err := wal.Create(zap.NewNop(), fresh, metadata)
	if err != nil {
		return fmt.Errorf("creating the log: %w", err)
	}
	if first != nil {
		if err := s.snaps.SaveSnap(first); err != nil {
			return err
		}
		meta := first.GetMetadata()
		if err := log.Save(&raftpb.HardState{Term: meta.Term, Commit: meta.Index, Vote: new(uint64)}, nil); err != nil {
			return err
		}
		if err := log.SaveSnapshot(marker(first)); err != nil {
			return err
		}
	}
	if err := log.Close(); err != nil {
		return err
	}
	if err := os.Rename(fresh, filepath.Join(s.dir, walDir)); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// Load reads an initialised store back and leaves its log open for writing.
func (s *Store) Load() (Contents, error) {
	dir := filepath.Join(s.dir, walDir)
	known, err := wal.ValidSnapshotEntries(zap.NewNop(), dir)
	if err != nil {
		return Contents{}, fmt.Errorf("reading the log: %w", err)
	}
	latest, err := s.snaps.LoadNewestAvailable(known)
	if err != nil && !errors.Is(err, snap.ErrNoSnapshot) {
		return Contents{}, fmt.Errorf("reading snapshots: %w", err)
	}
	from := &walpb.Snapshot{}
	if latest != nil {
		from = marker(latest)
	}
	contents, err := s.readLog(from)
	if errors.Is(err, io.ErrUnexpectedEOF) && wal.Repair(zap.NewNop(), dir) { // killed in the middle of a write
		contents, err = s.readLog(from)
	}
	contents.Snapshot = latest
	return contents, err
}

func (s *Store) readLog(from *walpb.Snapshot) (Contents, error) {
	log, err := wal.Open(zap.NewNop(), filepath.Join(s.dir, walDir), from)
	if err != nil {
		return Contents{}, fmt.Errorf("opening the log: %w", err)
	}
	metadata, hard, entries, err := log.ReadAll()
	if err != nil {
		return Contents{}, errors.Join(fmt.Errorf("reading the log: %w", err), log.Close())
	}
	contents := Contents{HardState: hard, Entries: entries}
	if err := json.Unmarshal(metadata, &contents.Identity); err != nil {
		return Contents{}, errors.Join(fmt.Errorf("reading the store's identity: %w", err), log.Close())
	}
	s.log = log
	return contents, nil
}

// Save makes one Ready durable: a received snapshot first, then hard state and entries.
func (s *Store) Save(ready raft.Ready) error {
	if !raft.IsEmptySnap(ready.Snapshot) {
		if err := s.SaveSnapshot(ready.Snapshot); err != nil {
			return err
		}
	}
	hard := ready.HardState
	if hard == nil {
		hard = &raftpb.HardState{}
	}
	return s.log.Save(hard, ready.Entries)
}

// SaveSnapshot writes a snapshot file, then its mark in the log, then drops what both make unnecessary.
func (s *Store) SaveSnapshot(snapshot *raftpb.Snapshot) error {
	if err := s.snaps.SaveSnap(snapshot); err != nil {
		return err
	}
	if err := s.log.SaveSnapshot(marker(snapshot)); err != nil {
		return err
	}
	if err := s.log.ReleaseLockTo(snapshot.GetMetadata().GetIndex()); err != nil {
		return err
	}
	return s.purge(snapshot.GetMetadata().GetIndex())
}

func (s *Store) purge(index uint64) error {
	segments, err := names(filepath.Join(s.dir, walDir), ".wal")
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(segments); i++ {
		var sequence, start uint64
		if _, err := fmt.Sscanf(filepath.Base(segments[i+1]), "%016x-%016x.wal", &sequence, &start); err != nil || start > index {
			break
		}
		if err := os.Remove(segments[i]); err != nil {
			return err
		}
	}
	files, err := names(filepath.Join(s.dir, snapDir), ".snap")
	if err != nil {
		return err
	}
	for i := 0; i+keptSnaps < len(files); i++ {
		if err := os.Remove(files[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close releases the directory.
func (s *Store) Close() error {
	var err error
	if s.log != nil {
		err = s.log.Close()
	}
	return errors.Join(err, s.lock.Close())
}

func marker(snapshot *raftpb.Snapshot) *walpb.Snapshot {
	meta := snapshot.GetMetadata()
	return &walpb.Snapshot{Index: meta.Index, Term: meta.Term, ConfState: meta.ConfState}
}

func names(dir, suffix string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	sort.Strings(found)
	return found, err
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		_ = file.Close()
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
