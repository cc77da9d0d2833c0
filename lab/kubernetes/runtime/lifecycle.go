package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// exitLost is the exit code of a container whose conmon was killed too, as other runtimes report it.
const exitLost = 255

// killWait is how long a process may take to go after SIGKILL.
const killWait = 10 * time.Second

// CreateContainer makes a container's root and namespaces; its command does not run yet.
func (s *Service) CreateContainer(_ context.Context, sandboxID string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig) (string, error) {
	s.mu.Lock()
	pod := s.sandboxes[sandboxID]
	ready := pod != nil && pod.ready()
	s.mu.Unlock()
	if !ready {
		return "", status.Errorf(codes.NotFound, "pod sandbox %s is not running", sandboxID)
	}
	image, _, imageID, err := s.Images.find(config.GetImage().GetImage())
	if err != nil {
		return "", err
	}
	made := &container{
		ID: newID(), SandboxID: sandboxID, Config: config, ImageID: imageID, CreatedAt: time.Now().UnixNano(),
		LogPath: filepath.Join(sandboxConfig.GetLogDirectory(), config.GetLogPath()), done: make(chan struct{}),
		StopSignal: stopSignal(config.GetStopSignal()),
	}
	directory := s.containerDirectory(made.ID)
	if err := s.createContainer(made, pod, image, directory); err != nil {
		_ = s.runCrun("delete", "--force", made.ID)
		return "", errors.Join(err, os.RemoveAll(directory))
	}
	s.mu.Lock()
	s.containers[made.ID] = made
	s.mu.Unlock()
	s.tell(runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT, made.ID, pod)
	return made.ID, nil
}

func (s *Service) createContainer(made *container, pod *sandbox, image Image, directory string) error {
	if err := makeRoot(filepath.Join(directory, "rootfs")); err != nil {
		return fmt.Errorf("root filesystem: %w", err)
	}
	target := 0
	if id := made.Config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetTargetId(); id != "" {
		targeted, err := s.find(id)
		if err != nil {
			return err
		}
		target = targeted.Init.Pid
	}
	spec, err := containerSpec(made.Config, pod, image, s.sandboxDirectory(pod.ID), target)
	if err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(directory, "config.json"), text, 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(made.LogPath), 0o755); err != nil {
		return err
	}
	pid, err := s.runConmon(made, directory)
	if err != nil {
		return err
	}
	if made.Init, err = findProcess(pid); err != nil {
		return fmt.Errorf("container process: %w", err)
	}
	return write(directory, made)
}

// StartContainer runs the container's command.
func (s *Service) StartContainer(_ context.Context, id string) error {
	started, err := s.find(id)
	if err != nil {
		return err
	}
	if s.stateOf(started) != runtimeapi.ContainerState_CONTAINER_CREATED {
		return status.Errorf(codes.FailedPrecondition, "container %s is not in created state", id)
	}
	// Before the command runs, as it may end before crun returns.
	s.mu.Lock()
	started.StartedAt = time.Now().UnixNano()
	s.mu.Unlock()
	if err := s.runCrun("start", id); err != nil {
		_ = started.Init.signal(unix.SIGKILL)
		return err
	}
	s.mu.Lock()
	pod := s.sandboxes[started.SandboxID]
	err = write(s.containerDirectory(id), started)
	s.mu.Unlock()
	if pod != nil {
		s.tell(runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT, id, pod)
	}
	return err
}

// collect notes a container's end, if it has ended: conmon leaves the exit code in a file.
func (s *Service) collect(one *container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.Exited {
		return
	}
	path := filepath.Join(s.Root, "exits", one.ID)
	text, err := os.ReadFile(path)
	finished := time.Now()
	code, errCode := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	switch {
	case err == nil && errCode == nil:
		if info, err := os.Stat(path); err == nil {
			finished = info.ModTime()
		}
	case one.Init.alive():
		return
	case one.lost.IsZero():
		one.lost = finished
		return
	case finished.Sub(one.lost) < 2*time.Second:
		return // conmon may still be about to write
	default:
		code = exitLost
	}
	one.Exited, one.ExitCode, one.FinishedAt = true, int32(code), max(finished.UnixNano(), one.StartedAt)
	_ = write(s.containerDirectory(one.ID), one)
	close(one.done)
	if pod := s.sandboxes[one.SandboxID]; pod != nil {
		s.tell(runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT, one.ID, pod)
	}
}

// StopContainer asks the container to end and, after timeout seconds, kills it.
func (s *Service) StopContainer(_ context.Context, id string, timeout int64) error {
	found, err := s.find(id)
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return s.stop(found, time.Duration(timeout)*time.Second)
}

func (s *Service) stop(one *container, grace time.Duration) error {
	if grace > 0 && s.stateOf(one) == runtimeapi.ContainerState_CONTAINER_RUNNING {
		if err := one.Init.signal(one.StopSignal); err != nil {
			return err
		}
		if s.wait(one, grace) {
			return nil
		}
	}
	if err := one.Init.signal(unix.SIGKILL); err != nil {
		return err
	}
	if !s.wait(one, killWait) {
		return fmt.Errorf("container %s is still there %s after SIGKILL", one.ID, killWait)
	}
	return nil
}

func (s *Service) wait(one *container, limit time.Duration) bool {
	deadline := time.After(limit)
	for {
		s.collect(one)
		select {
		case <-one.done:
			return true
		case <-deadline:
			return false
		case <-time.After(time.Second): // looks again, in case conmon is gone and nobody tells
		}
	}
}

func stopSignal(wanted runtimeapi.Signal) unix.Signal {
	if number := unix.SignalNum(wanted.String()); number != 0 {
		return number
	}
	return unix.SIGTERM
}

// RemoveContainer kills the container if need be and removes what it wrote; its log stays.
func (s *Service) RemoveContainer(_ context.Context, id string) error {
	found, err := s.find(id)
	if err != nil {
		return nil
	}
	if err := s.stop(found, 0); err != nil {
		return err
	}
	_ = s.runCrun("delete", "--force", id)
	if err := os.RemoveAll(s.containerDirectory(id)); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(s.Root, "exits", id))
	s.mu.Lock()
	delete(s.containers, id)
	pod := s.sandboxes[found.SandboxID]
	s.mu.Unlock()
	if pod != nil {
		s.tell(runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT, id, pod)
	}
	return nil
}
