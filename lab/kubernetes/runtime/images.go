package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/distribution/reference"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Image is what the lab puts in place of an image's content: files of this machine, bound read-only into an otherwise
// fresh root, and the part of an image's configuration that a container can tell.
type Image struct {
	// Binds maps a path in the container to one on this machine.
	Binds map[string]string `json:"binds"`
	// Path is the PATH variable.
	Path       string            `json:"path"`
	Env        map[string]string `json:"env"`
	User       string            `json:"user"`
	Entrypoint []string          `json:"entrypoint"`
	Command    []string          `json:"command"`
	WorkingDir string            `json:"workingDir"`
}

// Images implements the CRI image service over a file of image globs, read anew whenever it changes.
type Images struct {
	file string
	root string

	mu       sync.Mutex
	modified time.Time
	byGlob   map[string]Image
	pulled   map[string]bool
}

// NewImages reads file, whose content is {"<glob of image references>": Image}; root is the directory whose filesystem
// is reported as the image store.
func NewImages(file, root string) (*Images, error) {
	images := &Images{file: file, root: root, pulled: map[string]bool{}}
	return images, images.refresh()
}

func (i *Images) refresh() error {
	info, err := os.Stat(i.file)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(i.modified) {
		return nil
	}
	text, err := os.ReadFile(i.file)
	if err != nil {
		return err
	}
	byGlob := map[string]Image{}
	if err := json.Unmarshal(text, &byGlob); err != nil {
		return fmt.Errorf("%s: %w", i.file, err)
	}
	for glob, image := range byGlob {
		for target := range image.Binds {
			if parent := hostDirectoryOf(target); parent != "" {
				return fmt.Errorf("%s: %s: %s lies in %s, which is this machine's own", i.file, glob, target, parent)
			}
		}
	}
	i.byGlob, i.modified = byGlob, info.ModTime()
	return nil
}

// find returns the image that a reference names, the reference in full, and the image's digest.
func (i *Images) find(name string) (Image, string, string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.refresh(); err != nil {
		return Image{}, "", "", err
	}
	full := strings.TrimPrefix(name, "sha256:")
	for pulled := range i.pulled {
		if digest(pulled) == name {
			full = pulled
		}
	}
	if named, err := reference.ParseNormalizedNamed(full); err == nil {
		full = reference.TagNameOnly(named).String()
	}
	for glob, image := range i.byGlob {
		if matched, _ := path.Match(glob, full); matched || glob == full {
			return image, full, digest(full), nil
		}
	}
	return Image{}, full, "", status.Errorf(codes.NotFound,
		"failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", full, full, full)
}

func digest(full string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(full))) }

// PullImage "pulls" an image that the file knows; any other fails as a registry's "not found" does.
func (i *Images) PullImage(_ context.Context, spec *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	_, full, id, err := i.find(spec.GetImage())
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pulled[full] = true
	return id, nil
}

// ImageStatus returns nil for an image that was not pulled yet.
func (i *Images) ImageStatus(_ context.Context, spec *runtimeapi.ImageSpec, _ bool) (*runtimeapi.ImageStatusResponse, error) {
	image, full, _, err := i.find(spec.GetImage())
	if err != nil {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.pulled[full] {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	return &runtimeapi.ImageStatusResponse{Image: describe(image, full)}, nil
}

// ListImages lists what was pulled since the start.
func (i *Images) ListImages(_ context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	i.mu.Lock()
	names := make([]string, 0, len(i.pulled))
	for full := range i.pulled {
		names = append(names, full)
	}
	i.mu.Unlock()
	var list []*runtimeapi.Image
	for _, name := range names {
		image, full, _, err := i.find(name)
		if wanted := filter.GetImage().GetImage(); err == nil && (wanted == "" || wanted == full) {
			list = append(list, describe(image, full))
		}
	}
	return list, nil
}

func describe(image Image, full string) *runtimeapi.Image {
	described := &runtimeapi.Image{Id: digest(full), RepoTags: []string{full}, Size: 1, Spec: &runtimeapi.ImageSpec{Image: full}}
	user, _, _ := strings.Cut(image.User, ":")
	if uid, err := strconv.ParseInt(user, 10, 64); err == nil {
		described.Uid = &runtimeapi.Int64Value{Value: uid}
	} else if user == "" {
		described.Uid = &runtimeapi.Int64Value{}
	} else {
		described.Username = user
	}
	return described
}

// RemoveImage forgets that an image was pulled.
func (i *Images) RemoveImage(_ context.Context, spec *runtimeapi.ImageSpec) error {
	_, full, _, _ := i.find(spec.GetImage())
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.pulled, full)
	return nil
}

// ImageFsInfo reports the filesystem that holds the containers' roots.
func (i *Images) ImageFsInfo(context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(i.root, &fs); err != nil {
		return nil, err
	}
	usage := []*runtimeapi.FilesystemUsage{{
		Timestamp:  time.Now().UnixNano(),
		FsId:       &runtimeapi.FilesystemIdentifier{Mountpoint: i.root},
		UsedBytes:  &runtimeapi.UInt64Value{},
		InodesUsed: &runtimeapi.UInt64Value{},
	}}
	return &runtimeapi.ImageFsInfoResponse{ImageFilesystems: usage, ContainerFilesystems: usage}, nil
}

// Close has nothing to close.
func (i *Images) Close(context.Context) error { return nil }
