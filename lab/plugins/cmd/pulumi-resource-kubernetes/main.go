// Command pulumi-resource-kubernetes manages Kubernetes objects for Pulumi programs.
package main

import (
	"context"
	"os"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"lab/plugins/internal/kube"
	"lab/plugins/internal/serve"
)

func main() {
	os.Exit(serve.Main("pulumi-resource-kubernetes", serve.Plugin{
		Register: func(ctx context.Context, server *grpc.Server, engine *serve.Engine) {
			pulumirpc.RegisterResourceProviderServer(server, kube.New(ctx, engine))
		},
	}))
}
