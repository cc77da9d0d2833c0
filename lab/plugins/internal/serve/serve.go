// Package serve runs a Pulumi plugin's gRPC server and ties its life to the engine that started it.
package serve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
)

// maxMessage is the largest gRPC message, in bytes: the engine's own limit.
const maxMessage = 400 << 20

// graceOnExit bounds how long requests under way may take to notice their cancellation.
const graceOnExit = 3 * time.Second

// Plugin is what a plugin brings: how it registers its service.
type Plugin struct {
	// Register adds the service to the server. ctx ends when the plugin has to stop.
	Register func(ctx context.Context, server *grpc.Server, engine *Engine)
}

// EngineAddress parses the command line that the engine gives to every plugin and returns the engine's
// gRPC address; empty when none was given, as when a person starts the plugin to attach to it.
func EngineAddress(name string, args []string) (string, error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.String("tracing", "", "accepted, unused")
	flags.Bool("logtostderr", false, "accepted, unused")
	flags.Bool("logflow", false, "accepted, unused")
	flags.Int("v", 0, "accepted, unused")
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	return flags.Arg(flags.NArg() - 1), nil
}

// Main serves until the engine goes away or a signal asks to stop, and returns the exit code.
func Main(name string, plugin Plugin) int {
	address, err := EngineAddress(name, os.Args[1:])
	if err == nil {
		err = run(address, plugin)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

// Tie gives a context that ends when a signal asks to stop or the engine at an address (empty: none) goes away.
func Tie(engineAddress string) (context.Context, *Engine, error) {
	ctx, lost := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	engine := &Engine{}
	if engineAddress == "" {
		return ctx, engine, nil
	}
	if err := engine.Dial(engineAddress); err != nil {
		lost()
		return nil, nil, err
	}
	go engine.watch(ctx, lost)
	return ctx, engine, nil
}

func run(engineAddress string, plugin Plugin) error {
	ctx, engine, err := Tie(engineAddress)
	if err != nil {
		return err
	}
	defer engine.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	plugin.Register(ctx, server, engine)
	fmt.Printf("%d\n", listener.Addr().(*net.TCPAddr).Port)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopped := make(chan struct{})
	go func() { server.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(graceOnExit):
		server.Stop()
	}
	return nil
}

// Engine is the connection back to the engine: its log, and the sign that it is still there.
type Engine struct {
	// Address is the engine's host:port; empty without an engine.
	Address string

	conn *grpc.ClientConn
}

// Dial connects to the engine at a host:port address.
func (e *Engine) Dial(address string) error {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithIdleTimeout(0), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return err
	}
	e.Address, e.conn = address, conn
	return nil
}

// Close drops the connection.
func (e *Engine) Close() {
	if e.conn != nil {
		_ = e.conn.Close()
	}
}

// watch calls lost once a connection that was up breaks: an engine that was killed leaves no plugin behind.
func (e *Engine) watch(ctx context.Context, lost context.CancelFunc) {
	up := false
	for {
		e.conn.Connect()
		state := e.conn.GetState()
		switch state {
		case connectivity.Ready:
			up = true
		case connectivity.Idle, connectivity.TransientFailure, connectivity.Shutdown:
			if up {
				lost()
				return
			}
		case connectivity.Connecting:
		}
		if !e.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// Log sends a message about a resource (urn may be empty) to the engine's display.
func (e *Engine) Log(ctx context.Context, severity pulumirpc.LogSeverity, urn, message string) error {
	return e.log(ctx, &pulumirpc.LogRequest{Severity: severity, Urn: urn, Message: message})
}

// Status shows a passing message in the resource's row of the display.
func (e *Engine) Status(ctx context.Context, urn, message string) error {
	return e.log(ctx, &pulumirpc.LogRequest{
		Severity: pulumirpc.LogSeverity_INFO, Urn: urn, Message: message, Ephemeral: true,
	})
}

func (e *Engine) log(ctx context.Context, request *pulumirpc.LogRequest) error {
	if e.conn == nil {
		return errors.New("no engine to log to")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := pulumirpc.NewEngineClient(e.conn).Log(ctx, request)
	return err
}
