package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The real one's SQL commands know no cluster name; a script that passes one must fail here too.
func TestOnlyRPCCommandsTakeAClusterName(t *testing.T) {
	for _, words := range [][]string{{"sql"}, {"node", "status"}, {"node", "ls"}} {
		if err := refusal(words); err == nil || !strings.Contains(err.Error(), "unknown flag: --cluster-name") {
			t.Errorf("%v: %v", words, err)
		}
	}
	for _, words := range [][]string{{"init"}, {"node", "drain"}, {"node", "decommission"}, {"node", "recommission"}} {
		if err := refusal(words); err != nil && strings.Contains(err.Error(), "unknown flag") {
			t.Errorf("%v: %v", words, err)
		}
	}
}

// refusal is what parsing says of a command with a cluster's name; --help keeps it from running.
func refusal(words []string) error {
	command := &cobra.Command{Use: "cockroach", SilenceErrors: true}
	command.AddCommand(initCommand(), sqlCommand(), nodeCommand())
	command.SetArgs(append(words, "--cluster-name=c", "--help"))
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	return command.Execute()
}
