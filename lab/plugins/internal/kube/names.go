package kube

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/wire"
)

// The annotations that steer the provider, and the one that it sets on an object it has named.
const (
	annotationAutonamed      = "pulumi.com/autonamed"
	annotationSkipAwait      = "pulumi.com/skipAwait"
	annotationTimeout        = "pulumi.com/timeoutSeconds"
	annotationWaitFor        = "pulumi.com/waitFor"
	annotationPatchForce     = "pulumi.com/patchForce"
	annotationFieldManager   = "pulumi.com/patchFieldManager"
	annotationReplaceUnready = "pulumi.com/replaceUnready"
	annotationDeletion       = "pulumi.com/deletionPropagationPolicy"
)

// hashLength is the number of hexadecimal digits that set an automatic name apart.
const hashLength = 8

func annotation(object *unstructured.Unstructured, name string) string {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "annotations", name)
	word, _ := value.(string)
	return word
}

func marked(object *unstructured.Unstructured, name string) bool {
	return annotation(object, name) == "true"
}

func mark(object *unstructured.Unstructured, name string) {
	metadata := childMap(object.Object, "metadata")
	childMap(metadata, "annotations")[name] = "true"
}

// childMap is the map under a key, made where there is none.
func childMap(parent map[string]any, key string) map[string]any {
	child, is := parent[key].(map[string]any)
	if !is {
		child = map[string]any{}
		parent[key] = child
	}
	return child
}

// named tells whether an object has a name, be it one that only the update will know.
func named(object *unstructured.Unstructured) bool {
	name, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "name")
	return name != nil && name != "" || isUnknownMetadata(object)
}

func isUnknownMetadata(object *unstructured.Unstructured) bool {
	_, unknown := object.Object["metadata"].(wire.Unknown)
	return unknown
}

// generated tells whether the API server is asked to make the name up.
func generated(object *unstructured.Unstructured) bool {
	prefix, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "generateName")
	return !named(object) && prefix != nil && prefix != ""
}

// autoname gives an object without a name one of its own: the resource's name and a hash, or what the engine asks for.
func autoname(
	object *unstructured.Unstructured, urn string, seed []byte, asked *pulumirpc.CheckRequest_AutonamingOptions,
) error {
	if named(object) || generated(object) {
		return nil
	}
	name := urn[strings.LastIndex(urn, "::")+2:] + "-" + hash(seed)
	switch asked.GetMode() {
	case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
		return errors.New("automatic names are off: set metadata.name")
	case pulumirpc.CheckRequest_AutonamingOptions_ENFORCE:
		name = asked.GetProposedName()
	case pulumirpc.CheckRequest_AutonamingOptions_PROPOSE:
		if asked.GetProposedName() != "" {
			name = asked.GetProposedName()
		}
	}
	childMap(object.Object, "metadata")["name"] = name
	mark(object, annotationAutonamed)
	return nil
}

// keepAutoname carries the automatic name of the old inputs over to new ones without a name.
func keepAutoname(news, olds *unstructured.Unstructured) {
	if named(news) || !marked(olds, annotationAutonamed) {
		return
	}
	childMap(news.Object, "metadata")["name"] = olds.GetName()
	mark(news, annotationAutonamed)
}

// hash is a seed's hash, or a random one without a seed: the same seed gives the same name in preview and update.
func hash(seed []byte) string {
	sum := fnv.New64a()
	if len(seed) > 0 {
		_, _ = sum.Write(seed)
		return hex.EncodeToString(sum.Sum(nil))[:hashLength]
	}
	random := make([]byte, hashLength/2)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

// identifier is an object's ID in the state: namespace/name, or the name alone.
func identifier(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}

func parseIdentifier(id string) (namespace, name string) {
	if before, after, found := strings.Cut(id, "/"); found {
		return before, after
	}
	return "", id
}
