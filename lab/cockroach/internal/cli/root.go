// Package cli is the command line, with the real one's commands, flags, output and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/transport"
)

const defaultPort = "26257"

// exitError carries an exit code that a command has explained already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Run executes one command line and returns the exit code.
func Run(args []string) int {
	root := &cobra.Command{
		Use:           "cockroach [command] (flags)",
		Short:         "CockroachDB command-line interface and server (" + build.StandIn + ")",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(startCommand(), startSingleCommand(), initCommand(), sqlCommand(), nodeCommand(), versionCommand())
	for _, name := range []string{"cert", "debug", "demo", "workload", "auth-session", "import", "userfile", "encode-uri", "gen", "connect", "mt", "sqlfmt", "statement-diag"} {
		root.AddCommand(refused(name))
	}
	root.SetArgs(args)
	ran, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "ERROR: %s\n", describe(err))
	fmt.Fprintf(os.Stderr, "Failed running %q\n", strings.TrimPrefix(ran.CommandPath(), "cockroach "))
	return 1
}

func refused(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("unimplemented: the lab's stand-in for cockroach has no `%s` command; use a real cockroach binary for it", name)
		},
	}
}

// describe drops gRPC's wrapping.
func describe(err error) string {
	if converted, ok := status.FromError(err); ok {
		return converted.Message()
	}
	return err.Error()
}

func versionCommand() *cobra.Command {
	var tagOnly bool
	command := &cobra.Command{
		Use: "version", Short: "output version information", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			if tagOnly {
				fmt.Println(build.Tag())
				return
			}
			fmt.Print(build.Info())
		},
	}
	command.Flags().BoolVar(&tagOnly, "build-tag", false, "print only the release tag")
	return command
}

// client are the flags of every command that talks to a server.
type client struct {
	host        string
	port        string
	certsDir    string
	user        string
	insecure    bool
	clusterName string
	unchecked   bool
	url         string
}

func (c *client) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&c.host, "host", environment("COCKROACH_HOST", "localhost"), "CockroachDB node to connect to (<addr>[:<port>])")
	flags.StringVarP(&c.port, "port", "p", environment("COCKROACH_PORT", defaultPort), "")
	flags.StringVar(&c.certsDir, "certs-dir", environment("COCKROACH_CERTS_DIR", "${HOME}/.cockroach-certs"), "path to the directory containing the certificates")
	flags.BoolVar(&c.insecure, "insecure", environment("COCKROACH_INSECURE", "") == "true", "connect without TLS (refused by the stand-in)")
	flags.StringVar(&c.url, "url", environment("COCKROACH_URL", ""), "connection URL, e.g. postgresql://user@host:26257/db?sslmode=verify-full")
	_ = flags.MarkHidden("port")
	registerLogging(command)
}

// registerRPC adds what only commands that speak RPC take: those that speak SQL refuse a cluster's name.
func (c *client) registerRPC(command *cobra.Command) {
	c.register(command)
	flags := command.Flags()
	flags.StringVar(&c.clusterName, "cluster-name", "", "")
	flags.BoolVar(&c.unchecked, "disable-cluster-name-verification", false, "")
	for _, name := range []string{"cluster-name", "disable-cluster-name-verification"} {
		_ = flags.MarkHidden(name)
	}
}

func environment(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func registerLogging(command *cobra.Command) {
	flags := command.Flags()
	flags.String("log", "", "logging configuration (accepted, logs go to stderr)")
	flags.String("log-dir", "", "accepted")
	flags.String("log-config-file", "", "accepted")
	flags.String("logtostderr", "", "accepted: logs go to stderr")
	flags.Lookup("logtostderr").NoOptDefVal = "INFO"
	flags.String("vmodule", "", "accepted")
	flags.Bool("redactable-logs", true, "accepted")
}

func (c *client) address() string {
	host, port := c.host, c.port
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

func (c *client) directory() string { return os.ExpandEnv(c.certsDir) }

// dial opens the administrators' RPC connection, as root.
func (c *client) dial() (*transport.Client, error) {
	if c.insecure {
		return nil, errors.New("unimplemented: the lab's stand-in for cockroach has no --insecure mode")
	}
	pair, err := certs.LoadClient(c.directory(), certs.RootUser)
	if err != nil {
		return nil, err
	}
	return transport.Dial(c.address(), pair.ClientConfig)
}

// reason prefers why a connection could not be made to gRPC's account of it.
func reason(connection *transport.Client, err error) error {
	if cause := connection.DialError(); err != nil && cause != nil {
		return fmt.Errorf("cannot dial server.\nIs the server running?\nIf the server is running, check --host client-side and --advertise server-side.\n\n%w", cause)
	}
	return err
}

func initCommand() *cobra.Command {
	var c client
	command := &cobra.Command{
		Use: "init", Short: "initialize a cluster", Args: cobra.NoArgs,
		Long: "Perform one-time-only initialization of a CockroachDB cluster.",
		RunE: func(command *cobra.Command, _ []string) error {
			connection, err := c.dial()
			if err != nil {
				return err
			}
			defer func() { _ = connection.Close() }()
			if err := initialize(command.Context(), connection, os.Stderr); err != nil {
				return err
			}
			fmt.Println("Cluster successfully initialized")
			return nil
		},
	}
	c.registerRPC(command)
	return command
}

// initialize waits for the server to be there, without an end as the real one does, and asks once.
func initialize(ctx context.Context, connection *transport.Client, warnings io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	for attempt := 0; ; attempt++ {
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := connection.Init(limited)
		cancel()
		if err == nil || connection.DialError() == nil && !isUnavailable(err) {
			return err
		}
		if cause := connection.DialError(); cause != nil && isCertificate(cause) {
			return reason(connection, err)
		}
		if attempt == 0 {
			fmt.Fprintf(warnings, "warning: %s: cannot reach the server yet, retrying: %s\n", connection.Address, describe(reason(connection, err)))
		}
		select {
		case <-time.After(min(time.Duration(attempt+1)*200*time.Millisecond, time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
		connection.Reset()
	}
}
