package server

import (
	"context"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

// service answers RPCs.
type service struct{ node *Node }

func (s service) Ping(_ context.Context, request *transport.PingRequest) (*transport.PingResponse, error) {
	return s.node.answerPing(request)
}

func (s service) Join(ctx context.Context, request *transport.JoinRequest) (*transport.JoinResponse, error) {
	return s.node.admit(ctx, request)
}

func (s service) Beat(_ context.Context, request *transport.BeatRequest) (*transport.Empty, error) {
	return &transport.Empty{}, s.node.answerBeat(request)
}

func (s service) Raft(ctx context.Context, packet *transport.Packet) error {
	running := s.node.replica.Load()
	if running == nil {
		return status.Error(codes.FailedPrecondition, "node is not initialized")
	}
	if member, ok := s.node.machine.Member(packet.From); ok && member.Membership == state.Decommissioned {
		return status.Error(codes.PermissionDenied, removedText(packet.From))
	}
	message := new(raftpb.Message)
	if err := proto.Unmarshal(packet.Data, message); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if message.GetTo() != s.node.ID() {
		return status.Errorf(codes.FailedPrecondition, "message for n%d reached n%d", message.GetTo(), s.node.ID())
	}
	if err := running.Step(ctx, message); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}

func (s service) Init(context.Context, *transport.Empty) (*transport.Empty, error) {
	if err := s.node.bootstrap(); err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &transport.Empty{}, nil
}

func (s service) Nodes(context.Context, *transport.Empty) (*transport.NodesResponse, error) {
	if !s.node.initialized() {
		return nil, status.Error(codes.Unavailable, waitingText)
	}
	return s.node.nodes(), nil
}

// nodes is the whole cluster as this node knows it.
func (n *Node) nodes() *transport.NodesResponse {
	running := n.replica.Load()
	now := time.Now()
	out := &transport.NodesResponse{ClusterID: n.ClusterID(), LocalID: n.ID(), Now: now.UnixNano()}
	if running == nil {
		return out
	}
	voters := running.Conf().GetVoters()
	for _, member := range n.machine.Members() {
		if !member.Announced {
			continue
		}
		entry := transport.NodeStatus{Member: member, Live: live(member, now), Voter: slices.Contains(voters, member.ID), Leader: running.Leader() == member.ID}
		if entry.Voter {
			entry.Replicas = 1
		}
		out.Nodes = append(out.Nodes, entry)
	}
	return out
}

const minReplicas = 3 // of the default zone: a cluster of three or more nodes may not shrink below

func (s service) Check(_ context.Context, request *transport.DecommissionRequest) (*transport.CheckResponse, error) {
	n := s.node
	if !n.initialized() {
		return nil, status.Error(codes.Unavailable, waitingText)
	}
	response := &transport.CheckResponse{Blocked: map[uint64]string{}}
	candidates := eligible(n.machine.Members(), time.Now(), n.storeDead())
	left := 0
	for _, member := range candidates {
		if !slices.Contains(request.IDs, member.ID) {
			left++
		}
	}
	voters := n.replica.Load().Conf().GetVoters()
	for _, id := range request.IDs {
		member, ok := n.machine.Member(id)
		switch {
		case !ok:
			return nil, status.Errorf(codes.NotFound, "node does not exist")
		case member.Membership == state.Decommissioned:
		case slices.Contains(voters, id) && left < min(minReplicas, len(candidates)):
			response.Blocked[id] = "allocation errors: no node left to take the replica"
		}
	}
	return response, nil
}

func (s service) Decommission(ctx context.Context, request *transport.DecommissionRequest) (*transport.NodesResponse, error) {
	n := s.node
	if !n.initialized() {
		return nil, status.Error(codes.Unavailable, waitingText)
	}
	if request.Membership != "" {
		outcome, err := n.propose(ctx, state.Command{Change: &state.Change{IDs: request.IDs, Membership: request.Membership}})
		if err != nil {
			return nil, err
		}
		switch outcome.Status {
		case state.OK:
		case "node does not exist":
			return nil, status.Error(codes.NotFound, outcome.Status)
		default:
			return nil, status.Error(codes.FailedPrecondition, outcome.Status)
		}
	}
	response := n.nodes()
	response.Nodes = slices.DeleteFunc(response.Nodes, func(node transport.NodeStatus) bool { return !slices.Contains(request.IDs, node.ID) })
	return response, nil
}

func (s service) Drain(ctx context.Context, request *transport.DrainRequest) (*transport.Empty, error) {
	n := s.node
	if request.NodeID != 0 && request.NodeID != n.ID() {
		address := n.addressBook()[request.NodeID].Address
		if address == "" {
			return nil, status.Error(codes.NotFound, "node does not exist")
		}
		client, err := n.peers.get(address)
		if err != nil {
			return nil, err
		}
		return &transport.Empty{}, client.Drain(ctx, &transport.DrainRequest{NodeID: request.NodeID, Shutdown: request.Shutdown})
	}
	n.Drain(ctx)
	if request.Shutdown {
		n.fatal <- nil
	}
	return &transport.Empty{}, nil
}

// Drain makes the node unready, lets clients finish, tells the cluster and gives up leadership. It serves RPC still.
func (n *Node) Drain(ctx context.Context) {
	if !n.draining.CompareAndSwap(false, true) {
		return
	}
	n.cfg.Log.Info("draining")
	if n.initialized() {
		n.beat()
		if n.replica.Load().IsLeader() {
			n.flushBeats()
		}
		if wait := n.duration("server.shutdown.initial_wait", 0); wait > 0 && !n.pause(wait) { // unready, but serving still
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, n.duration("server.shutdown.transactions.timeout", n.cfg.Pace.DrainWait))
	defer cancel()
	n.sql.Drain(ctx)
	if running := n.replica.Load(); running != nil && running.IsLeader() {
		n.handOver(ctx)
		for running.IsLeader() && ctx.Err() == nil && len(running.Conf().GetVoters()) > 1 {
			if !n.pause(n.cfg.Pace.Raft.Tick / 5) {
				return
			}
		}
	}
}
