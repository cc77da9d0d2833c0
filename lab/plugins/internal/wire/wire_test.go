package wire

import (
	"reflect"
	"testing"
)

func TestThereAndBack(t *testing.T) {
	given := Object{"a": int64(3), "b": 1.5, "c": []any{"x", nil, true}, "d": Secret{Object{"e": Unknown{}}}, "f": Unknown{}}
	encoded, err := Encode(given)
	if err != nil {
		t.Fatal(err)
	}
	if got := Decode(encoded); !reflect.DeepEqual(got, given) {
		t.Errorf("%v, want %v", got, given)
	}
	if !HasUnknown(given["d"]) || HasUnknown(given["c"]) || !HasSecret(given) || HasSecret(given["c"]) {
		t.Error("marks are not found where they are")
	}
	if _, err := Encode(Object{"a": struct{}{}}); err == nil {
		t.Error("a value without a form must be refused")
	}
}

func TestURNType(t *testing.T) {
	for urn, want := range map[string]string{
		"urn:pulumi:s::p::a:b:C$tls:index/privateKey:PrivateKey::n": "tls:index/privateKey:PrivateKey",
		"urn:pulumi:s::p::kubernetes:core/v1:Secret::a::b":          "kubernetes:core/v1:Secret",
		"": "",
	} {
		if got := URNType(urn); got != want {
			t.Errorf("%s: %s", urn, got)
		}
	}
}

func TestCopySecrets(t *testing.T) {
	got := CopySecrets(Object{"a": "1", "b": []any{"2"}}, Object{"b": []any{Secret{"x"}}})
	if want := (Object{"a": "1", "b": []any{Secret{"2"}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
