package sqlexec

import (
	"slices"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// from reads and joins the sources of a query. where may narrow the reading of a single table.
func (s *Session) from(tables tree.TableExprs, where tree.Expr) (*relation, error) {
	if len(tables) == 0 {
		return &relation{rows: [][]Value{{}}}, nil
	}
	if len(tables) > 1 {
		where = nil
	}
	joined, err := s.source(tables[0], where)
	if err != nil {
		return nil, err
	}
	for _, next := range tables[1:] {
		right, err := s.source(next, nil)
		if err != nil {
			return nil, err
		}
		if joined, err = s.join(joined, right, nil, false); err != nil {
			return nil, err
		}
	}
	return joined, nil
}

func (s *Session) source(expr tree.TableExpr, where tree.Expr) (*relation, error) {
	switch e := expr.(type) {
	case *tree.AliasedTableExpr:
		if e.Ordinality || e.Lateral {
			return nil, unsupported("LATERAL and WITH ORDINALITY")
		}
		return s.aliased(e, where)
	case *tree.ParenTableExpr:
		return s.source(e.Expr, where)
	case *tree.TableName:
		return s.aliased(&tree.AliasedTableExpr{Expr: e}, where)
	case *tree.JoinTableExpr:
		return s.joinExpr(e)
	}
	return nil, unsupported("the table expression " + tree.AsString(expr))
}

func (s *Session) aliased(e *tree.AliasedTableExpr, where tree.Expr) (*relation, error) {
	alias := string(e.As.Alias)
	var out *relation
	switch inner := e.Expr.(type) {
	case *tree.TableName:
		if alias == "" {
			alias = inner.Table()
		}
		virtual, err := s.virtual(inner, alias)
		if err != nil {
			return nil, err
		}
		if virtual != nil {
			out = virtual
			break
		}
		t, err := s.findTable(inner)
		if err != nil {
			return nil, err
		}
		if err := s.needOnTable(t, "SELECT"); err != nil {
			return nil, err
		}
		if out, err = s.readTable(t, alias, where); err != nil {
			return nil, err
		}
	case *tree.Subquery:
		result, err := s.subquery(inner)
		if err != nil {
			return nil, err
		}
		out = asRelation(result, alias)
	case *tree.StatementSource:
		result, err := s.dispatch(inner.Statement)
		if err != nil {
			return nil, err
		}
		out = asRelation(result, alias)
	default:
		return nil, unsupported("the table expression " + tree.AsString(e.Expr))
	}
	for i, column := range e.As.Cols {
		if i < len(out.columns) {
			out.columns[i].name = string(column.Name)
		}
	}
	return out, nil
}

func asRelation(result *Result, alias string) *relation {
	out := &relation{rows: result.Rows}
	for _, column := range result.Columns {
		out.columns = append(out.columns, relColumn{alias, column.Name, column.Type, false})
	}
	return out
}

func (s *Session) joinExpr(e *tree.JoinTableExpr) (*relation, error) {
	outer := false
	switch e.JoinType {
	case "", tree.AstInner, tree.AstCross:
	case tree.AstLeft:
		outer = true
	default:
		return nil, unsupported(e.JoinType + " JOIN")
	}
	left, err := s.source(e.Left, nil)
	if err != nil {
		return nil, err
	}
	right, err := s.source(e.Right, nil)
	if err != nil {
		return nil, err
	}
	switch condition := e.Cond.(type) {
	case nil:
		return s.join(left, right, nil, outer)
	case *tree.OnJoinCond:
		return s.join(left, right, func(in scope) (bool, error) {
			v, err := s.truth(condition.Expr, in)
			return v == true, err
		}, outer)
	case *tree.UsingJoinCond:
		out, err := s.join(left, right, func(in scope) (bool, error) { return usingMatches(condition.Cols, left, right, in.(rowScope).row) }, outer)
		if err != nil {
			return nil, err
		}
		for i := len(left.columns); i < len(out.columns); i++ {
			if slices.Contains(condition.Cols, tree.Name(out.columns[i].name)) {
				out.columns[i].hidden = true
			}
		}
		return out, nil
	}
	return nil, unsupported("NATURAL JOIN")
}

func usingMatches(names tree.NameList, left, right *relation, row []Value) (bool, error) {
	for _, name := range names {
		at := func(columns []relColumn) int {
			return slices.IndexFunc(columns, func(c relColumn) bool { return c.name == string(name) })
		}
		i, j := at(left.columns), at(right.columns)
		if i < 0 || j < 0 {
			return false, errorf(codeUndefinedColumn, "column %q specified in USING clause does not exist", string(name))
		}
		a, b := row[i], row[len(left.columns)+j]
		if a == nil || b == nil {
			return false, nil
		}
		if c, err := compare(a, b); err != nil || c != 0 {
			return false, err
		}
	}
	return true, nil
}

func (s *Session) join(left, right *relation, match func(scope) (bool, error), outer bool) (*relation, error) {
	out := &relation{columns: append(slices.Clone(left.columns), right.columns...)}
	for _, a := range left.rows {
		found := false
		for _, b := range right.rows {
			row := append(slices.Clone(a), b...)
			if match != nil {
				ok, err := match(rowScope{out, row, nil})
				if err != nil {
					return nil, err
				}
				if !ok {
					continue
				}
			}
			found = true
			out.rows = append(out.rows, row)
		}
		if outer && !found {
			out.rows = append(out.rows, append(slices.Clone(a), make([]Value, len(right.columns))...))
		}
	}
	return out, nil
}
