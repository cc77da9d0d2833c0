package transport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"lab/cockroach/internal/certs"
)

const (
	sniffTimeout   = 10 * time.Second
	tlsHandshake   = 0x16 // first byte of a TLS record that holds a ClientHello
	postgresLength = 0x00 // first byte of a PostgreSQL start-up message: the top of its length
	maxMessage     = 256 << 20
)

// Listener shares one port between gRPC over TLS and the PostgreSQL protocol, told apart by the first byte.
type Listener struct {
	net.Listener
	rpc   chan net.Conn
	sql   func(net.Conn)
	once  sync.Once
	close chan struct{}
}

// Split serves a port: TLS connections come out of Accept, PostgreSQL ones go to sql.
func Split(inner net.Listener, sql func(net.Conn)) *Listener {
	l := &Listener{Listener: inner, rpc: make(chan net.Conn), sql: sql, close: make(chan struct{})}
	go l.run()
	return l
}

func (l *Listener) run() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				_ = l.Close()
				return
			}
			time.Sleep(10 * time.Millisecond) // out of file descriptors, or the peer was gone before it was accepted
			continue
		}
		go l.sniff(conn)
	}
}

func (l *Listener) sniff(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(sniffTimeout))
	buffered := &peeked{Conn: conn, reader: bufio.NewReader(conn)}
	first, err := buffered.reader.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	switch first[0] {
	case tlsHandshake:
		select {
		case l.rpc <- buffered:
		case <-l.close:
			_ = conn.Close()
		}
	case postgresLength:
		l.sql(buffered)
	default:
		_ = conn.Close()
	}
}

// Accept returns the next TLS connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.rpc:
		return conn, nil
	case <-l.close:
		return nil, io.EOF
	}
}

// Close ends both protocols' listening.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.close) })
	return l.Listener.Close()
}

type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p *peeked) Read(data []byte) (int, error) { return p.reader.Read(data) }

// NewServer is the gRPC server of a node.
func NewServer(manager *certs.Manager, service Service) *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(manager.ServerConfig("h2"))),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.ConnectionTimeout(sniffTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WriteBufferSize(16<<10), grpc.ReadBufferSize(16<<10),
	)
	server.RegisterService(&description, service)
	return server
}
