// Package transport is how nodes and administrators talk: gRPC over mutual TLS, on the port that also speaks the PostgreSQL
// protocol. Messages are JSON; the service is described by hand, so there is no generated code.
package transport

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/certs"
)

const (
	serviceName = "cockroach.lab.Cluster"
	codecName   = "lab-json"
)

type codec struct{}

func (codec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
func (codec) Name() string                       { return codecName }

func init() { encoding.RegisterCodec(codec{}) }

// Service is what a node answers. Ping, Join, Beat, Blob and Raft are for nodes; the rest for root.
type Service interface {
	Ping(context.Context, *PingRequest) (*PingResponse, error)
	Join(context.Context, *JoinRequest) (*JoinResponse, error)
	Beat(context.Context, *BeatRequest) (*Empty, error)
	Raft(context.Context, *Packet) error
	Init(context.Context, *Empty) (*Empty, error)
	Nodes(context.Context, *Empty) (*NodesResponse, error)
	Check(context.Context, *DecommissionRequest) (*CheckResponse, error)
	Decommission(context.Context, *DecommissionRequest) (*NodesResponse, error)
	Drain(context.Context, *DrainRequest) (*Empty, error)
	Blob(context.Context, *BlobRequest) (*BlobResponse, error)
}

func unary[Req, Resp any](name string, users []string, call func(Service, context.Context, *Req) (*Resp, error)) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(service any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			if err := authorize(ctx, users); err != nil {
				return nil, err
			}
			request := new(Req)
			if err := decode(request); err != nil {
				return nil, err
			}
			return call(service.(Service), ctx, request)
		},
	}
}

func raftStream(service any, stream grpc.ServerStream) error {
	if err := authorize(stream.Context(), nodeOnly); err != nil {
		return err
	}
	for {
		packet := new(Packet)
		if err := stream.RecvMsg(packet); err != nil {
			return err
		}
		if err := service.(Service).Raft(stream.Context(), packet); err != nil {
			return err
		}
	}
}

var (
	nodeOnly   = []string{certs.NodeUser}
	rootOrNode = []string{certs.RootUser, certs.NodeUser}
)

var description = grpc.ServiceDesc{
	ServiceName: serviceName,
	HandlerType: (*Service)(nil),
	Methods: []grpc.MethodDesc{
		unary("Ping", nodeOnly, Service.Ping),
		unary("Join", nodeOnly, Service.Join),
		unary("Beat", nodeOnly, Service.Beat),
		unary("Blob", nodeOnly, Service.Blob),
		unary("Init", rootOrNode, Service.Init),
		unary("Nodes", rootOrNode, Service.Nodes),
		unary("Check", rootOrNode, Service.Check),
		unary("Decommission", rootOrNode, Service.Decommission),
		unary("Drain", rootOrNode, Service.Drain),
	},
	Streams: []grpc.StreamDesc{{StreamName: "Raft", Handler: raftStream, ClientStreams: true}},
}

// authorize looks at the caller's verified certificate.
func authorize(ctx context.Context, users []string) error {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return status.Error(codes.Unauthenticated, "no peer information")
	}
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return status.Error(codes.Unauthenticated, "no client certificates in request")
	}
	leaf := info.State.VerifiedChains[0][0]
	if certs.ActsAs(leaf, users...) {
		return nil
	}
	if len(users) == 1 {
		return status.Errorf(codes.Unauthenticated, "need %s client cert to perform RPCs on this server (cert is valid for %q)", users[0], certs.Principals(leaf))
	}
	return status.Errorf(codes.Unauthenticated, "need root or node client cert to perform RPCs on this server (cert is valid for %q)", certs.Principals(leaf))
}
