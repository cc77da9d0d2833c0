package sqlexec

import (
	"encoding/json"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treebin"
)

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
	if op == treebin.JSONFetchText {
		return fetchText(a, ta, b)
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

// fetchText is ->> of an object's key; NULL where there is none.
func fetchText(a Value, ta Type, key Value) (Value, Type, error) {
	name, ok := key.(string)
	if ta != JSONB || key != nil && !ok {
		return nil, Unknown, unsupported("->> of anything but an object's key")
	}
	text, _ := a.(string)
	var object map[string]any
	if a == nil || key == nil || json.Unmarshal([]byte(text), &object) != nil {
		return nil, String, nil
	}
	switch found := object[name].(type) {
	case nil:
		return nil, String, nil
	case string:
		return found, String, nil
	default:
		out, err := json.Marshal(found)
		return string(out), String, err
	}
}
