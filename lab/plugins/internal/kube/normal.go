package kube

import (
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"lab/plugins/internal/wire"
)

// readOnly are the metadata fields that the server alone writes.
var readOnly = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "uid",
}

// normalise gives equal meanings equal forms ("1000m" and "1"), so that they make no difference. Objects with values
// that are not known yet, and kinds that are not Kubernetes' own, stay as they are.
func normalise(object *unstructured.Unstructured) *unstructured.Unstructured {
	normal := &unstructured.Unstructured{Object: maps.Clone(object.Object)}
	if !wire.HasUnknown(object.Object) && scheme.Scheme.Recognizes(object.GroupVersionKind()) {
		if isSecret(object) {
			normal = normaliseSecret(normal)
		} else if typed, err := retype(object); err == nil {
			normal = prune(typed, object)
		}
	}
	if metadata, is := normal.Object["metadata"].(map[string]any); is {
		metadata = maps.Clone(metadata)
		for _, field := range readOnly {
			delete(metadata, field)
		}
		normal.Object["metadata"] = metadata
	}
	return normal
}

// retype takes an object through its Go type and back.
func retype(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	typed, err := scheme.Scheme.New(object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
		return nil, err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	return &unstructured.Unstructured{Object: fields}, err
}

// unknownFields says which fields of an object its kind does not have, or has with another type.
func unknownFields(object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	if !scheme.Scheme.Recognizes(kind) {
		return nil
	}
	typed, err := scheme.Scheme.New(kind)
	if err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed, true)
}

func isSecret(object *unstructured.Unstructured) bool {
	return object.GetKind() == "Secret" && object.GetAPIVersion() == "v1"
}

// normaliseSecret does to a Secret what the server does: stringData goes into data, base64 is written one way.
func normaliseSecret(object *unstructured.Unstructured) *unstructured.Unstructured {
	data := map[string]any{}
	given, _ := object.Object["data"].(map[string]any)
	for key, value := range given {
		data[key] = value
		if word, is := value.(string); is {
			if decoded, err := base64.StdEncoding.DecodeString(word); err == nil {
				data[key] = base64.StdEncoding.EncodeToString(decoded)
			}
		}
	}
	plain, _ := object.Object["stringData"].(map[string]any)
	for key, value := range plain {
		data[key] = base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(value)))
	}
	delete(object.Object, "stringData")
	if given != nil || plain != nil {
		object.Object["data"] = data
	}
	return object
}

// prune keeps of an object what another one has too: of the live object, what the program asked for.
func prune(object, like *unstructured.Unstructured) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: pruneMap(object.Object, like.Object)}
}

func pruneMap(source, like map[string]any) map[string]any {
	kept := map[string]any{}
	for key, value := range source {
		if model, wanted := like[key]; wanted {
			kept[key] = pruneValue(value, model)
		}
	}
	return kept
}

func pruneValue(value, like any) any {
	if reflect.TypeOf(value) != reflect.TypeOf(like) {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		return pruneMap(value, like.(map[string]any))
	case []any:
		return pruneList(value, like.([]any))
	default:
		return value
	}
}

func pruneList(source, like []any) []any {
	if len(source) > 0 && len(like) > 0 && reflect.TypeOf(source[0]) != reflect.TypeOf(like[0]) {
		return slices.Clone(source)
	}
	kept := make([]any, 0, len(like))
	for i := range min(len(source), len(like)) {
		kept = append(kept, pruneValue(source[i], like[i]))
	}
	return kept
}

// The SDKs have no dashes in property names: a CustomResourceDefinition's x-kubernetes-… travel with underscores.
func dashed(object wire.Object) wire.Object {
	return rename(object, "x_kubernetes_", func(key string) string { return strings.ReplaceAll(key, "_", "-") })
}

func underscored(object wire.Object) wire.Object {
	return rename(object, "x-kubernetes-", func(key string) string { return strings.ReplaceAll(key, "-", "_") })
}

func rename(object wire.Object, prefix string, change func(string) string) wire.Object {
	var walk func(any) any
	walk = func(value any) any {
		switch value := value.(type) {
		case map[string]any:
			renamed := make(map[string]any, len(value))
			for key, item := range value {
				if strings.HasPrefix(key, prefix) {
					key = change(key)
				}
				renamed[key] = walk(item)
			}
			return renamed
		case []any:
			renamed := make([]any, len(value))
			for i, item := range value {
				renamed[i] = walk(item)
			}
			return renamed
		default:
			return value
		}
	}
	return walk(object).(wire.Object)
}
