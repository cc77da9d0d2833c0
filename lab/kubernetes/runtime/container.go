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

type container struct {
	ID         string                      `json:"id"`
	SandboxID  string                      `json:"sandbox"`
	Config     *runtimeapi.ContainerConfig `json:"config"`
	ImageID    string                      `json:"imageId"`
	LogPath    string                      `json:"logPath"`
	StopSignal unix.Signal                 `json:"stopSignal"`
	Init       process                     `json:"init"`
	CreatedAt  int64                       `json:"createdAt"`
	StartedAt  int64                       `json:"startedAt,omitempty"`
	FinishedAt int64                       `json:"finishedAt,omitempty"`
	Exited     bool                        `json:"exited,omitempty"`
	ExitCode   int32                       `json:"exitCode,omitempty"`

	// lost is when the process was first seen gone without an exit code.
	lost time.Time
	// done is closed when the container has ended.
	done chan struct{}
}

func (c *container) state() runtimeapi.ContainerState {
	switch {
	case c.Exited:
		return runtimeapi.ContainerState_CONTAINER_EXITED
	case c.StartedAt > 0:
		return runtimeapi.ContainerState_CONTAINER_RUNNING
	default:
		return runtimeapi.ContainerState_CONTAINER_CREATED
	}
}

func (s *Service) containerDirectory(id string) string {
	return filepath.Join(s.root, "containers", id)
}

func (s *Service) containersOf(sandboxID string) []*container {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*container
	for _, one := range s.containers {
		if one.SandboxID == sandboxID {
			all = append(all, one)
		}
	}
	return all
}

func (s *Service) find(id string) (*container, error) {
	s.mu.Lock()
	found := s.containers[id]
	s.mu.Unlock()
	if found == nil {
		return nil, status.Errorf(codes.NotFound, "container %s not found", id)
	}
	s.collect(found)
	return found, nil
}

// CreateContainer makes a container's root and namespaces; its command does not run yet.
func (s *Service) CreateContainer(_ context.Context, sandboxID string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig) (string, error) {
	s.mu.Lock()
	pod := s.sandboxes[sandboxID]
	s.mu.Unlock()
	if pod == nil || !pod.ready() {
		return "", status.Errorf(codes.NotFound, "pod sandbox %s is not running", sandboxID)
	}
	image, _, imageID, err := s.images.find(config.GetImage().GetImage())
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

// runConmon has conmon call `crun create` and stay, to write the log and the exit code. It returns the container's first process.
func (s *Service) runConmon(made *container, directory string) (int, error) {
	arguments := []string{
		"--cid", made.ID, "--cuuid", made.ID, "--name", made.ID, "--bundle", directory,
		"--runtime", s.crun, "--runtime-arg", "--root=" + filepath.Join(s.root, "crun"), "--runtime-arg", "--cgroup-manager=disabled",
		"--log-path", made.LogPath, "--no-sync-log", "--log-level", "error",
		"--container-pidfile", filepath.Join(directory, "pid"), "--exit-dir", filepath.Join(s.root, "exits"),
		"--persist-dir", directory, "--full-attach",
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
	command := exec.Command(s.conmon, arguments...)
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
	arguments = append([]string{"--root=" + filepath.Join(s.root, "crun"), "--cgroup-manager=disabled"}, arguments...)
	output, err := exec.Command(s.crun, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// StartContainer runs the container's command.
func (s *Service) StartContainer(_ context.Context, id string) error {
	started, err := s.find(id)
	if err != nil {
		return err
	}
	if started.state() != runtimeapi.ContainerState_CONTAINER_CREATED {
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
	path := filepath.Join(s.root, "exits", one.ID)
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
	if grace > 0 && one.StartedAt > 0 {
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
	_ = os.Remove(filepath.Join(s.root, "exits", id))
	s.mu.Lock()
	delete(s.containers, id)
	pod := s.sandboxes[found.SandboxID]
	s.mu.Unlock()
	if pod != nil {
		s.tell(runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT, id, pod)
	}
	return nil
}

// ListContainers lists containers.
func (s *Service) ListContainers(_ context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	s.mu.Lock()
	var candidates []*container
	for id, one := range s.containers {
		if wanted := filter.GetId(); wanted != "" && wanted != id {
			continue
		}
		if wanted := filter.GetPodSandboxId(); wanted != "" && wanted != one.SandboxID {
			continue
		}
		if matches(one.Config.GetLabels(), filter.GetLabelSelector()) {
			candidates = append(candidates, one)
		}
	}
	s.mu.Unlock()
	var list []*runtimeapi.Container
	for _, one := range candidates {
		s.collect(one)
		s.mu.Lock()
		if wanted := filter.GetState(); wanted == nil || wanted.State == one.state() {
			list = append(list, &runtimeapi.Container{
				Id: one.ID, PodSandboxId: one.SandboxID, Metadata: one.Config.GetMetadata(), Image: one.Config.GetImage(),
				ImageRef: one.ImageID, ImageId: one.ImageID, State: one.state(), CreatedAt: one.CreatedAt,
				Labels: one.Config.GetLabels(), Annotations: one.Config.GetAnnotations(),
			})
		}
		s.mu.Unlock()
	}
	return list, nil
}

// ContainerStatus describes one container.
func (s *Service) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	found, err := s.find(id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	described := &runtimeapi.ContainerStatus{
		Id: id, Metadata: found.Config.GetMetadata(), State: found.state(), CreatedAt: found.CreatedAt, StartedAt: found.StartedAt,
		FinishedAt: found.FinishedAt, ExitCode: found.ExitCode, Image: found.Config.GetImage(), ImageRef: found.ImageID,
		ImageId: found.ImageID, Labels: found.Config.GetLabels(), Annotations: found.Config.GetAnnotations(),
		Mounts: found.Config.GetMounts(), LogPath: found.LogPath,
		Resources: &runtimeapi.ContainerResources{Linux: found.Config.GetLinux().GetResources()},
	}
	if found.Exited {
		described.Reason = "Error"
		if found.ExitCode == 0 {
			described.Reason = "Completed"
		}
	}
	return &runtimeapi.ContainerStatusResponse{Status: described}, nil
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

// UpdateContainerResources has no cgroup to change.
func (s *Service) UpdateContainerResources(context.Context, string, *runtimeapi.ContainerResources) error {
	return nil
}

// CheckpointContainer is not implemented.
func (s *Service) CheckpointContainer(context.Context, *runtimeapi.CheckpointContainerRequest) error {
	return status.Error(codes.Unimplemented, "container checkpoints")
}

// ContainerStats is not implemented: without cgroups there is nothing to read.
func (s *Service) ContainerStats(context.Context, string) (*runtimeapi.ContainerStats, error) {
	return nil, status.Error(codes.Unimplemented, "statistics")
}

// ListContainerStats lists nothing.
func (s *Service) ListContainerStats(context.Context, *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	return nil, nil
}

// PodSandboxStats is not implemented.
func (s *Service) PodSandboxStats(context.Context, string) (*runtimeapi.PodSandboxStats, error) {
	return nil, status.Error(codes.Unimplemented, "statistics")
}

// ListPodSandboxStats lists nothing.
func (s *Service) ListPodSandboxStats(context.Context, *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error) {
	return nil, nil
}

// ListMetricDescriptors lists nothing.
func (s *Service) ListMetricDescriptors(context.Context) ([]*runtimeapi.MetricDescriptor, error) {
	return nil, nil
}

// ListPodSandboxMetrics lists nothing.
func (s *Service) ListPodSandboxMetrics(context.Context) ([]*runtimeapi.PodSandboxMetrics, error) {
	return nil, nil
}
