package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

const adminTimeout = 90 * time.Second // longer than a server waits for a quorum

func nodeCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "node [command]", Short: "list, inspect, drain or remove nodes",
		RunE: func(command *cobra.Command, _ []string) error {
			_ = command.Usage()
			return exitError(1)
		},
	}
	command.AddCommand(nodeStatus(), nodeList(), nodeDecommission(), nodeRecommission(), nodeDrain())
	return command
}

// admin connects, and gives a deadline to what is done.
func (c *client) admin(timeout time.Duration, work func(context.Context, *transport.Client) error) error {
	connection, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return reason(connection, work(ctx, connection))
}

func nodeStatus() *cobra.Command {
	var c client
	var ranges, stats, decommission, all bool
	var format string
	var timeout time.Duration
	command := &cobra.Command{
		Use: "status [<node id>]", Short: "shows the status of a node or all nodes", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.admin(timeout, func(ctx context.Context, connection *transport.Client) error {
				response, err := connection.Nodes(ctx)
				if err != nil {
					return err
				}
				return printStatus(response, args, format, ranges || all, decommission || all)
			})
		},
	}
	c.register(command)
	flags := command.Flags()
	flags.BoolVar(&ranges, "ranges", false, "show replica and range details")
	flags.BoolVar(&stats, "stats", false, "accepted: the stand-in keeps no statistics")
	flags.BoolVar(&decommission, "decommission", false, "show decommission details, and decommissioned nodes")
	flags.BoolVar(&all, "all", false, "show all details")
	flags.StringVar(&format, "format", defaultFormat(), "output format")
	flags.DurationVar(&timeout, "timeout", adminTimeout, "give up after this")
	return command
}

const statusTime = "2006-01-02 15:04:05.999999 -0700 MST"

func printStatus(response *transport.NodesResponse, args []string, format string, ranges, decommission bool) error {
	header := []string{"id", "address", "sql_address", "build", "started_at", "updated_at", "locality", "is_available", "is_live"}
	if ranges {
		header = append(header, "replicas_leaders", "replicas_leaseholders", "ranges", "ranges_unavailable", "ranges_underreplicated")
	}
	if decommission {
		header = append(header, "gossiped_replicas", "is_decommissioning", "membership", "is_draining")
	}
	wanted := uint64(0)
	if len(args) == 1 {
		id, err := strconv.ParseUint(args[0], 10, 32)
		if err != nil {
			return fmt.Errorf("could not parse node_id %s", args[0])
		}
		wanted = id
	}
	var rows [][]cell
	for _, node := range response.Nodes {
		if wanted != 0 && node.ID != wanted || node.Membership != state.Active && !node.Live && !decommission && wanted == 0 {
			continue
		}
		updated := time.Unix(0, node.Expiration).Add(-6 * time.Second).UTC()
		values := []string{
			strconv.FormatUint(node.ID, 10), node.Info.Address, node.Info.SQLAddress, node.Info.Build, time.Unix(0, node.Info.StartedAt).UTC().Format(statusTime),
			updated.Format(statusTime), node.Info.Locality, strconv.FormatBool(node.Live), strconv.FormatBool(node.Live),
		}
		if ranges {
			leader := "0"
			if node.Leader {
				leader = "1"
			}
			values = append(values, leader, leader, strconv.Itoa(node.Replicas), "0", "0")
		}
		if decommission {
			values = append(values, strconv.Itoa(node.Replicas), strconv.FormatBool(node.Membership != state.Active), node.Membership, strconv.FormatBool(node.Info.Draining))
		}
		rows = append(rows, cells(values))
	}
	if wanted != 0 && len(rows) == 0 {
		return fmt.Errorf("node %d doesn't exist", wanted)
	}
	return render(os.Stdout, format, header, rows)
}

func cells(values []string) []cell {
	out := make([]cell, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}

func nodeList() *cobra.Command {
	var c client
	var format string
	command := &cobra.Command{
		Use: "ls", Short: "lists the IDs of all nodes in the cluster", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return c.admin(adminTimeout, func(ctx context.Context, connection *transport.Client) error {
				response, err := connection.Nodes(ctx)
				if err != nil {
					return err
				}
				var rows [][]cell
				for _, node := range response.Nodes {
					if node.Membership == state.Active || node.Live {
						rows = append(rows, cells([]string{strconv.FormatUint(node.ID, 10)}))
					}
				}
				return render(os.Stdout, format, []string{"id"}, rows)
			})
		},
	}
	c.register(command)
	command.Flags().StringVar(&format, "format", defaultFormat(), "output format")
	command.Flags().Duration("timeout", 0, "accepted")
	return command
}

func parseIDs(args []string, self bool, connection *transport.Client, ctx context.Context) ([]uint64, error) {
	if self {
		if len(args) > 0 {
			return nil, errors.New("cannot use --self with an explicit list of node IDs")
		}
		response, err := connection.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		return []uint64{response.LocalID}, nil
	}
	var ids []uint64
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("unable to parse %s: %w", arg, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func nodeDrain() *cobra.Command {
	var c client
	var self, shutdown bool
	var wait time.Duration
	command := &cobra.Command{
		Use: "drain { --self | <node id> }", Short: "drain a node without shutting it down", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if self && len(args) > 0 {
				return errors.New("cannot use --self with an explicit node ID")
			}
			if !self && len(args) == 0 {
				fmt.Fprintln(os.Stderr, "warning: draining a node without node ID or passing --self explicitly is deprecated.")
			}
			request := &transport.DrainRequest{Shutdown: shutdown}
			if len(args) == 1 && !strings.EqualFold(args[0], "local") {
				id, err := strconv.ParseUint(args[0], 10, 32)
				if err != nil {
					return fmt.Errorf("unable to parse %s: %w", args[0], err)
				}
				request.NodeID = id
			}
			err := c.admin(wait, func(ctx context.Context, connection *transport.Client) error { return connection.Drain(ctx, request) })
			if err == nil {
				fmt.Println("node is draining... remaining: 0 (complete)")
				fmt.Println("drain ok")
			}
			return err
		},
	}
	c.registerRPC(command)
	flags := command.Flags()
	flags.BoolVar(&self, "self", false, "use the node that --host names")
	flags.BoolVar(&shutdown, "shutdown", false, "end the process after the drain")
	flags.DurationVar(&wait, "drain-wait", 10*time.Minute, "give up after this")
	return command
}
