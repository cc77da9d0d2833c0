package sqlexec

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treecmp"
)

func (s *Session) comparison(e *tree.ComparisonExpr, in scope) (Value, error) {
	a, _, err := s.eval(e.Left, in)
	if err != nil {
		return nil, err
	}
	switch e.Operator.Symbol {
	case treecmp.In, treecmp.NotIn:
		list, err := s.list(e.Right, in)
		if err != nil {
			return nil, err
		}
		found, err := member(a, list)
		if found == nil || err != nil {
			return nil, err
		}
		return found.(bool) == (e.Operator.Symbol == treecmp.In), nil
	case treecmp.Any, treecmp.Some:
		v, _, err := s.eval(e.Right, in)
		if err != nil {
			return nil, err
		}
		texts, ok := v.([]string)
		if !ok || e.SubOperator.Symbol != treecmp.EQ {
			return nil, unsupported("the comparison " + tree.AsString(e))
		}
		if a == nil {
			return nil, nil
		}
		return slices.Contains(texts, Text(a)), nil
	}
	b, _, err := s.eval(e.Right, in)
	if err != nil {
		return nil, err
	}
	switch e.Operator.Symbol {
	case treecmp.IsDistinctFrom, treecmp.IsNotDistinctFrom:
		same := a == nil && b == nil
		if a != nil && b != nil {
			c, err := compare(a, b)
			if err != nil {
				return nil, err
			}
			same = c == 0
		}
		return same == (e.Operator.Symbol == treecmp.IsNotDistinctFrom), nil
	}
	if a == nil || b == nil {
		return nil, nil
	}
	switch e.Operator.Symbol {
	case treecmp.Like, treecmp.NotLike, treecmp.ILike, treecmp.NotILike:
		symbol := e.Operator.Symbol
		pattern := likePattern(Text(b), symbol == treecmp.ILike || symbol == treecmp.NotILike)
		return pattern.MatchString(Text(a)) == (symbol == treecmp.Like || symbol == treecmp.ILike), nil
	case treecmp.RegMatch:
		pattern, err := regexp.Compile(Text(b))
		if err != nil {
			return nil, errorf("2201B", "invalid regular expression: %v", err)
		}
		return pattern.MatchString(Text(a)), nil
	}
	c, err := compare(a, b)
	if err != nil {
		return nil, err
	}
	switch e.Operator.Symbol {
	case treecmp.EQ:
		return c == 0, nil
	case treecmp.NE:
		return c != 0, nil
	case treecmp.LT:
		return c < 0, nil
	case treecmp.LE:
		return c <= 0, nil
	case treecmp.GT:
		return c > 0, nil
	case treecmp.GE:
		return c >= 0, nil
	}
	return nil, unsupported("the comparison " + tree.AsString(e))
}

func likePattern(text string, insensitive bool) *regexp.Regexp {
	var out strings.Builder
	out.WriteString("(?s")
	if insensitive {
		out.WriteString("i")
	}
	out.WriteString(")^")
	for _, r := range text {
		switch r {
		case '%':
			out.WriteString(".*")
		case '_':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	out.WriteString("$")
	return regexp.MustCompile(out.String())
}

func member(a Value, list []Value) (Value, error) {
	if a == nil {
		return nil, nil
	}
	unknown := false
	for _, b := range list {
		if b == nil {
			unknown = true
			continue
		}
		c, err := compare(a, b)
		if err != nil {
			return nil, err
		}
		if c == 0 {
			return true, nil
		}
	}
	if unknown {
		return nil, nil
	}
	return false, nil
}

func (s *Session) list(expr tree.Expr, in scope) ([]Value, error) {
	switch e := expr.(type) {
	case *tree.ParenExpr:
		return s.list(e.Expr, in)
	case *tree.Tuple:
		var out []Value
		for _, item := range e.Exprs {
			v, _, err := s.eval(item, in)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case *tree.Subquery:
		result, err := s.subquery(e)
		if err != nil {
			return nil, err
		}
		var out []Value
		for _, row := range result.Rows {
			out = append(out, row[0])
		}
		return out, nil
	}
	v, _, err := s.eval(expr, in)
	return []Value{v}, err
}

func (s *Session) between(e *tree.RangeCond, in scope) (Value, Type, error) {
	v, _, err := s.eval(e.Left, in)
	if err != nil {
		return nil, Bool, err
	}
	low, _, err := s.eval(e.From, in)
	if err != nil {
		return nil, Bool, err
	}
	high, _, err := s.eval(e.To, in)
	if err != nil || v == nil || low == nil || high == nil {
		return nil, Bool, err
	}
	a, err := compare(v, low)
	if err != nil {
		return nil, Bool, err
	}
	b, err := compare(v, high)
	return (a >= 0 && b <= 0) != e.Not, Bool, err
}
