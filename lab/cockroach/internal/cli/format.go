package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// formats of --format, as the real one names them.
var formats = []string{"table", "tsv", "csv", "json", "ndjson", "records", "raw", "sql", "html", "unnumbered-html"}

// defaultFormat is table on a terminal, else tsv.
func defaultFormat() string {
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return "table"
	}
	return "tsv"
}

const nullText = "NULL"

// cell is a value of a result, nil for NULL.
type cell = *string

func text(value cell) string {
	if value == nil {
		return nullText
	}
	return *value
}

// render writes rows in one of the formats.
func render(out io.Writer, format string, header []string, rows [][]cell) error {
	switch format {
	case "table":
		return renderTable(out, header, rows)
	case "tsv", "csv":
		return renderSeparated(out, format, header, rows)
	case "json":
		objects := make([]map[string]any, 0, len(rows))
		for _, row := range rows {
			objects = append(objects, object(header, row))
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(objects)
	case "ndjson":
		encoder := json.NewEncoder(out)
		for _, row := range rows {
			if err := encoder.Encode(object(header, row)); err != nil {
				return err
			}
		}
		return nil
	case "records":
		return renderRecords(out, header, rows)
	}
	return fmt.Errorf("unimplemented: the lab's stand-in for cockroach has no --format=%s", format)
}

func object(header []string, row []cell) map[string]any {
	out := map[string]any{}
	for i, name := range header {
		if row[i] == nil {
			out[name] = nil
		} else {
			out[name] = *row[i]
		}
	}
	return out
}

func renderSeparated(out io.Writer, format string, header []string, rows [][]cell) error {
	writer := csv.NewWriter(out)
	if format == "tsv" {
		writer.Comma = '\t'
	}
	if err := writer.Write(header); err != nil {
		return err
	}
	for _, row := range rows {
		record := make([]string, len(row))
		for i, value := range row {
			record[i] = text(value)
		}
		if err := writer.Write(record); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

func renderTable(out io.Writer, header []string, rows [][]cell) error {
	widths := make([]int, len(header))
	for i, name := range header {
		widths[i] = utf8.RuneCountInString(name)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(text(row[i])))
		}
	}
	line := func(cells []string) string {
		padded := make([]string, len(cells))
		for i, value := range cells {
			padded[i] = value + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(value))
		}
		return "  " + strings.TrimRight(strings.Join(padded, " | "), " ")
	}
	rule := make([]string, len(header))
	for i := range header {
		rule[i] = strings.Repeat("-", widths[i]+2)
	}
	lines := []string{line(header), "-" + strings.Join(rule, "+")}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, value := range row {
			cells[i] = text(value)
		}
		lines = append(lines, line(cells))
	}
	plural := "s"
	if len(rows) == 1 {
		plural = ""
	}
	lines = append(lines, fmt.Sprintf("(%d row%s)", len(rows), plural))
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

func renderRecords(out io.Writer, header []string, rows [][]cell) error {
	width := 0
	for _, name := range header {
		width = max(width, utf8.RuneCountInString(name))
	}
	for i, row := range rows {
		if _, err := fmt.Fprintf(out, "-[ RECORD %d ]\n", i+1); err != nil {
			return err
		}
		for c, name := range header {
			if _, err := fmt.Fprintf(out, "%-*s | %s\n", width, name, text(row[c])); err != nil {
				return err
			}
		}
	}
	return nil
}
