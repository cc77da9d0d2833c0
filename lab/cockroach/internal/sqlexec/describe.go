package sqlexec

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treecmp"
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

// InferParams finds types for placeholders that the client left open: from a cast, the column that they are compared with or
// written to, or the other side of an operator; else they are text.
func (s *Session) InferParams(ctx context.Context, statement tree.Statement, params []Type) error {
	s.prepareFor(ctx, nil)
	finder := &paramFinder{session: s, params: params}
	finder.statement(statement)
	for i := range params {
		if params[i].OID == 0 {
			params[i] = String
		}
	}
	return nil
}

type paramFinder struct {
	session *Session
	params  []Type
	in      scope
}

func (f *paramFinder) suggest(expr tree.Expr, t Type) {
	if paren, ok := expr.(*tree.ParenExpr); ok {
		f.suggest(paren.Expr, t)
		return
	}
	if p, ok := expr.(*tree.Placeholder); ok && int(p.Idx) < len(f.params) && f.params[p.Idx].OID == 0 && t != Unknown {
		f.params[p.Idx] = t
	}
}

func (f *paramFinder) typeOf(expr tree.Expr) Type {
	t, err := f.session.typeOf(expr, f.in)
	if err != nil {
		return Unknown
	}
	return t
}

func (f *paramFinder) VisitPre(expr tree.Expr) (bool, tree.Expr) {
	pair := func(a, b tree.Expr) {
		f.suggest(a, f.typeOf(b))
		f.suggest(b, f.typeOf(a))
	}
	switch e := expr.(type) {
	case *tree.CastExpr:
		if t, err := typeNamed(e.Type.SQLString()); err == nil {
			f.suggest(e.Expr, t)
		}
	case *tree.AnnotateTypeExpr:
		if t, err := typeNamed(e.Type.SQLString()); err == nil {
			f.suggest(e.Expr, t)
		}
	case *tree.ComparisonExpr:
		if e.Operator.Symbol == treecmp.Any || e.Operator.Symbol == treecmp.Some {
			f.suggest(e.Right, Strings)
		}
		pair(e.Left, e.Right)
		if list, ok := e.Right.(*tree.Tuple); ok {
			for _, item := range list.Exprs {
				f.suggest(item, f.typeOf(e.Left))
			}
		}
	case *tree.BinaryExpr:
		pair(e.Left, e.Right)
	case *tree.RangeCond:
		f.suggest(e.From, f.typeOf(e.Left))
		f.suggest(e.To, f.typeOf(e.Left))
	case *tree.CoalesceExpr:
		for i := range e.Exprs {
			for j := range e.Exprs {
				f.suggest(e.Exprs[i], f.typeOf(e.Exprs[j]))
			}
		}
	case *tree.Subquery:
		return false, expr
	}
	return true, expr
}

func (f *paramFinder) VisitPost(expr tree.Expr) tree.Expr { return expr }

func (f *paramFinder) walk(expr tree.Expr) {
	if expr != nil {
		tree.WalkExprConst(f, expr)
	}
}

func (f *paramFinder) where(n *tree.Where) {
	if n != nil {
		f.walk(n.Expr)
	}
}

func (f *paramFinder) limit(n *tree.Limit) {
	if n != nil {
		f.suggest(n.Count, Int)
		f.suggest(n.Offset, Int)
	}
}

func (f *paramFinder) statement(statement tree.Statement) {
	f.in = noColumns{}
	switch n := statement.(type) {
	case *tree.Select:
		f.limit(n.Limit)
		if clause, ok := n.Select.(*tree.SelectClause); ok {
			if from, err := f.session.from(clause.From.Tables, nil); err == nil {
				f.in = rowScope{relation: from}
			}
			for _, expr := range clause.Exprs {
				f.walk(expr.Expr)
			}
			f.where(clause.Where)
			f.where(clause.Having)
		}
	case *tree.Insert:
		f.insert(n)
	case *tree.Update:
		if t, alias, err := f.session.target(n.Table); err == nil {
			f.in = rowScope{relation: t.relation(alias)}
			f.assignments(t, n.Exprs)
		}
		f.where(n.Where)
		f.limit(n.Limit)
	case *tree.Delete:
		if t, alias, err := f.session.target(n.Table); err == nil {
			f.in = rowScope{relation: t.relation(alias)}
		}
		f.where(n.Where)
		f.limit(n.Limit)
	}
}

func (f *paramFinder) assignments(t *tableDef, exprs tree.UpdateExprs) {
	for _, update := range exprs {
		if column := t.column(string(update.Names[0])); column != nil {
			f.suggest(update.Expr, column.Type)
		}
		f.walk(update.Expr)
	}
}

func (f *paramFinder) insert(n *tree.Insert) {
	t, alias, err := f.session.target(n.Table)
	if err != nil || n.Rows == nil {
		return
	}
	names, err := insertColumns(t, n.Columns)
	values, ok := n.Rows.Select.(*tree.ValuesClause)
	if err != nil || !ok {
		if n.Rows.Select != nil {
			f.statement(n.Rows)
		}
		return
	}
	for _, tuple := range values.Rows {
		for i, expr := range tuple {
			if i < len(names) {
				f.suggest(expr, t.column(names[i]).Type)
			}
			f.walk(expr)
		}
	}
	if n.OnConflict != nil {
		f.in = rowScope{t.relation(alias), nil, rowScope{t.relation("excluded"), nil, nil}}
		f.assignments(t, n.OnConflict.Exprs)
	}
}
