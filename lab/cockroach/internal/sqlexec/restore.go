package sqlexec

import (
	"encoding/json"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// restore runs RESTORE DATABASE … FROM … IN, into a database that is not there yet.
func (s *Session) restore(n *tree.Restore) (*Result, error) {
	if err := s.needSystem("RESTORE"); err != nil {
		return nil, err
	}
	if s.open != nil {
		return nil, errorf(codeInvalidParameter, "RESTORE cannot be used inside a multi-statement transaction without DETACHED option")
	}
	rest := n.Options
	rest.NewDBName = nil
	if n.AsOf.Expr != nil || !rest.IsDefault() {
		return nil, unsupported("RESTORE with AS OF SYSTEM TIME, or with options other than new_db_name")
	}
	names, err := targets(&n.Targets)
	if err != nil || n.DescriptorCoverage != tree.RequestedDescriptors || len(names) != 1 {
		return nil, unsupported("RESTORE of anything but one database")
	}
	to := names[0]
	if n.Options.NewDBName != nil {
		if to, err = s.text(n.Options.NewDBName); err != nil {
			return nil, err
		}
	}
	uri, err := s.destination(n.From)
	if err != nil {
		return nil, err
	}
	from, err := s.openCollection(uri)
	if err != nil {
		return nil, err
	}
	which, err := s.text(n.Subdir)
	if err != nil {
		return nil, err
	}
	chain, err := from.chain(which)
	if err != nil {
		return nil, err
	}
	exists, err := s.tx.get("db/"+to, new(database))
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, errorf(codeDuplicateDB, "database %q already exists", to)
	}
	rows, err := s.readChain(from, chain, names[0], to)
	if err != nil {
		return nil, err
	}
	return s.jobResult(rows), nil
}

// readChain lays the backups over one another: the catalog is the last one's, a row the newest that is still there.
func (s *Session) readChain(from *collection, chain []string, name, to string) (int, error) {
	newest := map[int]map[string]json.RawMessage{}
	var last *manifest
	for _, folder := range chain {
		made, err := from.manifest(folder)
		if err != nil {
			return 0, err
		}
		for _, t := range made.Tables {
			if t.Def.Database != name {
				continue
			}
			data, err := from.tableData(folder, t)
			if err != nil {
				return 0, err
			}
			merged := make(map[string]json.RawMessage, len(data.Keys))
			for _, key := range data.Keys {
				merged[key] = newest[t.Def.ID][key]
			}
			for _, entry := range data.Changed {
				merged[entry.Key] = entry.Value
			}
			newest[t.Def.ID] = merged
		}
		last = made
	}
	for _, db := range last.Databases {
		if db.Name == name {
			return s.putDatabase(db, to, last.Tables, newest)
		}
	}
	return 0, errorf(codeNoDatabase, "no databases or tables in the backup match %q", name)
}

// putDatabase makes everything anew under another name, owned by whoever restores it.
func (s *Session) putDatabase(db database, to string, tables []backupTable, rows map[int]map[string]json.RawMessage) (int, error) {
	from := db.Name
	db.Name, db.Owner, db.Grants, db.Defaults = to, s.User, map[string][]string{public: {"CONNECT"}}, nil
	for _, region := range db.Regions {
		if err := s.checkRegion(region); err != nil {
			return 0, err
		}
	}
	if err := s.tx.put("db/"+to, &db); err != nil {
		return 0, err
	}
	next := 104
	if _, err := s.tx.get("meta/nextTable", &next); err != nil {
		return 0, err
	}
	count := 0
	for _, t := range tables {
		if t.Def.Database != from {
			continue
		}
		def, found := t.Def, rows[t.Def.ID]
		def.Database, def.Owner, def.Grants, def.ID = to, s.User, nil, next
		next++
		if err := s.tx.put(def.key(), &def); err != nil {
			return 0, err
		}
		for key, value := range found {
			if err := s.tx.put(def.prefix()+key, value); err != nil {
				return 0, err
			}
		}
		count += len(found)
	}
	return count, s.tx.put("meta/nextTable", next)
}
