package sqlexec

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/google/uuid"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/state"
)

type builtin struct {
	result Type
	min    int
	max    int
	unsafe bool // under allow_unsafe_internals
	call   func(s *Session, args []Value) (Value, error)
}

func text(call func(args []Value) string) func(*Session, []Value) (Value, error) {
	return func(_ *Session, args []Value) (Value, error) {
		for _, arg := range args {
			if arg == nil {
				return nil, nil
			}
		}
		return call(args), nil
	}
}

var builtins map[string]builtin

func init() {
	now := func(s *Session, _ []Value) (Value, error) { return truncate(s.now, TimestampTZ), nil }
	newID := func(*Session, []Value) (Value, error) { return uuid.NewString(), nil }
	builtins = map[string]builtin{
		"version":          {String, 0, 0, false, func(*Session, []Value) (Value, error) { return build.SQLVersion(), nil }},
		"now":              {TimestampTZ, 0, 0, false, now},
		"current_database": {String, 0, 0, false, func(s *Session, _ []Value) (Value, error) { return s.database(), nil }},
		"current_schema":   {String, 0, 0, false, func(*Session, []Value) (Value, error) { return public, nil }},
		"current_user":     {String, 0, 0, false, func(s *Session, _ []Value) (Value, error) { return s.User, nil }},
		"session_user":     {String, 0, 0, false, func(s *Session, _ []Value) (Value, error) { return s.User, nil }},
		"gen_random_uuid":  {UUID, 0, 0, false, newID},
		"uuid_v4":          {UUID, 0, 0, false, newID},
		"gateway_region": {String, 0, 0, false, func(s *Session, _ []Value) (Value, error) {
			region := state.Tier(s.engine.cluster.Locality(), "region")
			if region == "" {
				return nil, errorf(codeInvalidParameter, "no region set on the locality flag on this node")
			}
			return region, nil
		}},
		"default_to_database_primary_region": {String, 1, 1, false, func(s *Session, args []Value) (Value, error) { return s.homeRegion(Text(args[0])) }},
		"rehome_row":                         {String, 0, 0, false, func(s *Session, _ []Value) (Value, error) { return s.gatewayHome() }},
		"unique_rowid":                       {Int, 0, 0, false, func(s *Session, _ []Value) (Value, error) { return rowID(s.engine.cluster.NodeID()), nil }},
		"pg_is_in_recovery":                  {Bool, 0, 0, false, func(*Session, []Value) (Value, error) { return false, nil }},
		"pg_backend_pid":                     {Int, 0, 0, false, func(*Session, []Value) (Value, error) { return int64(0), nil }},
		"crdb_internal.cluster_id":           {UUID, 0, 0, true, func(s *Session, _ []Value) (Value, error) { return s.engine.cluster.ClusterID(), nil }},
		"crdb_internal.cluster_name":         {String, 0, 0, true, func(*Session, []Value) (Value, error) { return "", nil }},
		"crdb_internal.node_id":              {Int, 0, 0, true, func(s *Session, _ []Value) (Value, error) { return int64(s.engine.cluster.NodeID()), nil }},
		"crdb_internal.node_executable_version": {String, 0, 0, true, func(*Session, []Value) (Value, error) {
			return build.Binary().String(), nil
		}},
		"crdb_internal.locality_value": {String, 1, 1, true, func(s *Session, args []Value) (Value, error) {
			return nullable(state.Tier(s.engine.cluster.Locality(), Text(args[0]))), nil
		}},
		"lower":  {String, 1, 1, false, text(func(a []Value) string { return strings.ToLower(Text(a[0])) })},
		"upper":  {String, 1, 1, false, text(func(a []Value) string { return strings.ToUpper(Text(a[0])) })},
		"btrim":  {String, 1, 1, false, text(func(a []Value) string { return strings.TrimSpace(Text(a[0])) })},
		"strpos": {Int, 2, 2, false, strpos},
		"length": {Int, 1, 1, false, length},
		"concat": {String, 0, 100, false, func(_ *Session, args []Value) (Value, error) {
			var out strings.Builder
			for _, arg := range args {
				if arg != nil {
					out.WriteString(Text(arg))
				}
			}
			return out.String(), nil
		}},
		"repeat": {String, 2, 2, false, func(_ *Session, args []Value) (Value, error) {
			n, ok := args[1].(int64)
			if !ok || n < 0 || n*int64(len(Text(args[0]))) > 1<<24 {
				return nil, errorf("22023", "repeat(): requested length too large")
			}
			return strings.Repeat(Text(args[0]), int(n)), nil
		}},
		"split_part": {String, 3, 3, false, func(_ *Session, args []Value) (Value, error) {
			n, ok := args[2].(int64)
			if !ok || n < 1 {
				return nil, errorf(codeInvalidParameter, "field position %s must be greater than zero", Text(args[2]))
			}
			parts := strings.Split(Text(args[0]), Text(args[1]))
			if int(n) > len(parts) {
				return "", nil
			}
			return parts[n-1], nil
		}},
		"array_length": {Int, 2, 2, false, func(_ *Session, args []Value) (Value, error) {
			list, ok := args[0].([]string)
			if !ok || len(list) == 0 {
				return nil, nil
			}
			return int64(len(list)), nil
		}},
		"array_to_string": {String, 2, 2, false, func(_ *Session, args []Value) (Value, error) {
			list, ok := args[0].([]string)
			if !ok {
				return nil, nil
			}
			return strings.Join(list, Text(args[1])), nil
		}},
		"abs": {Decimal, 1, 1, false, func(_ *Session, args []Value) (Value, error) {
			if args[0] == nil {
				return nil, nil
			}
			d, err := cast(args[0], Decimal)
			if err != nil {
				return nil, err
			}
			return new(apd.Decimal).Abs(d.(*apd.Decimal)), nil
		}},
		"cluster_logical_timestamp": {Decimal, 0, 0, false, func(s *Session, _ []Value) (Value, error) {
			return cast(fmt.Sprintf("%d", s.now.UnixNano()), Decimal)
		}},
		"pg_sleep": {Bool, 1, 1, false, sleep},
		"set_config": {String, 3, 3, false, func(s *Session, args []Value) (Value, error) {
			return args[1], s.setVar(Text(args[0]), Text(args[1]))
		}},
		"current_setting": {String, 1, 2, false, func(s *Session, args []Value) (Value, error) { return s.showVar(Text(args[0])) }},
	}
	for alias, name := range map[string]string{
		"current_timestamp": "now", "transaction_timestamp": "now", "statement_timestamp": "now", "clock_timestamp": "now", "localtimestamp": "now",
		"char_length": "length", "character_length": "length", "trim": "btrim", "current_catalog": "current_database", "user": "current_user",
	} {
		builtins[alias] = builtins[name]
	}
}

// strpos counts characters, from 1; 0 where the text is not there.
func strpos(_ *Session, args []Value) (Value, error) {
	text, part := Text(args[0]), Text(args[1])
	at := strings.Index(text, part)
	if at < 0 {
		return int64(0), nil
	}
	return int64(len([]rune(text[:at])) + 1), nil
}

func length(_ *Session, args []Value) (Value, error) {
	switch x := args[0].(type) {
	case nil:
		return nil, nil
	case []byte:
		return int64(len(x)), nil
	}
	return int64(len([]rune(Text(args[0])))), nil
}

func sleep(s *Session, args []Value) (Value, error) {
	seconds, err := cast(args[0], Float)
	if err != nil || seconds == nil {
		return nil, err
	}
	return true, pause(s.ctx, seconds.(float64))
}

const unsafeText = "Access to crdb_internal and system is restricted."

func (s *Session) needUnsafe() error {
	if on, _ := cast(s.varOr("allow_unsafe_internals", "off"), Bool); on == true {
		return nil
	}
	return errorf(codePrivilege, unsafeText).
		hint("These interfaces are unsupported in production. To proceed, set the session variable allow_unsafe_internals = true (not recommended), or contact Cockroach Labs for a supported alternative.")
}

func functionName(e *tree.FuncExpr) string {
	return strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(tree.AsString(&e.Func), `"`, "")), "pg_catalog.")
}

func (s *Session) function(e *tree.FuncExpr, in scope) (Value, Type, error) {
	name := functionName(e)
	if aggregates[name] {
		if computed, ok := in.(*groupScope); ok {
			return s.aggregate(name, e, computed)
		}
		return nil, Unknown, errorf("42803", "%s(): aggregate functions are not allowed here", name)
	}
	if e.WindowDef != nil || e.Filter != nil {
		return nil, Unknown, unsupported("window functions and FILTER")
	}
	fn, ok := builtins[name]
	if !ok {
		return nil, Unknown, errorf(codeUndefinedFunc, "unknown function: %s()", name).hint("the lab's stand-in knows only a few of CockroachDB's functions")
	}
	if fn.unsafe {
		if err := s.needUnsafe(); err != nil {
			return nil, fn.result, err
		}
	}
	if len(e.Exprs) < fn.min || len(e.Exprs) > fn.max {
		return nil, fn.result, errorf(codeUndefinedFunc, "unknown signature: %s with %d arguments", name, len(e.Exprs))
	}
	args := make([]Value, len(e.Exprs))
	for i, expr := range e.Exprs {
		v, _, err := s.eval(expr, in)
		if err != nil {
			return nil, fn.result, err
		}
		args[i] = v
	}
	v, err := fn.call(s, args)
	return v, fn.result, err
}
