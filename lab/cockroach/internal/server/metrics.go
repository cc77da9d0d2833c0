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
	"lab/cockroach/internal/sqlexec"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// exposition is Prometheus' text form.
type exposition struct{ strings.Builder }

func (e *exposition) metric(kind, name, help string, samples ...sample) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	for _, one := range samples {
		fmt.Fprintf(e, "%s{%s} %v\n", name, one.labels, one.value)
	}
}

type sample struct {
	labels string
	value  any
}

// handleVars writes the metrics in Prometheus' text form, under the real one's names. There is one range: the Raft group.
func (n *Node) handleVars(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	out := new(exposition)
	n.nodeMetrics(out)
	n.networkMetrics(out)
	n.storeMetrics(out)
	n.sqlMetrics(out)
	_, _ = io.WriteString(w, out.String())
}

func (n *Node) labels() string { return fmt.Sprintf(`node_id="%d"`, n.ID()) }

func (n *Node) nodeMetrics(out *exposition) {
	node := n.labels()
	gauge := func(name, help string, value any) { out.metric("gauge", name, help, sample{node, value}) }
	out.metric("gauge", "node_id", "node ID with labels for advertised RPC and HTTP addresses",
		sample{fmt.Sprintf(`advertise_addr=%q,http_addr=%q,sql_addr=%q`, n.cfg.AdvertiseAddr, n.cfg.HTTPAdvertise, n.cfg.SQLAddr), n.ID()})
	out.metric("gauge", "build_timestamp", "Build information",
		sample{fmt.Sprintf(`tag=%q,go_version=%q,cluster_version=%q,%s`, build.Tag(), runtime.Version(), n.machine.Version(), node), 1})
	gauge("sys_uptime", "Process uptime", int(time.Since(n.started).Seconds()))
	gauge("sys_rss", "Current process RSS", residentBytes())
	gauge("sys_cpu_combined_percent_normalized", "Current user+system cpu percentage consumed by the CRDB process, normalized 0-1 by number of cores", n.usage.share())
	gauge("liveness_livenodes", "Number of live nodes in the cluster (will be 0 if this node is not itself live)", n.liveNodesMetric())
	gauge("security_certificate_expiration_node", "Expiration for the node certificate. 0 means no certificate or error.", n.certs.Current().Leaf.NotAfter.Unix())
	gauge("security_certificate_expiration_ca", "Expiration for the CA certificate. 0 means no certificate or error.", n.certs.Current().CA.NotAfter.Unix())
}

// networkMetrics has a series for each peer too, where `server.child_metrics.enabled` asks for it. There is one connection to each.
func (n *Node) networkMetrics(out *exposition) {
	node := n.labels()
	gauge := func(name, help string, samples ...sample) { out.metric("gauge", name, help, samples...) }
	mean, deviation, count := n.gossip.clock()
	gauge("clock_offset_meannanos", "Mean clock offset with other nodes", sample{node, int64(mean)})
	gauge("clock_offset_stddevnanos", "Stddev clock offset with other nodes", sample{node, int64(deviation)})
	book := n.addressBook()
	delete(book, n.ID())
	trips := n.gossip.roundTrips()
	var sum time.Duration
	for _, trip := range trips {
		sum += trip
	}
	latencies := []sample{{node, sum.Nanoseconds()}}
	if text, _ := sqlexec.Setting(n.machine, "server.child_metrics.enabled"); text == "true" {
		for id, trip := range trips {
			latencies = append(latencies, sample{fmt.Sprintf(`%s,remote_node_id="%d",remote_addr=%q,class="default"`, node, id, book[id].Address), trip.Nanoseconds()})
		}
	}
	gauge("rpc_connection_avg_round_trip_latency", "Sum of exponentially weighted moving average of round-trip latencies, as measured through a gRPC RPC.", latencies...)
	gauge("rpc_connection_healthy", "Gauge of current connections in a healthy state", sample{node, count})
	gauge("rpc_connection_unhealthy", "Gauge of current connections in an unhealthy state", sample{node, max(0, len(book)-count)})
}

func (n *Node) storeMetrics(out *exposition) {
	store := fmt.Sprintf(`store="%d",%s`, n.ID(), n.labels())
	gauge := func(name, help string, value any) { out.metric("gauge", name, help, sample{store, value}) }
	total, free, used := diskBytes(n.cfg.StoreDir)
	gauge("capacity", "Total storage capacity", total)
	gauge("capacity_available", "Available storage capacity", free)
	gauge("capacity_used", "Used storage capacity", used)
	ranges := n.ranges()
	gauge("replicas", "Number of replicas", ranges.replicas)
	gauge("replicas_leaders", "Number of raft leaders", ranges.leaders)
	gauge("replicas_leaseholders", "Number of lease holders", ranges.leaders)
	gauge("ranges", "Number of ranges", ranges.reported)
	gauge("ranges_unavailable", "Number of ranges with fewer live replicas than needed for quorum", ranges.unavailable)
	gauge("ranges_underreplicated", "Number of ranges with fewer live replicas than the replication target", ranges.underreplicated)
	gauge("ranges_overreplicated", "Number of ranges with more live replicas than the replication target", ranges.overreplicated)
}

func (n *Node) sqlMetrics(out *exposition) {
	node := n.labels()
	counts, backups := &n.engine.Counts, &n.engine.Backups
	counter := func(name, help string, value int64) { out.metric("counter", name, help, sample{node, value}) }
	out.metric("gauge", "sql_conns", "Number of open SQL connections", sample{node, n.sql.Connections()})
	counter("sql_crud_query_count", "Number of SQL SELECT, INSERT, UPDATE, DELETE statements successfully executed", counts.CRUD.Load())
	counter("sql_failure_count", "Number of statements resulting in a planning or runtime error", counts.Failed.Load())
	buckets, sum := counts.Latencies()
	var samples []sample
	for i, reached := range buckets {
		bound := "+Inf"
		if i < len(sqlexec.LatencyBounds) {
			bound = fmt.Sprint(sqlexec.LatencyBounds[i].Nanoseconds())
		}
		samples = append(samples, sample{fmt.Sprintf(`%s,le=%q`, node, bound), reached})
	}
	fmt.Fprint(out, "# HELP sql_service_latency Latency of SQL request execution\n# TYPE sql_service_latency histogram\n")
	for _, one := range samples {
		fmt.Fprintf(out, "sql_service_latency_bucket{%s} %v\n", one.labels, one.value)
	}
	fmt.Fprintf(out, "sql_service_latency_sum{%s} %d\nsql_service_latency_count{%s} %d\n", node, sum.Nanoseconds(), node, buckets[len(buckets)-1])
	counter("schedules_BACKUP_started", "Number of BACKUP jobs started", backups.Started.Load())
	counter("schedules_BACKUP_succeeded", "Number of BACKUP jobs succeeded", backups.Succeeded.Load())
	counter("schedules_BACKUP_failed", "Number of BACKUP jobs failed", backups.Failed.Load())
	out.metric("gauge", "schedules_BACKUP_last_completed_time",
		"The unix timestamp of the most recently completed backup by a schedule specified as maintaining this metric", sample{node, backups.LastCompleted.Load()})
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
