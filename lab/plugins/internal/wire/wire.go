// Package wire converts property values between Pulumi's protocol and plain Go values.
//
// A value is nil, bool, string, int64, float64, []any, map[string]any, Secret or Unknown; assets, archives and
// resource references stay maps with their signature.
package wire

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/types/known/structpb"
)

// The signatures and the marks of unknown values are those of the protocol.
const (
	signatureKey    = "4dabf18193072939515e22adb298388d"
	signatureSecret = "1b47061264138c4ac30d75fd1eb44270"
	signatureOutput = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
	unknownString   = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

var unknownMarks = map[string]bool{
	unknownString:                          true,
	"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7": true,
	"3eeb2bf0-c639-47a8-9e75-3b44932eb421": true,
	"6a19a0b0-7e62-4c92-b797-7f8e31da9cc2": true,
	"030794c1-ac77-496b-92df-f27374a8bd58": true,
	"e48ece36-62e2-4504-bad9-02848725956a": true,
	"dd056dcd-154b-4c76-9bd3-c8f88648b5ff": true,
}

// Object is a set of properties.
type Object = map[string]any

// Secret is a value that must not be shown or stored in the clear.
type Secret struct{ Value any }

// Unknown is a value that only an update will know.
type Unknown struct{}

// maxExact is the largest integer that a float64 holds exactly.
const maxExact = 1 << 53

// Decode reads a property map; nil gives an empty one.
func Decode(properties *structpb.Struct) Object {
	object := make(Object, len(properties.GetFields()))
	for key, value := range properties.GetFields() {
		object[key] = decode(value)
	}
	return object
}

func decode(value *structpb.Value) any {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_BoolValue:
		return kind.BoolValue
	case *structpb.Value_NumberValue:
		if n := kind.NumberValue; n == math.Trunc(n) && math.Abs(n) < maxExact {
			return int64(n)
		}
		return kind.NumberValue
	case *structpb.Value_StringValue:
		if unknownMarks[kind.StringValue] {
			return Unknown{}
		}
		return kind.StringValue
	case *structpb.Value_ListValue:
		list := make([]any, 0, len(kind.ListValue.GetValues()))
		for _, item := range kind.ListValue.GetValues() {
			list = append(list, decode(item))
		}
		return list
	case *structpb.Value_StructValue:
		fields := kind.StructValue.GetFields()
		switch fields[signatureKey].GetStringValue() {
		case signatureSecret:
			return Secret{decode(fields["value"])}
		case signatureOutput:
			return decodeOutput(fields)
		}
		return Decode(kind.StructValue)
	default:
		return nil
	}
}

func decodeOutput(fields map[string]*structpb.Value) any {
	var value any = Unknown{}
	if known, present := fields["value"]; present {
		value = decode(known)
	}
	if fields["secret"].GetBoolValue() {
		return Secret{value}
	}
	return value
}

// Encode writes a property map. It fails on a value that the protocol has no form for.
func Encode(object Object) (*structpb.Struct, error) {
	fields := make(map[string]*structpb.Value, len(object))
	for key, value := range object {
		encoded, err := encode(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		fields[key] = encoded
	}
	return &structpb.Struct{Fields: fields}, nil
}

func encode(value any) (*structpb.Value, error) {
	switch value := value.(type) {
	case Unknown:
		return structpb.NewStringValue(unknownString), nil
	case Secret:
		inner, err := encode(value.Value)
		if err != nil {
			return nil, err
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			signatureKey: structpb.NewStringValue(signatureSecret), "value": inner,
		}}), nil
	case map[string]any:
		encoded, err := Encode(value)
		if err != nil {
			return nil, err
		}
		return structpb.NewStructValue(encoded), nil
	case []any:
		list := &structpb.ListValue{}
		for i, item := range value {
			encoded, err := encode(item)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			list.Values = append(list.Values, encoded)
		}
		return structpb.NewListValue(list), nil
	default:
		return structpb.NewValue(value)
	}
}
