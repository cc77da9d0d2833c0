package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/sqlexec"
	"lab/cockroach/internal/state"
	"lab/cockroach/internal/store"
	"lab/cockroach/internal/transport"
)

// errInitialized has the very words of CockroachDB: scripts look for them.
var errInitialized = errors.New("cluster has already been initialized")

// bootstrap makes a new cluster with this node as its first. Like the real one it looks at this node only: two nodes that
// have not met can each be made a cluster of their own, and will then refuse each other.
func (n *Node) bootstrap() error {
	n.initMu.Lock()
	defer n.initMu.Unlock()
	if n.initialized() {
		return errInitialized
	}
	identity := store.Identity{ClusterID: uuid.NewString(), NodeID: 1}
	first := state.Bootstrap(identity.ClusterID, build.Binary().String(), n.info(), sqlexec.Initial())
	data, err := first.Snapshot()
	if err != nil {
		return err
	}
	one := uint64(1)
	snapshot := &raftpb.Snapshot{
		Data:     data,
		Metadata: &raftpb.SnapshotMetadata{Index: &one, Term: &one, ConfState: &raftpb.ConfState{Voters: []uint64{1}}},
	}
	return n.adopt(identity, snapshot, build.Binary().String())
}

func (n *Node) adopt(identity store.Identity, snapshot *raftpb.Snapshot, version string) error {
	if err := n.store.SetVersion(version); err != nil {
		return err
	}
	if err := n.store.Initialize(identity, snapshot); err != nil {
		return err
	}
	contents, err := n.store.Load()
	if err != nil {
		return err
	}
	return n.operate(contents)
}

// join asks one initialised node to let this one in.
func (n *Node) join(ctx context.Context, client *transport.Client) error {
	n.initMu.Lock()
	defer n.initMu.Unlock()
	if n.initialized() {
		return nil
	}
	response, err := client.Join(ctx, &transport.JoinRequest{Hello: n.hello(), Info: n.info()})
	if err != nil {
		return err
	}
	n.gossip.merge(response.Nodes)
	n.cfg.Log.Info("joined a cluster", "clusterID", response.ClusterID, "nodeID", response.NodeID, "through", client.Address)
	return n.adopt(store.Identity{ClusterID: response.ClusterID, NodeID: response.NodeID}, nil, response.Version)
}

// admit gives a new node its id, by consensus.
func (n *Node) admit(ctx context.Context, request *transport.JoinRequest) (*transport.JoinResponse, error) {
	running := n.replica.Load()
	if running == nil {
		return nil, status.Error(codes.FailedPrecondition, "node is not initialized")
	}
	if err := n.compatible(request.Hello); err != nil {
		return nil, err
	}
	active, err := build.ParseVersion(n.machine.Version())
	if err != nil {
		return nil, status.Error(codes.Unavailable, "node has no state yet")
	}
	theirs, err := build.ParseVersion(request.Hello.Version)
	least, errLeast := build.ParseVersion(request.Hello.MinVersion)
	if err != nil || errLeast != nil || theirs.Less(active) || active.Less(least) {
		return nil, status.Errorf(codes.PermissionDenied, "binary version %s is incompatible with cluster version %s attempted to join", request.Hello.Version, active)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	outcome, err := running.Propose(ctx, state.Command{Join: &request.Info})
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "no quorum to give out a node id: %v", err)
	}
	n.cfg.Log.Info("let a node in", "nodeID", outcome.NodeID, "address", request.Info.Address, "locality", request.Info.Locality)
	return &transport.JoinResponse{ClusterID: n.ClusterID(), NodeID: outcome.NodeID, Version: n.machine.Version(), Nodes: n.addressBook()}, nil
}

func (n *Node) hello() transport.Hello {
	return transport.Hello{
		NodeID: n.ID(), ClusterID: n.ClusterID(), ClusterName: n.cfg.ClusterName, Version: build.Binary().String(),
		MinVersion: build.MinSupported().String(), MaxOffset: n.cfg.MaxOffset, Now: time.Now().UnixNano(),
	}
}

// compatible refuses a node of another cluster, under another name, or whose clock bound differs.
func (n *Node) compatible(theirs transport.Hello) error {
	ours := n.cfg.ClusterName
	switch {
	case ours == theirs.ClusterName:
	case theirs.ClusterName == "":
		return status.Errorf(codes.PermissionDenied, "peer node expects cluster name %q, use --cluster-name to configure", ours)
	case ours == "":
		return status.Error(codes.PermissionDenied, "peer node does not have a cluster name configured, cannot use --cluster-name")
	default:
		return status.Errorf(codes.PermissionDenied, "local cluster name %q does not match peer cluster name %q", theirs.ClusterName, ours)
	}
	if id := n.ClusterID(); id != "" && theirs.ClusterID != "" && id != theirs.ClusterID {
		return status.Errorf(codes.PermissionDenied, "client cluster ID %q doesn't match server cluster ID %q", theirs.ClusterID, id)
	}
	if theirs.MaxOffset != n.cfg.MaxOffset {
		return status.Errorf(codes.PermissionDenied, "locally configured maximum clock offset (%s) does not match that of node %s (%s)",
			theirs.MaxOffset, n.cfg.AdvertiseAddr, n.cfg.MaxOffset)
	}
	if member, ok := n.machine.Member(theirs.NodeID); ok && member.Membership == state.Decommissioned {
		return status.Error(codes.PermissionDenied, removedText(theirs.NodeID))
	}
	return nil
}

func removedText(id uint64) string {
	return fmt.Sprintf("n%d was permanently removed from the cluster; it is not allowed to rejoin the cluster", id)
}
