// Package tls is a stand-in for pulumi-tls: real keys and certificates, made with Go's own crypto.
package tls

import (
	"context"
	"maps"
	"slices"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"lab/plugins/internal/wire"
)

// Version is the release whose behaviour this provider has.
const Version = "5.6.2"

// Provider serves the ResourceProvider protocol.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer
}

// Handshake says what the provider understands.
func (*Provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true}, nil
}

// GetPluginInfo names the version.
func (*Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// Attach accepts an engine that found the provider running.
func (*Provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Cancel has nothing to stop: no request takes long.
func (*Provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// CheckConfig takes any configuration: only the proxy of invokes could be configured.
func (*Provider) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: request.GetNews()}, nil
}

// DiffConfig never asks for a replacement of the provider.
func (*Provider) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

// Configure has nothing to configure.
func (*Provider) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}

// GetSchema names the package only: the SDKs carry the schema.
func (*Provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"tls","version":"` + Version + `"}`}, nil
}

// Invoke has no functions.
func (*Provider) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "%s is not in this stand-in for the tls provider", request.GetTok())
}

func find(urn string) (resourceType, error) {
	token := wire.URNType(urn)
	found, known := resourceTypes[token]
	if !known {
		return found, status.Errorf(codes.NotFound, "%s is not a type of this provider", token)
	}
	return found, nil
}

// Check judges inputs; what is not known yet is not judged.
func (*Provider) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	kind, err := find(request.GetUrn())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	for _, problem := range kind.check(wire.Decode(request.GetNews())) {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: problem.property, Reason: problem.reason})
	}
	return response, nil
}

// Diff compares the state's outputs with new inputs. A certificate inside its renewal period is replaced.
func (*Provider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	kind, err := find(request.GetUrn())
	if err != nil {
		return nil, err
	}
	olds := wire.RevealObject(wire.Decode(request.GetOlds()))
	oldInputs := wire.RevealObject(wire.Decode(request.GetOldInputs()))
	news := kind.withPresets(wire.RevealObject(wire.Decode(request.GetNews())))
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true}
	response.DetailedDiff = map[string]*pulumirpc.PropertyDiff{}
	change := func(name string, was bool, is bool, replaces bool) {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.Diffs = append(response.Diffs, name)
		how := diffKind(was, is, replaces)
		response.DetailedDiff[name] = &pulumirpc.PropertyDiff{Kind: how}
		if replaces {
			response.Replaces = append(response.Replaces, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kind.inputs)) {
		was, is := olds[name], news[name]
		if slices.Contains(kind.writeOnly, name) || slices.Contains(request.GetIgnoreChanges(), name) {
			continue
		}
		if was == nil && oldInputs[name] != nil {
			was = oldInputs[name]
		}
		if !wire.Equal(was, is) {
			change(name, was != nil, is != nil, kind.inputs[name].replaces)
		}
	}
	if kind.renews && readyForRenewal(olds["validityEndTime"], news["earlyRenewalHours"]) {
		change("readyForRenewal", true, true, true)
	}
	return response, nil
}

func diffKind(was, is, replaces bool) pulumirpc.PropertyDiff_Kind {
	switch {
	case !was && replaces:
		return pulumirpc.PropertyDiff_ADD_REPLACE
	case !was:
		return pulumirpc.PropertyDiff_ADD
	case !is && replaces:
		return pulumirpc.PropertyDiff_DELETE_REPLACE
	case !is:
		return pulumirpc.PropertyDiff_DELETE
	case replaces:
		return pulumirpc.PropertyDiff_UPDATE_REPLACE
	default:
		return pulumirpc.PropertyDiff_UPDATE
	}
}

func readyForRenewal(validityEnd, earlyHours any) bool {
	word, _ := validityEnd.(string)
	hours, _ := earlyHours.(int64)
	end, err := time.Parse(time.RFC3339, word)
	return err == nil && !time.Now().Before(end.Add(-time.Duration(hours)*time.Hour))
}

// Create makes a key, a request or a certificate; in a preview what it would compute is unknown.
func (*Provider) Create(_ context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	kind, err := find(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs := kind.withPresets(wire.Decode(request.GetProperties()))
	id, made := "", wire.Object{}
	if request.GetPreview() {
		for _, name := range kind.computed {
			made[name] = wire.Unknown{}
		}
		if kind.renews {
			made["readyForRenewal"] = false
		}
	} else if id, made, err = kind.create(values(wire.RevealObject(inputs))); err != nil {
		return nil, err
	}
	properties, err := wire.Encode(kind.outputs(inputs, made))
	return &pulumirpc.CreateResponse{Id: id, Properties: properties}, err
}

// outputs joins inputs and computed values, secrets marked, write-only inputs left out.
func (r resourceType) outputs(inputs, made wire.Object) wire.Object {
	all := maps.Clone(inputs)
	maps.Copy(all, made)
	for _, name := range r.writeOnly {
		delete(all, name)
	}
	for _, name := range r.secrets {
		if value, present := all[name]; present {
			all[name] = wire.CopySecrets(value, wire.Secret{})
		}
	}
	return all
}

// Read gives the state back, with whether a certificate is ready for renewal. Nothing else exists to be read,
// so there is nothing to import from.
func (*Provider) Read(_ context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	kind, err := find(request.GetUrn())
	if err != nil {
		return nil, err
	}
	state := wire.Decode(request.GetProperties())
	if len(state) == 0 {
		return nil, status.Errorf(codes.Unimplemented, "%s cannot be imported", wire.URNType(request.GetUrn()))
	}
	if kind.renews && readyForRenewal(wire.Reveal(state["validityEndTime"]), wire.Reveal(state["earlyRenewalHours"])) {
		state["readyForRenewal"] = true
	}
	properties, err := wire.Encode(state)
	return &pulumirpc.ReadResponse{Id: request.GetId(), Properties: properties, Inputs: request.GetInputs()}, err
}

// Update takes over new values of inputs that need no new resource.
func (*Provider) Update(_ context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	kind, err := find(request.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, made := wire.Decode(request.GetOlds()), wire.Object{}
	for _, name := range kind.computed {
		if value, present := olds[name]; present {
			made[name] = value
		}
	}
	properties, err := wire.Encode(kind.outputs(kind.withPresets(wire.Decode(request.GetNews())), made))
	return &pulumirpc.UpdateResponse{Properties: properties}, err
}

// Delete forgets the state: nothing exists outside it.
func (*Provider) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
