package transport

import (
	"time"

	"lab/cockroach/internal/state"
)

// Hello opens every exchange between nodes; each side refuses the other when they don't belong together.
type Hello struct {
	NodeID      uint64        `json:"nodeId"`
	ClusterID   string        `json:"clusterId"`
	ClusterName string        `json:"clusterName"`
	Version     string        `json:"version"`    // the newest cluster version the program can run at
	MinVersion  string        `json:"minVersion"` // the oldest it can start on
	MaxOffset   time.Duration `json:"maxOffset"`
	Now         int64         `json:"now"` // Unix nanoseconds
}

// PingRequest is a heartbeat between two nodes; it also carries the gossip about nodes' addresses.
type PingRequest struct {
	Hello Hello                 `json:"hello"`
	Nodes map[uint64]state.Info `json:"nodes"`
}

// PingResponse answers it.
type PingResponse struct {
	Hello  Hello                 `json:"hello"`
	Leader uint64                `json:"leader"` // of the Raft group, or 0
	Nodes  map[uint64]state.Info `json:"nodes"`
}

// JoinRequest asks an initialised node to let a new one in.
type JoinRequest struct {
	Hello Hello      `json:"hello"`
	Info  state.Info `json:"info"`
}

// JoinResponse gives the new node its identity.
type JoinResponse struct {
	ClusterID string                `json:"clusterId"`
	NodeID    uint64                `json:"nodeId"`
	Version   string                `json:"version"`
	Nodes     map[uint64]state.Info `json:"nodes"`
}

// BeatRequest is a node's heartbeat to the Raft leader.
type BeatRequest struct {
	NodeID uint64     `json:"nodeId"`
	Info   state.Info `json:"info"`
}

// Packet is one Raft message.
type Packet struct {
	From uint64 `json:"from"`
	Data []byte `json:"data"`
}

// Empty has nothing to say.
type Empty struct{}

// NodesResponse is the view of the cluster that `node status` and the console's API show.
type NodesResponse struct {
	ClusterID string       `json:"clusterId"`
	LocalID   uint64       `json:"localId"`
	Now       int64        `json:"now"`
	Nodes     []NodeStatus `json:"nodes"`
}

// NodeStatus is one node in it.
type NodeStatus struct {
	state.Member
	Live     bool `json:"live"`
	Voter    bool `json:"voter"`
	Replicas int  `json:"replicas"` // of one range: 1 on a voter, else 0
	Leader   bool `json:"leader"`
}

// DecommissionRequest changes the membership of nodes; an empty membership only asks.
type DecommissionRequest struct {
	IDs        []uint64 `json:"ids"`
	Membership string   `json:"membership"`
}

// CheckResponse tells which nodes cannot be decommissioned, and why.
type CheckResponse struct {
	Blocked map[uint64]string `json:"blocked"`
}

// DrainRequest asks a node to stop serving clients.
type DrainRequest struct {
	NodeID   uint64 `json:"nodeId"` // 0: the node that is asked
	Shutdown bool   `json:"shutdown"`
}

// BlobRequest is about a file of a node's `nodelocal` storage. It is written, listed (what is under it) or read.
type BlobRequest struct {
	Path  string `json:"path"`
	Data  []byte `json:"data,omitempty"`
	Write bool   `json:"write,omitempty"`
	List  bool   `json:"list,omitempty"`
}

// BlobResponse answers it.
type BlobResponse struct {
	Data  []byte   `json:"data,omitempty"`
	Paths []string `json:"paths,omitempty"`
}
