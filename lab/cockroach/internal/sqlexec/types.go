package sqlexec

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/google/uuid"
)

// Value is a datum: nil, int64, float64, *apd.Decimal, bool, string (also for UUID and JSONB), []byte, time.Time, time.Duration
// or []string.
type Value any

// Type is a SQL type that the stand-in knows.
type Type struct {
	Name string
	OID  uint32
}

// The types.
var (
	Int         = Type{"INT8", 20}
	Float       = Type{"FLOAT8", 701}
	Decimal     = Type{"DECIMAL", 1700}
	Bool        = Type{"BOOL", 16}
	String      = Type{"STRING", 25}
	Bytes       = Type{"BYTES", 17}
	UUID        = Type{"UUID", 2950}
	Timestamp   = Type{"TIMESTAMP", 1114}
	TimestampTZ = Type{"TIMESTAMPTZ", 1184}
	Date        = Type{"DATE", 1082}
	Interval    = Type{"INTERVAL", 1186}
	JSONB       = Type{"JSONB", 3802}
	Strings     = Type{"STRING[]", 1009}
	Region      = Type{"crdb_internal_region", 25}
	Unknown     = Type{"unknown", 705}
)

var typeNames = map[string]Type{
	"INT8": Int, "INT": Int, "INT4": Int, "INT2": Int, "FLOAT8": Float, "FLOAT4": Float, "DECIMAL": Decimal, "NUMERIC": Decimal, "BOOL": Bool,
	"STRING": String, "VARCHAR": String, "CHAR": String, "NAME": String, "TEXT": String, "BYTES": Bytes, "UUID": UUID, "TIMESTAMP": Timestamp,
	"TIMESTAMPTZ": TimestampTZ, "DATE": Date, "INTERVAL": Interval, "JSONB": JSONB, "JSON": JSONB, "STRING[]": Strings, "TEXT[]": Strings,
	"CRDB_INTERNAL_REGION": Region, "PUBLIC.CRDB_INTERNAL_REGION": Region, "REGCLASS": String, "OID": Int,
}

// typeNamed reads a type as the grammar prints it; widths and precisions are not enforced.
func typeNamed(text string) (Type, error) {
	name := strings.ToUpper(strings.ReplaceAll(text, `"`, ""))
	if open := strings.IndexByte(name, '('); open >= 0 {
		if end := strings.IndexByte(name, ')'); end > open {
			name = name[:open] + name[end+1:]
		}
	}
	if t, ok := typeNames[name]; ok {
		return t, nil
	}
	return Type{}, unsupported("the type " + text)
}

func numeric(t Type) bool { return t == Int || t == Float || t == Decimal }

// cast converts a value to a type, reading text where it must.
func cast(v Value, to Type) (Value, error) {
	if v == nil {
		return nil, nil
	}
	bad := func() error {
		return errorf(codeInvalidText, "could not parse %q as type %s", Text(v), strings.ToLower(to.Name))
	}
	text, isText := v.(string)
	text = strings.TrimSpace(text)
	switch to {
	case Int:
		switch x := v.(type) {
		case int64:
			return x, nil
		case bool:
			if x {
				return int64(1), nil
			}
			return int64(0), nil
		case float64:
			return int64(math.RoundToEven(x)), nil
		case *apd.Decimal:
			var rounded apd.Decimal
			if _, err := apd.BaseContext.WithPrecision(40).RoundToIntegralValue(&rounded, x); err != nil {
				return nil, bad()
			}
			return rounded.Int64()
		case string:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, bad()
			}
			return n, nil
		}
	case Float:
		switch x := v.(type) {
		case float64:
			return x, nil
		case int64:
			return float64(x), nil
		case *apd.Decimal:
			return x.Float64()
		case string:
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, bad()
			}
			return f, nil
		}
	case Decimal:
		if x, ok := v.(*apd.Decimal); ok {
			return x, nil
		}
		if _, isBool := v.(bool); !isBool {
			d, _, err := apd.NewFromString(strings.TrimSpace(Text(v)))
			if err != nil {
				return nil, bad()
			}
			return d, nil
		}
	case Bool:
		switch x := v.(type) {
		case bool:
			return x, nil
		case int64:
			return x != 0, nil
		case string:
			switch strings.ToLower(text) {
			case "t", "true", "on", "yes", "y", "1":
				return true, nil
			case "f", "false", "off", "no", "n", "0":
				return false, nil
			}
			return nil, bad()
		}
	case String, Region:
		return Text(v), nil
	case Bytes:
		if x, ok := v.([]byte); ok {
			return x, nil
		}
		if isText {
			raw := v.(string)
			if rest, ok := strings.CutPrefix(raw, `\x`); ok {
				decoded, err := hex.DecodeString(rest)
				if err != nil {
					return nil, bad()
				}
				return decoded, nil
			}
			return []byte(raw), nil
		}
	case UUID:
		if isText {
			id, err := uuid.Parse(text)
			if err != nil {
				return nil, bad()
			}
			return id.String(), nil
		}
		if raw, ok := v.([]byte); ok && len(raw) == 16 {
			return uuid.UUID(raw).String(), nil
		}
	case Timestamp, TimestampTZ, Date:
		if x, ok := v.(time.Time); ok {
			return truncate(x, to), nil
		}
		if isText {
			x, err := parseTime(text)
			if err != nil {
				return nil, bad()
			}
			return truncate(x, to), nil
		}
	case Interval:
		if x, ok := v.(time.Duration); ok {
			return x, nil
		}
		if isText {
			if d, err := parseInterval(text); err == nil {
				return d, nil
			}
			return nil, bad()
		}
	case JSONB:
		if isText {
			var parsed any
			if json.Unmarshal([]byte(text), &parsed) != nil {
				return nil, bad()
			}
			out, err := json.Marshal(parsed)
			return string(out), err
		}
	case Strings:
		if x, ok := v.([]string); ok {
			return x, nil
		}
		if isText && strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
			if text == "{}" {
				return []string{}, nil
			}
			return strings.Split(text[1:len(text)-1], ","), nil
		}
	case Unknown:
		return v, nil
	}
	return nil, errorf("42846", "invalid cast: %s -> %s", kindOf(v).Name, to.Name)
}

func truncate(t time.Time, to Type) time.Time {
	t = t.UTC()
	if to == Date {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return t.Truncate(time.Microsecond)
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", time.RFC3339Nano, "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02", "2006-01-02 15:04:05.999999999 -0700 MST",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("not a time: %q", text)
}

var intervalUnits = map[string]time.Duration{
	"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "second": time.Second, "m": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour, "day": 24 * time.Hour, "d": 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

func parseInterval(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields)%2 != 0 {
		return 0, fmt.Errorf("not an interval: %q", text)
	}
	var total time.Duration
	for i := 0; i < len(fields); i += 2 {
		n, err := strconv.ParseFloat(fields[i], 64)
		unit, ok := intervalUnits[strings.ToLower(fields[i+1])]
		if !ok {
			unit, ok = intervalUnits[strings.TrimSuffix(strings.ToLower(fields[i+1]), "s")]
		}
		if err != nil || !ok {
			return 0, fmt.Errorf("not an interval: %q", text)
		}
		total += time.Duration(n * float64(unit))
	}
	return total, nil
}
