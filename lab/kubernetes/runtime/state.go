package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"lab/kubernetes/network"
)

func (s *Service) load() error {
	if text, err := os.ReadFile(filepath.Join(s.Root, podCIDR)); err == nil {
		if prefix, err := netip.ParsePrefix(string(text)); err == nil {
			s.pool.SetCIDR(prefix)
		}
	}
	sandboxes, err := readAll[sandbox](filepath.Join(s.Root, "sandboxes"))
	if err != nil {
		return err
	}
	for _, found := range sandboxes {
		if !found.Made {
			if err := errors.Join(s.stopSandbox(found), os.RemoveAll(s.sandboxDirectory(found.ID))); err != nil {
				return err
			}
			continue
		}
		if found.Holder.alive() && found.address().IsValid() && !network.Attached(found.ID) {
			// The host's network is a new one; the pod must be made anew in it.
			_ = found.Holder.signal(9)
		}
		if address := found.address(); address.IsValid() && !found.Stopped {
			s.pool.Reserve(address)
		}
		s.sandboxes[found.ID] = found
	}
	containers, err := readAll[container](filepath.Join(s.Root, "containers"))
	if err != nil {
		return err
	}
	for _, found := range containers {
		if s.sandboxes[found.SandboxID] == nil {
			continue // dropped below
		}
		found.done = make(chan struct{})
		if found.Exited {
			close(found.done)
		}
		s.containers[found.ID] = found
	}
	for _, found := range s.containers {
		s.collect(found)
	}
	return s.dropStrays()
}

// dropStrays removes the containers that were being made when an earlier process ended, which have no record yet, and
// those whose pod is gone.
func (s *Service) dropStrays() error {
	directories, err := filepath.Glob(filepath.Join(s.Root, "containers", "*"))
	if err != nil {
		return err
	}
	for _, directory := range directories {
		if id := filepath.Base(directory); s.containers[id] == nil {
			_ = s.runCrun("delete", "--force", id)
			_ = os.RemoveAll(directory) // its conmon may still be ending there; then the next start does it
		}
	}
	return nil
}

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
