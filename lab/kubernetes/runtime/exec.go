package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	remote "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"
)

// outputLimit is how much of a synchronous command's output is kept, as in other runtimes.
const outputLimit = 16 << 20

// ExecSync runs a command in a container to its end; timeout 0 is none.
func (s *Service) ExecSync(ctx context.Context, id string, command []string, timeout time.Duration) ([]byte, []byte, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var stdout, stderr limitedBuffer
	err := s.exec(ctx, id, command, nil, &stdout, &stderr)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, nil, fmt.Errorf("%w: %q timed out after %s", remote.ErrCommandTimedOut, strings.Join(command, " "), timeout)
	}
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		exit.Err = fmt.Errorf("command '%s' exited with %d: %s", strings.Join(command, " "), exit.Code, stderr.Bytes())
		err = exit
	}
	return stdout.Bytes(), stderr.Bytes(), err
}

type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(data []byte) (int, error) {
	room := min(len(data), outputLimit-b.Len())
	_, _ = b.Buffer.Write(data[:room])
	return len(data), nil
}

// exec runs a command in a container, without a terminal. The process is killed when ctx ends.
func (s *Service) exec(ctx context.Context, id string, arguments []string, in io.Reader, out, errOut io.Writer) error {
	run, err := s.prepareExec(id, arguments, false)
	if err != nil {
		return err
	}
	defer run.clean()
	run.command.Stdout, run.command.Stderr = out, errOut
	if in != nil {
		// Not Stdin = in: the command may end while the client still holds its side open.
		stdin, err := run.command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(stdin, in)
			_ = stdin.Close()
		}()
	}
	if err := run.command.Start(); err != nil {
		return err
	}
	return run.wait(ctx)
}

type execution struct {
	command   *exec.Cmd
	directory string
}

func (e *execution) clean() { _ = os.RemoveAll(e.directory) }

// wait returns the command's exit code as an error. At the end of ctx it kills the process in the container and crun.
func (e *execution) wait(ctx context.Context) error {
	e.command.WaitDelay = time.Second
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			text, _ := os.ReadFile(filepath.Join(e.directory, "pid"))
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				if inside, err := findProcess(pid); err == nil {
					_ = inside.signal(unix.SIGKILL)
				}
			}
			_ = e.command.Process.Kill()
		}
	}()
	err := e.command.Wait()
	close(ended)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if code < 0 {
			code = 137
		}
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return err
}

// prepareExec makes ready a crun command that runs arguments with the container's own user, environment and directory.
func (s *Service) prepareExec(id string, arguments []string, terminal bool) (*execution, error) {
	if _, err := s.running(id); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(s.containerDirectory(id), "config.json"))
	if err != nil {
		return nil, err
	}
	var spec specs.Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	process := spec.Process
	process.Args, process.Terminal = arguments, terminal
	if terminal && !slices.ContainsFunc(process.Env, func(pair string) bool { return strings.HasPrefix(pair, "TERM=") }) {
		process.Env = append(process.Env, "TERM=xterm")
	}
	if text, err = json.Marshal(process); err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp(filepath.Join(s.Root, "execs"), "")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(directory, "process.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	options := []string{
		"--root=" + filepath.Join(s.Root, "crun"), "--cgroup-manager=disabled", "exec",
		"--pid-file", filepath.Join(directory, "pid"), "--process", file,
	}
	if terminal {
		options = append(options, "--console-socket", "console")
	}
	command := exec.Command(s.Crun, append(options, id)...)
	command.Dir = directory
	return &execution{command: command, directory: directory}, nil
}
