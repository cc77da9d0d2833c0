package pyhost

import (
	"context"
	_ "embed" // for the program that runs programs
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// exitSaid is the exit code of a program that has already shown the user what went wrong.
const exitSaid = 32

//go:embed program.py
var runner string

// Run runs the program in a process of its own: its output streams through this host's to the engine,
// and a cancelled request ends it.
func (h *Host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	env, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(map[string]any{
		"monitor":        request.GetMonitorAddress(),
		"engine":         h.engine.Address,
		"project":        request.GetProject(),
		"stack":          request.GetStack(),
		"parallel":       request.GetParallel(),
		"dry_run":        request.GetDryRun(),
		"organization":   request.GetOrganization(),
		"root_directory": request.GetInfo().GetRootDirectory(),
	})
	if err != nil {
		return nil, err
	}
	values := request.GetConfig()
	if values == nil {
		values = map[string]string{}
	}
	config, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	program := filepath.Join(request.GetInfo().GetProgramDirectory(), request.GetInfo().GetEntryPoint())
	cmd := exec.Command(env.Python, append([]string{"-u", "-c", runner, program}, request.GetArgs()...)...)
	cmd.Dir = request.GetPwd()
	cmd.Env = append(env.Environ(os.Environ()),
		"PULUMI_RUN_SETTINGS="+string(settings),
		"PULUMI_CONFIG="+string(config),
		"PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = h.runChild(ctx, cmd)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() == exitSaid:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return &pulumirpc.RunResponse{Error: "the program ended with exit code " + strconv.Itoa(exit.ExitCode())}, nil
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: "the program was ended: " + exit.String()}, nil
	default:
		return nil, fmt.Errorf("running the program with %s: %w", env.Python, err)
	}
}
