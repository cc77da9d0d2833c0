package pyenv

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Package is one installed distribution.
type Package struct{ Name, Version string }

// Plugin is what a Pulumi SDK package says of the provider it needs, in its pulumi-plugin.json.
type Plugin struct {
	Resource         bool   `json:"resource"`
	Name             string `json:"name"`
	Version          string `json:"version"`
	Server           string `json:"server"`
	Parameterization *struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Value   []byte `json:"value"`
	} `json:"parameterization"`
}

// Plugins are the providers that installed SDK packages need, by name.
func (e Env) Plugins() ([]Plugin, error) {
	dirs, err := e.SitePackages()
	if err != nil {
		return nil, err
	}
	var plugins []Plugin
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*", "pulumi-plugin.json"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			var plugin Plugin
			if err := json.Unmarshal(text, &plugin); err != nil {
				return nil, &fs.PathError{Op: "parse", Path: file, Err: err}
			}
			if !plugin.Resource {
				continue
			}
			if plugin.Name == "" {
				plugin.Name = strings.TrimPrefix(filepath.Base(filepath.Dir(file)), "pulumi_")
			}
			plugins = append(plugins, plugin)
		}
	}
	sort.Slice(plugins, func(i, j int) bool { return plugins[i].Name < plugins[j].Name })
	return plugins, nil
}

// Packages are the installed distributions. Without transitive, only those that no other one asks for.
func (e Env) Packages(transitive bool) ([]Package, error) {
	dirs, err := e.SitePackages()
	if err != nil {
		return nil, err
	}
	var packages []Package
	required := map[string]bool{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.dist-info", "METADATA"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			pkg, requires, err := readMetadata(file)
			if err != nil {
				return nil, err
			}
			packages = append(packages, pkg)
			for _, name := range requires {
				required[name] = true
			}
		}
	}
	var kept []Package
	for _, pkg := range packages {
		if transitive || !required[normalise(pkg.Name)] {
			kept = append(kept, pkg)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Name < kept[j].Name })
	return kept, nil
}

// readMetadata reads the headers of a METADATA file: its name, version and what it always requires.
func readMetadata(file string) (Package, []string, error) {
	var pkg Package
	var requires []string
	opened, err := os.Open(file)
	if err != nil {
		return pkg, nil, err
	}
	defer opened.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(opened)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && lines.Text() != "" {
		key, value, found := strings.Cut(lines.Text(), ": ")
		if !found {
			continue
		}
		switch key {
		case "Name":
			pkg.Name = value
		case "Version":
			pkg.Version = value
		case "Requires-Dist":
			if name, marker, _ := strings.Cut(value, ";"); !strings.Contains(marker, "extra") {
				end := strings.IndexFunc(name, func(r rune) bool { return strings.ContainsRune(" [<>=!~(", r) })
				if end >= 0 {
					name = name[:end]
				}
				requires = append(requires, normalise(name))
			}
		}
	}
	if pkg.Name == "" {
		return pkg, nil, &fs.PathError{Op: "parse", Path: file, Err: errors.New("no Name header")}
	}
	return pkg, requires, lines.Err()
}

// normalise spells a distribution's name as PEP 503 does.
func normalise(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
}
