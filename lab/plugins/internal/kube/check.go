package kube

import (
	"context"
	"errors"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"lab/plugins/internal/wire"
)

// Check names, normalises and judges inputs. It needs no cluster.
func (p *Provider) Check(ctx context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	urn := request.GetUrn()
	if p.cluster == nil && p.settings.skipUpdateUnreachable {
		p.warn(ctx, urn, "skipping: the cluster is unreachable and skipUpdateUnreachable is set")
		return &pulumirpc.CheckResponse{Inputs: request.GetOlds()}, nil
	}
	olds, news := read(request.GetOlds()), read(request.GetNews())
	_, patch, err := kindOf(urn, news.object.GetKind())
	if err != nil {
		return nil, err
	}
	if patch && !p.settings.serverSideApply {
		return nil, errors.New("a Patch needs server-side apply: the provider has enableServerSideApply off")
	}
	response := &pulumirpc.CheckResponse{}
	if !wire.HasUnknown(news.object.Object) {
		response.Failures = fieldFailures(unknownFields(news.object))
	}
	object := normalise(news.object)
	if patch && !named(object) {
		return nil, errors.New("a Patch needs metadata.name: the object whose fields it sets")
	}
	if len(olds.object.Object) > 0 {
		keepAutoname(object, olds.object)
		if object.GetLabels()[labelManagedBy] == "" && olds.object.GetLabels()[labelManagedBy] != "" {
			labelManaged(object)
		}
	} else {
		if err := autoname(object, urn, request.GetRandomSeed(), request.GetAutonaming()); err != nil {
			return nil, err
		}
		if !p.settings.serverSideApply {
			labelManaged(object)
		}
	}
	if generated(object) && p.settings.serverSideApply {
		return nil, errors.New("metadata.generateName does not go with server-side apply: leave the name out instead")
	}
	if p.settings.namespace != "" && !hasNamespace(object) && p.namespaced(object.GroupVersionKind()) {
		childMap(object.Object, "metadata")["namespace"] = p.settings.namespace
	}
	checked := underscored(object.Object)
	keepSecrets(checked, news.properties)
	response.Inputs, err = wire.Encode(checked)
	return response, err
}

const labelManagedBy = "app.kubernetes.io/managed-by"

func labelManaged(object *unstructured.Unstructured) {
	childMap(childMap(object.Object, "metadata"), "labels")[labelManagedBy] = "pulumi"
}

func hasNamespace(object *unstructured.Unstructured) bool {
	namespace, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "namespace")
	return namespace != nil && namespace != ""
}

// fieldFailures lists what the strict reading of an object found wrong with its fields.
func fieldFailures(err error) []*pulumirpc.CheckFailure {
	if err == nil {
		return nil
	}
	strict, is := runtime.AsStrictDecodingError(err)
	if !is {
		return []*pulumirpc.CheckFailure{{Reason: err.Error()}}
	}
	var failures []*pulumirpc.CheckFailure
	for _, each := range strict.Errors() {
		failures = append(failures, &pulumirpc.CheckFailure{Reason: "strict field validation: " + each.Error()})
	}
	return failures
}
