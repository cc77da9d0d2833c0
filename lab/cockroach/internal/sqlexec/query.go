package sqlexec

import (
	"slices"
	"sort"
	"strings"

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
	if len(n.Window) > 0 || len(n.DistinctOn) > 0 || n.From.AsOf.Expr != nil && !s.followerRead(n.From.AsOf.Expr) {
		return nil, unsupported("WINDOW, DISTINCT ON and AS OF SYSTEM TIME")
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

func (s *Session) sortKey(order tree.OrderBy, exprs tree.SelectExprs, result *Result, row []Value, in scope) ([]Value, error) {
	var key []Value
	for _, item := range order {
		if item.OrderType != tree.OrderByColumn {
			return nil, unsupported("ORDER BY INDEX and PRIMARY KEY")
		}
		if number, ok := item.Expr.(*tree.NumVal); ok {
			n, err := number.AsInt64()
			if err != nil || n < 1 || int(n) > len(row) {
				return nil, errorf("42P10", "ORDER BY position %s is not in select list", number.String())
			}
			key = append(key, row[n-1])
			continue
		}
		if name, ok := item.Expr.(*tree.UnresolvedName); ok && name.NumParts == 1 {
			at := slices.IndexFunc(exprs, func(e tree.SelectExpr) bool { return string(e.As) == name.Parts[0] })
			if at >= 0 {
				key = append(key, row[at])
				continue
			}
		}
		v, _, err := s.eval(item.Expr, in)
		if err != nil {
			return nil, err
		}
		key = append(key, v)
	}
	return key, nil
}

func sortRows(rows [][]Value, keys [][]Value, order tree.OrderBy) error {
	if len(order) == 0 {
		return nil
	}
	index := make([]int, len(rows))
	for i := range index {
		index[i] = i
	}
	var failure error
	sort.SliceStable(index, func(i, j int) bool {
		for k, item := range order {
			a, b := keys[index[i]][k], keys[index[j]][k]
			down := item.Direction == tree.Descending
			nullsFirst := item.NullsOrder == tree.NullsFirst || item.NullsOrder == tree.DefaultNullsOrder && !down
			switch {
			case a == nil && b == nil:
				continue
			case a == nil:
				return nullsFirst
			case b == nil:
				return !nullsFirst
			}
			c, err := compare(a, b)
			if err != nil {
				failure = err
			}
			if c != 0 {
				return (c < 0) != down
			}
		}
		return false
	})
	sorted := make([][]Value, len(rows))
	for i, at := range index {
		sorted[i] = rows[at]
	}
	copy(rows, sorted)
	return failure
}

func distinct(rows [][]Value) [][]Value {
	seen := map[string]bool{}
	var out [][]Value
	for _, row := range rows {
		if key := fingerprint(row); !seen[key] {
			seen[key] = true
			out = append(out, row)
		}
	}
	return out
}

func fingerprint(row []Value) string {
	var out strings.Builder
	for _, v := range row {
		if v == nil {
			out.WriteString("n\x00")
			continue
		}
		out.WriteString("v" + Text(v) + "\x00")
	}
	return out.String()
}

// window is LIMIT and OFFSET, as a half-open range of rows.
func (s *Session) window(limit *tree.Limit, count int) (from, to int, err error) {
	if limit == nil {
		return 0, count, nil
	}
	read := func(expr tree.Expr, fallback int) (int, error) {
		if expr == nil {
			return fallback, nil
		}
		v, _, err := s.eval(expr, noColumns{})
		if err != nil || v == nil {
			return fallback, err
		}
		n, err := cast(v, Int)
		if err != nil {
			return 0, err
		}
		if n.(int64) < 0 {
			return 0, errorf("2201W", "negative value for LIMIT or OFFSET")
		}
		return int(min(n.(int64), int64(count))), nil
	}
	if from, err = read(limit.Offset, 0); err != nil {
		return 0, 0, err
	}
	length, err := read(limit.Count, count)
	return from, min(count, from+length), err
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
