package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/await"
	"lab/plugins/internal/wire"
)

// Delete deletes an object, its dependents first, and waits until it is gone; a Patch only gives up its fields.
func (p *Provider) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	urn := request.GetUrn()
	if p.cluster == nil {
		p.warn(ctx, urn, "%v", p.unreachable())
		if p.settings.deleteUnreachable {
			p.warn(ctx, urn, "deleteUnreachable is set: forgotten, not deleted")
			return &emptypb.Empty{}, nil
		}
		return nil, errUnreachable
	}
	properties := wire.Decode(request.GetProperties())
	old := readCheckpoint(request.GetProperties())
	_, patch, err := kindOf(urn, old.live.GetKind())
	if err != nil {
		return nil, err
	}
	if patch {
		err = p.giveUp(ctx, old)
	} else {
		err = p.remove(ctx, old, request)
	}
	var incomplete *await.IncompleteError
	switch {
	case err == nil, meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		if err == nil && old.live.GetKind() == "CustomResourceDefinition" {
			p.cluster.forget()
		}
		return &emptypb.Empty{}, nil
	case errors.As(err, &incomplete):
		for _, problem := range incomplete.Problems {
			p.warn(context.WithoutCancel(ctx), urn, "%s", problem)
		}
		state, encodeErr := checkpoint{old.inputs, incomplete.Object, old.apiVersion, old.manager}.encode(properties)
		if encodeErr != nil {
			return nil, encodeErr
		}
		return nil, partial(request.GetId(), err.Error(), err, state, nil)
	default:
		return nil, err
	}
}

// giveUp ends a Patch: its fields are no longer this manager's.
func (p *Provider) giveUp(ctx context.Context, old checkpoint) error {
	client, err := p.cluster.client(old.live)
	if err != nil {
		return err
	}
	if _, err := client.Get(ctx, old.live.GetName(), metav1.GetOptions{}); err != nil {
		return err // an apply would make the object anew
	}
	err = relinquish(ctx, client, old.live, old.manager)
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "Required value") {
		return fmt.Errorf("this Patch alone owns a field that the object needs: give the field to another manager first, or set "+
			"retainOnDelete: %w", err)
	}
	return err
}

func (p *Provider) remove(ctx context.Context, old checkpoint, request *pulumirpc.DeleteRequest) error {
	client, err := p.cluster.client(old.live)
	if err != nil {
		return err
	}
	policy := metav1.DeletePropagationForeground
	switch strings.ToLower(annotation(old.inputs, annotationDeletion)) {
	case "orphan":
		policy = metav1.DeletePropagationOrphan
	case "background":
		policy = metav1.DeletePropagationBackground
	}
	_, name := parseIdentifier(request.GetId())
	if err := client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		return err
	}
	if marked(old.inputs, annotationSkipAwait) && skipsDelete(old.live) {
		return nil
	}
	defer p.status(context.WithoutCancel(ctx), request.GetUrn(), "")
	return await.Gone(ctx, client, old.live, deadline(request.GetTimeout(), old.inputs, 0))
}

// skipsDelete tells whether skipAwait spares a kind the wait at its end, too: it does so for the kinds that had a wait of
// their own from the beginning.
func skipsDelete(object *unstructured.Unstructured) bool {
	switch group := object.GroupVersionKind().Group; object.GetKind() {
	case "Namespace", "Pod", "ReplicationController":
		return group == ""
	case "DaemonSet", "Deployment", "StatefulSet":
		return group == "apps"
	case "Job":
		return group == "batch"
	default:
		return false
	}
}
