package sqlexec

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// kindOf is the type that a bare value has.
func kindOf(v Value) Type {
	switch v.(type) {
	case int64:
		return Int
	case float64:
		return Float
	case *apd.Decimal:
		return Decimal
	case bool:
		return Bool
	case []byte:
		return Bytes
	case time.Time:
		return TimestampTZ
	case time.Duration:
		return Interval
	case []string:
		return Strings
	case string:
		return String
	}
	return Unknown
}

// Text is a value in the text format of the PostgreSQL protocol; times come out as timestamps with a zone.
func Text(v Value) string { return Format(v, kindOf(v)) }

// Format is a value of a known type as text.
func Format(v Value, t Type) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case *apd.Decimal:
		return x.Text('f')
	case bool:
		if x {
			return "t"
		}
		return "f"
	case []byte:
		return `\x` + hex.EncodeToString(x)
	case time.Time:
		switch t {
		case Date:
			return x.Format("2006-01-02")
		case Timestamp:
			return x.Format("2006-01-02 15:04:05.999999")
		}
		return x.Format("2006-01-02 15:04:05.999999-07")
	case time.Duration:
		whole := x.Truncate(time.Second)
		text := fmt.Sprintf("%02d:%02d:%02d", int(whole.Hours()), int(whole.Minutes())%60, int(whole.Seconds())%60)
		if rest := (x - whole).Microseconds(); rest != 0 {
			text += strings.TrimRight(fmt.Sprintf(".%06d", rest), "0")
		}
		return text
	case []string:
		quoted := make([]string, len(x))
		for i, item := range x {
			quoted[i] = item
			if item == "" || strings.ContainsAny(item, `{},"\ `) {
				quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(item) + `"`
			}
		}
		return "{" + strings.Join(quoted, ",") + "}"
	case string:
		return x
	}
	return fmt.Sprint(v)
}

// compare orders two values of comparable types: -1, 0 or 1. Neither is nil.
func compare(a, b Value) (int, error) {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return order(x, y), nil
		}
	}
	ka, kb := kindOf(a), kindOf(b)
	if numeric(ka) && numeric(kb) {
		if ka == Float || kb == Float {
			x, errA := cast(a, Float)
			y, errB := cast(b, Float)
			if errA == nil && errB == nil {
				return order(x.(float64), y.(float64)), nil
			}
		}
		x, errA := cast(a, Decimal)
		y, errB := cast(b, Decimal)
		if errA == nil && errB == nil {
			return x.(*apd.Decimal).Cmp(y.(*apd.Decimal)), nil
		}
	}
	if ka != kb {
		if ka == String {
			converted, err := cast(a, kb)
			if err != nil {
				return 0, err
			}
			return compare(converted, b)
		}
		if kb == String {
			converted, err := cast(b, ka)
			if err != nil {
				return 0, err
			}
			return compare(a, converted)
		}
		return 0, errorf("22023", "unsupported comparison operator: <%s> = <%s>", strings.ToLower(ka.Name), strings.ToLower(kb.Name))
	}
	switch x := a.(type) {
	case string:
		return strings.Compare(x, b.(string)), nil
	case []byte:
		return strings.Compare(string(x), string(b.([]byte))), nil
	case bool:
		y := b.(bool)
		switch {
		case x == y:
			return 0, nil
		case !x:
			return -1, nil
		}
		return 1, nil
	case time.Time:
		return x.Compare(b.(time.Time)), nil
	case time.Duration:
		return order(x, b.(time.Duration)), nil
	}
	return strings.Compare(Text(a), Text(b)), nil
}

func order[T int64 | float64 | time.Duration](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
