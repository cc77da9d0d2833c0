// Package await decides when an object is ready, as pulumi-kubernetes does: pure judgements of what is seen, and one
// loop that watches. Every wait has a deadline.
package await

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Timeout is how long an object may take where nobody says otherwise.
const Timeout = 10 * time.Minute

// View is what is known of an object and of those around it.
type View struct {
	// Object is the live object; nil once it is deleted.
	Object *unstructured.Unstructured
	// Before is the object before the update; nil at its creation.
	Before *unstructured.Unstructured
	// Around are the objects of the kinds that the judgement asks for, by kind and name.
	Around map[schema.GroupVersionResource]map[string]*unstructured.Unstructured
	// Settled tells that nothing around has changed for a while (Rule.Settle).
	Settled bool
}

// Verdict is what a rule makes of a view.
type Verdict struct {
	Ready bool
	// Enough tells that the object will do once the time is up.
	Enough bool
	// Failed tells that waiting on is in vain.
	Failed bool
	// Status is one line on what is waited for.
	Status string
	// Problems say what keeps the object from being ready.
	Problems []string
}

// Rule is how the readiness of a kind is judged.
type Rule struct {
	// Around are the kinds to watch beside the object, in its namespace; ClusterWide ones outside namespaces.
	Around      []schema.GroupVersionResource
	ClusterWide []schema.GroupVersionResource
	// Settle is how long the objects around that have the object's name must stay unchanged.
	Settle time.Duration
	// Timeout overrides the default one.
	Timeout time.Duration
	// Judge is pure.
	Judge func(View) Verdict
	// OnRead tells that a refresh judges too.
	OnRead bool
}

// IncompleteError tells that an object exists, but is not ready.
type IncompleteError struct {
	Reason   string
	Object   *unstructured.Unstructured
	Problems []string
}

func (e *IncompleteError) Error() string { return e.Reason }

// Request is one wait.
type Request struct {
	Client   dynamic.Interface
	Resource schema.GroupVersionResource
	Object   *unstructured.Unstructured
	Before   *unstructured.Unstructured
	Timeout  time.Duration
	// Report shows the status to the user.
	Report func(string)
}

var errTimeout = errors.New("time is up")

// Ready waits until a rule calls an object ready and returns the live object. It fails with an IncompleteError when the
// time is up, the context ends, or the rule sees that waiting is in vain.
func Ready(ctx context.Context, request Request, rule Rule) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, request.Timeout, errTimeout)
	defer cancel()
	view := View{Object: request.Object, Before: request.Before, Around: map[schema.GroupVersionResource]map[string]*unstructured.Unstructured{}}
	last, shown := request.Object, ""
	events := watchAll(ctx, request, rule)
	settle := time.NewTimer(rule.Settle)
	settle.Stop()
	defer settle.Stop()
	for {
		verdict := rule.Judge(view)
		if verdict.Ready {
			return last, nil
		}
		if verdict.Failed {
			reason := fmt.Sprintf("%s is not ready", last.GetName())
			return nil, &IncompleteError{reason, last, verdict.Problems}
		}
		if verdict.Status != "" && verdict.Status != shown {
			shown = verdict.Status
			request.Report(shown)
		}
		select {
		case <-ctx.Done():
			if verdict.Enough {
				return last, nil
			}
			reason := fmt.Sprintf("cancelled while waiting for %q", last.GetName())
			if errors.Is(context.Cause(ctx), errTimeout) {
				reason = fmt.Sprintf("timed out waiting for %q to be ready", last.GetName())
			}
			return nil, &IncompleteError{reason, last, verdict.Problems}
		case <-settle.C:
			view.Settled = true
		case change := <-events:
			if change.resource == request.Resource && change.name == request.Object.GetName() {
				// What was seen before this change was asked for says nothing about it.
				if change.object == nil || change.object.GetGeneration() >= request.Object.GetGeneration() {
					view.Object = change.object
					if change.object != nil {
						last = change.object
					}
				}
			}
			change.apply(view.Around)
			if rule.Settle > 0 && slices.Contains(rule.Around, change.resource) && change.name == request.Object.GetName() {
				view.Settled = false
				settle.Reset(rule.Settle)
			}
		}
	}
}

// Check judges an object once, as it is.
func Check(ctx context.Context, request Request, rule Rule) error {
	view := View{Object: request.Object, Before: request.Object, Settled: true}
	view.Around = map[schema.GroupVersionResource]map[string]*unstructured.Unstructured{}
	for resource, namespace := range rule.sources(request.Object.GetNamespace()) {
		listed, err := listOnce(ctx, request.Client, resource, namespace)
		if err != nil {
			continue // an object is not less ready for what cannot be listed beside it
		}
		for i := range listed.Items {
			event{resource, listed.Items[i].GetName(), &listed.Items[i]}.apply(view.Around)
		}
	}
	if verdict := rule.Judge(view); !verdict.Ready {
		reason := fmt.Sprintf("%s is not ready", request.Object.GetName())
		return &IncompleteError{reason, request.Object, verdict.Problems}
	}
	return nil
}

// sources are the kinds around an object and the namespaces to look in.
func (r Rule) sources(namespace string) map[schema.GroupVersionResource]string {
	sources := map[schema.GroupVersionResource]string{}
	for _, resource := range r.Around {
		sources[resource] = namespace
	}
	for _, resource := range r.ClusterWide {
		sources[resource] = ""
	}
	return sources
}
