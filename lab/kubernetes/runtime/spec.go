package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// What containers get unless their pod says otherwise: the set that container engines agree on.
var defaultCapabilities = []string{
	"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
	"CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// containerSpec translates a container of the CRI into one of the OCI. podDirectory holds the pod's resolv.conf, hostname and shm.
// target is the process whose process namespace a debugging container asks to share.
func containerSpec(config *runtimeapi.ContainerConfig, pod *sandbox, image Image, podDirectory string, target int) (*specs.Spec, error) {
	security := config.GetLinux().GetSecurityContext()
	if profile := security.GetSeccomp(); profile.GetProfileType() == runtimeapi.SecurityProfile_Localhost {
		return nil, fmt.Errorf("cannot load seccomp profile %q: this runtime has no seccomp profiles", profile.GetLocalhostRef())
	}
	process, err := processSpec(config, image, pod.Config.GetHostname())
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{
		Version: "1.0.2",
		Process: process,
		Root:    &specs.Root{Path: "rootfs", Readonly: security.GetReadonlyRootfs()},
		Mounts:  mounts(config, pod, image, podDirectory),
		Linux: &specs.Linux{
			Namespaces:        namespaces(security.GetNamespaceOptions(), pod.Holder.Pid, target),
			MaskedPaths:       security.GetMaskedPaths(),
			ReadonlyPaths:     security.GetReadonlyPaths(),
			RootfsPropagation: "rslave",
		},
		Hostname:    pod.Config.GetHostname(),
		Annotations: config.GetAnnotations(),
	}
	if security.GetPrivileged() {
		spec.Linux.MaskedPaths, spec.Linux.ReadonlyPaths = nil, nil
	}
	return spec, nil
}

func processSpec(config *runtimeapi.ContainerConfig, image Image, hostname string) (*specs.Process, error) {
	security := config.GetLinux().GetSecurityContext()
	arguments := slices.Concat(config.GetCommand(), config.GetArgs())
	if len(config.GetCommand()) == 0 {
		arguments = slices.Concat(image.Entrypoint, config.GetArgs())
		if len(config.GetArgs()) == 0 {
			arguments = slices.Concat(image.Entrypoint, image.Command)
		}
	}
	if len(arguments) == 0 {
		return nil, fmt.Errorf("no command specified")
	}
	user, err := containerUser(security, image)
	if err != nil {
		return nil, err
	}
	capabilities := capabilitySet(security)
	process := &specs.Process{
		Terminal:        config.GetTty(),
		User:            user,
		Args:            arguments,
		Env:             environment(config, image, hostname),
		Cwd:             cmp.Or(config.GetWorkingDir(), image.WorkingDir, "/"),
		NoNewPrivileges: security.GetNoNewPrivs(),
		Capabilities:    &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities},
	}
	// Lowering a score needs a capability that this program may not have; the lab's host has nothing to protect that way.
	if score := int(config.GetLinux().GetResources().GetOomScoreAdj()); score > 0 {
		process.OOMScoreAdj = &score
	}
	return process, nil
}

func containerUser(security *runtimeapi.LinuxContainerSecurityContext, image Image) (specs.User, error) {
	name, groupName, _ := strings.Cut(cmp.Or(security.GetRunAsUsername(), image.User, "0"), ":")
	if security.GetRunAsUser() != nil {
		name, groupName = strconv.FormatInt(security.GetRunAsUser().GetValue(), 10), ""
	}
	uid, gid := -1, 0
	for line := range strings.Lines(passwd) {
		fields := strings.Split(line, ":")
		if name == fields[0] || name == fields[2] {
			uid, _ = strconv.Atoi(fields[2])
			gid, _ = strconv.Atoi(fields[3])
		}
	}
	if number, err := strconv.Atoi(name); err == nil {
		uid = number
	}
	if uid < 0 {
		return specs.User{}, fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
	}
	if number, err := strconv.Atoi(groupName); err == nil {
		gid = number
	}
	if security.GetRunAsGroup() != nil {
		gid = int(security.GetRunAsGroup().GetValue())
	}
	user := specs.User{UID: uint32(uid), GID: uint32(gid), AdditionalGids: []uint32{uint32(gid)}}
	for _, supplemental := range security.GetSupplementalGroups() {
		if !slices.Contains(user.AdditionalGids, uint32(supplemental)) {
			user.AdditionalGids = append(user.AdditionalGids, uint32(supplemental))
		}
	}
	return user, nil
}

func environment(config *runtimeapi.ContainerConfig, image Image, hostname string) []string {
	values := map[string]string{"PATH": cmp.Or(image.Path, defaultPath), "HOSTNAME": hostname}
	if config.GetTty() {
		values["TERM"] = "xterm"
	}
	for key, value := range image.Env {
		values[key] = value
	}
	for _, pair := range config.GetEnvs() {
		values[pair.GetKey()] = string(pair.GetValue())
	}
	list := make([]string, 0, len(values))
	for key, value := range values {
		list = append(list, key+"="+value)
	}
	slices.Sort(list)
	return list
}

func capabilitySet(security *runtimeapi.LinuxContainerSecurityContext) []string {
	if security.GetPrivileged() {
		return slices.Clone(permitted)
	}
	set := slices.Clone(defaultCapabilities)
	full := func(name string) string { return "CAP_" + strings.TrimPrefix(strings.ToUpper(name), "CAP_") }
	if slices.Contains(security.GetCapabilities().GetAddCapabilities(), "ALL") {
		set = slices.Clone(permitted)
	}
	for _, dropped := range security.GetCapabilities().GetDropCapabilities() {
		if strings.EqualFold(dropped, "ALL") {
			set = nil
			break
		}
		set = slices.DeleteFunc(set, func(name string) bool { return name == full(dropped) })
	}
	for _, added := range security.GetCapabilities().GetAddCapabilities() {
		if name := full(added); name != "CAP_ALL" && !slices.Contains(set, name) {
			set = append(set, name)
		}
	}
	return set
}

func namespaces(options *runtimeapi.NamespaceOption, holder, target int) []specs.LinuxNamespace {
	of := func(pid int, kind specs.LinuxNamespaceType, file string) specs.LinuxNamespace {
		return specs.LinuxNamespace{Type: kind, Path: fmt.Sprintf("/proc/%d/ns/%s", pid, file)}
	}
	list := []specs.LinuxNamespace{{Type: specs.MountNamespace}}
	if options.GetNetwork() != runtimeapi.NamespaceMode_NODE {
		list = append(list, of(holder, specs.NetworkNamespace, "net"))
	}
	// Even a pod in the host's network has a name of its own: the lab's hosts share the machine's.
	list = append(list, specs.LinuxNamespace{Type: specs.UTSNamespace})
	if options.GetIpc() != runtimeapi.NamespaceMode_NODE {
		list = append(list, of(holder, specs.IPCNamespace, "ipc"))
	}
	switch options.GetPid() {
	case runtimeapi.NamespaceMode_POD:
		list = append(list, of(holder, specs.PIDNamespace, "pid"))
	case runtimeapi.NamespaceMode_TARGET:
		list = append(list, of(target, specs.PIDNamespace, "pid"))
	case runtimeapi.NamespaceMode_CONTAINER:
		list = append(list, specs.LinuxNamespace{Type: specs.PIDNamespace})
	}
	return list
}
