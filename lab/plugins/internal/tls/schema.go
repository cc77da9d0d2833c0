package tls

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"lab/plugins/internal/wire"
)

// kind is the type of an input.
type kind string

const (
	text    kind = "string"
	number  kind = "number"
	boolean kind = "boolean"
	list    kind = "list of strings"
	object  kind = "object"
)

// field is one input of a resource type.
type field struct {
	kind     kind
	required bool
	// preset is the value of an input that is not given; nil leaves it out.
	preset any
	// replaces tells that a change makes a new resource.
	replaces bool
	oneOf    []string
	least    int64
	// each checks the items of a list.
	each func(string) error
}

// problem is a refused input.
type problem struct{ property, reason string }

// check lists what is wrong with the inputs of a resource type; values that are not known yet are not judged.
func (r resourceType) check(inputs wire.Object) []problem {
	var problems []problem
	for name, input := range r.inputs {
		value := wire.Reveal(inputs[name])
		if value == nil {
			if input.required {
				problems = append(problems, problem{name, name + " is required"})
			}
			continue
		}
		if reason := input.refuse(name, value); reason != "" {
			problems = append(problems, problem{name, reason})
		}
	}
	for name := range inputs {
		if _, known := r.inputs[name]; !known && !strings.HasPrefix(name, "__") {
			problems = append(problems, problem{name, name + " is not an input of this resource"})
		}
	}
	for _, rule := range r.rules {
		if found := rule(inputs); found != nil {
			problems = append(problems, *found)
		}
	}
	slices.SortFunc(problems, func(a, b problem) int { return strings.Compare(a.property+a.reason, b.property+b.reason) })
	return problems
}

func (f field) refuse(name string, value any) string {
	if _, unknown := value.(wire.Unknown); unknown {
		return ""
	}
	switch value := value.(type) {
	case string:
		if f.kind == text {
			if f.oneOf != nil && !slices.Contains(f.oneOf, value) {
				return fmt.Sprintf("%s is one of %q, not %q", name, f.oneOf, value)
			}
			return ""
		}
	case int64:
		if f.kind == number {
			if value < f.least {
				return fmt.Sprintf("%s is at least %d, not %d", name, f.least, value)
			}
			return ""
		}
	case bool:
		if f.kind == boolean {
			return ""
		}
	case map[string]any:
		if f.kind == object {
			return ""
		}
	case []any:
		if f.kind == list {
			return f.refuseItems(name, value)
		}
	}
	return fmt.Sprintf("%s is not a %s", name, f.kind)
}

func (f field) refuseItems(name string, items []any) string {
	for i, item := range items {
		if _, unknown := item.(wire.Unknown); unknown {
			continue
		}
		word, is := item.(string)
		if !is {
			return fmt.Sprintf("%s[%d] is not a string", name, i)
		}
		if f.oneOf != nil && !slices.Contains(f.oneOf, word) {
			return fmt.Sprintf("%s[%d] is one of %q, not %q", name, i, f.oneOf, word)
		}
		if f.each != nil {
			if err := f.each(word); err != nil {
				return fmt.Sprintf("%s[%d]: %v", name, i, err)
			}
		}
	}
	return ""
}

func notEmpty(word string) error {
	if word == "" {
		return fmt.Errorf("empty")
	}
	return nil
}

func parseIPs(words []string) ([]net.IP, error) {
	var ips []net.IP
	for _, word := range words {
		ip := net.ParseIP(word)
		if ip == nil {
			return nil, fmt.Errorf("%q is not an IP address", word)
		}
		ips = append(ips, ip)
	}
	return ips, nil
}

func parseURIs(words []string) ([]*url.URL, error) {
	var uris []*url.URL
	for _, word := range words {
		uri, err := url.Parse(word)
		if err != nil {
			return nil, fmt.Errorf("%q is not a URI: %w", word, err)
		}
		uris = append(uris, uri)
	}
	return uris, nil
}

// withPresets adds the values of inputs that are not given.
func (r resourceType) withPresets(inputs wire.Object) wire.Object {
	full := wire.Object{}
	for name, value := range inputs {
		if !strings.HasPrefix(name, "__") {
			full[name] = value
		}
	}
	for name, input := range r.inputs {
		if full[name] == nil && input.preset != nil {
			full[name] = input.preset
		}
	}
	return full
}
