package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/transport"
)

const (
	schedulesPeriod = time.Second // between two looks at which schedule is due
	blobTimeout     = 20 * time.Second
)

// scheduleLoop runs what is due: the leader does, so that nobody else is at it.
func (n *Node) scheduleLoop() {
	for n.pause(schedulesPeriod) {
		if n.replica.Load().IsLeader() && !n.draining.Load() {
			for _, err := range n.engine.RunSchedules(n.ctx, time.Now().UTC()) {
				n.cfg.Log.Error("a scheduled backup failed", "error", err.Error())
			}
		}
	}
}

func (n *Node) blob(request *transport.BlobRequest) (*transport.BlobResponse, error) {
	var response transport.BlobResponse
	var err error
	switch {
	case request.Write:
		err = n.files.Put(request.Path, request.Data)
	case request.List:
		response.Paths, err = n.files.List(request.Path)
	default:
		response.Data, err = n.files.Get(request.Path)
	}
	return &response, err
}

func (s service) Blob(_ context.Context, request *transport.BlobRequest) (*transport.BlobResponse, error) {
	response, err := s.node.blob(request)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return response, err
}

// Blob asks the node that has the storage, over RPC where that is another one.
func (v clusterView) Blob(ctx context.Context, node uint64, request transport.BlobRequest) (transport.BlobResponse, error) {
	var response *transport.BlobResponse
	var err error
	if node == 0 || node == v.node.ID() {
		response, err = v.node.blob(&request)
	} else if address := v.node.addressBook()[node].Address; address == "" {
		err = fmt.Errorf("connecting to node %d: no such node", node)
	} else {
		var client *transport.Client
		if client, err = v.node.peers.get(address); err == nil {
			ctx, cancel := context.WithTimeout(ctx, blobTimeout)
			defer cancel()
			response, err = client.Blob(ctx, &request)
		}
	}
	if err != nil {
		return transport.BlobResponse{}, err
	}
	return *response, nil
}
