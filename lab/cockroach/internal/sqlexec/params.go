package sqlexec

import (
	"context"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treecmp"
)

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
