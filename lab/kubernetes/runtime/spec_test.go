package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var shell = Image{Path: "/cockroach:/usr/bin", Env: map[string]string{"LANG": "C", "A": "image"}, Entrypoint: []string{"/entry"}, Command: []string{"default"}}

func inPod(edit func(*runtimeapi.ContainerConfig)) (*runtimeapi.ContainerConfig, *sandbox) {
	config := &runtimeapi.ContainerConfig{Linux: &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{}}}
	edit(config)
	return config, &sandbox{ID: "s", Holder: process{Pid: 42}, Config: &runtimeapi.PodSandboxConfig{Hostname: "cockroachdb-0"}}
}

func build(t *testing.T, edit func(*runtimeapi.ContainerConfig)) *specs.Spec {
	t.Helper()
	config, pod := inPod(edit)
	spec, err := containerSpec(config, pod, shell, "/pod", 43)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestCommand(t *testing.T) {
	for _, test := range []struct{ command, arguments, want []string }{
		{nil, nil, []string{"/entry", "default"}},
		{nil, []string{"x"}, []string{"/entry", "x"}},
		{[]string{"c"}, nil, []string{"c"}},
		{[]string{"c"}, []string{"x"}, []string{"c", "x"}},
	} {
		spec := build(t, func(c *runtimeapi.ContainerConfig) { c.Command, c.Args = test.command, test.arguments })
		if !slices.Equal(spec.Process.Args, test.want) {
			t.Errorf("command %q, arguments %q: got %q", test.command, test.arguments, spec.Process.Args)
		}
	}
	config, pod := inPod(func(*runtimeapi.ContainerConfig) {})
	if _, err := containerSpec(config, pod, Image{}, "/pod", 0); err == nil {
		t.Error("a container with nothing to run")
	}
}

func TestEnvironment(t *testing.T) {
	spec := build(t, func(c *runtimeapi.ContainerConfig) {
		c.Envs = []*runtimeapi.KeyValue{{Key: "A", Value: []byte("pod")}}
	})
	want := []string{"A=pod", "HOSTNAME=cockroachdb-0", "LANG=C", "PATH=/cockroach:/usr/bin"}
	if !slices.Equal(spec.Process.Env, want) || spec.Hostname != "cockroachdb-0" {
		t.Errorf("got %q, %s", spec.Process.Env, spec.Hostname)
	}
}

func TestUser(t *testing.T) {
	spec := build(t, func(c *runtimeapi.ContainerConfig) {
		security := c.Linux.SecurityContext
		security.RunAsUser, security.RunAsGroup = &runtimeapi.Int64Value{Value: 1000}, &runtimeapi.Int64Value{Value: 1001}
		security.SupplementalGroups = []int64{1002, 1001}
	})
	if user := spec.Process.User; user.UID != 1000 || user.GID != 1001 || !slices.Equal(user.AdditionalGids, []uint32{1001, 1002}) {
		t.Errorf("got %+v", user)
	}
	if user, err := containerUser(nil, Image{User: "nobody"}); err != nil || user.UID != 65534 || user.GID != 65534 {
		t.Errorf("the image's user: %+v, %v", user, err)
	}
	if user, err := containerUser(nil, Image{User: "stranger"}); err == nil {
		t.Errorf("a user that no file knows: %+v", user)
	}
}

func TestCapabilities(t *testing.T) {
	set := func(add, drop []string) []string {
		return build(t, func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.Capabilities = &runtimeapi.Capability{AddCapabilities: add, DropCapabilities: drop}
		}).Process.Capabilities.Bounding
	}
	if got := set(nil, nil); !slices.Equal(got, defaultCapabilities) {
		t.Errorf("default: %v", got)
	}
	if got := set([]string{"NET_BIND_SERVICE"}, []string{"ALL"}); !slices.Equal(got, []string{"CAP_NET_BIND_SERVICE"}) {
		t.Errorf("drop all, add one: %v", got)
	}
	if got := set([]string{"net_admin"}, []string{"CHOWN"}); slices.Contains(got, "CAP_CHOWN") || !slices.Contains(got, "CAP_NET_ADMIN") {
		t.Errorf("drop one, add one: %v", got)
	}
}

func TestNamespaces(t *testing.T) {
	paths := func(options *runtimeapi.NamespaceOption) map[specs.LinuxNamespaceType]string {
		spec := build(t, func(c *runtimeapi.ContainerConfig) { c.Linux.SecurityContext.NamespaceOptions = options })
		found := map[specs.LinuxNamespaceType]string{}
		for _, one := range spec.Linux.Namespaces {
			found[one.Type] = one.Path
		}
		return found
	}
	usual := paths(&runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER})
	if path, own := usual[specs.PIDNamespace]; !own || path != "" || usual[specs.NetworkNamespace] != "/proc/42/ns/net" {
		t.Errorf("usual: %v", usual)
	}
	host := paths(&runtimeapi.NamespaceOption{Network: runtimeapi.NamespaceMode_NODE, Pid: runtimeapi.NamespaceMode_NODE, Ipc: runtimeapi.NamespaceMode_NODE})
	for _, kind := range []specs.LinuxNamespaceType{specs.NetworkNamespace, specs.PIDNamespace, specs.IPCNamespace} {
		if path, own := host[kind]; own {
			t.Errorf("the host's %s: %q", kind, path)
		}
	}
	if target := paths(&runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_TARGET, TargetId: "x"}); target[specs.PIDNamespace] != "/proc/43/ns/pid" {
		t.Errorf("a debugging container: %v", target)
	}
}

func TestMounts(t *testing.T) {
	spec := build(t, func(c *runtimeapi.ContainerConfig) {
		c.Mounts = []*runtimeapi.Mount{
			{ContainerPath: "/data/inner", HostPath: "/h/inner", Readonly: true},
			{ContainerPath: "/data", HostPath: "/h/data", Propagation: runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER},
			{ContainerPath: "/dev/shm", HostPath: "/h/shm"},
		}
		c.Linux.SecurityContext.ReadonlyRootfs = true
	})
	at := func(target string) int {
		return slices.IndexFunc(spec.Mounts, func(m specs.Mount) bool { return m.Destination == target })
	}
	outer, inner := spec.Mounts[at("/data")], spec.Mounts[at("/data/inner")]
	if at("/data") > at("/data/inner") || !slices.Contains(inner.Options, "ro") || !slices.Contains(outer.Options, "rslave") || !slices.Contains(outer.Options, "rw") {
		t.Errorf("outer %v, inner %v", outer, inner)
	}
	if shm := spec.Mounts[at("/dev/shm")]; shm.Source != "/h/shm" {
		t.Errorf("the pod's own mount gives way to %v", shm)
	}
	if usr := spec.Mounts[at("/usr/bin")]; !slices.Contains(usr.Options, "ro") || !spec.Root.Readonly {
		t.Errorf("this machine's files: %v, root %v", usr, spec.Root)
	}
}

func TestImageBindsStayOutOfThisMachinesDirectories(t *testing.T) {
	for target, within := range map[string]string{
		"/usr/bin/x": "/usr/bin", "/bin/x": "/usr/bin", "/lib/../lib/y": "/usr/lib", "/usr/local/bin/x": "", "/cockroach/cockroach": "", "/binary": "",
	} {
		if got := hostDirectoryOf(target); got != within {
			t.Errorf("%s: got %q, want %q", target, got, within)
		}
	}
}

func TestRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "rootfs")
	if err := makeRoot(root); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, "tmp"))
	if err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 {
		t.Errorf("/tmp: %v, %v", info.Mode(), err)
	}
	if link, err := os.Readlink(filepath.Join(root, "bin")); err != nil || link != "usr/bin" {
		t.Errorf("/bin: %s, %v", link, err)
	}
}

func TestImages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "images.json")
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(`{"docker.io/library/python:3.13*": {"binds": {}}}`)
	images, err := NewImages(file, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spec := &runtimeapi.ImageSpec{Image: "python:3.13.9-slim"}
	if known, err := images.ImageStatus(t.Context(), spec, false); err != nil || known.Image != nil {
		t.Errorf("known before it is pulled: %v, %v", known, err)
	}
	id, err := images.PullImage(t.Context(), spec, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if known, err := images.ImageStatus(t.Context(), &runtimeapi.ImageSpec{Image: id}, false); err != nil || known.Image.GetId() != id {
		t.Errorf("by its id: %v, %v", known, err)
	}
	if _, err := images.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "python:2"}, nil, nil); err == nil ||
		!strings.Contains(err.Error(), `failed to resolve reference "docker.io/library/python:2"`) {
		t.Errorf("an image that is nowhere: %v", err)
	}
	save(`{"docker.io/library/python:*": {"binds": {"/usr/bin/python3": "/x"}}}`)
	images.modified = images.modified.Add(-1)
	if _, err := images.PullImage(t.Context(), spec, nil, nil); err == nil || !strings.Contains(err.Error(), "/usr/bin") {
		t.Errorf("a bind over this machine's files: %v", err)
	}
}
