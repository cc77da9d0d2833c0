package sqlexec

import (
	"slices"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

func (s *Session) insert(n *tree.Insert) (*Result, error) {
	if n.With != nil {
		return nil, unsupported("WITH")
	}
	t, alias, err := s.target(n.Table)
	if err != nil {
		return nil, err
	}
	if err := s.needOnTable(t, "INSERT"); err != nil {
		return nil, err
	}
	upsert := n.OnConflict.IsUpsertAlias()
	if n.OnConflict != nil && !n.OnConflict.DoNothing {
		for _, privilege := range []string{"UPDATE", "SELECT"} {
			if err := s.needOnTable(t, privilege); err != nil {
				return nil, err
			}
		}
	}
	names, err := insertColumns(t, n.Columns)
	if err != nil {
		return nil, err
	}
	rows, err := s.insertRows(t, names, n)
	if err != nil {
		return nil, err
	}
	touched := t.relation(alias)
	for _, given := range rows {
		row, err := s.insertOne(t, alias, given, n.OnConflict, upsert)
		if err != nil {
			return nil, err
		}
		if row != nil {
			touched.rows = append(touched.rows, row)
		}
	}
	return s.returning(n.Returning, touched, "INSERT")
}

func insertColumns(t *tableDef, given tree.NameList) ([]string, error) {
	var names []string
	if len(given) == 0 {
		for _, column := range t.Columns {
			if !column.Hidden {
				names = append(names, column.Name)
			}
		}
		return names, nil
	}
	for _, name := range given {
		if t.column(string(name)) == nil {
			return nil, errorf(codeUndefinedColumn, "column %q does not exist", string(name))
		}
		if slices.Contains(names, string(name)) {
			return nil, errorf("42701", "multiple assignments to the same column %q", string(name))
		}
		names = append(names, string(name))
	}
	return names, nil
}

// insertRows evaluates what is to be inserted, one map for each row; columns that are not there take their defaults.
func (s *Session) insertRows(t *tableDef, names []string, n *tree.Insert) ([]map[string]Value, error) {
	if n.DefaultValues() {
		return []map[string]Value{{}}, nil
	}
	var out []map[string]Value
	take := func(count int, at func(i int) (Value, bool, error)) error {
		if count > len(names) {
			return errorf(codeSyntax, "INSERT has more expressions than target columns, %d expressions for %d targets", count, len(names))
		}
		if count < len(names) && len(n.Columns) > 0 {
			return errorf(codeSyntax, "INSERT has more target columns than expressions, %d expressions for %d targets", count, len(names))
		}
		row := map[string]Value{}
		for i := range count {
			v, given, err := at(i)
			if err != nil {
				return err
			}
			if !given {
				continue
			}
			if row[names[i]], err = cast(v, t.column(names[i]).Type); err != nil {
				return err
			}
		}
		out = append(out, row)
		return nil
	}
	if values, ok := n.Rows.Select.(*tree.ValuesClause); ok && len(n.Rows.OrderBy) == 0 && n.Rows.Limit == nil {
		for _, tuple := range values.Rows {
			err := take(len(tuple), func(i int) (Value, bool, error) {
				if _, isDefault := tuple[i].(tree.DefaultVal); isDefault {
					return nil, false, nil
				}
				v, _, err := s.eval(tuple[i], noColumns{})
				return v, true, err
			})
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	result, err := s.query(n.Rows, nil)
	if err != nil {
		return nil, err
	}
	for _, row := range result.Rows {
		if err := take(len(row), func(i int) (Value, bool, error) { return row[i], true, nil }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// insertOne writes one row and returns it, or nil where ON CONFLICT DO NOTHING kept it out.
func (s *Session) insertOne(t *tableDef, alias string, given map[string]Value, conflict *tree.OnConflict, upsert bool) ([]Value, error) {
	values := map[string]Value{}
	for _, column := range t.Columns {
		v, ok := given[column.Name]
		if !ok {
			var err error
			if v, err = s.defaultOf(column); err != nil {
				return nil, err
			}
		}
		values[column.Name] = v
	}
	key, err := t.rowKey(values)
	if err != nil {
		return nil, err
	}
	var stored map[string]*string
	exists, err := s.tx.get(key, &stored)
	if err != nil {
		return nil, err
	}
	if !exists {
		if err := s.write(t, "", key, values); err != nil {
			if known, ok := err.(*Error); ok && known.Code == codeUnique && conflict != nil && conflict.DoNothing {
				return nil, nil
			}
			return nil, err
		}
		return t.ordered(values), nil
	}
	if conflict == nil {
		return nil, duplicate(t, t.Primary, values, t.Name+"_pkey")
	}
	if conflict.DoNothing {
		return nil, nil
	}
	if len(conflict.Columns) > 0 && !sameColumns(conflict.Columns, t.Primary) {
		return nil, unsupported("ON CONFLICT on anything but the primary key")
	}
	present, err := t.unpack(stored)
	if err != nil {
		return nil, err
	}
	merged := map[string]Value{}
	for i, column := range t.Columns {
		merged[column.Name] = present[i]
	}
	if upsert {
		for name, v := range given {
			merged[name] = v
		}
	} else {
		excluded := t.relation("excluded")
		in := rowScope{t.relation(alias), present, rowScope{excluded, t.ordered(values), nil}}
		if conflict.Where != nil {
			if hit, err := s.truth(conflict.Where.Expr, in); err != nil || hit != true {
				return nil, err
			}
		}
		if err := s.assign(t, conflict.Exprs, in, merged); err != nil {
			return nil, err
		}
	}
	newKey, err := t.rowKey(merged)
	if err != nil {
		return nil, err
	}
	return t.ordered(merged), s.write(t, key, newKey, merged)
}

func sameColumns(given tree.NameList, names []string) bool {
	if len(given) != len(names) {
		return false
	}
	for _, name := range given {
		if !slices.Contains(names, string(name)) {
			return false
		}
	}
	return true
}

func duplicate(t *tableDef, names []string, values map[string]Value, constraint string) error {
	var texts []string
	for _, name := range names {
		text := Text(values[name])
		if _, isText := values[name].(string); isText {
			text = "'" + text + "'"
		}
		texts = append(texts, text)
	}
	err := errorf(codeUnique, "duplicate key value violates unique constraint %q", constraint)
	err.Detail = "Key (" + strings.Join(names, ", ") + ")=(" + strings.Join(texts, ", ") + ") already exists."
	return err
}
