package await

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
)

// Custom is the rule that a `pulumi.com/waitFor` annotation spells: one expression, or a JSON list of them, all of which
// must hold. An expression is `condition=Type[=Status]` or `jsonpath={.path}[=value]`.
func Custom(text string) (Rule, error) {
	var expressions []string
	if json.Unmarshal([]byte(text), &expressions) != nil {
		expressions = []string{text}
	}
	if len(expressions) == 0 {
		return Rule{}, errors.New("no condition is given")
	}
	type check struct {
		text  string
		holds func(*unstructured.Unstructured) bool
	}
	var checks []check
	for _, expression := range expressions {
		holds, err := parse(expression)
		if err != nil {
			return Rule{}, err
		}
		checks = append(checks, check{expression, holds})
	}
	return Rule{Judge: func(view View) Verdict {
		verdict := Verdict{Ready: true}
		for _, each := range checks {
			if view.Object == nil || !each.holds(view.Object) {
				verdict.Ready = false
				verdict.Status = "Waiting for " + each.text
				verdict.Problems = append(verdict.Problems, each.text+" does not hold")
			}
		}
		return verdict
	}}, nil
}

func parse(expression string) (func(*unstructured.Unstructured) bool, error) {
	if rest, is := strings.CutPrefix(expression, "condition="); is {
		kind, status, given := strings.Cut(rest, "=")
		if !given {
			status = "True"
		}
		return func(object *unstructured.Unstructured) bool { return hasCondition(object, kind, status) }, nil
	}
	rest, is := strings.CutPrefix(expression, "jsonpath=")
	if !is {
		return nil, fmt.Errorf(`%q begins neither with "jsonpath=" nor with "condition="`, expression)
	}
	end := strings.LastIndex(rest, "}")
	if !strings.HasPrefix(rest, "{") || end < 0 {
		return nil, fmt.Errorf("%s: a path goes in braces", rest)
	}
	path, wanted := rest[:end+1], strings.TrimPrefix(rest[end+1:], "=")
	if rest[end+1:] != "" && wanted == "" {
		return nil, fmt.Errorf("%s= lacks a value", path)
	}
	parser := jsonpath.New("waitFor")
	if err := parser.Parse(path); err != nil {
		return nil, fmt.Errorf("parsing %q: %w", path, err)
	}
	return func(object *unstructured.Unstructured) bool {
		found, err := parser.FindResults(object.Object)
		if err != nil || len(found) == 0 || len(found[0]) == 0 {
			return false
		}
		return wanted == "" || fmt.Sprint(found[0][0].Interface()) == wanted
	}, nil
}

// hasCondition tells whether an object's status has a condition that is not about an older generation of it.
func hasCondition(object *unstructured.Unstructured, kind, status string) bool {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range conditions {
		condition, is := each.(map[string]any)
		if !is || !strings.EqualFold(fmt.Sprint(condition["type"]), kind) {
			continue
		}
		if seen, is := condition["observedGeneration"].(int64); is && seen < object.GetGeneration() {
			return false
		}
		return strings.EqualFold(fmt.Sprint(condition["status"]), status)
	}
	return false
}
