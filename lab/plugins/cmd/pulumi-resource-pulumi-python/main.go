// Command pulumi-resource-pulumi-python hosts Python dynamic providers: it becomes `python -u -m pulumi.dynamic`
// of the project's virtualenv. The engine hands the runtime options of Pulumi.yaml over as PULUMI_RUNTIME_*.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"lab/plugins/internal/pyenv"
)

func main() {
	if err := become(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-pulumi-python: %v\n", err)
		os.Exit(1)
	}
}

func become() error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	env, err := pyenv.Resolve(root, pyenv.Options{
		Toolchain:  os.Getenv("PULUMI_RUNTIME_TOOLCHAIN"),
		Virtualenv: os.Getenv("PULUMI_RUNTIME_VIRTUALENV"),
	})
	if err != nil {
		return err
	}
	python, err := exec.LookPath(env.Python)
	if err != nil {
		return err
	}
	args := append([]string{python, "-u", "-m", "pulumi.dynamic"}, os.Args[1:]...)
	return syscall.Exec(python, args, env.Environ(os.Environ()))
}
