package runtime

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	utilexec "k8s.io/utils/exec"

	"lab/kubernetes/network"
)

// host gives the test namespaces of its own, as a host of the lab has, and a runtime in them.
func host(t *testing.T, root string) *Service {
	t.Helper()
	crun, errCrun := exec.LookPath("crun")
	conmon, errConmon := exec.LookPath("conmon")
	if errors.Join(errCrun, errConmon) != nil || os.Geteuid() != 0 {
		t.Skip("needs root, crun and conmon")
	}
	goruntime.LockOSThread() // for good: no other work may see these namespaces
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		t.Skip("needs namespaces:", err)
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""))
	must(t, unix.Mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, ""))
	must(t, network.PrepareHost())
	file := filepath.Join(root, "images.json")
	must(t, os.WriteFile(file, []byte(`{"docker.io/library/shell:*": {}}`), 0o600))
	images, err := NewImages(file, root)
	must(t, err)
	service, err := New(t.Context(), Config{
		Root: root, Crun: crun, Conmon: conmon, Hostname: "host", NodeIP: netip.MustParseAddr("127.0.0.1"), Images: images,
	})
	must(t, err)
	must(t, service.UpdateRuntimeConfig(t.Context(), &runtimeapi.RuntimeConfig{
		NetworkConfig: &runtimeapi.NetworkConfig{PodCidr: "10.1.128.0/24"},
	}))
	return service
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, s *Service, pod string, config *runtimeapi.PodSandboxConfig, name, script string) string {
	t.Helper()
	id, err := s.CreateContainer(t.Context(), pod, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: name}, Image: &runtimeapi.ImageSpec{Image: "shell"},
		Command: []string{"sh", "-c", script}, LogPath: name + ".log",
		Linux: &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{
			NamespaceOptions: &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER},
		}},
	}, config)
	must(t, err)
	must(t, s.StartContainer(t.Context(), id))
	return id
}

func ended(t *testing.T, s *Service, id string) *runtimeapi.ContainerStatus {
	t.Helper()
	found, err := s.find(id)
	must(t, err)
	if !s.wait(found, 20*time.Second) {
		t.Fatalf("%s has not ended", found.Config.Metadata.Name)
	}
	status, err := s.ContainerStatus(t.Context(), id, false)
	must(t, err)
	return status.Status
}

func TestPodLifecycle(t *testing.T) {
	root, err := os.MkdirTemp("", "")
	must(t, err)
	defer func() { must(t, os.RemoveAll(root)) }()
	s := host(t, root)
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "p", Namespace: "n", Uid: "u"}, Hostname: "p-0", LogDirectory: filepath.Join(root, "logs"),
		DnsConfig: &runtimeapi.DNSConfig{Servers: []string{"10.1.32.10"}},
	}
	pod, err := s.RunPodSandbox(t.Context(), config, "")
	must(t, err)
	defer func() { must(t, s.RemovePodSandbox(t.Context(), pod)) }()
	const patient = `trap 'exit 3' TERM; cat /etc/hostname /etc/resolv.conf; while :; do sleep 0.1; done`
	polite, rude := start(t, s, pod, config, "polite", patient), start(t, s, pod, config, "rude", patient)

	out, _, err := s.ExecSync(t.Context(), polite, []string{"sh", "-c", "hostname; ip -o -4 addr show eth0"}, 10*time.Second)
	if err != nil || !strings.HasPrefix(string(out), "p-0\n") || !strings.Contains(string(out), "10.1.128.2/32") {
		t.Errorf("in the container: %q, %v", out, err)
	}
	var exit utilexec.CodeExitError
	if _, _, err := s.ExecSync(t.Context(), polite, []string{"sh", "-c", "exit 9"}, 0); !errors.As(err, &exit) || exit.Code != 9 {
		t.Errorf("exit code of a command: %v", err)
	}
	began := time.Now()
	if _, _, err := s.ExecSync(t.Context(), polite, []string{"sleep", "60"}, time.Second); err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("a command without end: %v after %s", err, time.Since(began))
	}

	must(t, s.StopContainer(t.Context(), polite, 30))
	if status := ended(t, s, polite); status.ExitCode != 3 || status.Reason != "Error" {
		t.Errorf("asked to stop: code %d, %s", status.ExitCode, status.Reason)
	}
	must(t, s.containers[rude].Init.signal(unix.SIGKILL))
	if status := ended(t, s, rude); status.ExitCode != 137 {
		t.Errorf("killed: code %d", status.ExitCode)
	}
	log, err := os.ReadFile(filepath.Join(root, "logs", "polite.log"))
	if err != nil || !strings.Contains(string(log), " stdout F p-0\n") || !strings.Contains(string(log), " stdout F nameserver 10.1.32.10\n") {
		t.Errorf("log: %q, %v", log, err)
	}

	survivor := start(t, s, pod, config, "survivor", patient)
	must(t, os.Mkdir(s.containerDirectory("stray"), 0o700))
	if MountNamespace(root) == "" {
		t.Error("the pod keeps no mount namespace")
	}
	again, err := New(t.Context(), s.Config)
	must(t, err)
	if _, err := os.Stat(s.containerDirectory("stray")); !os.IsNotExist(err) {
		t.Errorf("what was half made is still there: %v", err)
	}
	if again.Addresses()[types.NamespacedName{Namespace: "n", Name: "p"}].String() != "10.1.128.2" || again.containers[survivor].state() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		t.Errorf("after a restart: %v, %v", again.Addresses(), again.containers[survivor])
	}
	if code := again.containers[polite].ExitCode; code != 3 {
		t.Errorf("exit code after a restart: %d", code)
	}
	must(t, again.StopPodSandbox(t.Context(), pod))
	if status := ended(t, again, survivor); status.ExitCode != 137 || network.Attached(pod) {
		t.Errorf("the pod stopped: code %d, interface %v", status.ExitCode, network.Attached(pod))
	}
}
