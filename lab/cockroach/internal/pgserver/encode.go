package pgserver

import (
	"fmt"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"lab/cockroach/internal/sqlexec"
)

var types = pgtype.NewMap()

var byOID = map[uint32]sqlexec.Type{
	16: sqlexec.Bool, 17: sqlexec.Bytes, 18: sqlexec.String, 19: sqlexec.String, 20: sqlexec.Int, 21: sqlexec.Int, 23: sqlexec.Int, 25: sqlexec.String,
	26: sqlexec.Int, 114: sqlexec.JSONB, 700: sqlexec.Float, 701: sqlexec.Float, 1009: sqlexec.Strings, 1015: sqlexec.Strings, 1042: sqlexec.String,
	1043: sqlexec.String, 1082: sqlexec.Date, 1114: sqlexec.Timestamp, 1184: sqlexec.TimestampTZ, 1186: sqlexec.Interval, 1700: sqlexec.Decimal,
	2950: sqlexec.UUID, 3802: sqlexec.JSONB,
}

// typeOfOID keeps the client's own OID, whose width its binary encoding has.
func typeOfOID(oid uint32) sqlexec.Type {
	t, ok := byOID[oid]
	if !ok {
		return sqlexec.Type{}
	}
	return sqlexec.Type{Name: t.Name, OID: oid}
}

func rowDescription(columns []sqlexec.Column, formats []int16) *pgproto3.RowDescription {
	out := &pgproto3.RowDescription{}
	for i, column := range columns {
		out.Fields = append(out.Fields, pgproto3.FieldDescription{
			Name: []byte(column.Name), DataTypeOID: column.Type.OID, DataTypeSize: -1, TypeModifier: -1, Format: format(formats, i),
		})
	}
	return out
}

func encodeRow(row []sqlexec.Value, columns []sqlexec.Column, formats []int16) (*pgproto3.DataRow, error) {
	out := &pgproto3.DataRow{Values: make([][]byte, len(row))}
	for i, v := range row {
		if v == nil {
			continue
		}
		text := sqlexec.Format(v, columns[i].Type)
		if format(formats, i) == pgtype.TextFormatCode {
			out.Values[i] = []byte(text)
			continue
		}
		data, err := types.Encode(columns[i].Type.OID, pgtype.BinaryFormatCode, forDriver(v), nil)
		if err != nil {
			return nil, &sqlexec.Error{Code: "0A000", Message: fmt.Sprintf("cannot encode %s in binary: %v", columns[i].Type.Name, err)}
		}
		out.Values[i] = data
	}
	return out, nil
}

// forDriver turns the values that pgtype doesn't know into ones that it does.
func forDriver(v sqlexec.Value) any {
	switch x := v.(type) {
	case *apd.Decimal:
		var n pgtype.Numeric
		if err := n.Scan(x.Text('f')); err == nil {
			return n
		}
	case time.Duration:
		return pgtype.Interval{Microseconds: x.Microseconds(), Valid: true}
	}
	return v
}

// decodeParam reads a bound parameter.
func decodeParam(raw []byte, code int16, t sqlexec.Type) (sqlexec.Value, error) {
	if raw == nil {
		return nil, nil
	}
	plain, ok := byOID[t.OID]
	if !ok {
		plain = sqlexec.String
	}
	if code == pgtype.TextFormatCode {
		return sqlexec.Cast(string(raw), plain)
	}
	var text string
	switch plain {
	case sqlexec.Bytes:
		return append([]byte(nil), raw...), nil
	case sqlexec.String:
		return string(raw), nil
	case sqlexec.JSONB:
		if t.OID == 3802 && len(raw) > 0 {
			raw = raw[1:] // a version byte
		}
		return sqlexec.Cast(string(raw), plain)
	case sqlexec.Timestamp, sqlexec.TimestampTZ, sqlexec.Date:
		var at time.Time
		if err := types.Scan(t.OID, code, raw, &at); err != nil {
			return nil, badParam(err)
		}
		return sqlexec.Cast(at.UTC(), plain)
	case sqlexec.Float:
		var f float64
		if err := types.Scan(t.OID, code, raw, &f); err != nil {
			return nil, badParam(err)
		}
		return f, nil
	case sqlexec.Int:
		var n int64
		if err := types.Scan(t.OID, code, raw, &n); err != nil {
			return nil, badParam(err)
		}
		return n, nil
	case sqlexec.Strings:
		var list []string
		if err := types.Scan(t.OID, code, raw, &list); err != nil {
			return nil, badParam(err)
		}
		return list, nil
	case sqlexec.Decimal:
		var n pgtype.Numeric
		if err := types.Scan(t.OID, code, raw, &n); err != nil {
			return nil, badParam(err)
		}
		v, err := n.Value()
		if err != nil {
			return nil, badParam(err)
		}
		return sqlexec.Cast(v.(string), plain)
	case sqlexec.Interval:
		var span pgtype.Interval
		if err := types.Scan(t.OID, code, raw, &span); err != nil {
			return nil, badParam(err)
		}
		return time.Duration(span.Microseconds)*time.Microsecond + time.Duration(span.Days)*24*time.Hour, nil
	case sqlexec.Bool:
		var b bool
		if err := types.Scan(t.OID, code, raw, &b); err != nil {
			return nil, badParam(err)
		}
		return b, nil
	}
	if err := types.Scan(t.OID, code, raw, &text); err != nil {
		return nil, badParam(err)
	}
	return sqlexec.Cast(text, plain)
}

func badParam(err error) error {
	return &sqlexec.Error{Code: "22P03", Message: "error in argument: " + err.Error()}
}
