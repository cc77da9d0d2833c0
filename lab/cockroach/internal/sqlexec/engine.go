// Package sqlexec runs SQL statements. All of them go through CockroachDB's own grammar; those that the stand-in can't run are
// refused by name.
package sqlexec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser/statements"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/pgwire/pgerror"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

// Cluster is the node below.
type Cluster interface {
	Machine() *state.Machine
	NodeID() uint64
	ClusterID() string
	Locality() string
	Voters() (voters []uint64, leader uint64)
	Barrier(context.Context) error
	Commit(context.Context, state.Txn) (bool, error)
	// Blob reads, writes or lists in the `nodelocal` storage of a node; 0 is this one.
	Blob(ctx context.Context, node uint64, request transport.BlobRequest) (transport.BlobResponse, error)
}

// Engine runs the sessions of one node.
type Engine struct {
	cluster Cluster
	// Backups counts the scheduled ones that this node made.
	Backups BackupCounts
	// Counts are of all statements.
	Counts Counts
}

// NewEngine makes one.
func NewEngine(cluster Cluster) *Engine { return &Engine{cluster: cluster} }

// Column of a result.
type Column struct {
	Name string
	Type Type
}

// Result of one statement.
type Result struct {
	Columns []Column // nil where the statement returns no rows
	Rows    [][]Value
	Tag     string
}

// Param is a bound placeholder.
type Param struct {
	Value Value
	Type  Type
}

// Statement is one parsed statement.
type Statement = statements.Statement[tree.Statement]

// Parse splits and parses a text with the real grammar.
func Parse(sql string) ([]Statement, error) {
	parsed, err := parser.Parse(sql)
	if err != nil {
		return nil, fromGrammar(err)
	}
	return parsed, nil
}

func fromGrammar(err error) error {
	flat := pgerror.Flatten(err)
	return &Error{Code: flat.Code, Message: flat.Message, Detail: flat.Detail, Hint: flat.Hint}
}

// State of a session's transaction, as the protocol reports it.
type State byte

// The states.
const (
	Idle   State = 'I'
	Open   State = 'T'
	Failed State = 'E'
)

// Session is one client's.
type Session struct {
	engine *Engine
	User   string
	vars   map[string]string
	open   *txn // an explicit transaction
	failed bool
	Notice func(severity, text string)
	now    time.Time
	ctx    context.Context
	args   []Param
	tx     *txn
}

// NewSession starts a session for an authenticated user.
func (e *Engine) NewSession(user, database string) *Session {
	if database == "" {
		database = "defaultdb"
	}
	return &Session{engine: e, User: user, vars: map[string]string{"database": database}, Notice: func(string, string) {}}
}

// State is what ReadyForQuery reports.
func (s *Session) State() State {
	switch {
	case s.failed:
		return Failed
	case s.open != nil:
		return Open
	}
	return Idle
}

const maxAttempts = 20 // of a statement outside a transaction whose reads went stale

// Execute runs one statement, in the open transaction or in one of its own.
func (s *Session) Execute(ctx context.Context, statement tree.Statement, args []Param) (result *Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errorf(codeInternal, "internal error: %v", p)
		}
		if err != nil && s.open != nil {
			s.failed = true
		}
	}()
	started := time.Now()
	defer func() { s.engine.Counts.note(statement, time.Since(started), err) }()
	s.ctx, s.args = ctx, args
	if done, result, err := s.control(statement); done {
		return result, err
	}
	if s.failed {
		return nil, errorf(codeAborted, "current transaction is aborted, commands ignored until end of transaction block")
	}
	if timeout := s.timeout(); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		s.ctx = ctx
	}
	if s.open != nil {
		s.open.ctx = ctx
		s.tx = s.open
		result, err := s.dispatch(statement)
		return result, s.explain(ctx, err)
	}
	for range maxAttempts {
		s.now = time.Now().UTC()
		s.tx = newTxn(s.engine.cluster)
		s.tx.ctx = ctx
		result, err := s.dispatch(statement)
		if err != nil {
			return nil, s.explain(ctx, err)
		}
		done, err := s.tx.commit()
		if err != nil {
			return nil, s.explain(ctx, err)
		}
		if done {
			return result, nil
		}
	}
	return nil, errorf(codeRetry, "restart transaction: TransactionRetryWithProtoRefreshError: too much contention")
}

func (s *Session) timeout() time.Duration {
	d, err := parseInterval(s.vars["statement_timeout"])
	if err != nil {
		return 0
	}
	return d
}

func (s *Session) explain(ctx context.Context, err error) error {
	var known *Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errorf("57014", "query execution canceled due to statement timeout")
	case ctx.Err() != nil:
		return errorf("57014", "query execution canceled")
	}
	return errorf(codeInternal, "%s", err.Error())
}

// control handles what begins and ends transactions.
func (s *Session) control(statement tree.Statement) (bool, *Result, error) {
	switch statement.(type) {
	case *tree.BeginTransaction:
		if s.open != nil {
			return true, nil, errorf("25001", "there is already a transaction in progress")
		}
		s.now = time.Now().UTC()
		s.open = newTxn(s.engine.cluster)
		return true, &Result{Tag: "BEGIN"}, nil
	case *tree.CommitTransaction:
		open, failed := s.open, s.failed
		s.open, s.failed = nil, false
		if open == nil {
			s.Notice("WARNING", "there is no transaction in progress")
			return true, &Result{Tag: "COMMIT"}, nil
		}
		if failed {
			return true, &Result{Tag: "ROLLBACK"}, nil
		}
		open.ctx = s.ctx
		done, err := open.commit()
		if err == nil && !done {
			err = errorf(codeRetry, "restart transaction: TransactionRetryWithProtoRefreshError: TransactionRetryError: retry txn (RETRY_SERIALIZABLE)")
		}
		if err != nil {
			return true, nil, s.explain(s.ctx, err)
		}
		return true, &Result{Tag: "COMMIT"}, nil
	case *tree.RollbackTransaction:
		if s.open == nil {
			s.Notice("WARNING", "there is no transaction in progress")
		}
		s.open, s.failed = nil, false
		return true, &Result{Tag: "ROLLBACK"}, nil
	case *tree.Savepoint, *tree.ReleaseSavepoint, *tree.RollbackToSavepoint:
		return true, nil, unsupported(statement.StatementTag())
	}
	return false, nil, nil
}

func rowsTag(tag string, count int) string {
	if tag == "INSERT" {
		return fmt.Sprintf("INSERT 0 %d", count)
	}
	return fmt.Sprintf("%s %d", tag, count)
}

func (s *Session) database() string { return s.vars["database"] }

func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// Split cuts a script into statements, for the command line: a statement that is not complete or not valid comes out whole, so
// that the server refuses it with its own words.
func Split(script string) []string {
	var out []string
	for rest := script; strings.TrimSpace(rest) != ""; {
		end, ok := parser.SplitFirstStatement(rest)
		if !ok {
			out = append(out, rest)
			break
		}
		if piece := strings.TrimSpace(rest[:end]); piece != ";" {
			out = append(out, piece)
		}
		rest = rest[end:]
	}
	return out
}
