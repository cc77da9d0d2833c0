package sqlexec

import (
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
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
