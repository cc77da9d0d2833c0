package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// leaveIgnored makes an apply leave ignored fields as they are: one that only others own is not sent; one of our own is
// sent with its live value, else the apply would take it away.
func leaveIgnored(object, live *unstructured.Unstructured, manager string, ignored []string) error {
	if len(ignored) == 0 {
		return nil
	}
	ours, theirs := fieldpath.NewSet(), fieldpath.NewSet()
	for _, entry := range live.GetManagedFields() {
		if entry.FieldsV1 == nil {
			continue
		}
		set := fieldpath.NewSet()
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return fmt.Errorf("managed fields of %q: %w", live.GetName(), err)
		}
		if entry.Manager == manager {
			ours = ours.Union(set)
		} else {
			theirs = theirs.Union(set)
		}
	}
	for _, path := range ignored {
		steps := strings.Split(path, ".")
		elements := make([]any, len(steps))
		for i, name := range steps {
			elements[i] = name
		}
		wanted, err := fieldpath.MakePath(elements...)
		if err != nil {
			return fmt.Errorf("ignored path %q: %w", path, err)
		}
		if covers(theirs, wanted) && !covers(ours, wanted) {
			unstructured.RemoveNestedField(object.Object, steps...)
			continue
		}
		value, found, err := unstructured.NestedFieldCopy(live.Object, steps...)
		if err != nil {
			return fmt.Errorf("ignored path %q in the live object: %w", path, err)
		}
		if found {
			if err := unstructured.SetNestedField(object.Object, value, steps...); err != nil {
				return fmt.Errorf("keeping the live value at %q: %w", path, err)
			}
		}
	}
	return nil
}

// covers tells whether a set has a path or something under it.
func covers(set *fieldpath.Set, path fieldpath.Path) bool {
	for _, element := range path[:len(path)-1] {
		child, found := set.Children.Get(element)
		if !found {
			return false
		}
		set = child
	}
	last := path[len(path)-1]
	_, under := set.Children.Get(last)
	return under || set.Members.Has(last)
}

// mergeUpdate is the older way to update, by a patch computed here from the old inputs, the new ones and the live object.
func mergeUpdate(
	ctx context.Context, client dynamic.ResourceInterface, w writing, live, oldInputs *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	var texts [3][]byte
	for i, object := range []*unstructured.Unstructured{oldInputs, w.object, live} {
		text, err := json.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	kind, patch := types.MergePatchType, []byte(nil)
	typed, err := scheme.Scheme.New(w.object.GroupVersionKind())
	if err == nil {
		var fields strategicpatch.PatchMetaFromStruct
		if fields, err = strategicpatch.NewPatchMetaFromStruct(typed); err != nil {
			return nil, err
		}
		kind = types.StrategicMergePatchType
		patch, err = strategicpatch.CreateThreeWayMergePatch(texts[0], texts[1], texts[2], fields, true)
	} else {
		patch, err = jsonmergepatch.CreateThreeWayJSONMergePatch(texts[0], texts[1], texts[2])
	}
	if err != nil {
		return nil, err
	}
	return client.Patch(ctx, live.GetName(), kind, patch, metav1.PatchOptions{
		FieldManager: w.manager, DryRun: w.dryRun(), FieldValidation: metav1.FieldValidationStrict,
	})
}
