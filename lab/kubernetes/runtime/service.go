// Package runtime is a container runtime behind the kubelet's CRI interface, in the kubelet's own process: pod sandboxes
// are processes that hold namespaces, containers are run by crun and looked after by conmon, so both outlive a restart
// of the kubelet. There are no images and no cgroups: see Image, and the lab's README for what that means.
package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/types"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/klog/v2"

	"lab/kubernetes/network"
)

const (
	name    = "crun"
	version = "1.0.0"
	// podCIDR is the file that keeps the host's pod range over a restart.
	podCIDR = "pod-cidr"
)

// Service implements the CRI runtime service.
type Service struct {
	root   string
	crun   string
	conmon string
	nodeIP netip.Addr
	images *Images
	pool   *network.Pool
	server streaming.Server

	// Changed is called after a pod got or lost its address.
	Changed func()

	mu         sync.Mutex
	sandboxes  map[string]*sandbox
	containers map[string]*container
	events     chan *runtimeapi.ContainerEventResponse
}

var (
	_ internalapi.RuntimeService      = (*Service)(nil)
	_ internalapi.ImageManagerService = (*Images)(nil)
)

// New finds the sandboxes and containers that an earlier process left under root again and starts to look after them.
// crun and conmon are the paths of the two programs.
func New(ctx context.Context, root, crun, conmon string, nodeIP netip.Addr, images *Images) (*Service, error) {
	s := &Service{
		root: root, crun: crun, conmon: conmon, nodeIP: nodeIP, images: images,
		pool: &network.Pool{}, Changed: func() {},
		sandboxes: map[string]*sandbox{}, containers: map[string]*container{},
		events: make(chan *runtimeapi.ContainerEventResponse, 1000),
	}
	for _, directory := range []string{"sandboxes", "containers", "exits", "execs", "crun"} {
		if err := os.MkdirAll(filepath.Join(root, directory), 0o711); err != nil {
			return nil, err
		}
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.watchExits(ctx); err != nil {
		return nil, err
	}
	return s, s.startStreaming()
}

func (s *Service) load() error {
	if text, err := os.ReadFile(filepath.Join(s.root, podCIDR)); err == nil {
		if prefix, err := netip.ParsePrefix(string(text)); err == nil {
			s.pool.SetCIDR(prefix)
		}
	}
	sandboxes, err := readAll[sandbox](filepath.Join(s.root, "sandboxes"))
	if err != nil {
		return err
	}
	for _, found := range sandboxes {
		if found.Holder.alive() && found.address().IsValid() && !network.Attached(found.ID) {
			// The host's network is a new one; the pod must be made anew in it.
			_ = found.Holder.signal(9)
		}
		if address := found.address(); address.IsValid() && !found.Stopped {
			s.pool.Reserve(address)
		}
		s.sandboxes[found.ID] = found
	}
	containers, err := readAll[container](filepath.Join(s.root, "containers"))
	if err != nil {
		return err
	}
	for _, found := range containers {
		found.done = make(chan struct{})
		if found.Exited {
			close(found.done)
		}
		s.containers[found.ID] = found
	}
	for _, found := range containers {
		s.collect(found)
	}
	return nil
}

// watchExits notes a container's end as soon as conmon writes its exit code.
func (s *Service) watchExits(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	if err := watcher.Add(filepath.Join(s.root, "exits")); err != nil {
		return err
	}
	go func() {
		defer func() { _ = watcher.Close() }()
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-watcher.Events:
				s.mu.Lock()
				ended := s.containers[filepath.Base(event.Name)]
				s.mu.Unlock()
				if ended != nil {
					s.collect(ended)
				}
			case err := <-watcher.Errors:
				klog.FromContext(ctx).Error(err, "Watching for ended containers")
			}
		}
	}()
	return nil
}

// Addresses returns the address of every running pod that has one of its own.
func (s *Service) Addresses() map[types.NamespacedName]netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addresses := map[types.NamespacedName]netip.Addr{}
	for _, one := range s.sandboxes {
		if address := one.address(); address.IsValid() && one.ready() {
			meta := one.Config.GetMetadata()
			addresses[types.NamespacedName{Namespace: meta.GetNamespace(), Name: meta.GetName()}] = address
		}
	}
	return addresses
}

// Version says what this is.
func (s *Service) Version(context.Context, string) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{Version: "0.1.0", RuntimeName: name, RuntimeVersion: version, RuntimeApiVersion: "v1"}, nil
}

// Status is ready once the control plane has given the host its pod range.
func (s *Service) Status(context.Context, bool) (*runtimeapi.StatusResponse, error) {
	networkReady := &runtimeapi.RuntimeCondition{Type: runtimeapi.NetworkReady, Status: s.pool.Ready()}
	if !networkReady.Status {
		networkReady.Reason, networkReady.Message = "NetworkPluginNotReady", "this node has no pod CIDR yet"
	}
	ready := &runtimeapi.RuntimeCondition{Type: runtimeapi.RuntimeReady, Status: true}
	return &runtimeapi.StatusResponse{Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{ready, networkReady}}}, nil
}

// RuntimeConfig names the cgroup driver; there are no cgroups.
func (s *Service) RuntimeConfig(context.Context) (*runtimeapi.RuntimeConfigResponse, error) {
	return &runtimeapi.RuntimeConfigResponse{Linux: &runtimeapi.LinuxRuntimeConfiguration{CgroupDriver: runtimeapi.CgroupDriver_CGROUPFS}}, nil
}

// UpdateRuntimeConfig takes the host's pod range.
func (s *Service) UpdateRuntimeConfig(_ context.Context, config *runtimeapi.RuntimeConfig) error {
	cidr := config.GetNetworkConfig().GetPodCidr()
	if cidr == "" {
		return nil
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "pod CIDR %q: %v", cidr, err)
	}
	s.pool.SetCIDR(prefix)
	return os.WriteFile(filepath.Join(s.root, podCIDR), []byte(prefix.String()), 0o644)
}

// GetContainerEvents feeds the kubelet's event-driven pod lifecycle, which otherwise looks once a second.
func (s *Service) GetContainerEvents(ctx context.Context, out chan *runtimeapi.ContainerEventResponse, established func(runtimeapi.RuntimeService_GetContainerEventsClient)) error {
	established(nil)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-s.events:
			out <- event
		}
	}
}

func (s *Service) tell(kind runtimeapi.ContainerEventType, containerID string, of *sandbox) {
	event := &runtimeapi.ContainerEventResponse{
		ContainerId: containerID, ContainerEventType: kind, CreatedAt: time.Now().UnixNano(), PodSandboxStatus: of.status(),
	}
	select {
	case s.events <- event:
	default: // nobody listens yet; the kubelet looks at everything when it does
	}
}

// Close has nothing to close.
func (s *Service) Close(context.Context) error { return nil }

// StopAll kills every process that is recorded under root, for use when no kubelet looks after it any more.
func StopAll(root string) error {
	containers, err := readAll[container](filepath.Join(root, "containers"))
	if err != nil {
		return err
	}
	sandboxes, errSandboxes := readAll[sandbox](filepath.Join(root, "sandboxes"))
	all := []error{errSandboxes}
	for _, one := range containers {
		all = append(all, one.Init.signal(9))
	}
	for _, one := range sandboxes {
		all = append(all, one.Holder.signal(9))
	}
	return errors.Join(all...)
}

// MountNamespace returns the path of the mount namespace that the pods found under root live in, or "": the namespace of
// the kubelet that made them, which its successor must join to see the volumes mounted there.
func MountNamespace(root string) string {
	sandboxes, err := readAll[sandbox](filepath.Join(root, "sandboxes"))
	if err != nil {
		return ""
	}
	for _, one := range sandboxes {
		if one.Holder.alive() {
			return fmt.Sprintf("/proc/%d/ns/mnt", one.Holder.Pid)
		}
	}
	return ""
}

const record = "state.json"

func readAll[T any](directory string) ([]*T, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*", record))
	if err != nil {
		return nil, err
	}
	var all []*T
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		one := new(T)
		if err := json.Unmarshal(text, one); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// write saves a record so that a reader sees the old one or the new one, never a part.
func write(directory string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	temporary := filepath.Join(directory, "."+record)
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(directory, record))
}

func matches(labels, selector map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
