package sqlexec

import (
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// query runs a SELECT, VALUES or parenthesised one.
func (s *Session) query(n *tree.Select, outer scope) (*Result, error) {
	if n.With != nil {
		return nil, unsupported("WITH")
	}
	switch body := n.Select.(type) {
	case *tree.ParenSelect:
		if len(n.OrderBy) > 0 || n.Limit != nil {
			return nil, unsupported("ORDER BY and LIMIT around a parenthesised SELECT")
		}
		return s.query(body.Select, outer)
	case *tree.ValuesClause:
		return s.values(body, n)
	case *tree.SelectClause:
		return s.selectClause(body, n, outer)
	case *tree.UnionClause:
		return nil, unsupported("UNION, INTERSECT and EXCEPT")
	}
	return nil, unsupported(tree.AsString(n))
}

func (s *Session) values(n *tree.ValuesClause, whole *tree.Select) (*Result, error) {
	if len(whole.OrderBy) > 0 || whole.Limit != nil {
		return nil, unsupported("ORDER BY and LIMIT after VALUES")
	}
	result := &Result{}
	for _, tuple := range n.Rows {
		var row []Value
		for i, expr := range tuple {
			v, t, err := s.eval(expr, noColumns{})
			if err != nil {
				return nil, err
			}
			if len(result.Rows) == 0 {
				result.Columns = append(result.Columns, Column{"column" + Text(int64(i+1)), known(t)})
			}
			row = append(row, v)
		}
		result.Rows = append(result.Rows, row)
	}
	return result, nil
}

// known makes text of what has no type.
func known(t Type) Type {
	if t == Unknown {
		return String
	}
	return t
}

func (s *Session) selectClause(n *tree.SelectClause, whole *tree.Select, outer scope) (*Result, error) {
	if len(n.Window) > 0 || len(n.DistinctOn) > 0 {
		return nil, unsupported("WINDOW and DISTINCT ON")
	}
	if err := s.asOf(n.From.AsOf.Expr); err != nil {
		return nil, err
	}
	var condition tree.Expr
	if n.Where != nil {
		condition = n.Where.Expr
	}
	from, err := s.from(n.From.Tables, condition)
	if err != nil {
		return nil, err
	}
	if condition != nil {
		kept := from.rows[:0:0]
		for _, row := range from.rows {
			hit, err := s.truth(condition, rowScope{from, row, outer})
			if err != nil {
				return nil, err
			}
			if hit == true {
				kept = append(kept, row)
			}
		}
		from.rows = kept
	}
	exprs, err := expand(n.Exprs, from)
	if err != nil {
		return nil, err
	}
	scopes, err := s.scopes(n, exprs, whole.OrderBy, from, outer)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	for _, expr := range exprs {
		t, err := s.typeOf(expr.Expr, rowScope{relation: from, outer: outer})
		if err != nil {
			return nil, err
		}
		result.Columns = append(result.Columns, Column{columnName(expr), known(t)})
	}
	var keys [][]Value
	for _, in := range scopes {
		row := make([]Value, len(exprs))
		for i, expr := range exprs {
			v, _, err := s.eval(expr.Expr, in)
			if err != nil {
				return nil, err
			}
			if row[i], err = cast(v, result.Columns[i].Type); err != nil {
				return nil, err
			}
		}
		key, err := s.sortKey(whole.OrderBy, exprs, result, row, in)
		if err != nil {
			return nil, err
		}
		result.Rows = append(result.Rows, row)
		keys = append(keys, key)
	}
	if err := sortRows(result.Rows, keys, whole.OrderBy); err != nil {
		return nil, err
	}
	if n.Distinct {
		result.Rows = distinct(result.Rows)
	}
	low, high, err := s.window(whole.Limit, len(result.Rows))
	if err != nil {
		return nil, err
	}
	result.Rows = result.Rows[low:high]
	return result, nil
}

// asOf takes the statement to a moment of the past, given as a timestamp or as an interval before now.
func (s *Session) asOf(expr tree.Expr) error {
	if expr == nil || s.followerRead(expr) {
		return nil
	}
	if s.open != nil {
		return unsupported("AS OF SYSTEM TIME inside a transaction")
	}
	text, err := s.text(expr)
	if err != nil {
		return err
	}
	at := s.now
	if ago, err := parseInterval(text); err == nil {
		at = at.Add(ago)
	} else if v, err := cast(text, Timestamp); err == nil {
		at = v.(time.Time)
	} else {
		return errorf(codeInvalidParameter, "AS OF SYSTEM TIME: value is neither timestamp, decimal, nor interval")
	}
	if at.After(s.now) {
		return errorf(codeInvalidParameter, "AS OF SYSTEM TIME: cannot specify timestamp in the future")
	}
	s.tx.asOf = at.UnixMicro()
	return nil
}

// followerRead accepts the usual stale-read function: reading the newest instead is always within its promise.
func (s *Session) followerRead(expr tree.Expr) bool {
	fn, ok := expr.(*tree.FuncExpr)
	return ok && slices.Contains([]string{"follower_read_timestamp", "with_max_staleness"}, functionName(fn))
}

// project evaluates a list of expressions over the rows of a relation.
func (s *Session) project(list tree.SelectExprs, from *relation, outer scope) (*Result, error) {
	exprs, err := expand(list, from)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	for _, expr := range exprs {
		t, err := s.typeOf(expr.Expr, rowScope{relation: from, outer: outer})
		if err != nil {
			return nil, err
		}
		result.Columns = append(result.Columns, Column{columnName(expr), known(t)})
	}
	for _, row := range from.rows {
		var out []Value
		for i, expr := range exprs {
			v, _, err := s.eval(expr.Expr, rowScope{from, row, outer})
			if err != nil {
				return nil, err
			}
			if v, err = cast(v, result.Columns[i].Type); err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		result.Rows = append(result.Rows, out)
	}
	return result, nil
}

// expand turns stars into columns.
func expand(list tree.SelectExprs, from *relation) (tree.SelectExprs, error) {
	var out tree.SelectExprs
	for _, expr := range list {
		prefix, star := "", false
		switch e := expr.Expr.(type) {
		case tree.UnqualifiedStar:
			star = true
		case *tree.UnresolvedName:
			if e.Star {
				star = true
				if e.NumParts > 1 {
					prefix = e.Parts[1]
				}
			}
		}
		if !star {
			out = append(out, expr)
			continue
		}
		found := false
		for _, column := range from.columns {
			if !column.hidden && (prefix == "" || prefix == column.table) {
				name := &tree.UnresolvedName{NumParts: 1, Parts: tree.NameParts{column.name}}
				if column.table != "" {
					name = &tree.UnresolvedName{NumParts: 2, Parts: tree.NameParts{column.name, column.table}}
				}
				out = append(out, tree.SelectExpr{Expr: name})
				found = true
			}
		}
		if !found {
			return nil, errorf(codeUndefinedTable, "no data source matches pattern: %s", tree.AsString(expr.Expr))
		}
	}
	return out, nil
}

func columnName(expr tree.SelectExpr) string {
	if expr.As != "" {
		return string(expr.As)
	}
	switch e := expr.Expr.(type) {
	case *tree.UnresolvedName:
		return e.Parts[0]
	case *tree.FuncExpr:
		name := functionName(e)
		return name[strings.LastIndexByte(name, '.')+1:]
	case *tree.CastExpr:
		if inner := columnName(tree.SelectExpr{Expr: e.Expr}); inner != "?column?" {
			return inner
		}
		return strings.ToLower(e.Type.SQLString())
	case *tree.CaseExpr:
		return "case"
	case *tree.CoalesceExpr:
		return "coalesce"
	case *tree.IfExpr:
		return "if"
	case *tree.DBool:
		return "bool"
	}
	return "?column?"
}

func (s *Session) subquery(n *tree.Subquery) (*Result, error) {
	return s.query(&tree.Select{Select: n.Select}, nil)
}

// scalar is a subquery that stands for one value, or EXISTS.
func (s *Session) scalar(n *tree.Subquery) (Value, Type, error) {
	result, err := s.subquery(n)
	if err != nil {
		return nil, Unknown, err
	}
	if n.Exists {
		return len(result.Rows) > 0, Bool, nil
	}
	if len(result.Columns) != 1 {
		return nil, Unknown, errorf(codeSyntax, "subquery must return only one column, found %d", len(result.Columns))
	}
	switch len(result.Rows) {
	case 0:
		return nil, result.Columns[0].Type, nil
	case 1:
		return result.Rows[0][0], result.Columns[0].Type, nil
	}
	return nil, Unknown, errorf("21000", "more than one row returned by a subquery used as an expression")
}
