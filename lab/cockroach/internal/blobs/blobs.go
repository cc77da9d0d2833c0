// Package blobs is a node's own external storage, `nodelocal`: files in a folder beside its store.
package blobs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Folder is where a node keeps what clients put there, as --external-io-dir does by default: <store>/extern.
type Folder string

func (f Folder) at(name string) string {
	return filepath.Join(string(f), filepath.FromSlash(path.Clean("/"+name)))
}

// Put writes a file, whole or not at all.
func (f Folder) Put(name string, data []byte) error {
	target := f.at(name)
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	fresh := target + ".new"
	if err := os.WriteFile(fresh, data, 0o640); err != nil {
		return err
	}
	return os.Rename(fresh, target)
}

// Get reads one.
func (f Folder) Get(name string) ([]byte, error) { return os.ReadFile(f.at(name)) }

// List names the files under a path, relative to the folder, in order.
func (f Folder) List(under string) ([]string, error) {
	var out []string
	root := f.at(under)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(file, ".new") {
			return err
		}
		name, err := filepath.Rel(string(f), file)
		out = append(out, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}
