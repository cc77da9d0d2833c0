package await

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// event is a change of one object; a nil object is a deleted one.
type event struct {
	resource schema.GroupVersionResource
	name     string
	object   *unstructured.Unstructured
}

func (e event) apply(known map[schema.GroupVersionResource]map[string]*unstructured.Unstructured) {
	if known[e.resource] == nil {
		known[e.resource] = map[string]*unstructured.Unstructured{}
	}
	if e.object == nil {
		delete(known[e.resource], e.name)
		return
	}
	known[e.resource][e.name] = e.object
}

// watchAll follows the object and the kinds around it until ctx ends.
func watchAll(ctx context.Context, request Request, rule Rule) <-chan event {
	events := make(chan event, 64)
	name := fields.OneTermEqualSelector("metadata.name", request.Object.GetName()).String()
	go follow(ctx, request.Client, request.Resource, request.Object.GetNamespace(), name, events)
	for resource, namespace := range rule.sources(request.Object.GetNamespace()) {
		go follow(ctx, request.Client, resource, namespace, "", events)
	}
	return events
}

func access(client dynamic.Interface, resource schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return client.Resource(resource)
	}
	return client.Resource(resource).Namespace(namespace)
}

func listOnce(
	ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource, namespace string,
) (*unstructured.UnstructuredList, error) {
	return access(client, resource, namespace).List(ctx, metav1.ListOptions{})
}

// follow lists, then watches, and goes on so over broken connections until ctx ends.
func follow(
	ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource, namespace, selector string, events chan<- event,
) {
	source := access(client, resource, namespace)
	send := func(object *unstructured.Unstructured, deleted bool) {
		change := event{resource, object.GetName(), object}
		if deleted {
			change.object = nil
		}
		select {
		case events <- change:
		case <-ctx.Done():
		}
	}
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				options.FieldSelector = selector
				return source.List(ctx, options)
			},
			WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
				options.FieldSelector = selector
				return source.Watch(ctx, options)
			},
		},
		ObjectType: &unstructured.Unstructured{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { send(object.(*unstructured.Unstructured), false) },
			UpdateFunc: func(_, object any) { send(object.(*unstructured.Unstructured), false) },
			DeleteFunc: func(object any) {
				if last, is := object.(cache.DeletedFinalStateUnknown); is {
					object = last.Obj
				}
				if gone, is := object.(*unstructured.Unstructured); is {
					send(gone, true)
				}
			},
		},
	})
	controller.RunWithContext(ctx)
}

// retryDelay keeps a watch that breaks at once from becoming a busy loop.
const retryDelay = time.Second

// Gone waits until an object no longer exists, or another one has its name.
func Gone(ctx context.Context, client dynamic.ResourceInterface, object *unstructured.Unstructured, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	for {
		live, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil && object.GetUID() != "" && live.GetUID() != object.GetUID():
			return nil
		case err == nil:
			object = live
			if deleted(ctx, client, live) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			reason := fmt.Sprintf("cancelled while waiting for the end of %q", object.GetName())
			if context.Cause(ctx) == errTimeout {
				reason = fmt.Sprintf("timed out waiting for %q to be deleted", object.GetName())
			}
			problems := []string{}
			if finalizers := object.GetFinalizers(); len(finalizers) > 0 {
				problems = append(problems, fmt.Sprintf("finalizers hold it back: %v", finalizers))
			}
			return &IncompleteError{reason, object, problems}
		case <-time.After(retryDelay):
		}
	}
}

// deleted follows one object until it is deleted; false when the watch ends before.
func deleted(ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured) bool {
	watcher, err := client.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", live.GetName()).String(),
		ResourceVersion: live.GetResourceVersion(),
	})
	if err != nil {
		return false
	}
	defer watcher.Stop()
	for change := range watcher.ResultChan() {
		if change.Type == watch.Deleted {
			return true
		}
	}
	return false
}
