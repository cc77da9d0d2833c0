// Command pulumi-resource-tls makes keys and certificates for Pulumi programs.
package main

import (
	"context"
	"os"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"lab/plugins/internal/serve"
	"lab/plugins/internal/tls"
)

func main() {
	os.Exit(serve.Main("pulumi-resource-tls", serve.Plugin{
		Register: func(_ context.Context, server *grpc.Server, _ *serve.Engine) {
			pulumirpc.RegisterResourceProviderServer(server, &tls.Provider{})
		},
	}))
}
