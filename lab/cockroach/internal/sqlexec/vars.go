package sqlexec

import (
	"context"
	"encoding/json"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/state"
)

// variables are the session variables that the stand-in takes, with their defaults in v26.2. Those in readOnly can't be set.
var variables = map[string]string{
	"allow_unsafe_internals": "off", "application_name": "", "bytea_output": "hex", "client_encoding": "UTF8", "client_min_messages": "notice",
	"database": "defaultdb", "datestyle": "ISO, MDY", "default_int_size": "8", "default_transaction_isolation": "serializable",
	"default_transaction_priority": "normal", "default_transaction_read_only": "off", "enable_multiregion_placement_policy": "off",
	"enable_implicit_transaction_for_batch_statements": "on", "extra_float_digits": "1", "follower_reads_enabled": "on",
	"idle_in_session_timeout": "0s", "idle_in_transaction_session_timeout": "0s", "integer_datetimes": "on", "intervalstyle": "postgres",
	"is_superuser": "off", "lock_timeout": "0s", "override_multi_region_zone_config": "off", "enable_auto_rehoming": "off",
	"results_buffer_size": "524288", "search_path": `"$user", public`, "server_encoding": "UTF8", "server_version": "13.0.0",
	"server_version_num": "130000", "session_user": "", "sql_safe_updates": "off", "standard_conforming_strings": "on",
	"statement_timeout": "0s", "timezone": "UTC", "tracing": "off", "transaction_isolation": "serializable", "transaction_priority": "normal",
	"transaction_read_only": "off", "transaction_timeout": "0s", "autocommit_before_ddl": "on", "vectorize": "on", "distsql": "auto",
	"node_id": "", "locality": "", "crdb_version": "", "transaction_status": "NoTxn", "max_identifier_length": "128",
	"row_security": "on", "synchronous_commit": "on", "ssl": "on", "session_authorization": "", "use_declarative_schema_changer": "on",
}

var readOnly = map[string]bool{
	"is_superuser": true, "server_version": true, "server_version_num": true, "session_user": true, "node_id": true, "locality": true, "crdb_version": true,
	"transaction_status": true, "integer_datetimes": true, "server_encoding": true, "max_identifier_length": true, "session_authorization": true,
}

func (s *Session) varOr(name, fallback string) string {
	if value, ok := s.vars[name]; ok {
		return value
	}
	return fallback
}

func (s *Session) showVar(name string) (Value, error) {
	name = strings.ToLower(name)
	fallback, ok := variables[name]
	if !ok {
		return nil, errorf(codeUndefinedObject, "unrecognized configuration parameter %q", name)
	}
	switch name {
	case "session_user", "session_authorization":
		return s.User, nil
	case "node_id":
		return Text(int64(s.engine.cluster.NodeID())), nil
	case "locality":
		return s.engine.cluster.Locality(), nil
	case "crdb_version":
		return build.SQLVersion(), nil
	case "transaction_status":
		switch s.State() {
		case Open:
			return "Open", nil
		case Failed:
			return "Aborted", nil
		}
	}
	return s.varOr(name, fallback), nil
}

func (s *Session) setVar(name, value string) error {
	name = strings.ToLower(name)
	fallback, ok := variables[name]
	if !ok {
		return errorf(codeUndefinedObject, "unrecognized configuration parameter %q", name)
	}
	if readOnly[name] {
		return errorf("55P02", "parameter %q cannot be changed", name)
	}
	if fallback == "on" || fallback == "off" {
		if on, err := cast(value, Bool); err == nil {
			if on == true {
				value = "on"
			} else {
				value = "off"
			}
		} else if name != "vectorize" && name != "tracing" && name != "use_declarative_schema_changer" {
			return errorf(codeInvalidParameter, "parameter %q requires a Boolean value", name)
		}
	}
	if strings.HasSuffix(name, "_timeout") {
		if _, err := cast(value, Int); err == nil {
			value += "ms"
		}
		if _, err := parseInterval(value); err != nil {
			return errorf(codeInvalidParameter, "could not parse %q as type interval", value)
		}
	}
	if name == "default_transaction_isolation" || name == "transaction_isolation" {
		if !strings.EqualFold(value, "serializable") {
			s.Notice("NOTICE", "the stand-in runs every transaction as SERIALIZABLE")
		}
		return nil
	}
	if name == "database" && value != "" {
		if _, err := s.findDatabase(value); err != nil {
			return err
		}
	}
	s.vars[name] = value
	return nil
}

// SetDefault sets a variable from a connection's start-up parameters; unknown ones are reported as the real one does.
func (s *Session) SetDefault(ctx context.Context, name, value string) error {
	s.ctx, s.now = ctx, time.Now().UTC()
	if strings.EqualFold(name, "database") {
		s.vars["database"] = value
		return nil
	}
	return s.setVar(name, value)
}

func (s *Session) set(n *tree.SetVar) error {
	if n.ResetAll {
		database := s.vars["database"]
		s.vars = map[string]string{"database": database}
		return nil
	}
	if n.Reset {
		delete(s.vars, strings.ToLower(n.Name))
		return nil
	}
	if n.Name == "" {
		return unsupported("SET ROW")
	}
	var parts []string
	for _, expr := range n.Values {
		if _, ok := expr.(tree.DefaultVal); ok {
			delete(s.vars, strings.ToLower(n.Name))
			return nil
		}
		if name, ok := expr.(*tree.UnresolvedName); ok {
			parts = append(parts, name.Parts[0])
			continue
		}
		v, t, err := s.eval(expr, noColumns{})
		if err != nil {
			return err
		}
		parts = append(parts, Format(v, t))
	}
	return s.setVar(n.Name, strings.Join(parts, ", "))
}

func (s *Session) show(n *tree.ShowVar) (*Result, error) {
	name := strings.ToLower(n.Name)
	if name == "all" {
		result := table("variable", String, "value", String)
		for _, each := range sortedKeys(variables) {
			v, err := s.showVar(each)
			if err != nil {
				return nil, err
			}
			result.add(each, v)
		}
		return result, nil
	}
	v, err := s.showVar(name)
	if err != nil {
		return nil, err
	}
	result := table(name, String)
	result.add(v)
	return result, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	sort.Strings(out)
	return out
}

// Setting reads a cluster setting's value where it was set.
func Setting(machine *state.Machine, name string) (string, bool) {
	entry, ok := machine.Get("setting/" + name)
	if !ok {
		return "", false
	}
	var value string
	if json.Unmarshal(entry.Value, &value) != nil {
		return "", false
	}
	return value, true
}

func pause(ctx context.Context, seconds float64) error {
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
