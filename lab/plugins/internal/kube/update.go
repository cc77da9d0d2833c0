package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/await"
	"lab/plugins/internal/wire"
)

// Update changes an object in place and waits until it is ready again. A preview asks the server for a dry run.
func (p *Provider) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	urn, preview := request.GetUrn(), request.GetPreview()
	if p.cluster == nil && !preview {
		return nil, p.unreachable()
	}
	old, news := readCheckpoint(request.GetOlds()), read(request.GetNews())
	_, patch, err := kindOf(urn, news.object.GetKind())
	if err != nil {
		return nil, err
	}
	news.object = normalise(news.object)
	if preview && (p.cluster == nil || wire.HasUnknown(news.object.Object) || !p.cluster.serves(news.object.GroupVersionKind())) {
		return &pulumirpc.UpdateResponse{Properties: request.GetNews()}, nil
	}
	inputs := &unstructured.Unstructured{Object: maps.Clone(news.object.Object)}
	w := writing{
		urn: urn, object: news.object.DeepCopy(), manager: p.manager(news.object, old.manager),
		patch: patch, preview: preview, ignored: request.GetIgnoreChanges(),
	}
	live, updateErr := p.change(ctx, w, old, request.GetTimeout())
	if updateErr != nil {
		switch {
		case preview && apierrors.IsForbidden(updateErr):
			return &pulumirpc.UpdateResponse{Properties: request.GetNews()}, nil
		case meta.IsNoMatchError(updateErr):
			return nil, fmt.Errorf("update of resource %q failed because %s: %w", urn, kindMissing, updateErr)
		}
		found, err := p.readLive(context.WithoutCancel(ctx), old.live)
		if err != nil {
			return nil, errors.Join(
				fmt.Errorf("updating %q: %w", urn, updateErr), fmt.Errorf("reading it after that: %w", err))
		}
		live = found
	}
	state, err := checkpoint{inputs, live, firstOf(old.apiVersion, inputs.GetAPIVersion()), w.manager}.encode(news.properties)
	if err != nil {
		return nil, err
	}
	if updateErr != nil {
		message := fmt.Sprintf("%q was not updated, or is not ready: %v", identifier(live), updateErr)
		return nil, partial(identifier(live), message, updateErr, state, nil)
	}
	if !preview && p.settings.serverSideApply && old.manager != "" && old.manager != w.manager {
		client, err := p.cluster.client(live)
		if err != nil {
			return nil, err
		}
		if err := relinquish(ctx, client, live, old.manager); err != nil {
			return nil, err
		}
	}
	return &pulumirpc.UpdateResponse{Properties: state}, nil
}

// change sends an update and waits for it.
func (p *Provider) change(ctx context.Context, w writing, old checkpoint, timeout float64) (*unstructured.Unstructured, error) {
	before, err := p.readLive(ctx, old.live)
	if err != nil {
		return nil, err
	}
	changed, err := p.update(ctx, w, before, prune(old.live, normalise(old.inputs)))
	if err != nil || w.preview {
		return changed, err
	}
	return p.ready(ctx, w.urn, w.object, changed, before, timeout)
}

func (p *Provider) readLive(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := p.cluster.client(object)
	if err != nil {
		return nil, err
	}
	return client.Get(ctx, object.GetName(), metav1.GetOptions{})
}

func firstOf(words ...string) string {
	for _, word := range words {
		if word != "" {
			return word
		}
	}
	return ""
}

// lastSeen is the object as the wait last saw it.
func lastSeen(err error, otherwise *unstructured.Unstructured) *unstructured.Unstructured {
	var incomplete *await.IncompleteError
	if errors.As(err, &incomplete) && incomplete.Object != nil {
		return incomplete.Object
	}
	return otherwise
}
