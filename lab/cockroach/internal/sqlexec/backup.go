package sqlexec

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"

	"lab/cockroach/internal/state"
)

// text evaluates a constant that must be a string.
func (s *Session) text(expr tree.Expr) (string, error) {
	v, _, err := s.eval(expr, noColumns{})
	if err != nil {
		return "", err
	}
	out, ok := v.(string)
	if !ok {
		return "", errorf(codeTypeMismatch, "argument of type string expected: %s", tree.AsString(expr))
	}
	return out, nil
}

func (s *Session) destination(to tree.StringOrPlaceholderOptList) (string, error) {
	if len(to) != 1 {
		return "", unsupported("backups to several places")
	}
	return s.text(to[0])
}

// targets are the databases of a backup; nil means all.
func targets(list *tree.BackupTargetList) ([]string, error) {
	if list == nil {
		return nil, nil
	}
	if len(list.Databases) == 0 {
		return nil, unsupported("backups of anything but databases")
	}
	var names []string
	for _, name := range list.Databases {
		names = append(names, string(name))
	}
	return names, nil
}

func checkBackupOptions(o *tree.BackupOptions) error {
	if o == nil || o.IsDefault() {
		return nil
	}
	rest := *o
	if rest.CaptureRevisionHistory == tree.DBoolFalse {
		rest.CaptureRevisionHistory = nil
	}
	if rest.IsDefault() {
		return nil
	}
	return unsupported("backups WITH " + tree.AsString(o))
}

// backup runs BACKUP … INTO.
func (s *Session) backup(n *tree.Backup) (*Result, error) {
	if err := s.needSystem("BACKUP"); err != nil {
		return nil, err
	}
	if s.open != nil {
		return nil, errorf(codeInvalidParameter, "BACKUP cannot be used inside a multi-statement transaction without DETACHED option")
	}
	if n.AsOf.Expr != nil || n.Subdir != nil {
		return nil, unsupported("BACKUP with AS OF SYSTEM TIME or a folder of its own")
	}
	if err := checkBackupOptions(&n.Options); err != nil {
		return nil, err
	}
	names, err := targets(n.Targets)
	if err != nil {
		return nil, err
	}
	uri, err := s.destination(n.To)
	if err != nil {
		return nil, err
	}
	rows, err := s.runBackup(uri, names, n.AppendToLatest)
	if err != nil {
		return nil, err
	}
	return s.jobResult(rows), nil
}

func (s *Session) jobResult(rows int) *Result {
	result := table("job_id", Int, "status", String, "fraction_completed", Float, "rows", Int)
	result.add(rowID(s.engine.cluster.NodeID()), "succeeded", 1.0, int64(rows))
	return result
}

// runBackup writes one backup; how many rows are in it. append: what has changed since the latest in the collection.
func (s *Session) runBackup(uri string, names []string, append_ bool) (int, error) {
	to, err := s.openCollection(uri)
	if err != nil {
		return 0, err
	}
	// A transaction of nothing brings the clock to the present.
	if _, err := s.engine.cluster.Commit(s.ctx, state.Txn{Time: time.Now().UnixMicro()}); err != nil {
		return 0, err
	}
	entries, applied, clock := s.engine.cluster.Machine().At()
	made := &manifest{End: time.UnixMicro(clock).UTC(), Applied: applied, Whole: names == nil}
	folder := made.End.Format(fullFolder)
	if append_ {
		chain, err := to.chain("LATEST")
		if err != nil {
			return 0, err
		}
		last, err := to.manifest(chain[len(chain)-1])
		if err != nil {
			return 0, err
		}
		made.Start, made.Since = last.End, last.Applied
		folder = path.Join("incrementals", chain[0], made.End.Format(layerFolder))
	}
	data, rows, err := made.fill(entries, names)
	if err != nil {
		return 0, err
	}
	return rows, to.write(folder, made, data)
}

// fill takes the databases, their tables and rows out of the cluster's entries.
func (m *manifest) fill(entries []state.Entry, names []string) ([]tableData, int, error) {
	wanted := func(name string) bool { return names == nil && name != "system" || slices.Contains(names, name) }
	rows := map[string][]state.Entry{}
	for _, entry := range entries {
		kind, _, _ := strings.Cut(entry.Key, "/")
		switch kind {
		case "db":
			var db database
			if err := json.Unmarshal(entry.Value, &db); err != nil {
				return nil, 0, err
			}
			if wanted(db.Name) {
				m.Databases = append(m.Databases, db)
			}
		case "table":
			var def tableDef
			if err := json.Unmarshal(entry.Value, &def); err != nil {
				return nil, 0, err
			}
			if wanted(def.Database) {
				m.Tables = append(m.Tables, backupTable{Def: def})
			}
		case "row":
			group := state.Group(entry.Key)
			rows[group] = append(rows[group], entry)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(m.Databases, func(db database) bool { return db.Name == name }) {
			return nil, 0, errorf(codeNoDatabase, "database %q does not exist", name)
		}
	}
	data, count := make([]tableData, len(m.Tables)), 0
	for i := range m.Tables {
		t := &m.Tables[i]
		prefix := t.Def.prefix()
		for _, entry := range rows[prefix] {
			entry.Key = strings.TrimPrefix(entry.Key, prefix)
			data[i].Keys = append(data[i].Keys, entry.Key)
			if entry.Version > m.Since {
				data[i].Changed = append(data[i].Changed, entry)
			}
		}
		t.Rows = len(data[i].Changed)
		count += t.Rows
	}
	return data, count, nil
}

// showBackup runs SHOW BACKUPS IN and SHOW BACKUP … IN.
func (s *Session) showBackup(n *tree.ShowBackup) (*Result, error) {
	if err := s.needSystem("BACKUP"); err != nil {
		return nil, err
	}
	if !n.Options.IsDefault() || n.Details != tree.BackupDefaultDetails {
		return nil, unsupported("SHOW BACKUP with options or details")
	}
	uri, err := s.destination(n.InCollection)
	if err != nil {
		return nil, err
	}
	in, err := s.openCollection(uri)
	if err != nil {
		return nil, err
	}
	if n.Path == nil {
		full, _, err := in.backups()
		result := table("path", String)
		for _, folder := range full {
			result.add("/" + folder)
		}
		return result, err
	}
	which, err := s.text(n.Path)
	if err != nil {
		return nil, err
	}
	chain, err := in.chain(which)
	if err != nil {
		return nil, err
	}
	result := table("database_name", String, "parent_schema_name", String, "object_name", String, "object_type", String, "backup_type", String,
		"start_time", Timestamp, "end_time", Timestamp, "size_bytes", Int, "rows", Int, "is_full_cluster", Bool)
	for _, folder := range chain {
		made, err := in.manifest(folder)
		if err != nil {
			return nil, err
		}
		kind, start := "full", Value(nil)
		if !made.Start.IsZero() {
			kind, start = "incremental", made.Start
		}
		for _, db := range made.Databases {
			result.add(nil, nil, db.Name, "database", kind, start, made.End, nil, nil, made.Whole)
		}
		for _, t := range made.Tables {
			result.add(t.Def.Database, public, t.Def.Name, "table", kind, start, made.End, int64(t.Size), int64(t.Rows), made.Whole)
		}
	}
	return result, nil
}
