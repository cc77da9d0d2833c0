package sqlexec

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treebin"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treecmp"
)

// scope gives names a meaning.
type scope interface {
	// lookup finds a column; table is "" where the name has no prefix.
	lookup(table, column string) (Value, Type, bool)
}

type noColumns struct{}

func (noColumns) lookup(string, string) (Value, Type, bool) { return nil, Unknown, false }

// eval computes an expression over one row.
func (s *Session) eval(expr tree.Expr, in scope) (Value, Type, error) {
	if expr == tree.DNull {
		return nil, Unknown, nil
	}
	switch e := expr.(type) {
	case *tree.NumVal:
		return number(e)
	case *tree.StrVal:
		return e.RawString(), String, nil
	case *tree.DBool:
		return bool(*e), Bool, nil
	case *tree.ParenExpr:
		return s.eval(e.Expr, in)
	case *tree.Placeholder:
		if int(e.Idx) >= len(s.args) {
			return nil, Unknown, errorf(codeUndefinedParam, "no value provided for placeholder: $%d", e.Idx+1)
		}
		return s.args[e.Idx].Value, s.args[e.Idx].Type, nil
	case *tree.UnresolvedName:
		return s.column(e, in)
	case *tree.CastExpr:
		return s.cast(e.Expr, e.Type, in)
	case *tree.AnnotateTypeExpr:
		return s.cast(e.Expr, e.Type, in)
	case *tree.UnaryExpr:
		return s.unary(e, in)
	case *tree.BinaryExpr:
		return s.binary(e, in)
	case *tree.ComparisonExpr:
		v, err := s.comparison(e, in)
		return v, Bool, err
	case *tree.RangeCond:
		return s.between(e, in)
	case *tree.AndExpr:
		return s.logic(e.Left, e.Right, in, false)
	case *tree.OrExpr:
		return s.logic(e.Left, e.Right, in, true)
	case *tree.NotExpr:
		v, err := s.truth(e.Expr, in)
		if v == nil || err != nil {
			return nil, Bool, err
		}
		return !v.(bool), Bool, nil
	case *tree.IsNullExpr:
		v, _, err := s.eval(e.Expr, in)
		return v == nil, Bool, err
	case *tree.IsNotNullExpr:
		v, _, err := s.eval(e.Expr, in)
		return v != nil, Bool, err
	case *tree.CoalesceExpr:
		return s.coalesce(e, in)
	case *tree.NullIfExpr:
		a, t, err := s.eval(e.Expr1, in)
		if err != nil || a == nil {
			return nil, t, err
		}
		b, _, err := s.eval(e.Expr2, in)
		if err != nil || b == nil {
			return a, t, err
		}
		if c, err := compare(a, b); err != nil || c == 0 {
			return nil, t, err
		}
		return a, t, nil
	case *tree.IfExpr:
		condition, err := s.truth(e.Cond, in)
		if err != nil {
			return nil, Unknown, err
		}
		if condition == true {
			return s.eval(e.True, in)
		}
		return s.eval(e.Else, in)
	case *tree.CaseExpr:
		return s.caseOf(e, in)
	case *tree.FuncExpr:
		return s.function(e, in)
	case *tree.Array:
		out := []string{}
		for _, item := range e.Exprs {
			v, _, err := s.eval(item, in)
			if err != nil {
				return nil, Strings, err
			}
			out = append(out, Text(v))
		}
		return out, Strings, nil
	case *tree.Subquery:
		return s.scalar(e)
	case tree.DefaultVal:
		return nil, Unknown, errorf(codeSyntax, "DEFAULT can only appear in a VALUES list within INSERT or on the right side of a SET")
	}
	return nil, Unknown, unsupported("the expression " + tree.AsString(expr))
}

func number(e *tree.NumVal) (Value, Type, error) {
	if e.ShouldBeInt64() {
		n, err := e.AsInt64()
		if err != nil {
			return nil, Int, errorf("22003", "integer out of range: %s", e.String())
		}
		return n, Int, nil
	}
	d, _, err := apd.NewFromString(e.String())
	if err != nil {
		return nil, Decimal, errorf(codeInvalidText, "could not parse %q as type decimal", e.String())
	}
	return d, Decimal, nil
}

func (s *Session) column(name *tree.UnresolvedName, in scope) (Value, Type, error) {
	if name.Star {
		return nil, Unknown, errorf(codeSyntax, "cannot use %q in this context", "*")
	}
	prefix := ""
	if name.NumParts > 1 {
		prefix = name.Parts[1]
	}
	if v, t, ok := in.lookup(prefix, name.Parts[0]); ok {
		return v, t, nil
	}
	return nil, Unknown, errorf(codeUndefinedColumn, "column %q does not exist", tree.AsString(name))
}

func (s *Session) cast(expr tree.Expr, to tree.ResolvableTypeReference, in scope) (Value, Type, error) {
	target, err := typeNamed(to.SQLString())
	if err != nil {
		return nil, Unknown, err
	}
	v, _, err := s.eval(expr, in)
	if err != nil {
		return nil, target, err
	}
	out, err := cast(v, target)
	return out, target, err
}

func (s *Session) unary(e *tree.UnaryExpr, in scope) (Value, Type, error) {
	v, t, err := s.eval(e.Expr, in)
	if err != nil || v == nil {
		return nil, t, err
	}
	switch e.Operator.Symbol {
	case tree.UnaryPlus:
		return v, t, nil
	case tree.UnaryMinus:
		switch x := v.(type) {
		case int64:
			return -x, t, nil
		case float64:
			return -x, t, nil
		case time.Duration:
			return -x, t, nil
		case *apd.Decimal:
			return new(apd.Decimal).Neg(x), t, nil
		}
	}
	return nil, t, unsupported("the operator in " + tree.AsString(e))
}

var decimals = apd.BaseContext.WithPrecision(20)

func (s *Session) binary(e *tree.BinaryExpr, in scope) (Value, Type, error) {
	a, ta, err := s.eval(e.Left, in)
	if err != nil {
		return nil, Unknown, err
	}
	b, tb, err := s.eval(e.Right, in)
	if err != nil {
		return nil, Unknown, err
	}
	return apply(e, a, ta, b, tb)
}

func apply(e *tree.BinaryExpr, a Value, ta Type, b Value, tb Type) (Value, Type, error) {
	op := e.Operator.Symbol
	if op == treebin.Concat {
		if a == nil || b == nil {
			return nil, String, nil
		}
		return Format(a, ta) + Format(b, tb), String, nil
	}
	t := wider(ta, tb)
	if a == nil || b == nil {
		return nil, t, nil
	}
	if base, ok := a.(time.Time); ok {
		switch x := b.(type) {
		case time.Duration:
			if op == treebin.Minus {
				x = -x
			}
			return base.Add(x), ta, nil
		case time.Time:
			if op == treebin.Minus {
				return base.Sub(x), Interval, nil
			}
		}
	}
	if ta == String && numeric(tb) {
		var err error
		if a, err = cast(a, tb); err != nil {
			return nil, tb, err
		}
		t = tb
	}
	if tb == String && numeric(ta) {
		var err error
		if b, err = cast(b, ta); err != nil {
			return nil, ta, err
		}
		t = ta
	}
	if !numeric(t) {
		return nil, t, errorf(codeInvalidParameter, "unsupported binary operator: %s", tree.AsString(e))
	}
	if t == Int && op != treebin.Div {
		x, y := a.(int64), b.(int64)
		switch op {
		case treebin.Plus:
			return x + y, Int, nil
		case treebin.Minus:
			return x - y, Int, nil
		case treebin.Mult:
			return x * y, Int, nil
		case treebin.FloorDiv, treebin.Mod:
			if y == 0 {
				return nil, Int, errorf(codeDivisionByZero, "division by zero")
			}
			if op == treebin.Mod {
				return x % y, Int, nil
			}
			return x / y, Int, nil
		}
	}
	if t == Float {
		x, errA := cast(a, Float)
		y, errB := cast(b, Float)
		if errA != nil || errB != nil {
			return nil, t, errorf(codeTypeMismatch, "not numbers: %s", tree.AsString(e))
		}
		switch op {
		case treebin.Plus:
			return x.(float64) + y.(float64), t, nil
		case treebin.Minus:
			return x.(float64) - y.(float64), t, nil
		case treebin.Mult:
			return x.(float64) * y.(float64), t, nil
		case treebin.Div:
			if y.(float64) == 0 {
				return nil, t, errorf(codeDivisionByZero, "division by zero")
			}
			return x.(float64) / y.(float64), t, nil
		}
		return nil, t, unsupported("the operator in " + tree.AsString(e))
	}
	x, errA := cast(a, Decimal)
	y, errB := cast(b, Decimal)
	if errA != nil || errB != nil {
		return nil, t, errorf(codeTypeMismatch, "not numbers: %s", tree.AsString(e))
	}
	var out apd.Decimal
	var err error
	switch op {
	case treebin.Plus:
		_, err = decimals.Add(&out, x.(*apd.Decimal), y.(*apd.Decimal))
	case treebin.Minus:
		_, err = decimals.Sub(&out, x.(*apd.Decimal), y.(*apd.Decimal))
	case treebin.Mult:
		_, err = decimals.Mul(&out, x.(*apd.Decimal), y.(*apd.Decimal))
	case treebin.Div:
		if y.(*apd.Decimal).IsZero() {
			return nil, Decimal, errorf(codeDivisionByZero, "division by zero")
		}
		_, err = decimals.Quo(&out, x.(*apd.Decimal), y.(*apd.Decimal))
	case treebin.Mod:
		_, err = decimals.Rem(&out, x.(*apd.Decimal), y.(*apd.Decimal))
	default:
		return nil, Decimal, unsupported("the operator in " + tree.AsString(e))
	}
	return &out, Decimal, err
}

func wider(a, b Type) Type {
	switch {
	case a == Unknown:
		return b
	case b == Unknown || a == b:
		return a
	case a == Float && numeric(b) || b == Float && numeric(a):
		return Float
	case numeric(a) && numeric(b):
		return Decimal
	case a == String:
		return b
	}
	return a
}

func (s *Session) truth(expr tree.Expr, in scope) (Value, error) {
	v, _, err := s.eval(expr, in)
	if err != nil || v == nil {
		return nil, err
	}
	return cast(v, Bool)
}

// logic is AND, or OR where dominant is true, with SQL's third value.
func (s *Session) logic(left, right tree.Expr, in scope, dominant bool) (Value, Type, error) {
	a, err := s.truth(left, in)
	if err != nil || a == dominant {
		return a, Bool, err
	}
	b, err := s.truth(right, in)
	if err != nil || b == dominant {
		return b, Bool, err
	}
	if a == nil || b == nil {
		return nil, Bool, nil
	}
	return !dominant, Bool, nil
}

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

func (s *Session) coalesce(e *tree.CoalesceExpr, in scope) (Value, Type, error) {
	t := Unknown
	for _, item := range e.Exprs {
		v, one, err := s.eval(item, in)
		if err != nil {
			return nil, t, err
		}
		t = wider(t, one)
		if v != nil {
			return v, t, nil
		}
	}
	return nil, t, nil
}

func (s *Session) caseOf(e *tree.CaseExpr, in scope) (Value, Type, error) {
	var subject Value
	if e.Expr != nil {
		v, _, err := s.eval(e.Expr, in)
		if err != nil {
			return nil, Unknown, err
		}
		subject = v
	}
	for _, when := range e.Whens {
		var hit Value
		var err error
		if e.Expr == nil {
			hit, err = s.truth(when.Cond, in)
		} else {
			var v Value
			if v, _, err = s.eval(when.Cond, in); err == nil && v != nil && subject != nil {
				var c int
				c, err = compare(subject, v)
				hit = c == 0
			}
		}
		if err != nil {
			return nil, Unknown, err
		}
		if hit == true {
			return s.eval(when.Val, in)
		}
	}
	if e.Else != nil {
		return s.eval(e.Else, in)
	}
	return nil, Unknown, nil
}
