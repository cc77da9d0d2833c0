package server

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"lab/cockroach/internal/build"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// handleVars writes the metrics in Prometheus' text form, under the real one's names. There is one range: the Raft group.
func (n *Node) handleVars(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	var out strings.Builder
	gauge := func(name, help, labels string, value any) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n%s{%s} %v\n", name, help, name, name, labels, value)
	}
	node := fmt.Sprintf(`node_id="%d"`, n.ID())
	store := fmt.Sprintf(`store="%d",node_id="%d"`, n.ID(), n.ID())
	gauge("node_id", "node ID with labels for advertised RPC and HTTP addresses",
		fmt.Sprintf(`advertise_addr=%q,http_addr=%q,sql_addr=%q`, n.cfg.AdvertiseAddr, n.cfg.HTTPAdvertise, n.cfg.SQLAddr), n.ID())
	gauge("build_timestamp", "Build information", fmt.Sprintf(`tag=%q,go_version=%q,cluster_version=%q,%s`, build.Tag(), runtime.Version(), n.machine.Version(), node), 1)
	gauge("sys_uptime", "Process uptime", node, int(time.Since(n.started).Seconds()))
	gauge("liveness_livenodes", "Number of live nodes in the cluster (will be 0 if this node is not itself live)", node, n.liveNodesMetric())
	mean, deviation, count := n.gossip.clock()
	gauge("clock_offset_meannanos", "Mean clock offset with other nodes", node, int64(mean))
	gauge("clock_offset_stddevnanos", "Stddev clock offset with other nodes", node, int64(deviation))
	gauge("rpc_connection_healthy", "Gauge of current connections in a healthy state", node, count)
	gauge("sql_conns", "Number of open SQL connections", node, n.sql.Connections())
	gauge("security_certificate_expiration_node", "Expiration for the node certificate", node, n.certs.Current().Leaf.NotAfter.Unix())
	gauge("security_certificate_expiration_ca", "Expiration for the CA certificate", node, n.certs.Current().CA.NotAfter.Unix())
	ranges := n.ranges()
	gauge("replicas", "Number of replicas", store, ranges.replicas)
	gauge("replicas_leaders", "Number of raft leaders", store, ranges.leaders)
	gauge("replicas_leaseholders", "Number of lease holders", store, ranges.leaders)
	gauge("ranges", "Number of ranges", store, ranges.reported)
	gauge("ranges_unavailable", "Number of ranges with fewer live replicas than needed for quorum", store, ranges.unavailable)
	gauge("ranges_underreplicated", "Number of ranges with fewer live replicas than the replication target", store, ranges.underreplicated)
	gauge("ranges_overreplicated", "Number of ranges with more live replicas than the replication target", store, ranges.overreplicated)
	_, _ = io.WriteString(w, out.String())
}

func (n *Node) liveNodesMetric() int {
	member, ok := n.machine.Member(n.ID())
	if !ok || !live(member, time.Now()) {
		return 0
	}
	return n.liveNodes()
}

type rangeCounts struct {
	replicas, leaders, reported, unavailable, underreplicated, overreplicated int
}

// ranges counts for this store. As in the real one, only one replica reports the range's health: the leader, or, where there is
// none, the first voter that still runs as far as this node can tell.
func (n *Node) ranges() rangeCounts {
	running := n.replica.Load()
	voters := running.Conf().GetVoters()
	var counts rangeCounts
	if slices.Contains(voters, n.ID()) {
		counts.replicas = 1
	}
	if running.IsLeader() {
		counts.leaders = 1
	}
	now := time.Now()
	alive := 0
	members := n.machine.Members()
	for _, member := range members {
		if slices.Contains(voters, member.ID) && live(member, now) {
			alive++
		}
	}
	needed := neededVoters(activeMembers(members))
	if !n.reports(voters, running.Leader()) {
		return counts
	}
	counts.reported = 1
	if alive < len(voters)/2+1 {
		counts.unavailable = 1
	}
	if alive < needed {
		counts.underreplicated = 1
	}
	if len(voters) > needed {
		counts.overreplicated = 1
	}
	return counts
}

func (n *Node) reports(voters []uint64, leader uint64) bool {
	if leader != 0 {
		return leader == n.ID()
	}
	sorted := slices.Sorted(slices.Values(voters))
	for _, id := range sorted {
		if id == n.ID() {
			return true
		}
		if n.gossip.fresh(id) {
			return false
		}
	}
	return false
}
