// Command lab-kubelet is a Kubernetes node on one network namespace of this machine: the kubelet's own code over a
// container runtime of the lab's (package runtime), and the enforcement of NetworkPolicy for its pods.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/resource"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/klog/v2"

	"lab/kubernetes/network"
	"lab/kubernetes/runtime"
)

type options struct {
	kubeconfig       string
	policyKubeconfig string
	policyByIdentity bool
	hostname         string
	nodeIP           string
	stateDir         string
	images           string
	clusterDNS       string
	clusterDomain    string
	labels           map[string]string
	cpus             int
	memory           string
	stopPods         bool
}

func main() {
	// The first thread stays here: network.In ends the threads it uses, and this one can't end.
	goruntime.LockOSThread()
	var o options
	flags := pflag.NewFlagSet("lab-kubelet", pflag.ExitOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "the node's credentials for the API server")
	flags.StringVar(&o.policyKubeconfig, "policy-kubeconfig", "", "credentials that may list and watch all pods, nodes, namespaces and network policies (default: --kubeconfig)")
	flags.BoolVar(&o.policyByIdentity, "policy-by-identity", false, "no ipBlock of a network policy holds a pod or node of this cluster, as with Cilium")
	flags.StringVar(&o.hostname, "hostname", "", "the node's name")
	flags.StringVar(&o.nodeIP, "node-ip", "", "the node's address, which an interface here must have")
	flags.StringVar(&o.stateDir, "state-dir", "", "directory for everything this node keeps")
	flags.StringVar(&o.images, "images", "", "file that says what each image is made of")
	flags.StringVar(&o.clusterDNS, "cluster-dns", "", "address of the cluster's DNS service")
	flags.StringVar(&o.clusterDomain, "cluster-domain", "cluster.local", "the cluster's DNS domain")
	flags.Var(cliflag.NewMapStringString(&o.labels), "labels", "labels to register the node with: key=value,…")
	flags.IntVar(&o.cpus, "cpus", 16, "processors that the node says it has; nothing is enforced")
	flags.StringVar(&o.memory, "memory", "64Gi", "memory that the node says it has; nothing is enforced")
	flags.BoolVar(&o.stopPods, "stop-pods", false, "kill every process of the pods recorded in --state-dir, and exit")
	verbosity := flags.IntP("v", "v", 0, "log level")
	_ = flags.Parse(os.Args[1:])
	if err := run(o, *verbosity); err != nil {
		fmt.Fprintf(os.Stderr, "lab-kubelet: %v\n", err)
		os.Exit(1)
	}
}

func run(o options, verbosity int) error {
	if o.stateDir == "" {
		return errors.New("--state-dir is required")
	}
	// Clean: the kubelet compares paths with the mount table.
	directory, err := filepath.Abs(o.stateDir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o711); err != nil {
		return err
	}
	if o.stateDir, err = filepath.EvalSymlinks(directory); err != nil {
		return err
	}
	runtimeRoot := filepath.Join(o.stateDir, "cri")
	if o.stopPods {
		return runtime.StopAll(runtimeRoot)
	}
	for flag, value := range map[string]string{
		"kubeconfig": o.kubeconfig, "hostname": o.hostname, "node-ip": o.nodeIP, "images": o.images, "cluster-dns": o.clusterDNS,
	} {
		if value == "" {
			return fmt.Errorf("--%s is required", flag)
		}
	}
	nodeIP, err := netip.ParseAddr(o.nodeIP)
	if err != nil {
		return fmt.Errorf("--node-ip: %w", err)
	}
	memory, err := resource.ParseQuantity(o.memory)
	if err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	crun, err := exec.LookPath("crun")
	if err != nil {
		return err
	}
	conmon, err := exec.LookPath("conmon")
	if err != nil {
		return err
	}
	if err := enterMountNamespace(runtimeRoot, o.stateDir); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	// Nine of these share a small machine.
	goruntime.GOMAXPROCS(2)
	debug.SetGCPercent(40)
	debug.SetMemoryLimit(160 << 20)
	var level klog.Level
	_ = level.Set(fmt.Sprint(verbosity))

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := network.PrepareHost(); err != nil {
		return fmt.Errorf("host network: %w", err)
	}
	images, err := runtime.NewImages(o.images, o.stateDir)
	if err != nil {
		return err
	}
	service, err := runtime.New(ctx, runtime.Config{
		Root: runtimeRoot, Crun: crun, Conmon: conmon, Hostname: o.hostname, NodeIP: nodeIP, Images: images,
	})
	if err != nil {
		return err
	}
	if err := startPolicies(ctx, o, service); err != nil {
		return err
	}
	if err := startKubelet(ctx, o, memory, service, images); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// enterMountNamespace runs this program again in a mount namespace of its own, or in that of the pods it had before: the
// volumes it mounted for them are there. The namespace ends with the last of these processes, so nothing stays mounted.
func enterMountNamespace(runtimeRoot, stateDir string) error {
	const marker = "LAB_KUBELET_MOUNT_NAMESPACE"
	if os.Getenv(marker) != "" {
		return os.Unsetenv(marker)
	}
	working, err := os.Getwd()
	if err != nil {
		return err
	}
	// The new program image takes over this thread's namespace. Joining one changes the working directory.
	if path := runtime.MountNamespace(runtimeRoot); path != "" {
		namespace, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNS); err != nil {
			return err
		}
	} else if err := newMountNamespace(stateDir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := unix.Chdir(working); err != nil {
		return err
	}
	return unix.Exec(self, os.Args, append(os.Environ(), marker+"=1"))
}

func newMountNamespace(stateDir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	// Mounts made outside come in, none goes out, and containers may be given either.
	for _, propagation := range []uintptr{unix.MS_SLAVE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			return err
		}
	}
	// crun refuses a mix of cgroup versions, and is told to use none.
	if err := unix.Mount("tmpfs", "/sys/fs/cgroup", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return fmt.Errorf("/sys/fs/cgroup: %w", err)
	}
	// The kubelet keeps links to its containers' logs in /var/log/containers, whatever its root directory is.
	links := filepath.Join(stateDir, "var-log")
	if err := os.MkdirAll(links, 0o755); err != nil {
		return err
	}
	return unix.Mount(links, "/var/log", "", unix.MS_BIND, "")
}
