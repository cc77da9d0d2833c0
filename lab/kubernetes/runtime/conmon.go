package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// runConmon has conmon call `crun create` and stay, to write the log and the exit code. It returns the container's first process.
func (s *Service) runConmon(made *container, directory string) (int, error) {
	arguments := []string{
		"--cid", made.ID, "--cuuid", made.ID, "--name", made.ID, "--bundle", directory,
		"--runtime", s.Crun, "--runtime-arg", "--root=" + filepath.Join(s.Root, "crun"), "--runtime-arg", "--cgroup-manager=disabled",
		"--log-path", made.LogPath, "--no-sync-log", "--log-level", "error",
		"--container-pidfile", filepath.Join(directory, "pid"), "--exit-dir", filepath.Join(s.Root, "exits"),
		"--full-attach",
	}
	if made.Config.GetTty() {
		arguments = append(arguments, "--terminal")
	}
	if made.Config.GetStdin() {
		arguments = append(arguments, "--stdin")
		if !made.Config.GetStdinOnce() {
			arguments = append(arguments, "--leave-stdin-open")
		}
	}
	// conmon's protocol: it reads one byte from the start pipe when it may go on, and tells the result, as JSON, on the sync pipe.
	syncRead, syncWrite, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer func() { _ = syncRead.Close() }()
	startRead, startWrite, err := os.Pipe()
	if err != nil {
		return 0, errors.Join(err, syncWrite.Close())
	}
	defer func() { _ = startWrite.Close() }()
	command := exec.Command(s.Conmon, arguments...)
	command.Dir = directory
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4"}
	command.ExtraFiles = []*os.File{syncWrite, startRead}
	err = command.Start()
	_, _ = syncWrite.Close(), startRead.Close()
	if err != nil {
		return 0, err
	}
	_, _ = startWrite.Write([]byte{0})
	if err := command.Wait(); err != nil {
		return 0, fmt.Errorf("conmon: %w", err)
	}
	var result struct {
		Pid     int    `json:"pid"`
		Message string `json:"message"`
	}
	_ = syncRead.SetReadDeadline(time.Now().Add(time.Minute))
	if err := json.NewDecoder(syncRead).Decode(&result); err != nil {
		return 0, fmt.Errorf("conmon said nothing: %w", err)
	}
	if result.Pid <= 0 {
		return 0, fmt.Errorf("failed to create container: %s", strings.TrimSpace(result.Message))
	}
	return result.Pid, nil
}

// runCrun runs one crun command to its end.
func (s *Service) runCrun(arguments ...string) error {
	arguments = append([]string{"--root=" + filepath.Join(s.Root, "crun"), "--cgroup-manager=disabled"}, arguments...)
	output, err := exec.Command(s.Crun, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// ReopenContainerLog has conmon open the log anew, after the kubelet has moved it away.
func (s *Service) ReopenContainerLog(_ context.Context, id string) error {
	if _, err := s.find(id); err != nil {
		return err
	}
	control, err := os.OpenFile(filepath.Join(s.containerDirectory(id), "ctl"), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = control.Close() }()
	_, err = fmt.Fprintf(control, "%d %d %d\n", 2, 0, 0)
	return err
}
