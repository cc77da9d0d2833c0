package server

import (
	"context"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"lab/cockroach/internal/transport"
)

const sendQueue = 256 // messages waiting for one peer; what comes on top is dropped

// sender has a queue and a stream for each node that Raft talks to.
type sender struct {
	node   *Node
	mu     sync.Mutex
	queues map[uint64]chan *raftpb.Message
}

func newSender(n *Node) *sender {
	return &sender{node: n, queues: map[uint64]chan *raftpb.Message{}}
}

// Send is called by the replica's loop, and never blocks.
func (s *sender) Send(message *raftpb.Message) {
	to := message.GetTo()
	s.mu.Lock()
	queue, ok := s.queues[to]
	if !ok {
		queue = make(chan *raftpb.Message, sendQueue)
		s.queues[to] = queue
		s.node.background(func() { s.drain(to, queue) })
	}
	s.mu.Unlock()
	select {
	case queue <- message:
	default:
		if message.GetType() == raftpb.MessageType_MsgSnap {
			go s.node.replica.Load().SnapshotSent(to, false)
		}
	}
}

func (s *sender) drain(to uint64, queue chan *raftpb.Message) {
	var stream grpc.ClientStream
	var address string
	var cancel context.CancelFunc
	hangUp := func() {
		if cancel != nil {
			cancel()
		}
		stream, cancel = nil, nil
	}
	defer hangUp()
	for {
		var message *raftpb.Message
		select {
		case message = <-queue:
		case <-s.node.ctx.Done():
			return
		}
		current := s.node.addressBook()[to].Address
		if current != address {
			hangUp()
			address = current
		}
		err := s.write(&stream, &cancel, address, message)
		if err != nil {
			hangUp()
		}
		s.report(to, message, err)
	}
}

func (s *sender) write(stream *grpc.ClientStream, cancel *context.CancelFunc, address string, message *raftpb.Message) error {
	data, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	if *stream == nil {
		client, err := s.node.peers.get(address)
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(s.node.ctx)
		opened, err := client.Packets(ctx)
		if err != nil {
			stop()
			return err
		}
		*stream, *cancel = opened, stop
	}
	return (*stream).SendMsg(&transport.Packet{From: s.node.ID(), Data: data})
}

// report runs beside the replica's loop, which may be busy handing out the next message.
func (s *sender) report(to uint64, message *raftpb.Message, err error) {
	running := s.node.replica.Load()
	if running == nil {
		return
	}
	if message.GetType() == raftpb.MessageType_MsgSnap {
		running.SnapshotSent(to, err == nil)
	} else if err != nil {
		running.Unreachable(to)
	}
}
