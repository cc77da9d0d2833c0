package kube

import (
	"context"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"lab/plugins/internal/wire"
)

// kindMissing is how the real provider says it: people look for these words.
const kindMissing = "the Kubernetes API server reported that the apiVersion for this resource does not exist. " +
	"Verify that any required CRDs have been created"

// Create makes an object and waits until it is ready. A preview asks the server for a dry run, where it can.
func (p *Provider) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	urn, preview := request.GetUrn(), request.GetPreview()
	if p.cluster == nil && !preview {
		return nil, p.unreachable()
	}
	news := read(request.GetProperties())
	_, patch, err := kindOf(urn, news.object.GetKind())
	if err != nil {
		return nil, err
	}
	asGiven := &pulumirpc.CreateResponse{Properties: request.GetProperties()}
	if preview && (patch || !p.previewable(news)) {
		return asGiven, nil
	}
	w := writing{urn: urn, object: news.object, manager: p.manager(news.object, ""), patch: patch, preview: preview}
	made, err := p.create(ctx, w)
	switch {
	case err == nil:
	case preview && (apierrors.IsForbidden(err) || apierrors.IsAlreadyExists(err) || namespaceMissing(err)):
		return asGiven, nil
	case meta.IsNoMatchError(err):
		return nil, fmt.Errorf("creation of resource %s failed because %s: %w", identifier(news.object), kindMissing, err)
	default:
		return nil, fmt.Errorf("creating %q: %w", urn, err)
	}
	if preview {
		delete(made.Object, "status")
		state, err := checkpoint{news.object, made, news.object.GetAPIVersion(), w.manager}.encode(news.properties)
		return &pulumirpc.CreateResponse{Properties: state}, err
	}

	live, waitErr := p.ready(ctx, urn, news.object, made, nil, request.GetTimeout())
	if waitErr != nil {
		live = lastSeen(waitErr, made)
	}
	state, err := checkpoint{news.object, live, news.object.GetAPIVersion(), w.manager}.encode(news.properties)
	if err != nil {
		return nil, err
	}
	if waitErr != nil {
		message := fmt.Sprintf("%q was created, but is not ready: %v", urn, waitErr)
		return nil, partial(identifier(live), message, waitErr, state, nil)
	}
	if live.GetKind() == "CustomResourceDefinition" {
		p.cluster.forget()
	}
	return &pulumirpc.CreateResponse{Id: identifier(live), Properties: state}, nil
}

// previewable tells whether the server can be asked what would become of an object.
func (p *Provider) previewable(news given) bool {
	return p.cluster != nil && p.settings.serverSideApply && !wire.HasUnknown(news.object.Object) &&
		p.cluster.serves(news.object.GroupVersionKind())
}

func namespaceMissing(err error) bool {
	status, is := err.(apierrors.APIStatus)
	return is && apierrors.IsNotFound(err) && status.Status().Details != nil && status.Status().Details.Kind == "namespaces"
}
