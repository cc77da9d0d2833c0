package server

import (
	"log/slog"
	"time"

	"lab/cockroach/internal/replica"
)

// Config is what `cockroach start` was told.
type Config struct {
	StoreDir      string
	InMemory      bool
	ListenAddr    string // for RPC and SQL
	AdvertiseAddr string
	SQLAddr       string // advertised for SQL
	HTTPAddr      string
	HTTPAdvertise string
	Join          []string
	CertsDir      string
	Locality      string
	ClusterName   string
	MaxOffset     time.Duration
	Pace          Pace
	Log           *slog.Logger
}

// Pace gathers every interval, so that tests can hurry.
type Pace struct {
	Raft            replica.Timing
	Ping            time.Duration // between two exchanges with one known node
	JoinBackoff     time.Duration // between two tries of the join list; grows tenfold at most
	Beat            time.Duration // between liveness heartbeats
	LivenessTTL     time.Duration // a node is live for so long after its last heartbeat
	Allocate        time.Duration // between two looks at who should be a voter
	SlowReplication time.Duration // a request that waits for a quorum is refused after this, as kv.replica_circuit_breaker.slow_replication_threshold
	StoreDead       time.Duration // voters this long dead are replaced, as server.time_until_store_dead
	DrainWait       time.Duration // for clients to finish their transactions, as server.shutdown.transactions.timeout
}

// DefaultPace has the defaults of CockroachDB's cluster settings where there is one.
var DefaultPace = Pace{
	Raft: replica.DefaultTiming, Ping: 1500 * time.Millisecond, JoinBackoff: time.Second, Beat: 1500 * time.Millisecond,
	LivenessTTL: 6 * time.Second, Allocate: time.Second, SlowReplication: time.Minute, StoreDead: 5 * time.Minute, DrainWait: 10 * time.Second,
}
