package kube

import (
	"context"
	"maps"
	"slices"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/await"
)

// Diff compares new inputs with the live object of the state, as far as the old inputs asked for it: what only the
// cluster wrote makes no difference, what someone else changed (seen by a refresh) does.
func (p *Provider) Diff(ctx context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	old := readCheckpoint(request.GetOlds())
	news := normalise(read(request.GetNews()).object)
	_, patch, err := kindOf(request.GetUrn(), news.GetKind())
	if err != nil {
		return nil, err
	}
	was := prune(old.live, normalise(old.inputs))
	p.alignIdentity(was, news, old.live)
	found := differences{fixed: p.settings.fixedPaths(news, patch), found: map[string]*pulumirpc.PropertyDiff{}}
	found.maps(nil, was.Object, news.Object)
	found.drop(request.GetIgnoreChanges())

	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, DetailedDiff: found.found, HasDetailedDiff: true,
	}
	for _, path := range slices.Sorted(maps.Keys(found.found)) {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		switch found.found[path].GetKind() {
		case pulumirpc.PropertyDiff_ADD_REPLACE, pulumirpc.PropertyDiff_DELETE_REPLACE, pulumirpc.PropertyDiff_UPDATE_REPLACE:
			response.Replaces = append(response.Replaces, path)
		case pulumirpc.PropertyDiff_DELETE:
			if path == "metadata" {
				response.Replaces = append(response.Replaces, path)
			}
		}
	}
	if marked(news, annotationReplaceUnready) && p.unready(ctx, request.GetUrn(), news.GetKind(), old.live) {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.Replaces = append(response.Replaces, `.metadata.annotations["`+annotationReplaceUnready+`"]`)
	}
	response.DeleteBeforeReplace = len(response.Replaces) > 0 && named(news) && !marked(news, annotationAutonamed) &&
		news.GetName() == old.live.GetName() && news.GetNamespace() == old.live.GetNamespace()
	return response, nil
}

// alignIdentity makes no namespace and the default one the same, and lets a program spell out the name that an object has.
func (p *Provider) alignIdentity(was, news, live *unstructured.Unstructured) {
	metadata := maps.Clone(childMap(was.Object, "metadata"))
	was.Object["metadata"] = metadata
	if p.namespaced(news.GroupVersionKind()) {
		metadata["namespace"] = orDefault(live.GetNamespace())
		live.SetNamespace(orDefault(live.GetNamespace()))
		if !hasNamespace(news) {
			childMap(news.Object, "metadata")["namespace"] = "default"
		}
	} else {
		delete(metadata, "namespace")
		if metadata, is := news.Object["metadata"].(map[string]any); is {
			delete(metadata, "namespace")
		}
	}
	if named(news) {
		metadata["name"] = live.GetName()
	}
	if was.GetKind() == "" {
		was.SetGroupVersionKind(news.GroupVersionKind())
	}
}

// unready tells whether a Job that is to be replaced when it is not complete is so now.
func (p *Provider) unready(ctx context.Context, urn, kind string, live *unstructured.Unstructured) bool {
	if kind != "Job" {
		p.warn(ctx, urn, "replaceUnready does nothing here: it is for Jobs")
		return false
	}
	if p.cluster == nil {
		p.warn(ctx, urn, "the cluster is unreachable: whether the Job is complete is not known")
		return false
	}
	client, err := p.cluster.client(live)
	if err != nil {
		return false
	}
	job, err := client.Get(ctx, live.GetName(), metav1.GetOptions{})
	return err == nil && !await.JobComplete(job)
}
