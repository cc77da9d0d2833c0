package sqlexec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// columnDef is one column of a table.
type columnDef struct {
	Name    string `json:"name"`
	Type    Type   `json:"type"`
	SQLType string `json:"sqlType"`
	NotNull bool   `json:"notNull,omitempty"`
	Default string `json:"default,omitempty"` // an expression
	Hidden  bool   `json:"hidden,omitempty"`
}

// tableDef is stored under table/<database>/<name>; its rows under row/<id>/<primary key>.
type tableDef struct {
	ID           int                 `json:"id"`
	Database     string              `json:"database"`
	Name         string              `json:"name"`
	Owner        string              `json:"owner"`
	Columns      []columnDef         `json:"columns"`
	Primary      []string            `json:"primary"`
	Unique       [][]string          `json:"unique,omitempty"`
	Checks       []string            `json:"checks,omitempty"`
	Locality     string              `json:"locality,omitempty"`
	RegionColumn string              `json:"regionColumn,omitempty"`
	Grants       map[string][]string `json:"grants,omitempty"`
}

func (t *tableDef) key() string    { return "table/" + t.Database + "/" + t.Name }
func (t *tableDef) prefix() string { return fmt.Sprintf("row/%d/", t.ID) }
func (t *tableDef) full() string   { return t.Database + ".public." + t.Name }

func (t *tableDef) column(name string) *columnDef {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

func (s *Session) tables(db string) ([]*tableDef, error) {
	pairs, err := s.tx.scan("table/" + db + "/")
	if err != nil {
		return nil, err
	}
	out := make([]*tableDef, len(pairs))
	for i, pair := range pairs {
		out[i] = new(tableDef)
		if err := json.Unmarshal(pair.value, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// findTable resolves [database.][public.]name.
func (s *Session) findTable(name *tree.TableName) (*tableDef, error) {
	db, err := s.tableDatabase(name)
	if err != nil {
		return nil, err
	}
	t := new(tableDef)
	ok, err := s.tx.get("table/"+db+"/"+name.Table(), t)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(codeUndefinedTable, "relation %q does not exist", tree.AsString(name))
	}
	return t, s.tx.unchanged(t.key())
}

func (s *Session) tableDatabase(name *tree.TableName) (string, error) {
	switch {
	case name.ExplicitCatalog:
		if name.Schema() != public {
			return "", unsupported("schemas other than public")
		}
		return name.Catalog(), nil
	case name.ExplicitSchema && name.Schema() != public:
		if exists, err := s.tx.get("db/"+name.Schema(), new(database)); err != nil {
			return "", err
		} else if exists {
			return name.Schema(), nil
		}
		return "", errorf("3F000", "unknown schema %q", name.Schema())
	}
	return s.database(), nil
}

func (s *Session) needOnTable(t *tableDef, privilege string) error {
	ok, err := s.granted(t.Owner, t.Grants, privilege)
	if err != nil || ok {
		return err
	}
	return errorf(codePrivilege, "user %s does not have %s privilege on relation %s", s.User, privilege, t.Name)
}

func (s *Session) createTable(n *tree.CreateTable) error {
	if n.AsSource != nil || n.PartitionByTable != nil || n.Persistence != tree.PersistencePermanent {
		return unsupported("CREATE TABLE with AS, PARTITION BY or TEMPORARY")
	}
	name, err := s.tableDatabase(&n.Table)
	if err != nil {
		return err
	}
	db, err := s.findDatabase(name)
	if err != nil {
		return err
	}
	if db.Name == "system" {
		return errorf(codePrivilege, "user %s does not have CREATE privilege on database system", s.User)
	}
	t := &tableDef{Database: db.Name, Name: n.Table.Table(), Owner: s.User}
	exists, err := s.tx.get(t.key(), new(tableDef))
	if err != nil {
		return err
	}
	if exists {
		if n.IfNotExists {
			s.Notice("NOTICE", `relation "`+t.Name+`" already exists, skipping`)
			return nil
		}
		return errorf(codeDuplicateTable, "relation %q already exists", t.full())
	}
	for _, def := range n.Defs {
		if err := t.define(def); err != nil {
			return err
		}
	}
	if err := s.localize(t, db, n.Locality); err != nil {
		return err
	}
	if len(t.Primary) == 0 {
		t.Columns = append(t.Columns, columnDef{Name: "rowid", Type: Int, SQLType: "INT8", NotNull: true, Default: "unique_rowid()", Hidden: true})
		t.Primary = []string{"rowid"}
	}
	for _, primary := range t.Primary {
		column := t.column(primary)
		if column == nil {
			return errorf(codeUndefinedColumn, "column %q does not exist", primary)
		}
		column.NotNull = true
	}
	for _, creator := range []string{"", s.User} {
		for grantee, privileges := range db.Defaults[creator] {
			t.Grants = changeGrants(t.Grants, grantee, privileges, true)
		}
	}
	next := 104
	if _, err := s.tx.get("meta/nextTable", &next); err != nil {
		return err
	}
	t.ID = next
	if err := s.tx.put("meta/nextTable", next+1); err != nil {
		return err
	}
	return s.tx.put(t.key(), t)
}

func (t *tableDef) define(def tree.TableDef) error {
	switch d := def.(type) {
	case *tree.ColumnTableDef:
		column, err := newColumn(d)
		if err != nil {
			return err
		}
		if t.column(column.Name) != nil {
			return errorf("42701", "column %q specified more than once", column.Name)
		}
		t.Columns = append(t.Columns, column)
		if d.PrimaryKey.IsPrimaryKey {
			t.Primary = append(t.Primary, column.Name)
		}
		if d.Unique.IsUnique {
			t.Unique = append(t.Unique, []string{column.Name})
		}
		for _, check := range d.CheckExprs {
			t.Checks = append(t.Checks, tree.Serialize(check.Expr))
		}
		return nil
	case *tree.UniqueConstraintTableDef:
		names, err := indexColumns(&d.IndexTableDef)
		if err != nil {
			return err
		}
		if d.PrimaryKey {
			if len(t.Primary) > 0 {
				return errorf(codeTableDef, "multiple primary keys for table %q are not allowed", t.Name)
			}
			t.Primary = names
		} else {
			t.Unique = append(t.Unique, names)
		}
		return nil
	case *tree.IndexTableDef:
		_, err := indexColumns(d) // an index changes no result, and the stand-in needs none
		return err
	case *tree.CheckConstraintTableDef:
		t.Checks = append(t.Checks, tree.Serialize(d.Expr))
		return nil
	case *tree.FamilyTableDef:
		return nil
	case *tree.ForeignKeyConstraintTableDef:
		return unsupported("foreign keys")
	}
	return unsupported("the table element " + tree.AsString(def))
}

func indexColumns(def *tree.IndexTableDef) ([]string, error) {
	if def.Predicate != nil || def.Sharded != nil || def.PartitionByIndex != nil {
		return nil, unsupported("partial, sharded or partitioned indexes")
	}
	var names []string
	for _, column := range def.Columns {
		if column.Expr != nil {
			return nil, unsupported("expression indexes")
		}
		names = append(names, string(column.Column))
	}
	return names, nil
}

func newColumn(d *tree.ColumnTableDef) (columnDef, error) {
	column := columnDef{Name: string(d.Name), Hidden: d.Hidden, NotNull: d.Nullable.Nullability == tree.NotNull}
	if d.IsComputed() {
		return column, unsupported("computed columns")
	}
	if d.References.Table != nil {
		return column, unsupported("foreign keys")
	}
	if d.GeneratedIdentity.IsGeneratedAsIdentity {
		column.Default, column.NotNull = "unique_rowid()", true
	}
	if d.Type == nil {
		return column, errorf(codeSyntax, "column %q has no type", column.Name)
	}
	column.SQLType = d.Type.SQLString()
	known, err := typeNamed(column.SQLType)
	if err != nil {
		return column, err
	}
	column.Type = known
	if d.IsSerial {
		column.Default, column.NotNull = "unique_rowid()", true
	}
	if d.DefaultExpr.Expr != nil {
		column.Default = tree.Serialize(d.DefaultExpr.Expr)
	}
	if d.OnUpdateExpr.Expr != nil {
		return column, unsupported("ON UPDATE expressions")
	}
	return column, nil
}

func (s *Session) defaultOf(column columnDef) (Value, error) {
	if column.Default == "" {
		return nil, nil
	}
	expr, err := parser.ParseExpr(column.Default)
	if err != nil {
		return nil, fromGrammar(err)
	}
	v, _, err := s.eval(expr, noColumns{})
	if err != nil {
		return nil, err
	}
	return cast(v, column.Type)
}

// homeRegion is the region, where the current database has it, else the database's primary region.
func (s *Session) homeRegion(region string) (Value, error) {
	db, err := s.findDatabase(s.database())
	if err != nil {
		return nil, err
	}
	for _, one := range db.Regions {
		if one == region {
			return region, nil
		}
	}
	return nullable(db.Primary), nil
}

func (s *Session) gatewayHome() (Value, error) {
	region, err := builtins["gateway_region"].call(s, nil)
	if err != nil {
		return nil, err
	}
	return s.homeRegion(Text(region))
}

func (s *Session) grantTables(targets tree.GrantTargetList) ([]*tableDef, error) {
	if targets.AllTablesInSchema {
		return s.tables(s.database())
	}
	var out []*tableDef
	for _, pattern := range targets.Tables.TablePatterns {
		normal, err := pattern.NormalizeTablePattern()
		if err != nil {
			return nil, fromGrammar(err)
		}
		switch p := normal.(type) {
		case *tree.TableName:
			t, err := s.findTable(p)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		case *tree.AllTablesSelector:
			db := s.database()
			if p.ExplicitSchema && p.Schema() != public {
				db = p.Schema()
			}
			if p.ExplicitCatalog {
				db = p.Catalog()
			}
			all, err := s.tables(db)
			if err != nil {
				return nil, err
			}
			out = append(out, all...)
		}
	}
	return out, nil
}

// rowID is a unique, roughly ascending number, as unique_rowid() gives.
func rowID(node uint64) int64 {
	const tens = 10 * time.Microsecond
	stamp := time.Now().UnixNano()/int64(tens) - 1420070400*100_000
	return stamp<<15 | int64(node&0x7fff) ^ int64(rand.IntN(1<<5))<<10
}
