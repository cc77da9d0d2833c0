package pyhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"lab/plugins/internal/pyenv"
)

// sender passes a process's output on as messages, whole writes at a time.
type sender struct {
	mutex *sync.Mutex
	send  func([]byte) error
}

func (s sender) Write(data []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(data), s.send(data)
}

// RunPlugin runs a plugin written in Python (a component provider, a policy pack) until it ends or the request does.
func (h *Host) RunPlugin(
	request *pulumirpc.RunPluginRequest, stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse],
) error {
	info := request.GetInfo()
	env, err := resolve(info)
	if err != nil {
		return err
	}
	args := []string{"-u"}
	if request.GetKind() == "analyzer" {
		args = append(args, "-m", "pulumi.policy")
		args = append(args, request.GetArgs()...)
		args = append(args, info.GetProgramDirectory())
	} else {
		args = append(args, filepath.Join(info.GetProgramDirectory(), info.GetEntryPoint()))
		args = append(args, request.GetArgs()...)
	}
	cmd := exec.Command(env.Python, args...)
	cmd.Dir = request.GetPwd()
	cmd.Env = env.Environ(request.GetEnv())
	mutex := &sync.Mutex{}
	cmd.Stdout = sender{mutex, func(data []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: data}})
	}}
	cmd.Stderr = sender{mutex, func(data []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: data}})
	}}
	err = h.runChild(stream.Context(), cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	return stream.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(max(cmd.ProcessState.ExitCode(), 0))},
	})
}

// InstallDependencies installs what the project asks for, by its toolchain.
func (h *Host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, stream grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	root := request.GetInfo().GetRootDirectory()
	options := request.GetInfo().GetOptions().GetFields()
	var commands [][]string
	switch toolchain := options["toolchain"].GetStringValue(); toolchain {
	case "", "pip":
		python := "python3"
		if dir := options["virtualenv"].GetStringValue(); dir != "" {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(root, dir)
			}
			if _, err := pyenv.Resolve(root, pyenv.Options{Virtualenv: dir}); err != nil {
				commands = append(commands, []string{python, "-m", "venv", dir})
			}
			python = filepath.Join(dir, "bin", "python")
		}
		if _, err := os.Stat(filepath.Join(request.GetDirectory(), "requirements.txt")); err == nil {
			commands = append(commands, []string{python, "-m", "pip", "install", "-r", "requirements.txt"})
		}
	case "uv":
		commands = append(commands, []string{"uv", "sync"})
	case "poetry":
		commands = append(commands, []string{"poetry", "install", "--no-ansi"})
	default:
		return fmt.Errorf("unknown toolchain %q: pip, uv or poetry", toolchain)
	}
	for _, command := range commands {
		if err := h.install(stream.Context(), request.GetDirectory(), command, stream); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) install(
	ctx context.Context, dir string, command []string, stream grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	mutex := &sync.Mutex{}
	cmd.Stdout = sender{mutex, func(data []byte) error {
		return stream.Send(&pulumirpc.InstallDependenciesResponse{Stdout: data})
	}}
	cmd.Stderr = sender{mutex, func(data []byte) error {
		return stream.Send(&pulumirpc.InstallDependenciesResponse{Stderr: data})
	}}
	if err := h.runChild(ctx, cmd); err != nil {
		return fmt.Errorf("%v: %w", command, err)
	}
	return nil
}
