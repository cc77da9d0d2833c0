package kube

import (
	"maps"

	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/wire"
)

// What the state has beside the live object: the inputs as the program last gave them, the API version that made
// the object, and the field manager that owns its fields.
const (
	keyInputs     = "__inputs"
	keyAPIVersion = "__initialApiVersion"
	keyManager    = "__fieldManager"
)

// given are properties as the engine sent them, and the object they spell, without its secrets' marks.
type given struct {
	properties wire.Object
	object     *unstructured.Unstructured
}

func read(properties *structpb.Struct) given {
	decoded := wire.Decode(properties)
	return given{decoded, &unstructured.Unstructured{Object: dashed(wire.RevealObject(decoded))}}
}

// checkpoint is a resource's state, read back.
type checkpoint struct {
	inputs, live *unstructured.Unstructured
	apiVersion   string
	manager      string
}

func readCheckpoint(properties *structpb.Struct) checkpoint {
	fields := dashed(wire.RevealObject(wire.Decode(properties)))
	inputs, _ := fields[keyInputs].(map[string]any)
	apiVersion, _ := fields[keyAPIVersion].(string)
	manager, _ := fields[keyManager].(string)
	live := maps.Clone(fields)
	for _, key := range []string{keyInputs, keyAPIVersion, keyManager} {
		delete(live, key)
	}
	if inputs == nil {
		inputs = map[string]any{}
	}
	return checkpoint{&unstructured.Unstructured{Object: inputs}, &unstructured.Unstructured{Object: live}, apiVersion, manager}
}

// encode writes a state. What was secret in the properties that made it is secret in it.
func (c checkpoint) encode(from wire.Object) (*structpb.Struct, error) {
	state := maps.Clone(underscored(c.live.Object))
	inputs := underscored(c.inputs.Object)
	keepSecrets(state, from)
	keepSecrets(inputs, from)
	state[keyInputs] = inputs
	state[keyAPIVersion] = c.apiVersion
	state[keyManager] = c.manager
	return wire.Encode(state)
}

// keepSecrets marks as secret, in place, what is secret in like. In a list with a secret anywhere the whole is secret:
// its order may change. A Secret's data always is.
func keepSecrets(object, like wire.Object) {
	if object["kind"] == "Secret" {
		for _, key := range []string{"data", "stringData"} {
			if value, present := object[key]; present {
				object[key] = wire.CopySecrets(value, wire.Secret{})
			}
		}
		return
	}
	for key, model := range like {
		value, present := object[key]
		if !present {
			continue
		}
		child, isMap := value.(map[string]any)
		modelMap, modelIsMap := model.(map[string]any)
		switch {
		case isMap && modelIsMap:
			child = maps.Clone(child)
			keepSecrets(child, modelMap)
			object[key] = child
		case wire.HasSecret(model):
			object[key] = wire.CopySecrets(value, wire.Secret{})
		}
	}
}

// manager is the name under which an object's fields are owned: what the object asks for, else the state's, else a new one.
func (p *Provider) manager(object *unstructured.Unstructured, stored string) string {
	switch wanted := annotation(object, annotationFieldManager); {
	case !p.settings.serverSideApply:
		return managerOfCreate
	case wanted != "":
		return wanted
	case stored != "":
		return stored
	default:
		return managerOfCreate + "-" + hash(nil)
	}
}

// managerOfCreate owns what a plain create wrote, until the first update takes it over.
const managerOfCreate = "pulumi-kubernetes"
