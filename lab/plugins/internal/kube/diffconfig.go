package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	clientapi "k8s.io/client-go/tools/clientcmd/api"

	"lab/plugins/internal/wire"
)

// CheckConfig refuses what this stand-in has not: rendering to files.
func (p *Provider) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news := wire.RevealObject(wire.Decode(request.GetNews()))
	response := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	if directory, _ := news["renderYamlToDirectory"].(string); directory != "" {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{
			Property: "renderYamlToDirectory", Reason: "not in this stand-in for the kubernetes provider",
		})
	}
	return response, nil
}

// DiffConfig asks for a replacement of the provider, and so of all its objects, where the cluster is another one:
// a changed clusterIdentifier; without one, another active cluster in the kubeconfig.
func (p *Provider) DiffConfig(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news := wire.RevealObject(wire.Decode(request.GetOlds())), wire.RevealObject(wire.Decode(request.GetNews()))
	changed := changedKeys(olds, news)
	if len(changed) == 0 {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME, Diffs: changed}
	was, is := olds["clusterIdentifier"], news["clusterIdentifier"]
	if was != nil && is != nil {
		if !reflect.DeepEqual(was, is) {
			response.Replaces = []string{"clusterIdentifier"}
		}
		return response, nil
	}
	selecting := []string{"kubeconfig", "context", "cluster"}
	for _, key := range selecting {
		if _, unknown := news[key].(wire.Unknown); unknown {
			response.Replaces = []string{key}
			return response, nil
		}
	}
	oldCluster, err := activeCluster(olds)
	if err != nil {
		return nil, err
	}
	newCluster, err := activeCluster(news)
	if err != nil {
		return nil, err
	}
	if oldCluster != nil && newCluster != nil && !reflect.DeepEqual(oldCluster, newCluster) {
		for _, key := range selecting {
			if slices.Contains(changed, key) {
				response.Replaces = append(response.Replaces, key)
			}
		}
	}
	return response, nil
}

func changedKeys(olds, news wire.Object) []string {
	keys := maps.Clone(olds)
	maps.Copy(keys, news)
	var changed []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !wire.Equal(olds[key], news[key]) {
			changed = append(changed, key)
		}
	}
	return changed
}

// activeCluster is the cluster that the options select; nil where there is none to be found.
func activeCluster(options wire.Object) (*clientapi.Cluster, error) {
	var text string
	switch given := options["kubeconfig"].(type) {
	case nil:
		return nil, nil
	case string:
		text = given
	default:
		encoded, err := json.Marshal(given)
		if err != nil {
			return nil, err
		}
		text = string(encoded)
	}
	if text == "" {
		return nil, nil
	}
	config, err := loadKubeconfig(text)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	name := config.CurrentContext
	if given, is := options["context"].(string); is {
		name = given
	}
	selected := config.Contexts[name]
	if selected == nil {
		return nil, nil
	}
	if given, is := options["cluster"].(string); is {
		return config.Clusters[given], nil
	}
	return config.Clusters[selected.Cluster], nil
}
