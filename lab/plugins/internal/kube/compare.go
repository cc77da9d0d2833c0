package kube

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"lab/plugins/internal/wire"
)

// differences collects how new inputs differ from what is, path by path.
type differences struct {
	fixed []string
	found map[string]*pulumirpc.PropertyDiff
}

// missing is the value of a key that is not there.
type missing struct{}

func at(object map[string]any, key string) any {
	if value, present := object[key]; present && value != nil {
		return value
	}
	return missing{}
}

func (d *differences) maps(path []any, was, is map[string]any) {
	for key := range was {
		if _, kept := is[key]; !kept {
			d.values(step(path, key), at(was, key), missing{})
		}
	}
	for key := range is {
		d.values(step(path, key), at(was, key), at(is, key))
	}
}

func (d *differences) lists(path []any, was, is []any) {
	for i := range max(len(was), len(is)) {
		var before, after any = missing{}, missing{}
		if i < len(was) {
			before = was[i]
		}
		if i < len(is) {
			after = is[i]
		}
		d.values(step(path, i), before, after)
	}
}

func step(path []any, next any) []any { return append(slices.Clone(path), next) }

func (d *differences) values(path []any, was, is any) {
	_, none := was.(missing)
	_, gone := is.(missing)
	_, unknown := is.(wire.Unknown)
	switch {
	case none && gone:
	case gone:
		d.add(path, pulumirpc.PropertyDiff_DELETE, nil)
	case none:
		d.add(path, pulumirpc.PropertyDiff_ADD, is)
	case unknown:
		d.add(path, pulumirpc.PropertyDiff_UPDATE, nil)
	default:
		wasMap, wasIsMap := was.(map[string]any)
		isMap, isIsMap := is.(map[string]any)
		wasList, wasIsList := was.([]any)
		isList, isIsList := is.([]any)
		switch {
		case wasIsMap && isIsMap:
			d.maps(path, wasMap, isMap)
		case wasIsList && isIsList:
			d.lists(path, wasList, isList)
		case !reflect.DeepEqual(number(was), number(is)):
			d.add(path, pulumirpc.PropertyDiff_UPDATE, is)
		}
	}
}

// number makes integers and floats comparable.
func number(value any) any {
	if n, is := value.(int64); is {
		return float64(n)
	}
	return value
}

func (d *differences) add(path []any, kind pulumirpc.PropertyDiff_Kind, value any) {
	if touches(d.fixed, path, value) {
		switch kind {
		case pulumirpc.PropertyDiff_ADD:
			kind = pulumirpc.PropertyDiff_ADD_REPLACE
		case pulumirpc.PropertyDiff_DELETE:
			kind = pulumirpc.PropertyDiff_DELETE_REPLACE
		default:
			kind = pulumirpc.PropertyDiff_UPDATE_REPLACE
		}
	}
	deletes := kind == pulumirpc.PropertyDiff_DELETE || kind == pulumirpc.PropertyDiff_DELETE_REPLACE
	d.found[spell(path)] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: deletes}
}

// spell writes a path as the engine does: a.b[0]["c.d"].
func spell(path []any) string {
	var text strings.Builder
	for _, each := range path {
		switch each := each.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", each)
		case string:
			switch {
			case strings.ContainsAny(each, `."[]`):
				fmt.Fprintf(&text, `["%s"]`, strings.ReplaceAll(each, `"`, `\"`))
			case text.Len() > 0:
				text.WriteString("." + each)
			default:
				text.WriteString(each)
			}
		}
	}
	return text.String()
}

// drop forgets the differences at or under paths that are to be ignored.
func (d *differences) drop(ignored []string) {
	for path := range d.found {
		if slices.ContainsFunc(ignored, func(prefix string) bool {
			rest, is := strings.CutPrefix(path, prefix)
			return is && (rest == "" || rest[0] == '.' || rest[0] == '[')
		}) {
			delete(d.found, path)
		}
	}
}
