// Package runtime is a container runtime behind the kubelet's CRI interface, in the kubelet's own process: pod sandboxes
// are processes that hold namespaces, containers are run by crun and looked after by conmon, so both outlive a restart
// of the kubelet. There are no images and no cgroups: see Image, and the lab's README for what that means.
package runtime

import (
	"context"
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

// Config is what a Service needs to know.
type Config struct {
	// Root is the directory for all that the runtime keeps.
	Root string
	// Crun and Conmon are the paths of the two programs.
	Crun, Conmon string
	// Hostname and NodeIP are the host's.
	Hostname string
	NodeIP   netip.Addr
	Images   *Images
}

// Service implements the CRI runtime service.
type Service struct {
	Config
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

// New finds the sandboxes and containers again that an earlier process left under the root, and starts to look after them.
func New(ctx context.Context, config Config) (*Service, error) {
	s := &Service{
		Config: config, pool: &network.Pool{}, Changed: func() {},
		sandboxes: map[string]*sandbox{}, containers: map[string]*container{},
		events: make(chan *runtimeapi.ContainerEventResponse, 1000),
	}
	// What an earlier process was executing is over.
	if err := os.RemoveAll(filepath.Join(s.Root, "execs")); err != nil {
		return nil, err
	}
	for _, directory := range []string{"sandboxes", "containers", "exits", "execs", "crun"} {
		if err := os.MkdirAll(filepath.Join(s.Root, directory), 0o711); err != nil {
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

// watchExits notes a container's end as soon as conmon writes its exit code.
func (s *Service) watchExits(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	if err := watcher.Add(filepath.Join(s.Root, "exits")); err != nil {
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
	return os.WriteFile(filepath.Join(s.Root, podCIDR), []byte(prefix.String()), 0o644)
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

func matches(labels, selector map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
