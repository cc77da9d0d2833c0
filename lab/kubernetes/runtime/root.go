package runtime

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// What a container sees of this machine, read-only. /usr/local and the rest of the root are the container's own.
var hostDirectories = []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share", "/etc/alternatives", "/etc/ssl"}

var hostFiles = []string{"/etc/ld.so.cache", "/etc/services", "/etc/protocols"}

var passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

var group = `root:x:0:
daemon:x:1:
tty:x:5:
nogroup:x:65534:
`

// hostDirectoryOf returns the directory of this machine that a path in a container lies in, or "".
func hostDirectoryOf(target string) string {
	target = path.Clean(target)
	for _, link := range []string{"/bin", "/sbin", "/lib", "/lib64"} {
		if target == link || strings.HasPrefix(target, link+"/") {
			target = "/usr" + target
		}
	}
	for _, directory := range hostDirectories {
		if target == directory || strings.HasPrefix(target, directory+"/") {
			return directory
		}
	}
	return ""
}

// makeRoot lays out a container's root: links and the few files that every image has.
func makeRoot(root string) error {
	for _, directory := range []string{
		"dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "usr/local/bin", "usr/local/lib", "var/lib", "var/log", "var/cache",
	} {
		if err := os.MkdirAll(filepath.Join(root, directory), 0o755); err != nil {
			return err
		}
	}
	for _, directory := range []string{"tmp", "var/tmp"} {
		if err := os.Mkdir(filepath.Join(root, directory), 0o755); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(root, directory), 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{
		"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run", "etc/mtab": "../proc/self/mounts",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"passwd": passwd, "group": group, "nsswitch.conf": "hosts: files dns\n"} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func mounts(config *runtimeapi.ContainerConfig, pod *sandbox, image Image, podDirectory string) []specs.Mount {
	system := func(target, kind string, options ...string) specs.Mount {
		return specs.Mount{Destination: target, Type: kind, Source: kind, Options: options}
	}
	bind := func(target, source string, options ...string) specs.Mount {
		return specs.Mount{Destination: target, Type: "bind", Source: source, Options: append([]string{"rbind"}, options...)}
	}
	sys := "ro"
	if config.GetLinux().GetSecurityContext().GetPrivileged() {
		sys = "rw"
	}
	list := []specs.Mount{
		system("/proc", "proc", "nosuid", "noexec", "nodev"),
		system("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
		system("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
		system("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
		system("/sys", "sysfs", "nosuid", "noexec", "nodev", sys),
		bind("/dev/shm", filepath.Join(podDirectory, "shm")),
		bind("/etc/resolv.conf", filepath.Join(podDirectory, "resolv.conf")),
		bind("/etc/hostname", filepath.Join(podDirectory, "hostname")),
	}
	for _, shared := range slices.Concat(hostDirectories, hostFiles) {
		// A link, as /usr/lib64 is on some machines, would be followed into the container's own root.
		if resolved, err := filepath.EvalSymlinks(shared); err == nil {
			list = append(list, bind(shared, resolved, "ro", "nosuid", "rprivate"))
		}
	}
	for target, source := range image.Binds {
		list = append(list, bind(target, source, "ro", "rprivate"))
	}
	var own []specs.Mount
	for _, wanted := range config.GetMounts() {
		mode := "rw"
		if wanted.GetReadonly() {
			mode = "ro"
		}
		propagation := map[runtimeapi.MountPropagation]string{
			runtimeapi.MountPropagation_PROPAGATION_PRIVATE:           "rprivate",
			runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER: "rslave",
			runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL:     "rshared",
		}[wanted.GetPropagation()]
		own = append(own, bind(wanted.GetContainerPath(), wanted.GetHostPath(), mode, propagation))
		list = slices.DeleteFunc(list, func(other specs.Mount) bool { return other.Destination == path.Clean(wanted.GetContainerPath()) })
	}
	list = append(list, own...)
	// A mount must come before those inside it.
	slices.SortStableFunc(list, func(a, b specs.Mount) int {
		return cmp.Compare(strings.Count(path.Clean(a.Destination), "/"), strings.Count(path.Clean(b.Destination), "/"))
	})
	return list
}
