package sqlexec

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// Cast converts a value, for the protocol's arguments.
func Cast(v Value, to Type) (Value, error) { return cast(v, to) }

// Fail marks an open transaction as failed, as a syntax error does.
func (s *Session) Fail() {
	if s.open != nil {
		s.failed = true
	}
}

// Login opens a session for a user whose certificate was checked: the user must exist and be allowed to log in, and take the
// database's own defaults.
func (e *Engine) Login(ctx context.Context, user, db string) (*Session, error) {
	s := e.NewSession(user, db)
	s.ctx, s.now = ctx, time.Now().UTC()
	if user == rootUser {
		return s, nil
	}
	s.tx = newTxn(e.cluster)
	s.tx.ctx = ctx
	found := new(role)
	ok, err := s.tx.get("user/"+user, found)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if !ok || user == nodeUser {
		return nil, errorf("28P01", "password authentication failed for user %s", user)
	}
	if user == adminRole || slices.Contains(found.Options, "NOLOGIN") {
		return nil, errorf("28000", "%s does not have login privilege", user)
	}
	target := new(database)
	if ok, err := s.tx.get("db/"+s.database(), target); err != nil {
		return nil, err
	} else if ok {
		if allowed, err := s.granted(target.Owner, target.Grants, "CONNECT"); err != nil {
			return nil, err
		} else if !allowed {
			return nil, errorf(codePrivilege, "user %s does not have CONNECT privilege on database %s", user, target.Name)
		}
		for name, value := range target.Params {
			s.vars[name] = value
		}
	}
	return s, nil
}

// prepareFor readies the session for looking at a statement without running it.
func (s *Session) prepareFor(ctx context.Context, args []Param) {
	s.ctx, s.args, s.now = ctx, args, time.Now().UTC()
	if s.tx = s.open; s.tx == nil {
		s.tx = newTxn(s.engine.cluster)
	}
	s.tx.ctx = ctx
}

// Describe finds the columns that a statement will return; nil where it returns none.
func (s *Session) Describe(ctx context.Context, statement tree.Statement, args []Param) ([]Column, error) {
	s.prepareFor(ctx, args)
	switch n := statement.(type) {
	case *tree.Select:
		return s.describeSelect(n)
	case *tree.Insert:
		return s.describeReturning(n.Table, n.Returning)
	case *tree.Update:
		return s.describeReturning(n.Table, n.Returning)
	case *tree.Delete:
		return s.describeReturning(n.Table, n.Returning)
	}
	if statement.StatementReturnType() != tree.Rows {
		return nil, nil
	}
	result, err := s.display(statement) // SHOW statements only read
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return result.Columns, nil
}

func (s *Session) describeSelect(n *tree.Select) ([]Column, error) {
	if wrapped, ok := n.Select.(*tree.ParenSelect); ok {
		return s.describeSelect(wrapped.Select)
	}
	clause, ok := n.Select.(*tree.SelectClause)
	if !ok {
		result, err := s.query(n, nil)
		if err != nil {
			return nil, s.explain(s.ctx, err)
		}
		return result.Columns, nil
	}
	from, err := s.from(clause.From.Tables, nil)
	if err != nil {
		return nil, s.explain(s.ctx, err)
	}
	from.rows = nil
	result, err := s.project(clause.Exprs, from, nil)
	if err != nil {
		return nil, s.explain(s.ctx, err)
	}
	return result.Columns, nil
}

func (s *Session) describeReturning(table tree.TableExpr, clause tree.ReturningClause) ([]Column, error) {
	exprs, ok := clause.(*tree.ReturningExprs)
	if !ok {
		return nil, nil
	}
	t, alias, err := s.target(table)
	if err != nil {
		return nil, s.explain(s.ctx, err)
	}
	result, err := s.project(tree.SelectExprs(*exprs), t.relation(alias), nil)
	if err != nil {
		return nil, s.explain(s.ctx, err)
	}
	return result.Columns, nil
}
