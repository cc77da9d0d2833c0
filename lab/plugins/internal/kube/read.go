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

	"lab/plugins/internal/wire"
)

var errUnreachable = errors.New("the cluster is unreachable; if it is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true forgets " +
	"what was in it")

// Read gives the live object, for a refresh or, without old inputs, for an import. No ID tells that it is gone.
func (p *Provider) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	if p.cluster == nil {
		return p.readUnreachable(ctx, request)
	}
	old, inputs := readCheckpoint(request.GetProperties()), read(request.GetInputs())
	wanted := normalise(inputs.object)
	importing, err := identify(wanted, request, old)
	if err != nil {
		return nil, err
	}
	live, err := p.lookUp(ctx, wanted, request.GetId())
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	var judgement error
	if !importing {
		judgement = p.judge(ctx, wanted, live)
	}
	liveInputs := prune(live, wanted)
	if importing {
		liveInputs = importedInputs(live)
	}
	state := checkpoint{liveInputs, live, firstOf(old.apiVersion, wanted.GetAPIVersion()), p.manager(wanted, old.manager)}
	properties, err := state.encode(inputs.properties)
	if err != nil {
		return nil, err
	}
	seen := underscored(liveInputs.Object)
	keepSecrets(seen, inputs.properties)
	encoded, err := wire.Encode(seen)
	if err != nil {
		return nil, err
	}
	id := firstOf(request.GetId(), identifier(live))
	if judgement != nil {
		return nil, partial(id, judgement.Error(), judgement, properties, encoded)
	}
	return &pulumirpc.ReadResponse{Id: id, Properties: properties, Inputs: encoded}, nil
}

func (p *Provider) readUnreachable(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	p.warn(ctx, request.GetUrn(), "%v", p.unreachable())
	switch {
	case p.settings.deleteUnreachable:
		p.warn(ctx, request.GetUrn(), "deleteUnreachable is set: forgotten, not deleted")
		return &pulumirpc.ReadResponse{}, nil
	case p.settings.skipUpdateUnreachable:
		p.warn(ctx, request.GetUrn(), "skipUpdateUnreachable is set: the state stays as it was last seen")
		return &pulumirpc.ReadResponse{
			Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs(),
		}, nil
	default:
		return nil, errUnreachable
	}
}

// identify fills in, where the old inputs do not say, what is to be read, and tells whether it is an import.
func identify(wanted *unstructured.Unstructured, request *pulumirpc.ReadRequest, old checkpoint) (bool, error) {
	namespace, name := parseIdentifier(request.GetId())
	if name == "" {
		return false, fmt.Errorf("%q is not the ID of an object: namespace/name, or a name", request.GetId())
	}
	if wanted.GetKind() != "" {
		return false, nil
	}
	importing := old.live.GetKind() == ""
	kind, err := old.live.GroupVersionKind(), error(nil)
	if importing {
		if kind, _, err = kindOf(request.GetUrn(), ""); err != nil {
			return false, err
		}
	}
	wanted.SetGroupVersionKind(kind)
	wanted.SetName(name)
	if namespace != "" {
		wanted.SetNamespace(namespace)
	}
	return importing, nil
}

func (p *Provider) lookUp(ctx context.Context, wanted *unstructured.Unstructured, id string) (*unstructured.Unstructured, error) {
	client, err := p.cluster.client(wanted)
	if err != nil {
		return nil, err
	}
	_, name := parseIdentifier(id)
	return client.Get(ctx, name, metav1.GetOptions{})
}

// importedInputs are a live object's fields that a program can ask for.
func importedInputs(live *unstructured.Unstructured) *unstructured.Unstructured {
	fields := maps.Clone(live.Object)
	delete(fields, "status")
	inputs := (&unstructured.Unstructured{Object: fields}).DeepCopy()
	for _, field := range []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"} {
		unstructured.RemoveNestedField(inputs.Object, "metadata", field)
	}
	for _, name := range []string{"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"} {
		unstructured.RemoveNestedField(inputs.Object, "metadata", "annotations", name)
	}
	return inputs
}
