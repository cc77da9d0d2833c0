package sqlexec

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lab/cockroach/internal/blobs"
	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

var update = flag.Bool("update", false, "write the golden files anew")

// alone is a cluster of one machine with no log: commits apply at once.
type alone struct {
	machine *state.Machine
	index   uint64
	files   blobs.Folder
}

func newAlone(t *testing.T) *alone {
	t.Helper()
	first := state.Info{Address: "n1:26257", SQLAddress: "n1:26257", Locality: "region=us-east1,zone=us-east1-b", Build: "v26.2.5"}
	c := &alone{files: blobs.Folder(t.TempDir()), machine: state.Bootstrap("6f0c1b0e-0000-4000-8000-000000000001", "26.2", first, Initial()), index: 1}
	for i, region := range []string{"us-central1", "us-west1", "us-west1"} {
		c.apply(t, state.Command{ID: fmt.Sprint("join", i), Join: &state.Info{Address: fmt.Sprintf("n%d:26257", i+2), Locality: "region=" + region + ",zone=" + region + "-a", Build: "v26.2.5"}})
	}
	var beats []state.Beat
	for id := uint64(1); id <= 4; id++ {
		beats = append(beats, state.Beat{ID: id, Expiration: time.Now().Add(time.Hour).UnixNano()})
	}
	c.apply(t, state.Command{Beats: beats})
	return c
}

func (c *alone) apply(t *testing.T, command state.Command) state.Outcome {
	t.Helper()
	data, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	c.index++
	outcome, err := c.machine.Apply(c.index, data)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func (c *alone) Machine() *state.Machine       { return c.machine }
func (c *alone) NodeID() uint64                { return 1 }
func (c *alone) ClusterID() string             { return c.machine.ClusterID() }
func (c *alone) Locality() string              { return "region=us-east1,zone=us-east1-b" }
func (c *alone) Voters() ([]uint64, uint64)    { return []uint64{1, 2, 3}, 1 }
func (c *alone) Barrier(context.Context) error { return nil }

func (c *alone) Commit(_ context.Context, txn state.Txn) (bool, error) {
	data, err := json.Marshal(state.Command{ID: fmt.Sprint("txn", c.index), Txn: &txn})
	if err != nil {
		return false, err
	}
	c.index++
	outcome, err := c.machine.Apply(c.index, data)
	return outcome.Status == state.OK, err
}

func (c *alone) Blob(_ context.Context, _ uint64, request transport.BlobRequest) (response transport.BlobResponse, err error) {
	switch {
	case request.Write:
		err = c.files.Put(request.Path, request.Data)
	case request.List:
		response.Paths, err = c.files.List(request.Path)
	default:
		response.Data, err = c.files.Get(request.Path)
	}
	return response, err
}

var switchUser = regexp.MustCompile(`^--\s*user\s+(\w+)\s*(\w*)$`)

// TestGolden runs testdata/*.sql, one statement after the other, and compares what comes out. A line "-- user NAME [DATABASE]"
// opens another session. Run with -update to write the outputs anew, and read the difference.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := transcript(t, string(script))
			golden := strings.TrimSuffix(file, ".sql") + ".out"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; got:\n%s", golden, got)
			}
		})
	}
}

func transcript(t *testing.T, script string) string {
	t.Helper()
	engine := NewEngine(newAlone(t))
	var out strings.Builder
	session := engine.NewSession(rootUser, "")
	listen := func() {
		session.Notice = func(severity, text string) { fmt.Fprintf(&out, "%s: %s\n", severity, text) }
	}
	listen()
	for _, part := range parts(script) {
		if match := switchUser.FindStringSubmatch(part); match != nil {
			fmt.Fprintf(&out, "%s\n", part)
			opened, err := engine.Login(context.Background(), match[1], match[2])
			if err != nil {
				fmt.Fprintf(&out, "%s\n\n", explain(err))
				continue
			}
			session = opened
			listen()
			continue
		}
		fmt.Fprintf(&out, "> %s\n", part)
		parsed, err := Parse(part)
		if err != nil {
			fmt.Fprintf(&out, "%s\n\n", explain(err))
			continue
		}
		for _, statement := range parsed {
			result, err := session.Execute(context.Background(), statement.AST, nil)
			if err != nil {
				fmt.Fprintf(&out, "%s\n", explain(err))
				continue
			}
			print(&out, result)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// parts cuts a script at the ends of lines that end a statement, and after "-- user" lines.
func parts(script string) []string {
	var out []string
	pending := ""
	for _, line := range strings.Split(script, "\n") {
		if pending += line; strings.HasSuffix(line, ";") || switchUser.MatchString(line) {
			out = append(out, strings.TrimSpace(pending))
			pending = ""
		} else {
			pending += "\n"
		}
	}
	return out
}

func explain(err error) string {
	var known *Error
	if !errors.As(err, &known) {
		return "BARE ERROR: " + err.Error()
	}
	text := fmt.Sprintf("ERROR %s: %s", known.Code, known.Message)
	if known.Detail != "" {
		text += "\nDETAIL: " + known.Detail
	}
	if known.Hint != "" {
		text += "\nHINT: " + known.Hint
	}
	return text
}

func print(out *strings.Builder, result *Result) {
	if result.Columns != nil {
		var names []string
		for _, column := range result.Columns {
			names = append(names, column.Name+" "+column.Type.Name)
		}
		fmt.Fprintln(out, strings.Join(names, " | "))
		for _, row := range result.Rows {
			var cells []string
			for i, v := range row {
				cells = append(cells, Format(v, result.Columns[i].Type))
			}
			fmt.Fprintln(out, strings.Join(cells, " | "))
		}
	}
	fmt.Fprintln(out, result.Tag)
}
