package sqlexec

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

func (s *Session) showTables(n *tree.ShowTables) (*Result, error) {
	db := s.database()
	if n.ExplicitCatalog {
		db = n.Catalog()
	} else if n.ExplicitSchema && n.Schema() != public {
		db = n.Schema()
	}
	if _, err := s.findDatabase(db); err != nil {
		return nil, err
	}
	all, err := s.tables(db)
	if err != nil {
		return nil, err
	}
	result := table("schema_name", String, "table_name", String, "type", String, "owner", String, "estimated_row_count", Int, "locality", String)
	for _, t := range all {
		pairs, err := s.tx.scan(t.prefix())
		if err != nil {
			return nil, err
		}
		result.add(public, t.Name, "table", t.Owner, int64(len(pairs)), nullable(t.Locality))
	}
	return result, nil
}

func (s *Session) showColumns(n *tree.ShowColumns) (*Result, error) {
	name := n.Table.ToTableName()
	t, err := s.findTable(&name)
	if err != nil {
		return nil, err
	}
	result := table("column_name", String, "data_type", String, "is_nullable", Bool, "column_default", String,
		"generation_expression", String, "indices", Strings, "is_hidden", Bool)
	for _, column := range t.Columns {
		result.add(column.Name, column.SQLType, !column.NotNull, nullable(column.Default), "", []string{t.Name + "_pkey"}, column.Hidden)
	}
	return result, nil
}

func (s *Session) showCreate(n *tree.ShowCreate) (*Result, error) {
	if n.Mode != tree.ShowCreateModeTable {
		return nil, unsupported(tree.AsString(n))
	}
	name := n.Name.ToTableName()
	t, err := s.findTable(&name)
	if err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(t.Columns)+2)
	for _, column := range t.Columns {
		line := "\t" + column.Name + " " + column.SQLType
		if column.Hidden {
			line += " NOT VISIBLE"
		}
		if column.NotNull {
			line += " NOT NULL"
		} else {
			line += " NULL"
		}
		if column.Default != "" {
			line += " DEFAULT " + column.Default
		}
		lines = append(lines, line)
	}
	lines = append(lines, fmt.Sprintf("\tCONSTRAINT %s_pkey PRIMARY KEY (%s)", t.Name, strings.Join(t.Primary, ", ")))
	for _, unique := range t.Unique {
		lines = append(lines, fmt.Sprintf("\tUNIQUE (%s)", strings.Join(unique, ", ")))
	}
	for _, check := range t.Checks {
		lines = append(lines, fmt.Sprintf("\tCHECK (%s)", check))
	}
	text := fmt.Sprintf("CREATE TABLE public.%s (\n%s\n)", t.Name, strings.Join(lines, ",\n"))
	if t.Locality != "" {
		text += " LOCALITY " + t.Locality
	}
	result := table("table_name", String, "create_statement", String)
	result.add(t.Name, text+";")
	return result, nil
}
