package sqlexec

import (
	"github.com/cockroachdb/apd/v3"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

var aggregates = map[string]bool{
	"count": true, "count_rows": true, "sum": true, "min": true, "max": true, "avg": true, "bool_and": true, "bool_or": true, "array_agg": true, "string_agg": true,
}

// groupScope is one group of rows; plain columns are those of its first row.
type groupScope struct {
	rowScope
	rows [][]Value
}

// scopes are what the select list is evaluated over: each row, or each group.
func (s *Session) scopes(n *tree.SelectClause, exprs tree.SelectExprs, order tree.OrderBy, from *relation, outer scope) ([]scope, error) {
	grouped := len(n.GroupBy) > 0 || n.Having != nil
	for _, expr := range exprs {
		grouped = grouped || hasAggregate(expr.Expr)
	}
	for _, item := range order {
		grouped = grouped || item.Expr != nil && hasAggregate(item.Expr)
	}
	var out []scope
	if !grouped {
		for _, row := range from.rows {
			out = append(out, rowScope{from, row, outer})
		}
		return out, nil
	}
	groups, err := s.group(n.GroupBy, exprs, from, outer)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		if n.Having != nil {
			if hit, err := s.truth(n.Having.Expr, group); err != nil {
				return nil, err
			} else if hit != true {
				continue
			}
		}
		out = append(out, group)
	}
	return out, nil
}

func (s *Session) group(by tree.GroupBy, exprs tree.SelectExprs, from *relation, outer scope) ([]*groupScope, error) {
	blank := make([]Value, len(from.columns))
	if len(by) == 0 {
		all := &groupScope{rowScope{from, blank, outer}, from.rows}
		if len(from.rows) > 0 {
			all.row = from.rows[0]
		}
		return []*groupScope{all}, nil
	}
	index := map[string]*groupScope{}
	var out []*groupScope
	for _, row := range from.rows {
		var key []Value
		for _, expr := range by {
			if number, ok := expr.(*tree.NumVal); ok {
				at, err := number.AsInt64()
				if err != nil || at < 1 || int(at) > len(exprs) {
					return nil, errorf("42P10", "GROUP BY position %s is not in select list", number.String())
				}
				expr = exprs[at-1].Expr
			}
			v, _, err := s.eval(expr, rowScope{from, row, outer})
			if err != nil {
				return nil, err
			}
			key = append(key, v)
		}
		text := fingerprint(key)
		if index[text] == nil {
			index[text] = &groupScope{rowScope{from, row, outer}, nil}
			out = append(out, index[text])
		}
		index[text].rows = append(index[text].rows, row)
	}
	return out, nil
}

type aggregateFinder struct{ found bool }

func (f *aggregateFinder) VisitPre(expr tree.Expr) (bool, tree.Expr) {
	switch e := expr.(type) {
	case *tree.FuncExpr:
		f.found = f.found || aggregates[functionName(e)]
	case *tree.Subquery:
		return false, expr
	}
	return true, expr
}

func (f *aggregateFinder) VisitPost(expr tree.Expr) tree.Expr { return expr }

func hasAggregate(expr tree.Expr) bool {
	var finder aggregateFinder
	tree.WalkExprConst(&finder, expr)
	return finder.found
}

func (s *Session) aggregate(name string, e *tree.FuncExpr, group *groupScope) (Value, Type, error) {
	if e.Filter != nil || e.WindowDef != nil || len(e.OrderBy) > 0 {
		return nil, Unknown, unsupported("FILTER, OVER and ORDER BY in aggregates")
	}
	if name == "count_rows" || name == "count" && len(e.Exprs) == 1 && isStar(e.Exprs[0]) {
		return int64(len(group.rows)), Int, nil
	}
	if len(e.Exprs) == 0 {
		return nil, Unknown, errorf(codeUndefinedFunc, "unknown signature: %s()", name)
	}
	var values []Value
	seen := map[string]bool{}
	for _, row := range group.rows {
		v, _, err := s.eval(e.Exprs[0], rowScope{group.relation, row, group.outer})
		if err != nil {
			return nil, Unknown, err
		}
		if v == nil {
			continue
		}
		if e.Type == tree.DistinctFuncType {
			if key := fingerprint([]Value{v}); seen[key] {
				continue
			} else {
				seen[key] = true
			}
		}
		values = append(values, v)
	}
	t, err := s.typeOf(e, rowScope{relation: group.relation, outer: group.outer})
	if err != nil {
		return nil, t, err
	}
	v, err := fold(s, name, e, values, t)
	return v, t, err
}

func fold(s *Session, name string, e *tree.FuncExpr, values []Value, t Type) (Value, error) {
	switch name {
	case "count":
		return int64(len(values)), nil
	case "array_agg":
		out := []string{}
		for _, v := range values {
			out = append(out, Text(v))
		}
		return out, nil
	case "string_agg":
		if len(e.Exprs) != 2 {
			return nil, errorf(codeUndefinedFunc, "unknown signature: string_agg()")
		}
		separator, _, err := s.eval(e.Exprs[1], noColumns{})
		if err != nil {
			return nil, err
		}
		var out Value
		for i, v := range values {
			if i == 0 {
				out = Text(v)
			} else {
				out = out.(string) + Text(separator) + Text(v)
			}
		}
		return out, nil
	}
	if len(values) == 0 {
		return nil, nil
	}
	switch name {
	case "min", "max":
		best := values[0]
		for _, v := range values[1:] {
			c, err := compare(v, best)
			if err != nil {
				return nil, err
			}
			if (c < 0) == (name == "min") && c != 0 {
				best = v
			}
		}
		return best, nil
	case "bool_and", "bool_or":
		for _, v := range values {
			if v == (name == "bool_or") {
				return v, nil
			}
		}
		return name == "bool_and", nil
	}
	sum := new(apd.Decimal)
	for _, v := range values {
		d, err := cast(v, Decimal)
		if err != nil {
			return nil, err
		}
		if _, err := decimals.Add(sum, sum, d.(*apd.Decimal)); err != nil {
			return nil, err
		}
	}
	if name == "avg" {
		if _, err := decimals.Quo(sum, sum, apd.New(int64(len(values)), 0)); err != nil {
			return nil, err
		}
	}
	return cast(sum, t)
}

func isStar(expr tree.Expr) bool {
	switch e := expr.(type) {
	case tree.UnqualifiedStar:
		return true
	case *tree.UnresolvedName:
		return e.Star
	}
	return false
}
