package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"lab/kubernetes/network"
)

// sandbox is a pod: the namespaces its containers share, held by a process that does nothing.
type sandbox struct {
	ID        string                       `json:"id"`
	Config    *runtimeapi.PodSandboxConfig `json:"config"`
	CreatedAt int64                        `json:"createdAt"`
	Holder    process                      `json:"holder"`
	Address   string                       `json:"address,omitempty"`
	// Made is false while it is being made: what is found so after a restart was given up.
	Made    bool `json:"made"`
	Stopped bool `json:"stopped,omitempty"`
}

func (b *sandbox) ready() bool { return !b.Stopped && b.Holder.alive() }

// address is invalid for a pod in the host's network.
func (b *sandbox) address() netip.Addr {
	address, _ := netip.ParseAddr(b.Address)
	return address
}

func (b *sandbox) namespaces() *runtimeapi.NamespaceOption {
	return b.Config.GetLinux().GetSecurityContext().GetNamespaceOptions()
}

func (b *sandbox) state() runtimeapi.PodSandboxState {
	if b.ready() {
		return runtimeapi.PodSandboxState_SANDBOX_READY
	}
	return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
}

func (b *sandbox) status() *runtimeapi.PodSandboxStatus {
	return &runtimeapi.PodSandboxStatus{
		Id: b.ID, Metadata: b.Config.GetMetadata(), State: b.state(), CreatedAt: b.CreatedAt,
		Network:     &runtimeapi.PodSandboxNetworkStatus{Ip: b.Address},
		Linux:       &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{Options: b.namespaces()}},
		Labels:      b.Config.GetLabels(),
		Annotations: b.Config.GetAnnotations(),
	}
}

func (s *Service) sandboxDirectory(id string) string { return filepath.Join(s.Root, "sandboxes", id) }

func newID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// RunPodSandbox makes a pod's namespaces and connects it to the network.
func (s *Service) RunPodSandbox(_ context.Context, config *runtimeapi.PodSandboxConfig, _ string) (string, error) {
	if slices.ContainsFunc(config.GetPortMappings(), func(m *runtimeapi.PortMapping) bool { return m.GetHostPort() > 0 }) &&
		config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() != runtimeapi.NamespaceMode_NODE {
		return "", status.Error(codes.Unimplemented, "this runtime forwards no host ports: use hostNetwork or a Service")
	}
	made := &sandbox{ID: newID(), Config: config, CreatedAt: time.Now().UnixNano()}
	if err := s.startSandbox(made); err != nil {
		return "", errors.Join(err, s.stopSandbox(made), os.RemoveAll(s.sandboxDirectory(made.ID)))
	}
	s.mu.Lock()
	s.sandboxes[made.ID] = made
	s.mu.Unlock()
	s.Changed()
	return made.ID, nil
}

func (s *Service) startSandbox(made *sandbox) error {
	directory := s.sandboxDirectory(made.ID)
	shm := filepath.Join(directory, "shm")
	if err := os.MkdirAll(shm, 0o711); err != nil {
		return err
	}
	if err := unix.Mount("shm", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=1777,size=64m"); err != nil {
		return fmt.Errorf("shm: %w", err)
	}
	if made.Config.GetHostname() == "" {
		made.Config.Hostname = s.Hostname // a pod in the host's network has the host's name
	}
	if err := os.WriteFile(filepath.Join(directory, "hostname"), []byte(made.Config.GetHostname()+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(directory, "resolv.conf"), []byte(resolvConf(made.Config.GetDnsConfig())), 0o644); err != nil {
		return err
	}
	flags := uintptr(unix.CLONE_NEWPID)
	own := made.namespaces().GetNetwork() != runtimeapi.NamespaceMode_NODE
	if own {
		flags |= unix.CLONE_NEWNET
	}
	if made.namespaces().GetIpc() != runtimeapi.NamespaceMode_NODE {
		flags |= unix.CLONE_NEWIPC
	}
	// First of its process namespace, so that only SIGKILL ends it. It stays in this program's mount namespace and
	// thereby keeps that alive.
	holder := exec.Command("/bin/sleep", "infinity")
	holder.Dir = "/"
	holder.Env = []string{}
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Setsid: true}
	if err := holder.Start(); err != nil {
		return fmt.Errorf("pod process: %w", err)
	}
	var err error
	if made.Holder, err = findProcess(holder.Process.Pid); err != nil {
		return err
	}
	go func() { _ = holder.Wait() }()
	if err := write(directory, made); err != nil {
		return err
	}
	if own {
		address, err := s.pool.Take()
		if err != nil {
			return err
		}
		made.Address = address.String()
		// As containerd 2 sets them, so that unprivileged pods may ping and listen on port 53.
		sysctls := map[string]string{"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
		maps.Copy(sysctls, made.Config.GetLinux().GetSysctls())
		if err := network.Attach(made.ID, made.Holder.Pid, address, s.NodeIP, sysctls); err != nil {
			return fmt.Errorf("failed to set up the network of pod sandbox %s: %w", made.ID, err)
		}
	}
	made.Made = true
	return write(directory, made)
}

func resolvConf(dns *runtimeapi.DNSConfig) string {
	if dns == nil {
		text, _ := os.ReadFile("/etc/resolv.conf")
		return string(text)
	}
	var text strings.Builder
	for _, server := range dns.GetServers() {
		fmt.Fprintf(&text, "nameserver %s\n", server)
	}
	if len(dns.GetSearches()) > 0 {
		fmt.Fprintf(&text, "search %s\n", strings.Join(dns.GetSearches(), " "))
	}
	if len(dns.GetOptions()) > 0 {
		fmt.Fprintf(&text, "options %s\n", strings.Join(dns.GetOptions(), " "))
	}
	return text.String()
}

// StopPodSandbox kills what runs in the pod and takes it off the network. Stopping twice, or what is gone, is no error.
func (s *Service) StopPodSandbox(_ context.Context, id string) error {
	s.mu.Lock()
	stopped := s.sandboxes[id]
	s.mu.Unlock()
	if stopped == nil {
		return nil
	}
	for _, inside := range s.containersOf(id) {
		if err := s.stop(inside, 0); err != nil {
			return err
		}
	}
	if err := s.stopSandbox(stopped); err != nil {
		return err
	}
	s.Changed()
	return write(s.sandboxDirectory(id), stopped)
}

func (s *Service) stopSandbox(stopped *sandbox) error {
	s.mu.Lock()
	first := !stopped.Stopped
	stopped.Stopped = true
	s.mu.Unlock()
	if !first {
		return nil
	}
	errs := []error{network.Detach(stopped.ID), stopped.Holder.signal(unix.SIGKILL)}
	if address := stopped.address(); address.IsValid() {
		s.pool.Release(address)
	}
	shm := filepath.Join(s.sandboxDirectory(stopped.ID), "shm")
	if err := unix.Unmount(shm, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// RemovePodSandbox removes a pod's containers and its record.
func (s *Service) RemovePodSandbox(ctx context.Context, id string) error {
	if err := s.StopPodSandbox(ctx, id); err != nil {
		return err
	}
	for _, inside := range s.containersOf(id) {
		if err := s.RemoveContainer(ctx, inside.ID); err != nil {
			return err
		}
	}
	s.mu.Lock()
	delete(s.sandboxes, id)
	s.mu.Unlock()
	return os.RemoveAll(s.sandboxDirectory(id))
}

// PodSandboxStatus describes one pod. It leaves the containers to ContainerStatus, which the kubelet then asks for each.
func (s *Service) PodSandboxStatus(_ context.Context, id string, _ bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.sandboxes[id]
	if found == nil {
		return nil, status.Errorf(codes.NotFound, "pod sandbox %s not found", id)
	}
	return &runtimeapi.PodSandboxStatusResponse{Status: found.status()}, nil
}

// ListPodSandbox lists pods.
func (s *Service) ListPodSandbox(_ context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*runtimeapi.PodSandbox
	for id, one := range s.sandboxes {
		state := one.state()
		if wanted := filter.GetId(); wanted != "" && wanted != id {
			continue
		}
		if wanted := filter.GetState(); wanted != nil && wanted.State != state {
			continue
		}
		if matches(one.Config.GetLabels(), filter.GetLabelSelector()) {
			list = append(list, &runtimeapi.PodSandbox{
				Id: id, Metadata: one.Config.GetMetadata(), State: state, CreatedAt: one.CreatedAt,
				Labels: one.Config.GetLabels(), Annotations: one.Config.GetAnnotations(),
			})
		}
	}
	return list, nil
}
