// Package kube is a stand-in for pulumi-kubernetes: any kind, on real API servers, with the real provider's
// naming, replacements, server-side apply and waiting.
package kube

import (
	"context"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lab/plugins/internal/serve"
	"lab/plugins/internal/wire"
)

// Version is the release whose behaviour this provider has.
const Version = "4.34.2"

// Provider serves the ResourceProvider protocol for one cluster.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	engine *serve.Engine
	// ctx ends when the engine cancels or the plugin has to stop: requests under way give up then.
	ctx    context.Context
	cancel context.CancelFunc

	settings settings
	cluster  *cluster // nil where unreachable
	reason   error    // why the cluster is unreachable
}

// New makes a provider for one engine; ctx ends when the plugin has to stop.
func New(ctx context.Context, engine *serve.Engine) *Provider {
	ctx, cancel := context.WithCancel(ctx)
	return &Provider{engine: engine, ctx: ctx, cancel: cancel}
}

// within is a context that ends with the request's or the provider's.
func (p *Provider) within(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	stop := context.AfterFunc(p.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Handshake says what the provider understands.
func (p *Provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true, SupportsAutonamingConfiguration: true}, nil
}

// GetPluginInfo names the version.
func (p *Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// Attach takes the address of an engine that found the provider running.
func (p *Provider) Attach(_ context.Context, request *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, p.engine.Dial(request.GetAddress())
}

// Cancel makes the requests under way give up; what they made is kept in the state with what was not ready.
func (p *Provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cancel()
	return &emptypb.Empty{}, nil
}

// GetSchema names the package only: the SDKs carry the schema.
func (p *Provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"kubernetes","version":"` + Version + `"}`}, nil
}

// Configure connects to the cluster. One that is not to be reached is no error yet: a preview works without.
func (p *Provider) Configure(ctx context.Context, request *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	given := variables{}
	for key, value := range request.GetVariables() { //nolint:staticcheck // what the real provider reads
		given[strings.TrimPrefix(key, "kubernetes:config:")] = value
	}
	p.settings = readSettings(given)
	found, err := connect(given)
	if found.namespace != "" {
		p.settings.namespace = found.namespace
	}
	if err == nil {
		p.cluster, err = dial(ctx, found.config)
	}
	p.reason = err
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, SupportsAutonamingConfiguration: true,
	}, nil
}

// Invoke has no functions.
func (p *Provider) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "%s is not in this stand-in for the kubernetes provider", request.GetTok())
}

// Construct has no components: neither Helm charts nor YAML files.
func (p *Provider) Construct(_ context.Context, request *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "%s is not in this stand-in for the kubernetes provider", request.GetType())
}

func (p *Provider) warn(ctx context.Context, urn, format string, args ...any) {
	_ = p.engine.Log(ctx, pulumirpc.LogSeverity_WARNING, urn, fmt.Sprintf(format, args...))
}

func (p *Provider) unreachable() error {
	return fmt.Errorf("the cluster is unreachable: %w", p.reason)
}

// kindOf is the kind that a resource's type token names, and whether it is a Patch of that kind.
func kindOf(urn, objectKind string) (schema.GroupVersionKind, bool, error) {
	token := wire.URNType(urn)
	parts := strings.Split(token, ":")
	if len(parts) != 3 || parts[0] != "kubernetes" {
		return schema.GroupVersionKind{}, false, fmt.Errorf("%q is not a type of this provider", token)
	}
	group, version, found := strings.Cut(parts[1], "/")
	if !found {
		return schema.GroupVersionKind{}, false, fmt.Errorf("%q is not a group and a version", parts[1])
	}
	if group == "core" {
		group = ""
	}
	kind, patch := parts[2], false
	if objectKind != "" && kind == objectKind+"Patch" {
		kind, patch = objectKind, true
	}
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, patch, nil
}
