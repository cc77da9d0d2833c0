// Package pgserver speaks the PostgreSQL protocol to clients, who log in with a certificate.
package pgserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/sqlexec"
)

const (
	startupTimeout = 15 * time.Second
	loginTimeout   = 10 * time.Second // as server.user_login.timeout
)

// Server holds the client connections of one node.
type Server struct {
	certs    *certs.Manager
	engine   *sqlexec.Engine
	log      *slog.Logger
	mu       sync.Mutex
	conns    map[*conn]bool
	byKey    map[string]*conn
	draining atomic.Bool
}

// New makes a server; Serve is called with each connection.
func New(manager *certs.Manager, engine *sqlexec.Engine, log *slog.Logger) *Server {
	return &Server{certs: manager, engine: engine, log: log, conns: map[*conn]bool{}, byKey: map[string]*conn{}}
}

// conn is one client.
type conn struct {
	server  *Server
	raw     net.Conn
	backend *pgproto3.Backend
	session *sqlexec.Session
	key     string
	pid     uint32
	secret  uint32

	mu     sync.Mutex
	cancel context.CancelFunc // of the running statement
	busy   bool

	prepared map[string]*prepared
	portals  map[string]*portal
	ignoring bool // after an error in the extended protocol, until Sync
}

// Connections is how many clients there are.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Serve runs one connection to its end.
func (s *Server) Serve(ctx context.Context, raw net.Conn) {
	defer func() { _ = raw.Close() }()
	_ = raw.SetDeadline(time.Now().Add(startupTimeout))
	c := &conn{server: s, raw: raw, prepared: map[string]*prepared{}, portals: map[string]*portal{}}
	c.backend = pgproto3.NewBackend(raw, raw)
	startup, secure, err := c.negotiate()
	if err != nil || startup == nil {
		return
	}
	if err := c.login(ctx, startup, secure); err != nil {
		c.fatal(err)
		return
	}
	if err := c.identify(); err != nil {
		return
	}
	if !s.add(c) {
		c.fatal(errDraining)
		return
	}
	defer s.remove(c)
	if err := c.greet(); err != nil {
		return
	}
	_ = raw.SetDeadline(time.Time{})
	c.loop(ctx)
}

var errDraining = &sqlexec.Error{Code: "57P01", Message: "server is not accepting clients, try another node"}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.conns[c] = true
	s.byKey[c.key] = c
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	delete(s.byKey, c.key)
}

func (s *Server) cancel(key string) {
	s.mu.Lock()
	c := s.byKey[key]
	s.mu.Unlock()
	if c != nil {
		c.interrupt()
	}
}

func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *conn) ready() error {
	c.backend.Send(&pgproto3.ReadyForQuery{TxStatus: byte(c.session.State())})
	return c.backend.Flush()
}

func (c *conn) notice(severity, text string) {
	c.backend.Send(&pgproto3.NoticeResponse{Severity: severity, SeverityUnlocalized: severity, Code: "00000", Message: text})
}

func (c *conn) fail(err error) {
	c.backend.Send(response("ERROR", err))
}

func (c *conn) fatal(err error) {
	c.backend.Send(response("FATAL", err))
	_ = c.backend.Flush()
}

func response(severity string, err error) *pgproto3.ErrorResponse {
	var known *sqlexec.Error
	if !errors.As(err, &known) {
		known = &sqlexec.Error{Code: "XX000", Message: err.Error()}
	}
	return &pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: known.Code, Message: known.Message, Detail: known.Detail, Hint: known.Hint,
	}
}

// begin and end mark a statement, so that draining and cancelling can tell a busy connection from an idle one.
func (c *conn) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.cancel, c.busy = cancel, true
	c.mu.Unlock()
	return ctx, cancel
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel, c.busy = nil, c.session.State() != sqlexec.Idle
}

func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.busy
}

// Drain refuses new clients, closes idle ones, and the others once their transaction ends or ctx does.
func (s *Server) Drain(ctx context.Context) {
	s.draining.Store(true)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		s.mu.Lock()
		left := len(s.conns)
		for c := range s.conns {
			if c.idle() {
				_ = c.raw.Close()
			}
		}
		s.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			s.Close()
			return
		}
	}
}

// Close drops every client.
func (s *Server) Close() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.interrupt()
		_ = c.raw.Close()
	}
}

func (c *conn) loop(ctx context.Context) {
	for {
		message, err := c.backend.Receive()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrUnexpectedEOF) {
				c.server.log.Debug("client connection ended", "error", err.Error())
			}
			return
		}
		if _, done := message.(*pgproto3.Terminate); done {
			return
		}
		if err := c.handle(ctx, message); err != nil {
			return
		}
		if c.server.draining.Load() && c.idle() {
			c.fatal(&sqlexec.Error{Code: "57P01", Message: "terminating connection due to administrator command: server is shutting down"})
			return
		}
	}
}
