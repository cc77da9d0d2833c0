package sqlexec

import (
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// localize gives a table its locality. Rows of REGIONAL BY ROW tables get the region of the node that took them.
func (s *Session) localize(t *tableDef, db *database, locality *tree.Locality) error {
	if locality == nil {
		if db.Primary != "" && t.Locality == "" {
			t.Locality = "REGIONAL BY TABLE IN PRIMARY REGION"
		}
		return nil
	}
	if db.Primary == "" {
		return errorf(codeTableDef, "cannot set LOCALITY on a table in a database that is not multi-region enabled").
			hint("database must first be multi-region enabled using ALTER DATABASE %s PRIMARY REGION", db.Name)
	}
	switch locality.LocalityLevel {
	case tree.LocalityLevelGlobal:
		t.Locality, t.RegionColumn = "GLOBAL", ""
	case tree.LocalityLevelTable:
		t.RegionColumn = ""
		if locality.TableRegion == "" {
			t.Locality = "REGIONAL BY TABLE IN PRIMARY REGION"
			return nil
		}
		region := string(locality.TableRegion)
		found := false
		for _, one := range db.Regions {
			found = found || one == region
		}
		if !found {
			return errorf(codeTableDef, "region %q has not been added to database %q", region, db.Name)
		}
		t.Locality = fmt.Sprintf("REGIONAL BY TABLE IN %q", region)
	case tree.LocalityLevelRow:
		column := string(locality.RegionalByRowColumn)
		t.Locality = "REGIONAL BY ROW"
		if column == "" {
			column = "crdb_region"
			if t.column(column) == nil {
				t.Columns = append(t.Columns, columnDef{
					Name: column, Type: Region, SQLType: "public.crdb_internal_region", NotNull: true, Hidden: true,
					Default: "default_to_database_primary_region(gateway_region())",
				})
			}
		} else {
			t.Locality += " AS " + column
			if t.column(column) == nil {
				return errorf(codeUndefinedColumn, "column %q does not exist", column)
			}
		}
		t.RegionColumn = column
	}
	return nil
}

func (s *Session) dropTable(n *tree.DropTable) error {
	for i := range n.Names {
		t, err := s.findTable(&n.Names[i])
		if err != nil {
			if known, ok := err.(*Error); ok && known.Code == codeUndefinedTable && n.IfExists {
				continue
			}
			return err
		}
		if err := s.needOnTable(t, "DROP"); err != nil {
			return err
		}
		if err := s.eraseTable(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) eraseTable(t *tableDef) error {
	if err := s.eraseRows(t); err != nil {
		return err
	}
	s.tx.delete(t.key())
	return nil
}

func (s *Session) eraseRows(t *tableDef) error {
	pairs, err := s.tx.scan(t.prefix())
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		s.tx.delete(pair.key)
	}
	return nil
}

func (s *Session) truncate(n *tree.Truncate) error {
	for i := range n.Tables {
		t, err := s.findTable(&n.Tables[i])
		if err != nil {
			return err
		}
		if err := s.needOnTable(t, "DROP"); err != nil {
			return err
		}
		if err := s.eraseRows(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) alterTable(n *tree.AlterTable) error {
	name := n.Table.ToTableName()
	t, err := s.findTable(&name)
	if err != nil {
		if known, ok := err.(*Error); ok && known.Code == codeUndefinedTable && n.IfExists {
			return nil
		}
		return err
	}
	if err := s.needOnTable(t, "CREATE"); err != nil {
		return err
	}
	for _, command := range n.Cmds {
		switch c := command.(type) {
		case *tree.AlterTableAddColumn:
			if t.column(string(c.ColumnDef.Name)) != nil && c.IfNotExists {
				continue
			}
			if c.ColumnDef.PrimaryKey.IsPrimaryKey || c.ColumnDef.Unique.IsUnique {
				return unsupported("ADD COLUMN with PRIMARY KEY or UNIQUE")
			}
			if err := t.define(c.ColumnDef); err != nil {
				return err
			}
			if err := s.backfill(t, t.Columns[len(t.Columns)-1]); err != nil {
				return err
			}
		default:
			return unsupported("ALTER TABLE" + tree.AsString(command))
		}
	}
	return s.tx.put(t.key(), t)
}

func (s *Session) alterLocality(n *tree.AlterTableLocality) error {
	name := n.Name.ToTableName()
	t, err := s.findTable(&name)
	if err != nil {
		return err
	}
	if err := s.needOnTable(t, "CREATE"); err != nil {
		return err
	}
	db, err := s.findDatabase(t.Database)
	if err != nil {
		return err
	}
	before := len(t.Columns)
	if err := s.localize(t, db, n.Locality); err != nil {
		return err
	}
	if len(t.Columns) > before {
		home := t.Columns[before]
		home.Default = "'" + db.Primary + "'" // rows that are there already live in the primary region
		if err := s.backfill(t, home); err != nil {
			return err
		}
	}
	return s.tx.put(t.key(), t)
}

// backfill gives the rows that are there a new column.
func (s *Session) backfill(t *tableDef, column columnDef) error {
	pairs, err := s.tx.scan(t.prefix())
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		value, err := s.defaultOf(column)
		if err != nil {
			return err
		}
		if value == nil && column.NotNull {
			return errorf(codeNotNull, "null value in column %q violates not-null constraint", column.Name)
		}
		var stored map[string]*string
		if err := json.Unmarshal(pair.value, &stored); err != nil {
			return err
		}
		stored[column.Name] = pack(value, column.Type)
		if err := s.tx.put(pair.key, stored); err != nil {
			return err
		}
	}
	return nil
}
