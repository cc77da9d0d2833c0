package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	dialTimeout      = 5 * time.Second
	keepaliveTime    = 10 * time.Second // the least that gRPC clients may use
	keepaliveTimeout = 4 * time.Second
	maxBackoff       = 2 * time.Second
)

// Client calls one address. The name is looked up again on every connection attempt, and the server's certificate must be
// valid for it.
type Client struct {
	Address string
	conn    *grpc.ClientConn
	mu      sync.Mutex
	lastErr error
}

// Dial makes a client; it connects when first used, and again when the connection is lost.
func Dial(address string, configure func(host string) *tls.Config) (*Client, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := &Client{Address: address}
	c.conn, err = grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS is below, in the dialer, so that reloaded certificates count
		grpc.WithAuthority(host),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := connect(ctx, address, configure(host))
			c.note(err)
			return conn, err
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 300 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff},
			MinConnectTimeout: dialTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.CallContentSubtype(codecName), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithWriteBufferSize(16<<10), grpc.WithReadBufferSize(16<<10),
		grpc.WithDisableServiceConfig(),
	)
	return c, err
}

func connect(ctx context.Context, address string, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("TLS with %s: %w", address, err)
	}
	return conn, nil
}

func (c *Client) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
}

// DialError is why the last connection attempt failed, or nil.
func (c *Client) DialError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

// Close drops the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Reset makes a client in backoff try again at once.
func (c *Client) Reset() { c.conn.ResetConnectBackoff() }

func call[Resp any](ctx context.Context, c *Client, method string, request any) (*Resp, error) {
	response := new(Resp)
	if err := c.conn.Invoke(ctx, "/"+serviceName+"/"+method, request, response); err != nil {
		return nil, err
	}
	return response, nil
}

func (c *Client) Ping(ctx context.Context, request *PingRequest) (*PingResponse, error) {
	return call[PingResponse](ctx, c, "Ping", request)
}

func (c *Client) Join(ctx context.Context, request *JoinRequest) (*JoinResponse, error) {
	return call[JoinResponse](ctx, c, "Join", request)
}

func (c *Client) Beat(ctx context.Context, request *BeatRequest) error {
	_, err := call[Empty](ctx, c, "Beat", request)
	return err
}

func (c *Client) Blob(ctx context.Context, request *BlobRequest) (*BlobResponse, error) {
	return call[BlobResponse](ctx, c, "Blob", request)
}

func (c *Client) Init(ctx context.Context) error {
	_, err := call[Empty](ctx, c, "Init", &Empty{})
	return err
}

func (c *Client) Nodes(ctx context.Context) (*NodesResponse, error) {
	return call[NodesResponse](ctx, c, "Nodes", &Empty{})
}

func (c *Client) Check(ctx context.Context, request *DecommissionRequest) (*CheckResponse, error) {
	return call[CheckResponse](ctx, c, "Check", request)
}

func (c *Client) Decommission(ctx context.Context, request *DecommissionRequest) (*NodesResponse, error) {
	return call[NodesResponse](ctx, c, "Decommission", request)
}

func (c *Client) Drain(ctx context.Context, request *DrainRequest) error {
	_, err := call[Empty](ctx, c, "Drain", request)
	return err
}

// Packets opens a stream for Raft messages.
func (c *Client) Packets(ctx context.Context) (grpc.ClientStream, error) {
	return c.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, "/"+serviceName+"/Raft")
}
