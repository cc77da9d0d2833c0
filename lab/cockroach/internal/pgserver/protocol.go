package pgserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"lab/cockroach/internal/sqlexec"
)

// prepared is a parsed statement of the extended protocol.
type prepared struct {
	statement *sqlexec.Statement // nil for an empty query
	params    []sqlexec.Type
}

// portal is a prepared statement with its arguments.
type portal struct {
	of      *prepared
	args    []sqlexec.Param
	formats []int16
	result  *sqlexec.Result // once run; rows are handed out from next on
	next    int
}

func protocolError(format string, args ...any) error {
	return &sqlexec.Error{Code: "08P01", Message: fmt.Sprintf(format, args...)}
}

// handle answers one message; its error is one of the connection.
func (c *conn) handle(ctx context.Context, message pgproto3.FrontendMessage) error {
	if query, ok := message.(*pgproto3.Query); ok {
		c.ignoring = false
		c.simple(ctx, query.String)
		return c.ready()
	}
	if _, ok := message.(*pgproto3.Sync); ok {
		c.ignoring = false
		if c.session.State() == sqlexec.Idle {
			c.portals = map[string]*portal{}
		}
		return c.ready()
	}
	if c.ignoring {
		return nil
	}
	var err error
	switch m := message.(type) {
	case *pgproto3.Parse:
		err = c.parse(m)
	case *pgproto3.Bind:
		err = c.bind(m)
	case *pgproto3.Describe:
		err = c.describe(ctx, m)
	case *pgproto3.Execute:
		err = c.execute(ctx, m)
	case *pgproto3.Close:
		if m.ObjectType == 'S' {
			delete(c.prepared, m.Name)
		} else {
			delete(c.portals, m.Name)
		}
		c.backend.Send(&pgproto3.CloseComplete{})
	case *pgproto3.Flush:
		return c.backend.Flush()
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil
	default:
		err = protocolError("unexpected message %T", message)
	}
	if err != nil {
		c.fail(err)
		c.ignoring = true
	}
	return nil
}

// simple runs a text of several statements; the first error ends it.
func (c *conn) simple(ctx context.Context, text string) {
	statements, err := sqlexec.Parse(text)
	if err != nil {
		c.session.Fail()
		c.fail(err)
		return
	}
	if len(statements) == 0 {
		c.backend.Send(&pgproto3.EmptyQueryResponse{})
		return
	}
	for _, statement := range statements {
		if statement.NumPlaceholders > 0 {
			c.fail(&sqlexec.Error{Code: "42P02", Message: "no value provided for placeholder: $1"})
			return
		}
		result, err := c.run(ctx, &statement, nil)
		if err != nil {
			c.fail(err)
			return
		}
		if result.Columns != nil {
			c.backend.Send(rowDescription(result.Columns, nil))
			for _, row := range result.Rows {
				data, err := encodeRow(row, result.Columns, nil)
				if err != nil {
					c.fail(err)
					return
				}
				c.backend.Send(data)
			}
		}
		c.backend.Send(&pgproto3.CommandComplete{CommandTag: []byte(result.Tag)})
	}
}

func (c *conn) run(ctx context.Context, statement *sqlexec.Statement, args []sqlexec.Param) (*sqlexec.Result, error) {
	ctx, cancel := c.begin(ctx)
	defer cancel()
	defer c.end()
	return c.session.Execute(ctx, statement.AST, args)
}

func (c *conn) parse(m *pgproto3.Parse) error {
	if m.Name != "" && c.prepared[m.Name] != nil {
		return &sqlexec.Error{Code: "42P05", Message: fmt.Sprintf("prepared statement %q already exists", m.Name)}
	}
	statements, err := sqlexec.Parse(m.Query)
	if err != nil {
		c.session.Fail()
		return err
	}
	made := &prepared{}
	switch len(statements) {
	case 0:
	case 1:
		made.statement = &statements[0]
		made.params = make([]sqlexec.Type, statements[0].NumPlaceholders)
		for i, oid := range m.ParameterOIDs {
			if i < len(made.params) && oid != 0 {
				made.params[i] = typeOfOID(oid)
			}
		}
	default:
		return &sqlexec.Error{Code: "42601", Message: "expected 1 statement, but found " + fmt.Sprint(len(statements))}
	}
	if made.statement != nil && len(made.params) > 0 {
		if err := c.session.InferParams(context.Background(), made.statement.AST, made.params); err != nil {
			return err
		}
	}
	c.prepared[m.Name] = made
	c.backend.Send(&pgproto3.ParseComplete{})
	return nil
}

func (c *conn) bind(m *pgproto3.Bind) error {
	of, ok := c.prepared[m.PreparedStatement]
	if !ok {
		return &sqlexec.Error{Code: "26000", Message: fmt.Sprintf("unknown prepared statement %q", m.PreparedStatement)}
	}
	if len(m.Parameters) != len(of.params) {
		return protocolError("expected %d arguments, got %d", len(of.params), len(m.Parameters))
	}
	made := &portal{of: of, formats: m.ResultFormatCodes}
	for i, raw := range m.Parameters {
		v, err := decodeParam(raw, format(m.ParameterFormatCodes, i), of.params[i])
		if err != nil {
			return err
		}
		made.args = append(made.args, sqlexec.Param{Value: v, Type: of.params[i]})
	}
	c.portals[m.DestinationPortal] = made
	c.backend.Send(&pgproto3.BindComplete{})
	return nil
}

func format(codes []int16, i int) int16 {
	switch {
	case len(codes) == 0:
		return 0
	case len(codes) == 1:
		return codes[0]
	case i < len(codes):
		return codes[i]
	}
	return 0
}

func (c *conn) describe(ctx context.Context, m *pgproto3.Describe) error {
	var of *prepared
	var args []sqlexec.Param
	var formats []int16
	if m.ObjectType == 'S' {
		if of = c.prepared[m.Name]; of == nil {
			return &sqlexec.Error{Code: "26000", Message: fmt.Sprintf("unknown prepared statement %q", m.Name)}
		}
		oids := make([]uint32, len(of.params))
		for i, t := range of.params {
			oids[i] = t.OID
			args = append(args, sqlexec.Param{Type: t})
		}
		c.backend.Send(&pgproto3.ParameterDescription{ParameterOIDs: oids})
	} else {
		at := c.portals[m.Name]
		if at == nil {
			return &sqlexec.Error{Code: "34000", Message: fmt.Sprintf("unknown portal %q", m.Name)}
		}
		of, args, formats = at.of, at.args, at.formats
	}
	if of.statement == nil {
		c.backend.Send(&pgproto3.NoData{})
		return nil
	}
	columns, err := c.session.Describe(ctx, of.statement.AST, args)
	if err != nil {
		return err
	}
	if columns == nil {
		c.backend.Send(&pgproto3.NoData{})
		return nil
	}
	c.backend.Send(rowDescription(columns, formats))
	return nil
}

func (c *conn) execute(ctx context.Context, m *pgproto3.Execute) error {
	at := c.portals[m.Portal]
	if at == nil {
		return &sqlexec.Error{Code: "34000", Message: fmt.Sprintf("unknown portal %q", m.Portal)}
	}
	if at.of.statement == nil {
		c.backend.Send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	if at.result == nil {
		result, err := c.run(ctx, at.of.statement, at.args)
		if err != nil {
			return err
		}
		at.result = result
	}
	sent := 0
	for at.next < len(at.result.Rows) {
		if m.MaxRows > 0 && sent == int(m.MaxRows) {
			c.backend.Send(&pgproto3.PortalSuspended{})
			return nil
		}
		data, err := encodeRow(at.result.Rows[at.next], at.result.Columns, at.formats)
		if err != nil {
			return err
		}
		c.backend.Send(data)
		at.next++
		sent++
	}
	c.backend.Send(&pgproto3.CommandComplete{CommandTag: []byte(at.result.Tag)})
	return nil
}

// parseOptions reads the start-up parameter "options", in its two usual spellings: -c name=value and --name=value.
func parseOptions(text string) (map[string]string, error) {
	out := map[string]string{}
	fields := strings.Fields(text)
	for i := 0; i < len(fields); i++ {
		field := fields[i]
		switch {
		case field == "-c" && i+1 < len(fields):
			i++
			field = fields[i]
		case strings.HasPrefix(field, "-c"):
			field = field[2:]
		case strings.HasPrefix(field, "--"):
			field = field[2:]
		default:
			return nil, protocolError("option %q is invalid, check usage of \"-c\" and \"--\"", field)
		}
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, protocolError("option %q is invalid", field)
		}
		out[name] = value
	}
	return out, nil
}
