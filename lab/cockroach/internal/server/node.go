// Package server is one CockroachDB-like node: it joins or makes a cluster, gossips, keeps its liveness record, moves Raft's
// voters about, and serves RPC, SQL and HTTP.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"lab/cockroach/internal/blobs"
	"lab/cockroach/internal/build"
	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/pgserver"
	"lab/cockroach/internal/replica"
	"lab/cockroach/internal/sqlexec"
	"lab/cockroach/internal/state"
	"lab/cockroach/internal/store"
	"lab/cockroach/internal/transport"
)

// Node is a running server.
type Node struct {
	cfg     Config
	certs   *certs.Manager
	store   *store.Store
	machine *state.Machine
	gossip  *gossip
	peers   *peers
	sender  *sender
	beats   *beats
	breaker breaker
	usage   usage
	sql     *pgserver.Server
	engine  *sqlexec.Engine
	files   blobs.Folder // `nodelocal` storage

	id        atomic.Uint64
	clusterID atomic.Pointer[string]
	replica   atomic.Pointer[replica.Replica]
	started   time.Time
	draining  atomic.Bool
	welcome   atomic.Bool   // some peer has accepted this node since it started
	kick      chan struct{} // the allocator should look now

	initMu   sync.Mutex // held by whoever gives this node its identity
	ready    chan struct{}
	rpc      *grpc.Server
	listener *transport.Listener
	http     *http.Server

	ctx      context.Context
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	stopOnce sync.Once
	fatal    chan error
}

// Start opens the store and the ports and goes on in the background: it waits to be initialised, joins, or takes up where its
// store left off.
func Start(cfg Config) (*Node, error) {
	manager, err := certs.NewManager(cfg.CertsDir)
	if err != nil {
		return nil, err
	}
	if cfg.InMemory {
		if cfg.StoreDir, err = os.MkdirTemp("", "cockroach-mem-"); err != nil {
			return nil, err
		}
	}
	st, err := store.Open(cfg.StoreDir)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(st.Version(), cfg.StoreDir); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	n := &Node{
		cfg: cfg, certs: manager, store: st, machine: state.New(), gossip: newGossip(), beats: newBeats(), started: time.Now(),
		kick: make(chan struct{}, 1), ready: make(chan struct{}), fatal: make(chan error, 4),
	}
	n.machine.RecordVersions(func(version string) error { return raiseVersion(st, version) })
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.peers = newPeers(manager)
	n.sender = newSender(n)
	empty := ""
	n.clusterID.Store(&empty)
	n.files = blobs.Folder(filepath.Join(cfg.StoreDir, "extern"))
	n.engine = sqlexec.NewEngine(clusterView{n})
	n.sql = pgserver.New(manager, n.engine, cfg.Log)
	if err := n.listen(); err != nil {
		n.cancel()
		return nil, errors.Join(err, st.Close())
	}
	if st.Initialized() {
		contents, err := st.Load()
		if err == nil {
			err = n.operate(contents)
		}
		if err != nil {
			n.Kill()
			return nil, err
		}
	} else {
		cfg.Log.Info("no store is initialized: waiting for `cockroach init`, or for a --join target that belongs to a cluster")
	}
	n.background(n.pingLoop)
	return n, nil
}

// raiseVersion keeps the newest cluster version that a store was part of: a snapshot that is replayed may be from before an upgrade.
func raiseVersion(st *store.Store, version string) error {
	next, err := build.ParseVersion(version)
	if err != nil {
		return err
	}
	if stored, err := build.ParseVersion(st.Version()); err == nil && !stored.Less(next) {
		return nil
	}
	return st.SetVersion(version)
}

func checkVersion(stored, dir string) error {
	if stored == "" {
		return nil
	}
	data, err := build.ParseVersion(stored)
	if err != nil {
		return err
	}
	if build.Binary().Less(data) {
		return fmt.Errorf("cockroach version v%s is incompatible with data in store %s; use version v%s or later", build.Binary(), dir, data)
	}
	if data.Less(build.MinSupported()) {
		return fmt.Errorf("store %s, last used with cockroach version v%s, is too old for running version v%s (which requires data from v%s or later)",
			dir, data, build.Binary(), build.MinSupported())
	}
	return nil
}

func (n *Node) listen() error {
	inner, err := net.Listen("tcp", n.cfg.ListenAddr)
	if err != nil {
		return err
	}
	console, err := net.Listen("tcp", n.cfg.HTTPAddr)
	if err != nil {
		return errors.Join(err, inner.Close())
	}
	n.listener = transport.Split(inner, n.serveSQL)
	n.rpc = transport.NewServer(n.certs, service{n})
	n.background(func() { _ = n.rpc.Serve(n.listener) })
	n.serveHTTP(console)
	return nil
}

// serveSQL holds clients that come before the node has a cluster, as the real one does.
func (n *Node) serveSQL(conn net.Conn) {
	select {
	case <-n.ready:
		n.sql.Serve(n.ctx, conn)
	case <-n.ctx.Done():
		_ = conn.Close()
	}
}

// operate starts the replica of an initialised store.
func (n *Node) operate(contents store.Contents) error {
	identity := contents.Identity
	n.id.Store(identity.NodeID)
	n.clusterID.Store(&identity.ClusterID)
	running, err := replica.Start(n.store, contents, n.machine, n.sender, n.cfg.Pace.Raft, func(err error) { n.fatal <- err })
	if err != nil {
		return err
	}
	n.replica.Store(running)
	n.gossip.put(identity.NodeID, n.info())
	close(n.ready)
	n.cfg.Log.Info("node belongs to a cluster", "clusterID", identity.ClusterID, "nodeID", identity.NodeID)
	n.background(n.beatLoop)
	n.background(n.allocateLoop)
	n.background(n.scheduleLoop)
	return nil
}

// info is what this node says about itself.
func (n *Node) info() state.Info {
	return state.Info{
		Address: n.cfg.AdvertiseAddr, SQLAddress: n.cfg.SQLAddr, HTTPAddress: n.cfg.HTTPAdvertise, Locality: n.cfg.Locality,
		Build: build.Tag(), StartedAt: n.started.UnixNano(), Draining: n.draining.Load(),
	}
}

// ID is 0 until the node belongs to a cluster.
func (n *Node) ID() uint64 { return n.id.Load() }

// ClusterID is "" until then.
func (n *Node) ClusterID() string { return *n.clusterID.Load() }

func (n *Node) initialized() bool { return n.replica.Load() != nil }

// Fatal delivers an error after which the process cannot go on.
func (n *Node) Fatal() <-chan error { return n.fatal }

// ReloadCertificates is for SIGHUP.
func (n *Node) ReloadCertificates() error {
	n.peers.reset()
	return n.certs.Reload()
}

// Addr is where RPC and SQL are served; HTTPListen likewise for HTTP. For tests, whose ports are chosen by the system.
func (n *Node) Addr() string { return n.listener.Addr().String() }

func (n *Node) background(task func()) {
	n.tasks.Add(1)
	go func() {
		defer n.tasks.Done()
		task()
	}()
}

// Kill stops everything at once, telling nobody.
func (n *Node) Kill() {
	n.stopOnce.Do(func() {
		n.cancel()
		_ = n.listener.Close()
		n.rpc.Stop()
		_ = n.http.Close()
		n.sql.Close()
		n.peers.close()
		n.tasks.Wait()
		if running := n.replica.Load(); running != nil {
			running.Stop()
		}
		_ = n.store.Close()
		if n.cfg.InMemory {
			_ = os.RemoveAll(n.cfg.StoreDir)
		}
	})
}

// pause waits, and says whether to go on.
func (n *Node) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-n.ctx.Done():
		return false
	}
}
