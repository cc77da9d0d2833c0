package sqlexec

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// target resolves the table that a statement writes.
func (s *Session) target(expr tree.TableExpr) (*tableDef, string, error) {
	alias := ""
	if aliased, ok := expr.(*tree.AliasedTableExpr); ok {
		alias = string(aliased.As.Alias)
		expr = aliased.Expr
	}
	name, ok := expr.(*tree.TableName)
	if !ok {
		return nil, "", unsupported("writing to " + tree.AsString(expr))
	}
	if name.ExplicitSchema && slices.Contains([]string{"crdb_internal", "pg_catalog", "information_schema"}, name.Schema()) {
		return nil, "", errorf(codePrivilege, "user %s does not have write privileges on relation %s", s.User, name.Table())
	}
	t, err := s.findTable(name)
	if err != nil {
		return nil, "", err
	}
	if alias == "" {
		alias = t.Name
	}
	return t, alias, nil
}

func (t *tableDef) ordered(values map[string]Value) []Value {
	out := make([]Value, len(t.Columns))
	for i, column := range t.Columns {
		out[i] = values[column.Name]
	}
	return out
}

// write checks a row and stores it under key, in place of the one under old.
func (s *Session) write(t *tableDef, old, key string, values map[string]Value) error {
	for _, column := range t.Columns {
		if values[column.Name] == nil && column.NotNull {
			return errorf(codeNotNull, "null value in column %q violates not-null constraint", column.Name)
		}
	}
	if t.RegionColumn != "" {
		if err := s.checkHome(t, Text(values[t.RegionColumn])); err != nil {
			return err
		}
	}
	row := rowScope{t.relation(t.Name), t.ordered(values), nil}
	for _, check := range t.Checks {
		expr, err := parser.ParseExpr(check)
		if err != nil {
			return fromGrammar(err)
		}
		if ok, err := s.truth(expr, row); err != nil {
			return err
		} else if ok == false {
			return errorf("23514", "failed to satisfy CHECK constraint (%s)", check)
		}
	}
	if err := s.checkUnique(t, old, key, values); err != nil {
		return err
	}
	if old != "" && old != key {
		if taken, err := s.tx.get(key, new(map[string]*string)); err != nil {
			return err
		} else if taken {
			return duplicate(t, t.Primary, values, t.Name+"_pkey")
		}
		s.tx.delete(old)
	}
	return s.tx.put(key, t.pack(values))
}

func (s *Session) checkHome(t *tableDef, region string) error {
	db, err := s.findDatabase(t.Database)
	if err != nil {
		return err
	}
	if !slices.Contains(db.Regions, region) {
		return errorf(codeInvalidText, "invalid input value for enum crdb_internal_region: %q", region)
	}
	return nil
}

func (s *Session) checkUnique(t *tableDef, old, key string, values map[string]Value) error {
	if len(t.Unique) == 0 {
		return nil
	}
	pairs, err := s.tx.scan(t.prefix())
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if pair.key == key || pair.key == old {
			continue
		}
		var stored map[string]*string
		if err := json.Unmarshal(pair.value, &stored); err != nil {
			return err
		}
		for _, unique := range t.Unique {
			same := true
			for _, name := range unique {
				mine := pack(values[name], t.column(name).Type)
				same = same && mine != nil && stored[name] != nil && *mine == *stored[name]
			}
			if same {
				return duplicate(t, unique, values, t.Name+"_"+strings.Join(unique, "_")+"_key")
			}
		}
	}
	return nil
}

// assign evaluates SET clauses into values.
func (s *Session) assign(t *tableDef, exprs tree.UpdateExprs, in scope, values map[string]Value) error {
	for _, update := range exprs {
		if update.Tuple {
			return unsupported("SET (…) = (…)")
		}
		name := string(update.Names[0])
		column := t.column(name)
		if column == nil {
			return errorf(codeUndefinedColumn, "column %q does not exist", name)
		}
		var v Value
		var err error
		if _, isDefault := update.Expr.(tree.DefaultVal); isDefault {
			v, err = s.defaultOf(*column)
		} else {
			v, _, err = s.eval(update.Expr, in)
		}
		if err != nil {
			return err
		}
		if values[name], err = cast(v, column.Type); err != nil {
			return err
		}
	}
	return nil
}

// matching reads the rows of a table that a WHERE clause selects, with ORDER BY and LIMIT.
func (s *Session) matching(t *tableDef, alias string, where *tree.Where, order tree.OrderBy, limit *tree.Limit) (*relation, error) {
	var condition tree.Expr
	if where != nil {
		condition = where.Expr
	}
	all, err := s.readTable(t, alias, condition)
	if err != nil {
		return nil, err
	}
	out := &relation{columns: all.columns}
	for i, row := range all.rows {
		if condition != nil {
			hit, err := s.truth(condition, rowScope{all, row, nil})
			if err != nil {
				return nil, err
			}
			if hit != true {
				continue
			}
		}
		out.rows = append(out.rows, row)
		out.keys = append(out.keys, all.keys[i])
	}
	if len(order) > 0 {
		return nil, unsupported("ORDER BY in UPDATE and DELETE")
	}
	if limit != nil {
		from, to, err := s.window(limit, len(out.rows))
		if err != nil {
			return nil, err
		}
		out.rows, out.keys = out.rows[from:to], out.keys[from:to]
	}
	return out, nil
}

func (s *Session) update(n *tree.Update) (*Result, error) {
	if n.With != nil || len(n.From) > 0 {
		return nil, unsupported("UPDATE with WITH or FROM")
	}
	t, alias, err := s.target(n.Table)
	if err != nil {
		return nil, err
	}
	if err := s.needOnTable(t, "UPDATE"); err != nil {
		return nil, err
	}
	if n.Where == nil {
		if on, _ := cast(s.varOr("sql_safe_updates", "off"), Bool); on == true {
			return nil, errorf("01000", "rejected (sql_safe_updates = true): UPDATE without WHERE clause")
		}
	}
	found, err := s.matching(t, alias, n.Where, n.OrderBy, n.Limit)
	if err != nil {
		return nil, err
	}
	touched := t.relation(alias)
	for i, row := range found.rows {
		values := map[string]Value{}
		for c, column := range t.Columns {
			values[column.Name] = row[c]
		}
		if err := s.assign(t, n.Exprs, rowScope{found, row, nil}, values); err != nil {
			return nil, err
		}
		key, err := t.rowKey(values)
		if err != nil {
			return nil, err
		}
		if err := s.write(t, found.keys[i], key, values); err != nil {
			return nil, err
		}
		touched.rows = append(touched.rows, t.ordered(values))
	}
	return s.returning(n.Returning, touched, "UPDATE")
}

func (s *Session) remove(n *tree.Delete) (*Result, error) {
	if n.With != nil || len(n.Using) > 0 || n.Batch != nil {
		return nil, unsupported("DELETE with WITH, USING or BATCH")
	}
	t, alias, err := s.target(n.Table)
	if err != nil {
		return nil, err
	}
	if err := s.needOnTable(t, "DELETE"); err != nil {
		return nil, err
	}
	if n.Where == nil {
		if on, _ := cast(s.varOr("sql_safe_updates", "off"), Bool); on == true {
			return nil, errorf("01000", "rejected (sql_safe_updates = true): DELETE without WHERE or LIMIT clause")
		}
	}
	found, err := s.matching(t, alias, n.Where, n.OrderBy, n.Limit)
	if err != nil {
		return nil, err
	}
	for _, key := range found.keys {
		s.tx.delete(key)
	}
	return s.returning(n.Returning, found, "DELETE")
}

func (s *Session) returning(clause tree.ReturningClause, touched *relation, tag string) (*Result, error) {
	exprs, ok := clause.(*tree.ReturningExprs)
	if !ok {
		return &Result{Tag: rowsTag(tag, len(touched.rows))}, nil
	}
	result, err := s.project(tree.SelectExprs(*exprs), touched, nil)
	if err != nil {
		return nil, err
	}
	result.Tag = rowsTag(tag, len(touched.rows))
	return result, nil
}
