package runtime

import (
	"context"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

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

func (s *Service) stateOf(one *container) runtimeapi.ContainerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return one.state()
}

func (s *Service) containerDirectory(id string) string {
	return filepath.Join(s.Root, "containers", id)
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
