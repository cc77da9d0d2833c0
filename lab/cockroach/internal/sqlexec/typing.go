package sqlexec

import (
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treebin"
)

// typeOf finds an expression's type without its value, so that an empty result has the right columns.
func (s *Session) typeOf(expr tree.Expr, in scope) (Type, error) {
	switch e := expr.(type) {
	case *tree.NumVal:
		_, t, err := number(e)
		return t, err
	case *tree.StrVal:
		return String, nil
	case *tree.ParenExpr:
		return s.typeOf(e.Expr, in)
	case *tree.Placeholder:
		if int(e.Idx) < len(s.args) {
			return s.args[e.Idx].Type, nil
		}
		return Unknown, nil
	case *tree.UnresolvedName:
		_, t, err := s.column(e, in)
		return t, err
	case *tree.CastExpr:
		return typeNamed(e.Type.SQLString())
	case *tree.AnnotateTypeExpr:
		return typeNamed(e.Type.SQLString())
	case *tree.UnaryExpr:
		return s.typeOf(e.Expr, in)
	case *tree.BinaryExpr:
		return s.typeOfBinary(e, in)
	case *tree.DBool, *tree.ComparisonExpr, *tree.RangeCond, *tree.AndExpr, *tree.OrExpr, *tree.NotExpr, *tree.IsNullExpr, *tree.IsNotNullExpr:
		return Bool, nil
	case *tree.NullIfExpr:
		return s.typeOf(e.Expr1, in)
	case *tree.CoalesceExpr:
		return s.widest(e.Exprs, in)
	case *tree.IfExpr:
		return s.widest(tree.Exprs{e.True, e.Else}, in)
	case *tree.CaseExpr:
		var branches tree.Exprs
		for _, when := range e.Whens {
			branches = append(branches, when.Val)
		}
		if e.Else != nil {
			branches = append(branches, e.Else)
		}
		return s.widest(branches, in)
	case *tree.FuncExpr:
		return s.typeOfFunction(e, in)
	case *tree.Array:
		return Strings, nil
	case *tree.Subquery:
		if e.Exists {
			return Bool, nil
		}
		_, t, err := s.scalar(e)
		return t, err
	}
	return Unknown, nil
}

func (s *Session) widest(exprs tree.Exprs, in scope) (Type, error) {
	t := Unknown
	for _, expr := range exprs {
		one, err := s.typeOf(expr, in)
		if err != nil {
			return t, err
		}
		t = wider(t, one)
	}
	return t, nil
}

func (s *Session) typeOfBinary(e *tree.BinaryExpr, in scope) (Type, error) {
	a, err := s.typeOf(e.Left, in)
	if err != nil {
		return Unknown, err
	}
	b, err := s.typeOf(e.Right, in)
	if err != nil {
		return Unknown, err
	}
	isTime := func(t Type) bool { return t == TimestampTZ || t == Timestamp || t == Date }
	switch {
	case e.Operator.Symbol == treebin.Concat:
		return String, nil
	case isTime(a) && isTime(b) && e.Operator.Symbol == treebin.Minus:
		return Interval, nil
	case isTime(a):
		return a, nil
	case e.Operator.Symbol == treebin.Div && wider(a, b) == Int:
		return Decimal, nil
	}
	return wider(a, b), nil
}

func (s *Session) typeOfFunction(e *tree.FuncExpr, in scope) (Type, error) {
	name := functionName(e)
	switch name {
	case "count", "count_rows":
		return Int, nil
	case "bool_and", "bool_or":
		return Bool, nil
	case "array_agg":
		return Strings, nil
	case "string_agg":
		return String, nil
	case "min", "max", "sum", "avg":
		if len(e.Exprs) == 0 {
			return Unknown, errorf(codeUndefinedFunc, "unknown signature: %s()", name)
		}
		t, err := s.typeOf(e.Exprs[0], in)
		if t == Int && (name == "sum" || name == "avg") {
			t = Decimal
		}
		return t, err
	}
	return builtins[name].result, nil
}
