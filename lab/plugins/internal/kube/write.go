package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"
)

// writing is one object on its way to the server.
type writing struct {
	urn     string
	object  *unstructured.Unstructured
	manager string
	patch   bool // a Patch resource: owns some fields of an object that is not its own
	preview bool
	ignored []string
}

func (w writing) dryRun() []string {
	if w.preview {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// createRetries is how often a create is tried again while its namespace or its kind is not there yet, each time after
// twice the wait, from one second.
const createRetries = 5

// create makes an object, or takes it over where that is asked for.
func (p *Provider) create(ctx context.Context, w writing) (*unstructured.Unstructured, error) {
	for wait := 0; ; wait++ {
		made, err := p.createOnce(ctx, w)
		missing := err != nil && (apierrors.IsNotFound(err) || meta.IsNoMatchError(err))
		if !missing || w.preview || wait == createRetries {
			return made, err
		}
		p.status(ctx, w.urn, fmt.Sprintf("not yet (%d): %v", wait, err))
		if meta.IsNoMatchError(err) {
			p.cluster.forget()
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second << wait):
		}
	}
}

func (p *Provider) createOnce(ctx context.Context, w writing) (*unstructured.Unstructured, error) {
	client, err := p.cluster.client(w.object)
	if err != nil {
		return nil, err
	}
	if p.settings.serverSideApply && (p.settings.upsertExistingObjects || w.patch) {
		return p.apply(ctx, client, w, nil)
	}
	made, err := client.Create(ctx, w.object, metav1.CreateOptions{
		FieldManager: managerOfCreate, DryRun: w.dryRun(), FieldValidation: metav1.FieldValidationStrict,
	})
	if apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("%w: import it, use a Patch, give a renamed resource an alias, or set upsertExistingObjects", err)
	}
	return made, err
}

// apply sends an object by server-side apply. A field that someone else owns is a conflict, unless it is to be forced.
func (p *Provider) apply(
	ctx context.Context, client dynamic.ResourceInterface, w writing, live *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(w.object.Object)
	if err != nil {
		return nil, err
	}
	force := p.forced(w, live)
	applied, err := client.Patch(ctx, w.object.GetName(), types.ApplyPatchType, text, metav1.PatchOptions{
		FieldManager: w.manager, Force: &force, DryRun: w.dryRun(), FieldValidation: metav1.FieldValidationStrict,
	})
	if apierrors.IsConflict(err) {
		return nil, fmt.Errorf("field manager %q met a conflict; pulumi.com/patchForce takes the fields over: %w", w.manager, err)
	}
	return applied, err
}

func (p *Provider) forced(w writing, live *unstructured.Unstructured) bool {
	switch {
	case marked(w.object, annotationPatchForce), p.settings.patchForce:
		return true
	case live == nil:
		return w.preview
	case len(live.GetManagedFields()) == 0:
		return true
	case !w.preview:
		return false
	}
	// What a create wrote is taken over before a real update: no conflict to foresee.
	for _, entry := range live.GetManagedFields() {
		if entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Manager == managerOfCreate {
			return true
		}
	}
	return false
}

// update changes a live object into what is asked for.
func (p *Provider) update(ctx context.Context, w writing, live, oldInputs *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := p.cluster.client(w.object)
	if err != nil {
		return nil, err
	}
	switch {
	case w.object.GetKind() == "CustomResourceDefinition" && !w.patch:
		w.object.SetResourceVersion(live.GetResourceVersion())
		return client.Update(ctx, w.object, metav1.UpdateOptions{
			FieldManager: w.manager, DryRun: w.dryRun(), FieldValidation: metav1.FieldValidationStrict,
		})
	case !p.settings.serverSideApply:
		return mergeUpdate(ctx, client, w, live, oldInputs)
	}
	if !w.patch && !w.preview {
		if live, err = takeOver(ctx, client, live, w.manager); err != nil {
			return nil, err
		}
	}
	if err := leaveIgnored(w.object, live, w.manager, w.ignored); err != nil {
		return nil, err
	}
	return p.apply(ctx, client, w, live)
}

// foreign are how the names of managers begin whose plain writes an update takes over: its own create's and kubectl's
// (kubectl-edit, kubectl-patch, …).
var foreign = []string{managerOfCreate, "pulumi-resource-kubernetes", "kubectl", "before-first-apply"}

// takeOver makes the applying manager the owner of what plain writes of this provider, and any of kubectl, own.
func takeOver(
	ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured, manager string,
) (*unstructured.Unstructured, error) {
	if len(live.GetManagedFields()) == 0 {
		return live, nil
	}
	found, taken, entries := live.DeepCopy(), sets.New[string](), live.GetManagedFields()
	for i, entry := range entries {
		begins := func(prefix string) bool { return strings.HasPrefix(entry.Manager, prefix) }
		applied := entry.Operation == metav1.ManagedFieldsOperationApply
		if entry.Subresource != "" || entry.Manager == manager || !slices.ContainsFunc(foreign, begins) || applied && !begins("kubectl") {
			continue
		}
		entries[i].Operation = metav1.ManagedFieldsOperationUpdate // the only kind that the upgrade looks at
		taken.Insert(entry.Manager)
	}
	found.SetManagedFields(entries)
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(found, taken, manager)
	if err != nil || len(patch) == 0 {
		return live, err
	}
	return client.Patch(ctx, live.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: manager})
}

// relinquish gives up a manager's fields: those that nobody else owns go back to their defaults or away.
func relinquish(ctx context.Context, client dynamic.ResourceInterface, object *unstructured.Unstructured, manager string) error {
	bare := &unstructured.Unstructured{}
	bare.SetGroupVersionKind(object.GroupVersionKind())
	bare.SetNamespace(object.GetNamespace())
	bare.SetName(object.GetName())
	text, err := json.Marshal(bare.Object)
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, object.GetName(), types.ApplyPatchType, text, metav1.PatchOptions{FieldManager: manager})
	return err
}
