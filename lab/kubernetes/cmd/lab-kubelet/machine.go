package main

import (
	"context"
	"os"
	"strings"

	"github.com/google/cadvisor/lib/model"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/cm"
)

// machine tells the kubelet what it would otherwise read from cgroups: a size that the lab chose. Its filesystem figures
// are the real ones.
type machine struct {
	name      string
	cpus      int
	memory    uint64
	directory string
}

func (m machine) Start() error { return nil }

func (m machine) MachineInfo(klog.Logger) (*model.MachineInfo, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	return &model.MachineInfo{
		NumCores: m.cpus, NumPhysicalCores: m.cpus, NumSockets: 1, MemoryCapacity: m.memory,
		MachineID: m.name, SystemUUID: m.name, BootID: strings.TrimSpace(string(boot)),
	}, nil
}

func (m machine) VersionInfo() (*model.VersionInfo, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	system := "Linux"
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "PRETTY_NAME="); found {
			system = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return &model.VersionInfo{KernelVersion: unix.ByteSliceToString(name.Release[:]), ContainerOsVersion: system}, nil
}

func (m machine) ContainerInfoV2(string, model.RequestOptions) (map[string]model.ContainerInfo, error) {
	return map[string]model.ContainerInfo{}, nil
}

func (m machine) GetRequestedContainersInfo(string, model.RequestOptions) (map[string]*model.ContainerInfo, error) {
	return map[string]*model.ContainerInfo{}, nil
}

func (m machine) ImagesFsInfo(context.Context) (model.FsInfo, error) { return filesystem(m.directory) }

func (m machine) RootFsInfo() (model.FsInfo, error) { return filesystem(m.directory) }

func (m machine) ContainerFsInfo(context.Context) (model.FsInfo, error) {
	return filesystem(m.directory)
}

func (m machine) GetDirFsInfo(path string) (model.FsInfo, error) { return filesystem(path) }

func filesystem(path string) (model.FsInfo, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return model.FsInfo{}, err
	}
	size := uint64(fs.Bsize)
	return model.FsInfo{
		Mountpoint: path, Capacity: fs.Blocks * size, Available: fs.Bavail * size, Usage: (fs.Blocks - fs.Bfree) * size,
		Inodes: &fs.Files, InodesFree: &fs.Ffree,
	}, nil
}

// noCgroups is the kubelet's own stub, whose pods have no cgroup either, but to which that is no error.
type noCgroups struct{ cm.ContainerManager }

func (n noCgroups) NewPodContainerManager() cm.PodContainerManager {
	return noPodCgroups{n.ContainerManager.NewPodContainerManager()}
}

type noPodCgroups struct{ cm.PodContainerManager }

func (noPodCgroups) GetPodCgroupConfig(*corev1.Pod, corev1.ResourceName) (*cm.ResourceConfig, error) {
	return nil, nil
}
