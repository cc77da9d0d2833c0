// Package pyenv finds the Python that a Pulumi project runs with, and what is installed in it.
package pyenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Env is a Python to run programs with.
type Env struct {
	// Python is the interpreter's path, or a name to look up on PATH where the project names no virtualenv.
	Python string
	// Dir is the virtualenv's absolute path; empty where there is none.
	Dir string
}

// Options are the runtime options of Pulumi.yaml that select a Python.
type Options struct {
	Toolchain  string // pip (default), uv or poetry
	Virtualenv string // a path, relative to the project's root
}

// Resolve finds the Python for a project whose root folder is root.
//
// It fails where the options name a virtualenv that is not there, with the lines that would make it.
func Resolve(root string, options Options) (Env, error) {
	dir := options.Virtualenv
	switch options.Toolchain {
	case "", "pip":
	case "uv":
		if dir == "" {
			dir = nearestVirtualenv(root)
		}
	case "poetry":
		found, err := exec.Command("poetry", "--directory", root, "env", "info", "--path").Output()
		if err != nil {
			return Env{}, fmt.Errorf("poetry env info --path: %w", err)
		}
		dir = strings.TrimSpace(string(found))
	default:
		return Env{}, fmt.Errorf("unknown toolchain %q: pip, uv or poetry", options.Toolchain)
	}
	if dir == "" {
		return Env{Python: defaultPython()}, nil
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	env := Env{Python: filepath.Join(dir, "bin", "python"), Dir: dir}
	if info, err := os.Stat(env.Python); err == nil && !info.IsDir() {
		return env, nil
	}
	what := "doesn't exist"
	if _, err := os.Stat(dir); err == nil {
		what = "is not a virtual environment"
	}
	return Env{}, fmt.Errorf("the 'virtualenv' option in Pulumi.yaml is %q, but %s %s; make it with\n"+
		"    python3 -m venv %s && %s -m pip install -r requirements.txt\nor, with uv: uv sync",
		options.Virtualenv, dir, what, dir, env.Python)
}

func nearestVirtualenv(root string) string {
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "uv.lock")); err == nil {
			return filepath.Join(dir, ".venv")
		}
		if dir == filepath.Dir(dir) {
			return filepath.Join(root, ".venv")
		}
	}
}

func defaultPython() string {
	if named := os.Getenv("PULUMI_PYTHON_CMD"); named != "" {
		return named
	}
	return "python3"
}

// Environ is base with the virtualenv activated: first on PATH, and no PYTHONHOME to override it.
func (e Env) Environ(base []string) []string {
	if e.Dir == "" {
		return slices.Clone(base)
	}
	env := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		return strings.HasPrefix(entry, "PYTHONHOME=") || strings.HasPrefix(entry, "VIRTUAL_ENV=")
	})
	path := filepath.Join(e.Dir, "bin")
	for i, entry := range slices.Backward(env) {
		if rest, is := strings.CutPrefix(entry, "PATH="); is {
			env = slices.Delete(env, i, i+1)
			path += string(os.PathListSeparator) + rest
			break
		}
	}
	return append(env, "PATH="+path, "VIRTUAL_ENV="+e.Dir)
}

// SitePackages are the folders where the environment's packages are installed.
//
// A virtualenv is read from disk; only where there is none is the interpreter asked, which costs its start.
func (e Env) SitePackages() ([]string, error) {
	if e.Dir != "" {
		found, err := filepath.Glob(filepath.Join(e.Dir, "lib*", "python3*", "site-packages"))
		if err != nil {
			return nil, err
		}
		return dedupe(found), nil
	}
	out, err := exec.Command(e.Python, "-c", "import site, sys; print(*{p for p in sys.path if 'packages' in p}, sep='\\n')").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: listing where packages are installed: %w", e.Python, err)
	}
	return dedupe(strings.Split(strings.TrimSpace(string(out)), "\n")), nil
}

// dedupe drops folders that are links to others (lib64 to lib).
func dedupe(dirs []string) []string {
	var kept []string
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil && !slices.Contains(kept, real) {
			kept = append(kept, real)
		}
	}
	return kept
}
