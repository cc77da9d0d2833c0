package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lab/cockroach/internal/build"
	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/server"
)

type startFlags struct {
	join             []string
	listen           string
	advertise        string
	sql              string
	advertiseSQL     string
	http             string
	advertiseHTTP    string
	certsDir         string
	stores           []string
	locality         string
	clusterName      string
	maxOffset        time.Duration
	cache, sqlMemory string
	insecure         bool
	background       bool
	pidFile          string
	listeningURL     string
}

// ignored are the real one's flags that make no difference here.
var ignored = []string{
	"attrs", "max-disk-temp-storage", "max-tsdb-memory", "temp-dir", "external-io-dir", "locality-advertise-addr", "max-go-memory",
	"goroutine-dump-dir", "enterprise-encryption", "socket-dir", "cert-principal-map", "background-restart", "storage-engine", "wal-failover",
	"tls-cipher-suites", "license-acceptance", "root-cert-distinguished-name", "node-cert-distinguished-name",
}

var ignoredSwitches = []string{"external-io-disabled", "external-io-disable-http", "external-io-disable-implicit-credentials",
	"external-io-enable-non-admin-implicit-access", "accept-sql-without-tls", "disable-cluster-name-verification", "disable-max-offset-check",
	"unencrypted-localhost-http", "disallow-root-login", "allow-debug-user"}

func startCommand() *cobra.Command {
	var f startFlags
	command := &cobra.Command{
		Use: "start", Short: "start a node in a multi-node cluster", Args: cobra.NoArgs,
		Long: "Start a CockroachDB node, which will export data from one or more storage devices, specified via --store flags.",
		RunE: func(command *cobra.Command, _ []string) error {
			if !command.Flags().Changed("join") {
				return errors.New("no --join flags provided to 'cockroach start'\nHINT: Consider using 'cockroach init' or 'cockroach start-single-node' instead")
			}
			return start(f)
		},
	}
	f.register(command)
	return command
}

func startSingleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "start-single-node", Short: "start a single-node cluster", DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("unimplemented: the lab's stand-in for cockroach has no start-single-node; use start and init")
		},
	}
}

func (f *startFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringSliceVarP(&f.join, "join", "j", nil, "addresses of nodes to join, comma separated or repeated")
	flags.StringVar(&f.listen, "listen-addr", ":"+defaultPort, "address to listen on for RPC and SQL")
	flags.StringVar(&f.advertise, "advertise-addr", "", "address to tell other nodes; default: the host name")
	flags.StringVar(&f.sql, "sql-addr", "", "only the port that --listen-addr has is served")
	flags.StringVar(&f.advertiseSQL, "advertise-sql-addr", "", "address to tell SQL clients; default: --advertise-addr")
	flags.StringVar(&f.http, "http-addr", ":8080", "address to serve HTTP on")
	flags.StringVar(&f.advertiseHTTP, "advertise-http-addr", "", "address to tell of for HTTP; default: from --advertise-addr and --http-addr")
	flags.StringVar(&f.certsDir, "certs-dir", environment("COCKROACH_CERTS_DIR", "${HOME}/.cockroach-certs"), "directory with ca.crt, node.crt and node.key")
	flags.StringArrayVarP(&f.stores, "store", "s", nil, "path of the store, or path=…,size=…,attrs=…, or type=mem,size=…")
	flags.StringVar(&f.locality, "locality", environment("COCKROACH_LOCALITY", ""), "where the node is, e.g. region=us-east1,zone=us-east1-b")
	flags.StringVar(&f.clusterName, "cluster-name", "", "nodes of another name are refused")
	flags.DurationVar(&f.maxOffset, "max-offset", 500*time.Millisecond, "bound on the clocks' difference; must be the same everywhere")
	flags.StringVar(&f.cache, "cache", environment("COCKROACH_CACHE", "256 MiB"), "accepted")
	flags.StringVar(&f.sqlMemory, "max-sql-memory", environment("COCKROACH_MAX_SQL_MEMORY", "25%"), "accepted")
	flags.BoolVar(&f.insecure, "insecure", false, "refused by the stand-in")
	flags.BoolVar(&f.background, "background", false, "refused by the stand-in")
	flags.StringVar(&f.pidFile, "pid-file", "", "file to write the process id to")
	flags.StringVar(&f.listeningURL, "listening-url-file", "", "file to write the connection URL to")
	for _, name := range ignored {
		flags.StringArray(name, nil, "accepted")
		_ = flags.MarkHidden(name)
	}
	for _, name := range ignoredSwitches {
		flags.Bool(name, false, "accepted")
		_ = flags.MarkHidden(name)
	}
	registerLogging(command)
}

// memoryLimit keeps nine nodes on one machine small; GOMEMLIMIT overrides it.
const memoryLimit = 192 << 20 // bytes

func start(f startFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg.Log.Info("starting", "what", build.StandIn, "version", build.Tag(), "go", runtime.Version(), "advertise", cfg.AdvertiseAddr,
		"join", strings.Join(cfg.Join, ","), "locality", cfg.Locality, "store", cfg.StoreDir)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	node, err := server.Start(cfg)
	if err != nil {
		return err
	}
	if f.pidFile != "" {
		if err := os.WriteFile(f.pidFile, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
			return err
		}
	}
	if f.listeningURL != "" {
		url := "postgresql://root@" + cfg.SQLAddr + "/defaultdb?sslmode=verify-full\n"
		if err := os.WriteFile(f.listeningURL, []byte(url), 0o644); err != nil {
			return err
		}
	}
	return serve(node, cfg.Log, signals)
}

func serve(node *server.Node, log *slog.Logger, signals <-chan os.Signal) error {
	for {
		select {
		case err := <-node.Fatal():
			node.Kill()
			return err
		case received := <-signals:
			switch received {
			case syscall.SIGHUP:
				if err := node.ReloadCertificates(); err != nil {
					log.Error("cannot reload certificates; the earlier ones stay in use", "error", err.Error())
				} else {
					log.Info("reloaded certificates")
				}
			case syscall.SIGQUIT:
				node.Kill()
				return exitError(1)
			default:
				fmt.Fprintln(os.Stderr, "initiating graceful shutdown of server")
				return shutDown(node, signals)
			}
		}
	}
}

func shutDown(node *server.Node, signals <-chan os.Signal) error {
	drained := make(chan struct{})
	go func() {
		node.Drain(context.Background())
		close(drained)
	}()
	for {
		select {
		case <-drained:
			node.Kill()
			fmt.Println("server drained and shutdown completed")
			return nil
		case received := <-signals:
			if received != syscall.SIGHUP {
				fmt.Fprintln(os.Stderr, "received additional shutdown signal: interrupting the drain")
				node.Kill()
				return exitError(1)
			}
		}
	}
}

func (f *startFlags) config() (server.Config, error) {
	var cfg server.Config
	if f.insecure {
		return cfg, errors.New("unimplemented: the lab's stand-in for cockroach has no --insecure mode")
	}
	if f.background {
		return cfg, errors.New("unimplemented: the lab's stand-in for cockroach has no --background")
	}
	if f.sql != "" && port(f.sql, defaultPort) != port(f.listen, defaultPort) {
		return cfg, errors.New("unimplemented: the lab's stand-in for cockroach serves SQL on the port of --listen-addr only")
	}
	if err := checkLocality(f.locality); err != nil {
		return cfg, err
	}
	if f.clusterName != "" && !clusterName.MatchString(f.clusterName) {
		return cfg, fmt.Errorf("invalid argument %q for \"--cluster-name\" flag: cluster name can contain only letters, numbers, hyphen and underscore", f.clusterName)
	}
	for _, size := range []string{f.cache, f.sqlMemory} {
		if !sizes.MatchString(size) {
			return cfg, fmt.Errorf("invalid size: %q", size)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return cfg, err
	}
	listenHost, listenPort := split(f.listen, defaultPort)
	if listenHost != "" {
		host = listenHost
	}
	advertise := complete(f.advertise, host, listenPort)
	advertiseHost, _ := split(advertise, listenPort)
	httpHost, httpPort := split(f.http, "8080")
	consoleHost := httpHost
	if consoleHost == "" {
		consoleHost = advertiseHost
	}
	cfg = server.Config{
		ListenAddr: net.JoinHostPort(listenHost, listenPort), AdvertiseAddr: advertise, SQLAddr: complete(f.advertiseSQL, advertiseHost, port(advertise, listenPort)),
		HTTPAddr: net.JoinHostPort(httpHost, httpPort), HTTPAdvertise: complete(f.advertiseHTTP, consoleHost, httpPort),
		CertsDir: os.ExpandEnv(f.certsDir), Locality: f.locality, ClusterName: f.clusterName, MaxOffset: f.maxOffset, Pace: server.DefaultPace,
	}
	for _, target := range f.join {
		target = strings.TrimSpace(target)
		if target == "" {
			continue
		}
		cfg.Join = append(cfg.Join, complete(target, "", defaultPort))
	}
	if len(cfg.Join) == 0 {
		return cfg, errors.New("invalid argument \"\" for \"--join\" flag: no addresses in it")
	}
	if cfg.StoreDir, cfg.InMemory, err = parseStores(f.stores); err != nil {
		return cfg, err
	}
	if wait := os.Getenv("LAB_COCKROACH_SLOW_REPLICATION"); wait != "" {
		if cfg.Pace.SlowReplication, err = time.ParseDuration(wait); err != nil {
			return cfg, fmt.Errorf("LAB_COCKROACH_SLOW_REPLICATION: %w", err)
		}
	}
	_, err = certs.LoadNode(cfg.CertsDir)
	return cfg, err
}

var (
	clusterName = regexp.MustCompile(`^[a-zA-Z0-9](?:[-_a-zA-Z0-9]*[a-zA-Z0-9])?$`)
	sizes       = regexp.MustCompile(`^(\.\d+|\d+(\.\d+)?\s*(%|([kKMGTPE]i?)?B?)?)$`)
)

func checkLocality(text string) error {
	if text == "" {
		return nil
	}
	seen := map[string]bool{}
	for _, tier := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(tier, "=")
		if !ok || key == "" || value == "" {
			return fmt.Errorf("invalid argument %q for \"--locality\" flag: tier must be in the form \"key=value\" not %q", text, tier)
		}
		if seen[key] {
			return fmt.Errorf("invalid argument %q for \"--locality\" flag: duplicate key %q", text, key)
		}
		seen[key] = true
	}
	return nil
}

func parseStores(specs []string) (dir string, memory bool, err error) {
	if len(specs) > 1 {
		return "", false, errors.New("unimplemented: the lab's stand-in for cockroach has one store only")
	}
	spec := "cockroach-data"
	if len(specs) == 1 {
		spec = specs[0]
	}
	if !strings.Contains(spec, "=") {
		spec = "path=" + spec
	}
	for _, field := range strings.Split(spec, ",") {
		key, value, ok := strings.Cut(field, "=")
		switch {
		case !ok || value == "":
			return "", false, fmt.Errorf("invalid argument %q for \"--store\" flag: no value specified for %q", spec, key)
		case key == "path":
			dir = value
		case key == "type" && value == "mem":
			memory = true
		case key == "size", key == "attrs", key == "ballast-size", key == "provisioned-rate", key == "pebble":
		default:
			return "", false, fmt.Errorf("invalid argument %q for \"--store\" flag: %s is not a valid store field", spec, key)
		}
	}
	if dir == "" && !memory {
		return "", false, fmt.Errorf("invalid argument %q for \"--store\" flag: no path specified", spec)
	}
	if !memory {
		dir, err = filepath.Abs(dir)
	}
	return dir, memory, err
}

func split(address, fallback string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return strings.Trim(address, "[]"), fallback
	}
	if port == "" {
		port = fallback
	}
	return host, port
}

func port(address, fallback string) string {
	_, p := split(address, fallback)
	return p
}

func complete(address, host, fallbackPort string) string {
	h, p := split(address, fallbackPort)
	if h == "" {
		h = host
	}
	return net.JoinHostPort(h, p)
}
