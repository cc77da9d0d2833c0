package sqlexec

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree/treecmp"
)

// pack writes a value for storage; unpack reads it back.
func pack(v Value, t Type) *string {
	if v == nil {
		return nil
	}
	if list, ok := v.([]string); ok {
		data, _ := json.Marshal(list)
		text := string(data)
		return &text
	}
	text := Format(v, t)
	return &text
}

func unpack(stored *string, t Type) (Value, error) {
	if stored == nil {
		return nil, nil
	}
	switch t {
	case String, Region:
		return *stored, nil
	case Strings:
		var list []string
		err := json.Unmarshal([]byte(*stored), &list)
		return list, err
	}
	return cast(*stored, t)
}

// rowKey is where a row lives: its primary key, in an encoding that sorts integers, times and text.
func (t *tableDef) rowKey(values map[string]Value) (string, error) {
	var key strings.Builder
	key.WriteString(t.prefix())
	for i, name := range t.Primary {
		v := values[name]
		if v == nil {
			return "", errorf(codeNotNull, "null value in column %q violates not-null constraint", name)
		}
		if i > 0 {
			key.WriteByte(1)
		}
		switch x := v.(type) {
		case int64:
			fmt.Fprintf(&key, "%016x", uint64(x)^(1<<63))
		case time.Time:
			key.WriteString(x.UTC().Format("2006-01-02T15:04:05.000000000"))
		case []byte:
			key.WriteString(hex.EncodeToString(x))
		default:
			text := Text(v)
			if strings.ContainsAny(text, "\x00\x01") {
				return "", unsupported("control characters in a primary key")
			}
			key.WriteString(text)
		}
	}
	return key.String(), nil
}

func (t *tableDef) pack(values map[string]Value) map[string]*string {
	out := make(map[string]*string, len(t.Columns))
	for _, column := range t.Columns {
		out[column.Name] = pack(values[column.Name], column.Type)
	}
	return out
}

func (t *tableDef) unpack(stored map[string]*string) ([]Value, error) {
	out := make([]Value, len(t.Columns))
	for i, column := range t.Columns {
		v, err := unpack(stored[column.Name], column.Type)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// relation is rows with named columns, the material of a query.
type relation struct {
	columns []relColumn
	rows    [][]Value
	keys    []string // of stored rows, where the relation is one table
}

type relColumn struct {
	table  string
	name   string
	typ    Type
	hidden bool
}

type rowScope struct {
	relation *relation
	row      []Value
	outer    scope
}

func (r rowScope) lookup(table, column string) (Value, Type, bool) {
	for i, c := range r.relation.columns {
		if c.name == column && (table == "" || c.table == table) {
			if r.row == nil {
				return nil, c.typ, true
			}
			return r.row[i], c.typ, true
		}
	}
	if r.outer != nil {
		return r.outer.lookup(table, column)
	}
	return nil, Unknown, false
}

func (t *tableDef) relation(alias string) *relation {
	out := &relation{}
	for _, column := range t.Columns {
		out.columns = append(out.columns, relColumn{alias, column.Name, column.Type, column.Hidden})
	}
	return out
}

// readTable reads the rows that may match where: one, where it fixes the whole primary key, else all.
func (s *Session) readTable(t *tableDef, alias string, where tree.Expr) (_ *relation, err error) {
	defer func() {
		if err == nil {
			err = s.tx.unchanged(t.prefix())
		}
	}()
	out := t.relation(alias)
	add := func(key string, stored map[string]*string) error {
		row, err := t.unpack(stored)
		if err != nil {
			return err
		}
		out.rows = append(out.rows, row)
		out.keys = append(out.keys, key)
		return nil
	}
	if key, ok := s.point(t, alias, where); ok {
		var stored map[string]*string
		found, err := s.tx.get(key, &stored)
		if err != nil || !found {
			return out, err
		}
		return out, add(key, stored)
	}
	pairs, err := s.tx.scan(t.prefix())
	if err != nil {
		return nil, err
	}
	for _, pair := range pairs {
		var stored map[string]*string
		if err := json.Unmarshal(pair.value, &stored); err != nil {
			return nil, err
		}
		if err := add(pair.key, stored); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// point finds the key of the only row that where can match.
func (s *Session) point(t *tableDef, alias string, where tree.Expr) (string, bool) {
	fixed := map[string]Value{}
	var walk func(expr tree.Expr)
	walk = func(expr tree.Expr) {
		switch e := expr.(type) {
		case *tree.ParenExpr:
			walk(e.Expr)
		case *tree.AndExpr:
			walk(e.Left)
			walk(e.Right)
		case *tree.ComparisonExpr:
			if e.Operator.Symbol != treecmp.EQ {
				return
			}
			for _, sides := range [][2]tree.Expr{{e.Left, e.Right}, {e.Right, e.Left}} {
				name, ok := sides[0].(*tree.UnresolvedName)
				if !ok || name.Star || name.NumParts > 2 || name.NumParts == 2 && name.Parts[1] != alias {
					continue
				}
				column := t.column(name.Parts[0])
				if column == nil {
					continue
				}
				v, _, err := s.eval(sides[1], noColumns{})
				if err != nil || v == nil {
					continue
				}
				if v, err = cast(v, column.Type); err == nil {
					fixed[column.Name] = v
				}
			}
		}
	}
	if where == nil {
		return "", false
	}
	walk(where)
	for _, name := range t.Primary {
		if fixed[name] == nil {
			return "", false
		}
	}
	key, err := t.rowKey(fixed)
	return key, err == nil
}
