package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/replica"
	"lab/cockroach/internal/testpki"
	"lab/cockroach/internal/transport"
)

// hurried is a pace for tests: everything about five times as fast.
var hurried = Pace{
	Raft: replica.Timing{Tick: 30 * time.Millisecond, Election: 12, Heartbeat: 3}, Ping: 150 * time.Millisecond, JoinBackoff: 60 * time.Millisecond,
	Beat: 200 * time.Millisecond, LivenessTTL: 1200 * time.Millisecond, Allocate: 100 * time.Millisecond, SlowReplication: 1500 * time.Millisecond,
	StoreDead: time.Minute, DrainWait: 2 * time.Second,
}

const patience = 30 * time.Second // far more than anything here takes on an idle machine

// cluster is several nodes in one process, each on an address of its own.
type cluster struct {
	t         *testing.T
	authority *testpki.Authority
	certs     string
	root      string
	nodes     []*Node
	configs   []Config
	http      *http.Client
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// plan makes configs for so many nodes over three regions; none is started.
func plan(t *testing.T, count int) *cluster {
	t.Helper()
	authority := testpki.New(t)
	c := &cluster{t: t, authority: authority, root: authority.Client(t, "root"), nodes: make([]*Node, count)}
	var hosts, join []string
	for i := range count {
		hosts = append(hosts, fmt.Sprintf("127.0.0.%d", 11+i))
	}
	c.certs = authority.Node(t, append(hosts, "localhost")...)
	for i := range count {
		address := freePort(t, hosts[i])
		if i < 3 {
			join = append(join, address)
		}
		c.configs = append(c.configs, Config{
			StoreDir: t.TempDir(), ListenAddr: address, AdvertiseAddr: address, SQLAddr: address, HTTPAddr: freePort(t, hosts[i]), CertsDir: c.certs,
			Locality: fmt.Sprintf("region=r%d,zone=r%d-%d", i%3+1, i%3+1, i), ClusterName: "test", MaxOffset: 250 * time.Millisecond, Pace: hurried,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
	}
	for i := range c.configs {
		c.configs[i].Join = join
	}
	pool, _, err := certs.LoadCAs(c.certs)
	if err != nil {
		t.Fatal(err)
	}
	c.http = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.kill(i)
		}
	})
	return c
}

func (c *cluster) start(index ...int) {
	c.t.Helper()
	for _, i := range index {
		node, err := Start(c.configs[i])
		if err != nil {
			c.t.Fatalf("node %d: %v", i, err)
		}
		c.nodes[i] = node
	}
}

func (c *cluster) kill(index ...int) {
	for _, i := range index {
		if c.nodes[i] != nil {
			c.nodes[i].Kill()
			c.nodes[i] = nil
		}
	}
}

func (c *cluster) admin(i int) *transport.Client {
	c.t.Helper()
	pair, err := certs.LoadClient(c.root, "root")
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := transport.Dial(c.configs[i].ListenAddr, pair.ClientConfig)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *cluster) init(i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.admin(i).Init(ctx)
}

// eventually waits for a condition, and fails with what it last said.
func eventually(t *testing.T, what string, condition func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	last := ""
	for time.Now().Before(deadline) {
		if last = condition(); last == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: not within %s: %s", what, patience, last)
}

func (c *cluster) ready(index ...int) {
	c.t.Helper()
	for _, i := range index {
		eventually(c.t, fmt.Sprintf("node %d ready", i), func() string { return c.nodes[i].readiness() })
	}
}

// voters waits until the group has so many.
func (c *cluster) voters(through, count int) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d voters", count), func() string {
		if got := c.nodes[through].replica.Load().Conf().GetVoters(); len(got) != count {
			return fmt.Sprint(got)
		}
		return ""
	})
}

// up starts a whole cluster and waits for it.
func up(t *testing.T, count int) *cluster {
	t.Helper()
	c := plan(t, count)
	all := c.all()
	c.start(all...)
	if err := c.init(0); err != nil {
		t.Fatal(err)
	}
	c.ready(all...)
	want := 3
	if count >= 5 {
		want = 5
	}
	c.voters(0, want)
	return c
}

func (c *cluster) all() []int {
	out := make([]int, len(c.nodes))
	for i := range out {
		out[i] = i
	}
	return out
}

func (c *cluster) connect(i int, user, database, dir string) (*pgx.Conn, error) {
	pair, err := certs.LoadClient(dir, user)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(c.configs[i].ListenAddr)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s database=%s sslmode=require connect_timeout=10", host, port, user, database))
	if err != nil {
		return nil, err
	}
	config.TLSConfig = pair.ClientConfig(host)
	config.TLSConfig.NextProtos = nil
	config.Fallbacks = nil
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err == nil {
		c.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func (c *cluster) sql(i int) *pgx.Conn {
	c.t.Helper()
	conn, err := c.connect(i, "root", "defaultdb", c.root)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func (c *cluster) exec(i int, statements ...string) {
	c.t.Helper()
	conn := c.sql(i)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			c.t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (c *cluster) get(i int, path string) (int, string) {
	c.t.Helper()
	response, err := c.http.Get("https://" + c.configs[i].HTTPAddr + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// metric sums a metric over its labels on one node.
func (c *cluster) metric(i int, name string) float64 {
	c.t.Helper()
	_, body := c.get(i, "/_status/vars")
	sum, found := 0.0, false
	for _, line := range strings.Split(body, "\n") {
		if strings.HasPrefix(line, name+"{") {
			var value float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &value); err != nil {
				c.t.Fatalf("%s: %v", line, err)
			}
			sum, found = sum+value, true
		}
	}
	if !found {
		c.t.Fatalf("no metric %s", name)
	}
	return sum
}
