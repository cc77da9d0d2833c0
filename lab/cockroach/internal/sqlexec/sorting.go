package sqlexec

import (
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

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
