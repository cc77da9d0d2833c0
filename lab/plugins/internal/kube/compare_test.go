package kube

import (
	"maps"
	"slices"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/wire"
)

type object = map[string]any

func compare(fixed []string, was, is object) map[string]string {
	found := differences{fixed: fixed, found: map[string]*pulumirpc.PropertyDiff{}}
	found.maps(nil, was, is)
	words := map[string]string{}
	for path, difference := range found.found {
		words[path] = difference.GetKind().String()
	}
	return words
}

func TestDifferences(t *testing.T) {
	for name, test := range map[string]struct {
		fixed   []string
		was, is object
		want    map[string]string
	}{
		"same numbers": {nil, object{"a": int64(1)}, object{"a": 1.0}, map[string]string{}},
		"map": {nil, object{"a": object{"b": "1", "c": "1"}}, object{"a": object{"b": "2", "d": "1"}},
			map[string]string{"a.b": "UPDATE", "a.c": "DELETE", "a.d": "ADD"}},
		"list": {nil, object{"a": []any{"1", "2"}}, object{"a": []any{"3"}}, map[string]string{"a[0]": "UPDATE", "a[1]": "DELETE"}},
		"dots": {nil, object{"a": object{}}, object{"a": object{"b.c": "1"}}, map[string]string{`a["b.c"]`: "ADD"}},
		"fixed inside": {[]string{"spec.selector"}, object{"spec": object{"selector": object{"a": "1"}}},
			object{"spec": object{"selector": object{"a": "2"}}}, map[string]string{"spec.selector.a": "UPDATE_REPLACE"}},
		"fixed in an added value": {[]string{"spec.selector"}, object{}, object{"spec": object{"selector": "x"}},
			map[string]string{"spec": "ADD_REPLACE"}},
		"not fixed beside it": {[]string{"spec.selector"}, object{"spec": object{"selectors": "1"}},
			object{"spec": object{"selectors": "2"}}, map[string]string{"spec.selectors": "UPDATE"}},
		"fixed in any item": {[]string{"spec.containers.[*].image"},
			object{"spec": object{"containers": []any{object{"image": "1", "name": "1"}}}},
			object{"spec": object{"containers": []any{object{"image": "2", "name": "2"}}}},
			map[string]string{"spec.containers[0].image": "UPDATE_REPLACE", "spec.containers[0].name": "UPDATE"}},
		"unknown": {[]string{"data"}, object{"data": object{"a": "1"}}, object{"data": object{"a": wire.Unknown{}}},
			map[string]string{"data.a": "UPDATE_REPLACE"}},
	} {
		if got := compare(test.fixed, test.was, test.is); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestIgnoredPathsAreWholeSteps(t *testing.T) {
	found := differences{found: map[string]*pulumirpc.PropertyDiff{"spec.a": {}, "spec.ab": {}, "spec.a[0]": {}, "spec.a.b": {}}}
	found.drop([]string{"spec.a"})
	if got := slices.Collect(maps.Keys(found.found)); !slices.Equal(got, []string{"spec.ab"}) {
		t.Error(got)
	}
}

func TestMutableContent(t *testing.T) {
	configMap := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "ConfigMap"}}
	secret := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Secret"}}
	frozen := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Secret", "immutable": true}}
	mutable := settings{configMapMutable: true, secretMutable: true}
	for name, test := range map[string]struct {
		settings settings
		object   *unstructured.Unstructured
		want     bool
	}{
		"config map": {settings{}, configMap, true}, "mutable config map": {mutable, configMap, false},
		"secret": {settings{}, secret, true}, "mutable secret": {mutable, secret, false},
		"immutable secret": {mutable, frozen, true},
	} {
		if got := slices.Contains(test.settings.fixedPaths(test.object, false), "data"); got != test.want {
			t.Errorf("%s: content replaces: %v, want %v", name, got, test.want)
		}
	}
	if got := mutable.fixedPaths(frozen, true); !slices.Equal(got, identity) {
		t.Errorf("a patch is replaced for %v", got)
	}
}

func TestNormalForms(t *testing.T) {
	pod := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"uid": "1", "name": "p"},
		"spec": object{"containers": []any{object{"name": "c", "resources": object{"limits": object{"cpu": "1000m"}}}}}}}
	got := normalise(pod).Object
	limits := got["spec"].(object)["containers"].([]any)[0].(object)["resources"].(object)["limits"].(object)
	if limits["cpu"] != "1" || got["metadata"].(object)["uid"] != nil || len(got["spec"].(object)) != 1 {
		t.Error(got)
	}
	secret := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Secret", "stringData": object{"a": "b"}}}
	if got := normalise(secret).Object; got["stringData"] != nil || got["data"].(object)["a"] != "Yg==" {
		t.Error(got)
	}
}

func TestSecretsAreKept(t *testing.T) {
	live := object{"kind": "ConfigMap", "data": object{"a": "1", "b": "2"}, "list": []any{"1", "2"}}
	keepSecrets(live, object{"data": object{"a": wire.Secret{Value: "1"}}, "list": []any{"1", wire.Secret{Value: "2"}}})
	if !wire.HasSecret(live["data"].(object)["a"]) || wire.HasSecret(live["data"].(object)["b"]) {
		t.Error(live["data"])
	}
	if _, whole := live["list"].(wire.Secret); !whole {
		t.Error("a list with a secret must be secret as a whole")
	}
	secret := object{"kind": "Secret", "data": object{"a": "1"}}
	if keepSecrets(secret, nil); !wire.HasSecret(secret["data"]) {
		t.Error("a Secret's data must be secret")
	}
}
