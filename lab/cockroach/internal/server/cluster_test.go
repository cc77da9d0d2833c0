package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/testpki"
	"lab/cockroach/internal/transport"
)

func TestBeforeInit(t *testing.T) {
	c := plan(t, 1)
	c.start(0)
	for path, want := range map[string]int{"/health": 200, "/health?ready=1": 503, "/_status/vars": 404, "/_status/nodes": 404} {
		if got, body := c.get(0, path); got != want {
			t.Errorf("%s: %d %s, want %d", path, got, body, want)
		}
	}
	if _, body := c.get(0, "/health?ready=1"); !strings.Contains(body, `"error":"node is waiting for cluster initialization"`) {
		t.Error(body)
	}
}

func TestInitOnceAndJoin(t *testing.T) {
	c := plan(t, 3)
	c.start(1, 2, 0) // the others are waiting before the first is there
	if err := c.init(0); err != nil {
		t.Fatal(err)
	}
	c.ready(0, 1, 2)
	for i := range 3 {
		if err := c.init(i); err == nil || !strings.HasSuffix(err.Error(), "cluster has already been initialized") {
			t.Errorf("init on node %d: %v", i, err)
		}
	}
	ids := map[uint64]bool{}
	for i, node := range c.nodes {
		if node.ClusterID() != c.nodes[0].ClusterID() {
			t.Errorf("node %d is of cluster %s", i, node.ClusterID())
		}
		ids[node.ID()] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids: %v", ids)
	}
	c.voters(0, 3)
	eventually(t, "metrics", func() string {
		live, under, gone := c.metric(0, "liveness_livenodes"), 0.0, 0.0
		for i := range 3 {
			under += c.metric(i, "ranges_underreplicated")
			gone += c.metric(i, "ranges_unavailable")
		}
		if live != 3 || under != 0 || gone != 0 {
			return fmt.Sprint(live, under, gone)
		}
		return ""
	})
	if got, _ := c.get(0, "/_status/nodes"); got != 401 {
		t.Errorf("/_status/nodes without a session: %d", got)
	}
}

func TestConcurrentInitOfOneNode(t *testing.T) {
	c := plan(t, 1)
	c.start(0)
	var wins, losses int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			err := c.init(0)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				wins++
			} else {
				losses++
			}
		}()
	}
	group.Wait()
	if wins != 1 || losses != 7 {
		t.Errorf("%d inits succeeded, %d did not", wins, losses)
	}
}

func TestVotersSpreadOverRegionsAndLossOfOne(t *testing.T) {
	c := up(t, 6)
	regions := map[string]int{}
	for _, id := range c.nodes[0].replica.Load().Conf().GetVoters() {
		member, _ := c.nodes[0].machine.Member(id)
		regions[member.Region()]++
	}
	for region, count := range regions {
		if count > 2 {
			t.Errorf("%d of 5 voters are in %s", count, region)
		}
	}
	c.exec(1, "CREATE DATABASE bank", "CREATE TABLE bank.t (id INT PRIMARY KEY)", "INSERT INTO bank.t VALUES (1)")
	c.kill(0, 3) // all of r1
	eventually(t, "writes without r1", func() string {
		conn, err := c.connect(1, "root", "bank", c.root)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "UPSERT INTO t VALUES (2)"); err != nil {
			return err.Error()
		}
		return ""
	})
	c.start(0, 3)
	c.ready(0, 3)
	var count int
	if err := c.sql(3).QueryRow(context.Background(), "SELECT count(*) FROM bank.t").Scan(&count); err != nil || count != 2 {
		t.Error(count, err)
	}
}

func TestNoQuorumRefuses(t *testing.T) {
	c := up(t, 3)
	c.exec(0, "CREATE TABLE t (id INT PRIMARY KEY)")
	c.kill(1, 2)
	conn := c.sql(0)
	for _, statement := range []string{"INSERT INTO t VALUES (1)", "SELECT * FROM t"} {
		_, err := conn.Exec(context.Background(), statement)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "58C00" {
			t.Errorf("%s without a quorum: %v", statement, err)
		}
	}
	eventually(t, "unhealthy", func() string {
		code, body := c.get(0, "/health?ready=1")
		if code != 503 || !strings.Contains(body, "node is not healthy") {
			return body
		}
		return ""
	})
	eventually(t, "unavailable", func() string {
		if c.metric(0, "ranges_unavailable") != 1 || c.metric(0, "liveness_livenodes") != 0 {
			return "the metrics say that all is well"
		}
		return ""
	})
	c.start(1)
	c.ready(0, 1)
	c.exec(0, "UPSERT INTO t VALUES (1)")
}

func TestRestartKeepsIdentityUnderAnotherAddress(t *testing.T) {
	c := up(t, 3)
	c.exec(0, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t SELECT 7")
	id, cluster := c.nodes[2].ID(), c.nodes[2].ClusterID()
	c.kill(2)
	moved := freePort(t, "127.0.0.13")
	c.configs[2].ListenAddr, c.configs[2].AdvertiseAddr = moved, moved
	c.start(2)
	c.ready(2)
	if c.nodes[2].ID() != id || c.nodes[2].ClusterID() != cluster {
		t.Errorf("came back as n%d of %s, was n%d of %s", c.nodes[2].ID(), c.nodes[2].ClusterID(), id, cluster)
	}
	eventually(t, "the new address is known", func() string {
		member, _ := c.nodes[0].machine.Member(id)
		if member.Info.Address != moved {
			return member.Info.Address
		}
		return ""
	})
	if len(c.nodes[0].machine.Members()) != 3 {
		t.Error("a member too many")
	}
}

func TestWholeClusterKilledAndMoved(t *testing.T) {
	c := up(t, 3)
	c.exec(0, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)")
	c.kill(0, 1, 2)
	var join []string
	for i := range 3 {
		address := freePort(t, fmt.Sprintf("127.0.0.%d", 11+i))
		c.configs[i].ListenAddr, c.configs[i].AdvertiseAddr = address, address
		join = append(join, address)
	}
	for i := range 3 {
		c.configs[i].Join = join
	}
	c.start(0, 1, 2)
	c.ready(0, 1, 2)
	var count int
	if err := c.sql(1).QueryRow(context.Background(), "SELECT count(*) FROM t").Scan(&count); err != nil || count != 3 {
		t.Error(count, err)
	}
}

func TestStoreIsLocked(t *testing.T) {
	c := plan(t, 1)
	c.start(0)
	second := c.configs[0]
	second.ListenAddr, second.HTTPAddr = freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	if node, err := Start(second); err == nil {
		node.Kill()
		t.Error("a second node started on the same store")
	} else if !strings.Contains(err.Error(), "LOCK") {
		t.Error(err)
	}
}

func TestWrongCertificateNameIsRefused(t *testing.T) {
	c := plan(t, 2)
	c.configs[1].CertsDir = c.authority.Node(t, "elsewhere.example")
	var logs lockedBuffer
	c.configs[0].Log = slog.New(slog.NewTextHandler(&logs, nil))
	c.configs[0].Join = []string{c.configs[1].ListenAddr}
	c.configs[1].Join = []string{"127.0.0.99:1"}
	c.start(1)
	c.start(0)
	if err := c.init(0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal is logged", func() string {
		if text := logs.String(); !strings.Contains(text, "127.0.0.12") || !strings.Contains(text, "x509: ") {
			return text
		}
		return ""
	})
	if c.nodes[1].initialized() {
		t.Error("a node whose certificate is for another name joined")
	}
}

func TestOtherAuthorityIsRefused(t *testing.T) {
	c := up(t, 3)
	stranger := testpki.New(t)
	extra := c.configs[0]
	extra.StoreDir = t.TempDir()
	extra.ListenAddr, extra.HTTPAddr = freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	extra.AdvertiseAddr, extra.CertsDir = extra.ListenAddr, stranger.Node(t, "127.0.0.1")
	node, err := Start(extra)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Kill()
	time.Sleep(20 * hurried.JoinBackoff)
	if node.initialized() {
		t.Error("a node of another authority joined")
	}
}

func TestOtherClustersAreRefused(t *testing.T) {
	c := up(t, 3)
	for name, change := range map[string]func(*Config){
		"another name":   func(cfg *Config) { cfg.ClusterName = "other" },
		"no name":        func(cfg *Config) { cfg.ClusterName = "" },
		"another offset": func(cfg *Config) { cfg.MaxOffset = 500 * time.Millisecond },
	} {
		extra := c.configs[0]
		extra.StoreDir = t.TempDir()
		extra.ListenAddr, extra.HTTPAddr = freePort(t, "127.0.0.11"), freePort(t, "127.0.0.11")
		extra.AdvertiseAddr = extra.ListenAddr
		change(&extra)
		node, err := Start(extra)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * hurried.JoinBackoff)
		if node.initialized() {
			t.Errorf("a node with %s joined", name)
		}
		node.Kill()
	}
}

func TestTwoClustersRefuseEachOther(t *testing.T) {
	c := plan(t, 2)
	for i := range 2 { // made one cluster each before they meet: the real one does not prevent this either
		c.configs[i].Join = []string{"127.0.0.99:1"}
	}
	c.start(0, 1)
	for i := range 2 {
		if err := c.init(i); err != nil {
			t.Fatal(err)
		}
	}
	c.ready(0)
	one, two := c.nodes[0].ClusterID(), c.nodes[1].ClusterID()
	if one == two {
		t.Fatal("two inits made one cluster")
	}
	c.kill(1)
	c.configs[1].Join = []string{c.configs[0].ListenAddr}
	var logs lockedBuffer
	c.configs[1].Log = slog.New(slog.NewTextHandler(&logs, nil))
	c.start(1)
	eventually(t, "the refusal is logged", func() string {
		if text := logs.String(); !strings.Contains(text, "doesn't match server cluster ID") {
			return text
		}
		return ""
	})
	if c.nodes[1].ClusterID() != two || len(c.nodes[0].machine.Members()) != 1 {
		t.Error("clusters mixed")
	}
}

func TestDrain(t *testing.T) {
	c := up(t, 3)
	leader := -1
	for i, node := range c.nodes {
		if node.replica.Load().IsLeader() {
			leader = i
		}
	}
	idle := c.sql(leader)
	c.nodes[leader].Drain(context.Background())
	if code, body := c.get(leader, "/health?ready=1"); code != 503 || !strings.Contains(body, "node is shutting down") {
		t.Error(code, body)
	}
	if c.nodes[leader].replica.Load().IsLeader() {
		t.Error("a drained node still leads")
	}
	if _, err := idle.Exec(context.Background(), "SELECT 1"); err == nil {
		t.Error("an idle client is still served")
	}
	if _, err := c.connect(leader, "root", "", c.root); err == nil {
		t.Error("a new client is served")
	}
	other := (leader + 1) % 3
	eventually(t, "others see it", func() string {
		member, _ := c.nodes[other].machine.Member(c.nodes[leader].ID())
		if !member.Info.Draining {
			return "not draining"
		}
		return ""
	})
	c.kill(leader)
	c.exec(other, "SELECT 1", "CREATE DATABASE d")
}

func TestDecommission(t *testing.T) {
	c := up(t, 4)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	gone := -1
	for i, node := range c.nodes {
		for _, id := range node.replica.Load().Conf().GetVoters() {
			if id == node.ID() && !node.replica.Load().IsLeader() {
				gone = i
			}
		}
	}
	id := c.nodes[gone].ID()
	through := (gone + 1) % 4
	admin := c.admin(through)
	request := &transport.DecommissionRequest{IDs: []uint64{id}, Membership: state.Decommissioning}
	if check, err := admin.Check(ctx, request); err != nil || len(check.Blocked) > 0 {
		t.Fatal(check, err)
	}
	eventually(t, "no replica left", func() string {
		response, err := admin.Decommission(ctx, request)
		if err != nil {
			return err.Error()
		}
		if len(response.Nodes) != 1 || response.Nodes[0].Replicas != 0 {
			return fmt.Sprint(response.Nodes)
		}
		return ""
	})
	if _, err := admin.Decommission(ctx, &transport.DecommissionRequest{IDs: []uint64{id}, Membership: state.Decommissioned}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Decommission(ctx, &transport.DecommissionRequest{IDs: []uint64{id}, Membership: state.Active}); err == nil {
		t.Error("a decommissioned node was recommissioned")
	}
	if _, err := admin.Decommission(ctx, &transport.DecommissionRequest{IDs: []uint64{99}, Membership: state.Decommissioning}); err == nil {
		t.Error("a node that does not exist was decommissioned")
	}
	eventually(t, "out of the group", func() string {
		conf := c.nodes[through].replica.Load().Conf()
		for _, member := range append(conf.GetVoters(), conf.GetLearners()...) {
			if member == id {
				return fmt.Sprint(conf)
			}
		}
		return ""
	})
	c.kill(gone)
	c.start(gone)
	select {
	case err := <-c.nodes[gone].Fatal():
		if err == nil || !strings.Contains(err.Error(), "was permanently removed from the cluster") {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("a decommissioned node goes on after a restart")
	}
	left := 0
	for i := range c.nodes {
		if i != gone && left == 0 {
			left = int(c.nodes[i].ID())
		}
	}
	if check, err := admin.Check(ctx, &transport.DecommissionRequest{IDs: []uint64{uint64(left)}}); err != nil || len(check.Blocked) != 1 {
		t.Errorf("decommissioning one of three was not stopped: %v %v", check, err)
	}
}

func TestAnUpgradeIsFinalisedUnlessItIsHeld(t *testing.T) {
	t.Setenv("LAB_COCKROACH_VERSION", "v26.2.5")
	c := up(t, 3)
	c.exec(0, "SET CLUSTER SETTING cluster.auto_upgrade.enabled = false")
	roll := func(release string) {
		t.Setenv("LAB_COCKROACH_VERSION", release)
		for i := range c.nodes {
			c.kill(i)
			c.start(i)
			c.ready(i)
		}
	}
	roll("v26.4.0")
	held := time.After(10 * hurried.Allocate)
	<-held
	if version := c.nodes[0].machine.Version(); version != "26.2" {
		t.Fatal("finalised though held: ", version)
	}
	roll("v26.2.6") // the way back
	roll("v26.4.0")
	c.exec(0, "SET CLUSTER SETTING cluster.auto_upgrade.enabled = true")
	eventually(t, "finalised", func() string {
		if version := c.nodes[0].machine.Version(); version != "26.4" {
			return version
		}
		return ""
	})
	c.kill(0)
	t.Setenv("LAB_COCKROACH_VERSION", "v26.2.6")
	if node, err := Start(c.configs[0]); err == nil {
		node.Kill()
		t.Error("an older release starts on the store of a finalised upgrade")
	}
}

func TestAdministrationNeedsRoot(t *testing.T) {
	c := plan(t, 1)
	c.start(0)
	c.root = c.authority.Client(t, "root")
	c.authority.Write(t, c.root, "client.root", "app") // a certificate of a mere user
	if err := c.init(0); err == nil || !strings.Contains(err.Error(), "need root or node client cert") {
		t.Error(err)
	}
}

// lockedBuffer is a log that a test can read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var _ io.Writer = (*lockedBuffer)(nil)
