package sqlexec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/state"
)

// openInternals are the crdb_internal tables of v26 that need no allow_unsafe_internals; the stand-in has none of them yet.
var openInternals = []string{
	"cluster_contention_events", "cluster_locks", "cluster_queries", "cluster_sessions", "cluster_transactions", "index_usage_statistics",
	"statement_statistics", "transaction_contention_events", "transaction_statistics", "zones",
}

// virtual reads a table that is computed; nil where the name is an ordinary one.
func (s *Session) virtual(name *tree.TableName, alias string) (*relation, error) {
	if !name.ExplicitSchema {
		return nil, nil
	}
	var result *Result
	var err error
	switch name.Schema() {
	case "crdb_internal":
		if slices.Contains(openInternals, name.Table()) {
			return nil, unsupported("the table crdb_internal." + name.Table())
		}
		if err := s.needUnsafe(); err != nil {
			return nil, err
		}
		result, err = s.internal(name.Table())
	case "information_schema":
		result, err = s.information(name.Table())
	case "pg_catalog", "pg_extension":
		return nil, unsupported("the table " + name.Schema() + "." + name.Table())
	case "system":
		if err := s.needUnsafe(); err != nil {
			return nil, err
		}
		return nil, unsupported("the tables of the system database")
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return asRelation(result, alias), nil
}

const timeOfRecord = 6 * time.Second // a liveness record's validity; what is left of it tells when it was renewed

func (s *Session) internal(name string) (*Result, error) {
	cluster := s.engine.cluster
	switch name {
	case "gossip_nodes", "gossip_liveness", "kv_node_status", "kv_node_liveness":
		if err := s.needSystem("VIEWCLUSTERMETADATA"); err != nil {
			return nil, err
		}
	case "cluster_settings":
		return s.showSettings()
	case "regions":
		return s.clusterRegions(), nil
	case "databases":
		return s.showDatabases()
	case "node_build_info":
		result := table("node_id", Int, "field", String, "value", String)
		v, err := builtins["version"].call(s, nil)
		result.add(int64(cluster.NodeID()), "Version", v)
		return result, err
	default:
		return nil, unsupported("the table crdb_internal." + name)
	}
	voters, leader := cluster.Voters()
	now := time.Now()
	nodes := table("node_id", Int, "network", String, "address", String, "advertise_address", String, "sql_network", String, "sql_address", String,
		"advertise_sql_address", String, "attrs", JSONB, "locality", String, "cluster_name", String, "server_version", String, "build_tag", String,
		"started_at", Timestamp, "is_live", Bool, "ranges", Int, "leases", Int)
	liveness := table("node_id", Int, "epoch", Int, "expiration", String, "draining", Bool, "decommissioning", Bool, "membership", String, "updated_at", Timestamp)
	status := table("node_id", Int, "network", String, "address", String, "attrs", JSONB, "locality", String, "server_version", String, "go_version", String,
		"tag", String, "started_at", Timestamp, "updated_at", Timestamp)
	for _, member := range cluster.Machine().Members() {
		if !member.Announced {
			continue
		}
		id := int64(member.ID)
		started, renewed := time.Unix(0, member.Info.StartedAt).UTC(), time.Unix(0, member.Expiration).Add(-timeOfRecord).UTC()
		version := strings.Join(strings.Split(strings.TrimPrefix(member.Info.Build, "v"), ".")[:2], ".")
		count, leases := int64(0), int64(0)
		if slices.Contains(voters, member.ID) {
			count = 1
		}
		if leader == member.ID {
			leases = 1
		}
		if member.Membership != state.Decommissioned {
			nodes.add(id, "tcp", member.Info.Address, member.Info.Address, "tcp", member.Info.SQLAddress, member.Info.SQLAddress, "[]",
				member.Info.Locality, "", version, member.Info.Build, started, member.Expiration > now.UnixNano(), count, leases)
		}
		liveness.add(id, member.Epoch, fmt.Sprintf("%d.%09d,0", member.Expiration/1e9, member.Expiration%1e9), member.Info.Draining,
			member.Membership != state.Active, member.Membership, renewed)
		status.add(id, "tcp", member.Info.Address, "[]", member.Info.Locality, version, "", member.Info.Build, started, renewed)
	}
	switch name {
	case "gossip_nodes":
		return nodes, nil
	case "kv_node_status":
		return status, nil
	}
	return liveness, nil
}

func (s *Session) information(name string) (*Result, error) {
	db := s.database()
	switch name {
	case "tables":
		result := table("table_catalog", String, "table_schema", String, "table_name", String, "table_type", String, "is_insertable_into", String, "version", Int)
		all, err := s.tables(db)
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			result.add(t.Database, public, t.Name, "BASE TABLE", "YES", int64(1))
		}
		return result, nil
	case "columns":
		result := table("table_catalog", String, "table_schema", String, "table_name", String, "column_name", String, "ordinal_position", Int,
			"column_default", String, "is_nullable", String, "data_type", String, "is_hidden", String)
		all, err := s.tables(db)
		if err != nil {
			return nil, err
		}
		yesNo := map[bool]string{true: "YES", false: "NO"}
		for _, t := range all {
			for i, column := range t.Columns {
				result.add(t.Database, public, t.Name, column.Name, int64(i+1), nullable(column.Default), yesNo[!column.NotNull],
					strings.ToLower(column.SQLType), yesNo[column.Hidden])
			}
		}
		return result, nil
	case "schemata":
		result := table("catalog_name", String, "schema_name", String)
		for _, schema := range []string{"crdb_internal", "information_schema", "pg_catalog", "pg_extension", public} {
			result.add(db, schema)
		}
		return result, nil
	}
	return nil, unsupported("the table information_schema." + name)
}
