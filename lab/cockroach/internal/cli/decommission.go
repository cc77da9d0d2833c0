package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

type decommissioning struct {
	client
	self         bool
	wait, checks string
	dryRun       bool
	format       string
}

func nodeDecommission() *cobra.Command {
	var d decommissioning
	command := &cobra.Command{
		Use: "decommission { --self | <node id 1> [<node id 2> ...] }", Short: "decommissions the node(s)",
		RunE: func(_ *cobra.Command, args []string) error {
			if !d.self && len(args) == 0 {
				return errors.New("no node ID specified")
			}
			if !slices.Contains([]string{"all", "none"}, d.wait) {
				return fmt.Errorf("invalid argument %q for \"--wait\" flag: invalid node decommission parameter: %s (possible values: all, none)", d.wait, d.wait)
			}
			if !slices.Contains([]string{"enabled", "strict", "skip"}, d.checks) {
				return fmt.Errorf("invalid argument %q for \"--checks\" flag (possible values: enabled, strict, skip)", d.checks)
			}
			return d.admin(0, func(ctx context.Context, connection *transport.Client) error { return d.run(ctx, connection, args) })
		},
	}
	d.registerRPC(command)
	flags := command.Flags()
	flags.BoolVar(&d.self, "self", false, "use the node that --host names")
	flags.StringVar(&d.wait, "wait", "all", "all: until the nodes hold nothing; none: return at once")
	flags.StringVar(&d.checks, "checks", "enabled", "enabled, strict or skip: whether to check first that the cluster can do without the nodes")
	flags.BoolVar(&d.dryRun, "dry-run", false, "only check")
	flags.StringVar(&d.format, "format", defaultFormat(), "output format")
	flags.Duration("timeout", 0, "accepted")
	return command
}

const stallAfter = 15 // looks without a change

func (d *decommissioning) run(ctx context.Context, connection *transport.Client, args []string) error {
	ids, err := parseIDs(args, d.self, connection, ctx)
	if err != nil {
		return err
	}
	d.warn(ctx, connection, ids)
	if d.checks != "skip" {
		if err := d.check(ctx, connection, ids); err != nil {
			return err
		}
	}
	if d.dryRun {
		return nil
	}
	var previous []transport.NodeStatus
	same := 0
	for backoff := 50 * time.Millisecond; ; backoff = min(backoff*2, 2*time.Second) {
		limited, cancel := context.WithTimeout(ctx, adminTimeout)
		response, err := connection.Decommission(limited, &transport.DecommissionRequest{IDs: ids, Membership: state.Decommissioning})
		cancel()
		if err != nil {
			return d.explain("while trying to mark as decommissioning", err)
		}
		if !reflect.DeepEqual(stable(previous), stable(response.Nodes)) {
			fmt.Fprintln(os.Stderr)
			if err := printDecommission(response.Nodes, d.format); err != nil {
				return err
			}
			previous, same = response.Nodes, 0
		} else {
			fmt.Fprint(os.Stderr, ".")
			if same++; same == stallAfter {
				d.reportStall(response.Nodes)
			}
		}
		replicas := 0
		for _, node := range response.Nodes {
			replicas += node.Replicas
		}
		if replicas == 0 {
			return d.finish(ctx, connection, ids)
		}
		if d.wait == "none" {
			return nil
		}
		time.Sleep(backoff)
	}
}

// warn tells of nodes that are on their way already.
func (d *decommissioning) warn(ctx context.Context, connection *transport.Client, ids []uint64) {
	response, err := connection.Nodes(ctx)
	if err != nil {
		return // what comes next will say why
	}
	for _, node := range response.Nodes {
		if slices.Contains(ids, node.ID) && node.Membership != state.Active {
			fmt.Fprintln(os.Stderr, "warning: node", node.ID, "is already decommissioning or decommissioned")
		}
	}
}

func (d *decommissioning) reportStall(nodes []transport.NodeStatus) {
	fmt.Fprintln(os.Stderr, "\npossible decommission stall detected; reporting decommissioning replicas")
	for _, node := range nodes {
		if node.Replicas > 0 {
			fmt.Fprintf(os.Stderr, "n%d still has replica id %d for range r1\n", node.ID, node.ID)
		}
	}
}

func (d *decommissioning) check(ctx context.Context, connection *transport.Client, ids []uint64) error {
	limited, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	response, err := connection.Check(limited, &transport.DecommissionRequest{IDs: ids})
	if err != nil {
		return d.explain("while checking", err)
	}
	if len(response.Blocked) == 0 {
		return nil
	}
	for id, why := range response.Blocked {
		fmt.Fprintf(os.Stderr, "\nranges blocking decommission detected\nn%d has 1 replicas blocked with error: %q\n", id, why)
	}
	return errors.New("Cannot decommission nodes.") //nolint:staticcheck // the real one's words
}

func (d *decommissioning) explain(doing string, err error) error {
	switch status.Code(err) {
	case codes.NotFound:
		return errors.New("node does not exist")
	case codes.FailedPrecondition:
		return errors.New(status.Convert(err).Message())
	}
	return fmt.Errorf("%s: %s", doing, describe(err))
}

// finish drains the nodes and marks them as gone for good.
func (d *decommissioning) finish(ctx context.Context, connection *transport.Client, ids []uint64) error {
	limited, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	local, err := connection.Nodes(limited)
	if err != nil {
		return err
	}
	for _, id := range ids {
		at := slices.IndexFunc(local.Nodes, func(node transport.NodeStatus) bool { return node.ID == id })
		if id == local.LocalID || at < 0 || !local.Nodes[at].Live || local.Nodes[at].Membership == state.Decommissioned {
			continue
		}
		if err := connection.Drain(limited, &transport.DrainRequest{NodeID: id}); err != nil {
			return fmt.Errorf("while trying to drain n%d: %s", id, describe(err))
		}
	}
	if _, err := connection.Decommission(limited, &transport.DecommissionRequest{IDs: ids, Membership: state.Decommissioned}); err != nil {
		return d.explain("while trying to mark as decommissioned", err)
	}
	fmt.Println("\nNo more data reported on target nodes. Please verify cluster health before removing the nodes.")
	return nil
}

// stable is a list of nodes without what changes all the time.
func stable(nodes []transport.NodeStatus) []string {
	var out []string
	for _, node := range nodes {
		out = append(out, fmt.Sprint(node.ID, node.Live, node.Replicas, node.Membership, node.Info.Draining))
	}
	return out
}

func printDecommission(nodes []transport.NodeStatus, format string) error {
	header := []string{"id", "is_live", "replicas", "is_decommissioning", "membership", "is_draining"}
	var rows [][]cell
	for _, node := range nodes {
		rows = append(rows, cells([]string{
			strconv.FormatUint(node.ID, 10), strconv.FormatBool(node.Live), strconv.Itoa(node.Replicas), strconv.FormatBool(node.Membership != state.Active),
			node.Membership, strconv.FormatBool(node.Info.Draining),
		}))
	}
	return render(os.Stdout, format, header, rows)
}

func nodeRecommission() *cobra.Command {
	var c client
	var self bool
	var format string
	command := &cobra.Command{
		Use: "recommission { --self | <node id 1> [<node id 2> ...] }", Short: "recommissions the node(s)",
		RunE: func(_ *cobra.Command, args []string) error {
			if !self && len(args) == 0 {
				return errors.New("no node ID specified; use --self to target the node specified with --host")
			}
			return c.admin(adminTimeout, func(ctx context.Context, connection *transport.Client) error {
				ids, err := parseIDs(args, self, connection, ctx)
				if err != nil {
					return err
				}
				response, err := connection.Decommission(ctx, &transport.DecommissionRequest{IDs: ids, Membership: state.Active})
				if err != nil {
					return (&decommissioning{}).explain("recommissioning", err)
				}
				return printDecommission(response.Nodes, format)
			})
		},
	}
	c.registerRPC(command)
	command.Flags().BoolVar(&self, "self", false, "use the node that --host names")
	command.Flags().StringVar(&format, "format", defaultFormat(), "output format")
	return command
}
