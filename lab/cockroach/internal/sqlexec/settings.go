package sqlexec

import (
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/build"
)

// setting is a cluster setting: its type as SHOW CLUSTER SETTINGS gives it (b, i, f, s, d, z), and its default.
type setting struct{ kind, value string }

// clusterSettings are those of CockroachDB that operators are told to use. The stand-in keeps and shows their values; those that
// change what it does are kv.replica_circuit_breaker.slow_replication_threshold, cluster.preserve_downgrade_option, cluster.auto_upgrade.enabled,
// server.time_until_store_dead, server.shutdown.initial_wait and server.shutdown.transactions.timeout.
var clusterSettings = map[string]setting{
	"admission.kv.enabled":                                  {"b", "true"},
	"bulkio.backup.file_size":                               {"z", "128 MiB"},
	"changefeed.node_throttle_config":                       {"s", ""},
	"cloudstorage.timeout":                                  {"d", "10m0s"},
	"cluster.auto_upgrade.enabled":                          {"b", "true"},
	"cluster.label":                                         {"s", ""},
	"cluster.organization":                                  {"s", ""},
	"cluster.preserve_downgrade_option":                     {"s", ""},
	"diagnostics.reporting.enabled":                         {"b", "true"},
	"diagnostics.reporting.interval":                        {"d", "1h0m0s"},
	"enterprise.license":                                    {"s", ""},
	"jobs.retention_time":                                   {"d", "336h0m0s"},
	"kv.allocator.load_based_rebalancing":                   {"s", "leases and replicas"},
	"kv.allocator.qps_rebalance_threshold":                  {"f", "0.1"},
	"kv.bulk_io_write.max_rate":                             {"z", "1.0 TiB"},
	"kv.closed_timestamp.follower_reads.enabled":            {"b", "true"},
	"kv.closed_timestamp.lead_for_global_reads_override":    {"d", "0s"},
	"kv.closed_timestamp.side_transport_interval":           {"d", "200ms"},
	"kv.closed_timestamp.target_duration":                   {"d", "3s"},
	"kv.range_split.by_load.enabled":                        {"b", "true"},
	"kv.rangefeed.enabled":                                  {"b", "false"},
	"kv.replica_circuit_breaker.slow_replication_threshold": {"d", "1m0s"},
	"kv.snapshot_rebalance.max_rate":                        {"z", "32 MiB"},
	"kv.transaction.max_intents_bytes":                      {"i", "4194304"},
	"server.auth_log.sql_connections.enabled":               {"b", "false"},
	"server.clock.forward_jump_check.enabled":               {"b", "false"},
	"server.consistency_check.interval":                     {"d", "24h0m0s"},
	"server.host_based_authentication.configuration":        {"s", ""},
	"server.hsts.enabled":                                   {"b", "false"},
	"server.oidc_authentication.enabled":                    {"b", "false"},
	"server.shutdown.connections.timeout":                   {"d", "0s"},
	"server.child_metrics.enabled":                          {"b", "false"},
	"server.shutdown.initial_wait":                          {"d", "0s"},
	"server.shutdown.lease_transfer_iteration.timeout":      {"d", "5s"},
	"server.shutdown.transactions.timeout":                  {"d", "10s"},
	"server.sql_session_timeout":                            {"d", "0s"},
	"server.time_until_store_dead":                          {"d", "5m0s"},
	"server.user_login.min_password_length":                 {"i", "1"},
	"server.user_login.timeout":                             {"d", "10s"},
	"server.web_session.timeout":                            {"d", "168h0m0s"},
	"sql.auth.public_schema_create_privilege.enabled":       {"b", "true"},
	"sql.defaults.default_int_size":                         {"i", "8"},
	"sql.defaults.idle_in_session_timeout":                  {"d", "0s"},
	"sql.defaults.primary_region":                           {"s", ""},
	"sql.defaults.statement_timeout":                        {"d", "0s"},
	"sql.log.slow_query.latency_threshold":                  {"d", "0s"},
	"sql.log.user_audit":                                    {"s", ""},
	"sql.multiregion.drop_primary_region.enabled":           {"b", "true"},
	"sql.stats.automatic_collection.enabled":                {"b", "true"},
	"sql.stats.multiple_column_collection.enabled":          {"b", "true"},
	"sql.stats.flush.enabled":                               {"b", "true"},
	"sql.telemetry.query_sampling.enabled":                  {"b", "false"},
	"sql.trace.log_statement_execute":                       {"b", "false"},
	"sql.txn.read_committed_isolation.enabled":              {"b", "true"},
	"sql.zone_configs.allow_for_secondary_tenant.enabled":   {"b", "true"},
	"timeseries.storage.enabled":                            {"b", "true"},
	"timeseries.storage.resolution_10s.ttl":                 {"d", "240h0m0s"},
	"timeseries.storage.resolution_30m.ttl":                 {"d", "2160h0m0s"},
	"ui.display_timezone":                                   {"s", "etc/utc"},
	"version":                                               {"m", ""},
}

func (s *Session) knownSetting(name string) (string, setting, error) {
	name = strings.ToLower(name)
	found, ok := clusterSettings[name]
	if !ok {
		return "", setting{}, errorf(codeUndefinedObject, "unknown cluster setting %q", name).
			hint("the lab's stand-in knows only %d of CockroachDB's settings", len(clusterSettings))
	}
	return name, found, nil
}

func (s *Session) setCluster(n *tree.SetClusterSetting) error {
	if err := s.needSystem("MODIFYCLUSTERSETTING"); err != nil {
		return err
	}
	name, known, err := s.knownSetting(n.Name)
	if err != nil {
		return err
	}
	if _, isDefault := n.Value.(tree.DefaultVal); isDefault || n.Value == nil {
		s.tx.delete("setting/" + name)
		return nil
	}
	v, t, err := s.eval(n.Value, noColumns{})
	if err != nil {
		return err
	}
	bad := func(kind string) error {
		return errorf(codeInvalidParameter, "cannot use %s %s value for %s setting", Format(v, t), strings.ToLower(t.Name), kind)
	}
	text := Format(v, t)
	switch known.kind {
	case "b":
		on, err := cast(v, Bool)
		if err != nil {
			return bad("bool")
		}
		text = map[bool]string{true: "true", false: "false"}[on.(bool)]
	case "i":
		if _, err := cast(v, Int); err != nil {
			return bad("int")
		}
	case "f":
		if _, err := cast(v, Float); err != nil {
			return bad("float")
		}
	case "d":
		d, err := parseInterval(text)
		if err != nil {
			return errorf(codeInvalidParameter, "invalid value for setting %q: %s", name, text)
		}
		text = d.String()
	case "m":
		return unsupported("setting the version by hand (it is raised when every node runs a newer one)")
	}
	if name == "cluster.preserve_downgrade_option" {
		if text == "" {
			s.tx.delete("setting/" + name)
			return nil
		}
		if active := s.engine.cluster.Machine().Version(); text != active {
			return errorf(codeInternal, "cannot set cluster.preserve_downgrade_option to %s (cluster version is %s)", text, active)
		}
	}
	return s.tx.put("setting/"+name, text)
}

func (s *Session) settingValue(name string, known setting) (string, error) {
	if name == "version" {
		return s.engine.cluster.Machine().Version(), nil
	}
	value := known.value
	_, err := s.tx.get("setting/"+name, &value)
	return value, err
}

func (s *Session) canSeeSettings() error {
	ok, err := s.hasSystem("VIEWCLUSTERSETTING", "MODIFYCLUSTERSETTING", "MODIFYSQLCLUSTERSETTING")
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "only users with MODIFYCLUSTERSETTING, MODIFYSQLCLUSTERSETTING or VIEWCLUSTERSETTING privileges are allowed to read cluster settings")
}

func (s *Session) showSetting(n *tree.ShowClusterSetting) (*Result, error) {
	name, known, err := s.knownSetting(n.Name)
	if err != nil {
		return nil, err
	}
	if err := s.canSeeSettings(); err != nil {
		return nil, err
	}
	value, err := s.settingValue(name, known)
	if err != nil {
		return nil, err
	}
	result := table(name, settingType(known))
	v, err := cast(value, settingType(known))
	if err != nil {
		return nil, err
	}
	result.add(v)
	return result, nil
}

func settingType(known setting) Type {
	switch known.kind {
	case "b":
		return Bool
	case "i":
		return Int
	case "f":
		return Float
	case "d":
		return Interval
	}
	return String
}

func (s *Session) showSettings() (*Result, error) {
	if err := s.canSeeSettings(); err != nil {
		return nil, err
	}
	result := table("variable", String, "value", String, "setting_type", String, "public", Bool, "description", String, "default_value", String, "origin", String)
	for _, name := range sortedKeys(clusterSettings) {
		known := clusterSettings[name]
		value, err := s.settingValue(name, known)
		if err != nil {
			return nil, err
		}
		origin := "default"
		if value != known.value {
			origin = "override"
		}
		if name == "version" {
			known.value = build.Binary().String()
		}
		result.add(name, value, known.kind, true, "", known.value, origin)
	}
	return result, nil
}

// databaseVars is ALTER DATABASE … SET.
func (s *Session) databaseVars(n *tree.AlterRoleSet) error {
	if n.DatabaseName == "" || !n.AllRoles {
		return unsupported("ALTER ROLE … SET")
	}
	db, err := s.findDatabase(string(n.DatabaseName))
	if err != nil {
		return err
	}
	if err := s.needOwner(db); err != nil {
		return err
	}
	name := strings.ToLower(n.SetOrReset.Name)
	if _, ok := variables[name]; !ok {
		return errorf(codeUndefinedObject, "unrecognized configuration parameter %q", name)
	}
	if db.Params == nil {
		db.Params = map[string]string{}
	}
	if n.SetOrReset.Reset || n.SetOrReset.ResetAll {
		delete(db.Params, name)
		return s.tx.put("db/"+db.Name, db)
	}
	var parts []string
	for _, expr := range n.SetOrReset.Values {
		v, t, err := s.eval(expr, noColumns{})
		if err != nil {
			return err
		}
		parts = append(parts, Format(v, t))
	}
	db.Params[name] = strings.Join(parts, ", ")
	return s.tx.put("db/"+db.Name, db)
}
