// Command pulumi-language-python is the language host for Pulumi programs written in Python.
package main

import (
	"context"
	"os"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"lab/plugins/internal/pyhost"
	"lab/plugins/internal/serve"
)

func main() {
	os.Exit(serve.Main("pulumi-language-python", serve.Plugin{
		Register: func(ctx context.Context, server *grpc.Server, engine *serve.Engine) {
			pulumirpc.RegisterLanguageRuntimeServer(server, pyhost.New(ctx, engine))
		},
	}))
}
