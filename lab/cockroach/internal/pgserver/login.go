package pgserver

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/sqlexec"
)

// negotiate handles SSLRequest and CancelRequest up to the start-up message; nil without an error means that all is done.
func (c *conn) negotiate() (*pgproto3.StartupMessage, *tls.Conn, error) {
	var secure *tls.Conn
	for {
		message, err := c.backend.ReceiveStartupMessage()
		if err != nil {
			return nil, nil, err
		}
		switch m := message.(type) {
		case *pgproto3.SSLRequest:
			if secure != nil {
				return nil, nil, errors.New("second SSLRequest")
			}
			if _, err := c.raw.Write([]byte{'S'}); err != nil {
				return nil, nil, err
			}
			secure = tls.Server(c.raw, c.server.certs.ServerConfig("postgresql"))
			if err := secure.Handshake(); err != nil {
				return nil, nil, err
			}
			c.raw = secure
			c.backend = pgproto3.NewBackend(secure, secure)
		case *pgproto3.GSSEncRequest:
			if _, err := c.raw.Write([]byte{'N'}); err != nil {
				return nil, nil, err
			}
		case *pgproto3.CancelRequest:
			c.server.cancel(fmt.Sprintf("%d/%x", m.ProcessID, m.SecretKey))
			return nil, nil, nil
		case *pgproto3.StartupMessage:
			return m, secure, nil
		default:
			return nil, nil, errors.New("unexpected start-up message")
		}
	}
}

// login checks the certificate against the user and opens a session.
func (c *conn) login(ctx context.Context, startup *pgproto3.StartupMessage, secure *tls.Conn) error {
	user := startup.Parameters["user"]
	switch {
	case secure == nil:
		return &sqlexec.Error{Code: "08P01", Message: "node is running secure mode, SSL connection required"}
	case user == "":
		return &sqlexec.Error{Code: "28000", Message: "no username specified"}
	}
	chains := secure.ConnectionState().VerifiedChains
	if len(chains) == 0 {
		return &sqlexec.Error{Code: "28P01", Message: "password authentication failed for user " + user,
			Hint: "the lab's stand-in has no passwords: log in with a client certificate"}
	}
	if !certs.ActsAs(chains[0][0], user) {
		return &sqlexec.Error{Code: "28000", Message: fmt.Sprintf("certificate authentication failed for user %q", user),
			Detail: fmt.Sprintf("requested user is %s, but certificate is for %q", user, certs.Principals(chains[0][0]))}
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	session, err := c.server.engine.Login(ctx, user, startup.Parameters["database"])
	if err != nil {
		return err
	}
	c.session = session
	session.Notice = c.notice
	for name, value := range startup.Parameters {
		if name == "user" || name == "database" || name == "replication" {
			continue
		}
		settings := map[string]string{name: value}
		if name == "options" {
			if settings, err = parseOptions(value); err != nil {
				return err
			}
		}
		for name, value := range settings {
			if err := session.SetDefault(ctx, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// identify draws the key by which the client may cancel its statements.
func (c *conn) identify() error {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	c.pid, c.secret = binary.BigEndian.Uint32(random[:4]), binary.BigEndian.Uint32(random[4:])
	c.key = fmt.Sprintf("%d/%x", c.pid, c.secret)
	return nil
}

func (c *conn) greet() error {
	c.backend.Send(&pgproto3.AuthenticationOk{})
	for _, status := range [][2]string{
		{"server_version", "13.0.0"}, {"crdb_version", build.SQLVersion()}, {"client_encoding", "UTF8"}, {"server_encoding", "UTF8"},
		{"DateStyle", "ISO, MDY"}, {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"}, {"integer_datetimes", "on"},
		{"standard_conforming_strings", "on"}, {"is_superuser", "off"}, {"session_authorization", c.session.User},
	} {
		c.backend.Send(&pgproto3.ParameterStatus{Name: status[0], Value: status[1]})
	}
	c.notice("NOTICE", "connected to a "+build.StandIn)
	c.backend.Send(&pgproto3.BackendKeyData{ProcessID: c.pid, SecretKey: c.secret})
	return c.ready()
}
