package wire

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Reveal is value with every Secret replaced by what it hides, at any depth.
func Reveal(value any) any {
	switch value := value.(type) {
	case Secret:
		return Reveal(value.Value)
	case map[string]any:
		plain := make(map[string]any, len(value))
		for key, item := range value {
			plain[key] = Reveal(item)
		}
		return plain
	case []any:
		plain := make([]any, len(value))
		for i, item := range value {
			plain[i] = Reveal(item)
		}
		return plain
	default:
		return value
	}
}

// RevealObject is Reveal for a property map.
func RevealObject(object Object) Object { return Reveal(object).(Object) }

// HasUnknown tells whether value is or holds an Unknown.
func HasUnknown(value any) bool { return contains(value, isUnknown) }

// HasSecret tells whether value is or holds a Secret.
func HasSecret(value any) bool {
	return contains(value, func(value any) bool { _, is := value.(Secret); return is })
}

func isUnknown(value any) bool { _, is := value.(Unknown); return is }

func contains(value any, wanted func(any) bool) bool {
	if wanted(value) {
		return true
	}
	switch value := value.(type) {
	case Secret:
		return contains(value.Value, wanted)
	case map[string]any:
		for _, item := range value {
			if contains(item, wanted) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(item any) bool { return contains(item, wanted) })
	}
	return false
}

// Equal compares two values, whatever is secret in either.
func Equal(a, b any) bool { return reflect.DeepEqual(Reveal(a), Reveal(b)) }

// CopySecrets marks the parts of value that are secret in like: where like has a Secret, so does the result.
func CopySecrets(value, like any) any {
	switch like := like.(type) {
	case Secret:
		if _, already := value.(Secret); already {
			return value
		}
		return Secret{value}
	case map[string]any:
		object, is := value.(map[string]any)
		if !is {
			return value
		}
		marked := maps.Clone(object)
		for key, item := range object {
			if model, present := like[key]; present {
				marked[key] = CopySecrets(item, model)
			}
		}
		return marked
	case []any:
		list, is := value.([]any)
		if !is {
			return value
		}
		marked := slices.Clone(list)
		for i := range list {
			if i < len(like) {
				marked[i] = CopySecrets(list[i], like[i])
			}
		}
		return marked
	default:
		return value
	}
}

// URNType is the type token in a resource's URN, without the types of its parents.
func URNType(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	types := strings.Split(parts[2], "$")
	return types[len(types)-1]
}
