package pyhost

import (
	"fmt"
	"os"
	"os/exec"

	"lab/plugins/internal/pyenv"
	"lab/plugins/internal/serve"
)

// Dynamic hosts Python dynamic providers: it runs `python -u -m pulumi.dynamic` of the project's virtualenv for as long
// as the engine is there. The engine hands the runtime options of Pulumi.yaml over as PULUMI_RUNTIME_*.
func Dynamic(name string, args []string) error {
	address, err := serve.EngineAddress(name, args)
	if err != nil {
		return err
	}
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
	ctx, engine, err := serve.Tie(address)
	if err != nil {
		return err
	}
	defer engine.Close()
	cmd := exec.Command(env.Python, append([]string{"-u", "-m", "pulumi.dynamic"}, args...)...)
	cmd.Env = env.Environ(os.Environ())
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := New(ctx, engine).runChild(ctx, cmd); err != nil && ctx.Err() == nil {
		return fmt.Errorf("python -m pulumi.dynamic: %w", err)
	}
	return nil
}
