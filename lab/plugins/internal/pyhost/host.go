// Package pyhost is the language host for Python: it tells the engine what a program needs and runs it.
package pyhost

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"lab/plugins/internal/pyenv"
	"lab/plugins/internal/serve"
)

// Version is the release whose behaviour this host has.
const Version = "3.259.0"

// Host serves the LanguageRuntime protocol. What it leaves out (code generation, packing) answers Unimplemented.
type Host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	engine  *serve.Engine
	ctx     context.Context // ends with the host: programs under way stop then
	cancel  context.CancelFunc
	running children
}

// New makes a host for one engine; ctx ends when the host has to stop.
func New(ctx context.Context, engine *serve.Engine) *Host {
	ctx, cancel := context.WithCancel(ctx)
	return &Host{engine: engine, ctx: ctx, cancel: cancel}
}

func resolve(info *pulumirpc.ProgramInfo) (pyenv.Env, error) {
	options := info.GetOptions().GetFields()
	return pyenv.Resolve(info.GetRootDirectory(), pyenv.Options{
		Toolchain:  options["toolchain"].GetStringValue(),
		Virtualenv: options["virtualenv"].GetStringValue(),
	})
}

// Handshake accepts any engine.
func (h *Host) Handshake(context.Context, *pulumirpc.LanguageHandshakeRequest) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo names the version.
func (h *Host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// GetRequiredPlugins is the older form of GetRequiredPackages; the engine falls back to that one.
func (h *Host) GetRequiredPlugins(
	_ context.Context, request *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	packages, err := requiredPackages(request.GetInfo())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPluginsResponse{}
	for _, pkg := range packages {
		response.Plugins = append(response.Plugins, &pulumirpc.PluginDependency{
			Name: pkg.Name, Kind: pkg.Kind, Version: pkg.Version, Server: pkg.Server,
		})
	}
	return response, nil
}

// GetRequiredPackages lists the providers that the installed SDK packages need.
func (h *Host) GetRequiredPackages(
	_ context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	packages, err := requiredPackages(request.GetInfo())
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, err
}

func requiredPackages(info *pulumirpc.ProgramInfo) ([]*pulumirpc.PackageDependency, error) {
	env, err := resolve(info)
	if err != nil {
		return nil, err
	}
	plugins, err := env.Plugins()
	if err != nil {
		return nil, err
	}
	var packages []*pulumirpc.PackageDependency
	for _, plugin := range plugins {
		pkg := &pulumirpc.PackageDependency{
			Name: plugin.Name, Kind: "resource", Version: withV(plugin.Version), Server: plugin.Server,
		}
		if parameters := plugin.Parameterization; parameters != nil {
			pkg.Parameterization = &pulumirpc.PackageParameterization{
				Name: parameters.Name, Version: parameters.Version, Value: parameters.Value,
			}
		}
		packages = append(packages, pkg)
	}
	return packages, nil
}

func withV(version string) string {
	if version == "" || strings.HasPrefix(version, "v") {
		return version
	}
	return "v" + version
}

// GetProgramDependencies lists the Python packages, for `pulumi about` and the update's record.
func (h *Host) GetProgramDependencies(
	_ context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	env, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	packages, err := env.Packages(request.GetTransitiveDependencies())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, pkg := range packages {
		response.Dependencies = append(response.Dependencies, &pulumirpc.DependencyInfo{Name: pkg.Name, Version: pkg.Version})
	}
	return response, nil
}

// About names the interpreter, for `pulumi about`.
func (h *Host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	env := pyenv.Env{Python: "python3"}
	if request.GetInfo() != nil {
		found, err := resolve(request.GetInfo())
		if err != nil {
			return nil, err
		}
		env = found
	}
	python, err := exec.LookPath(env.Python)
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, python, "--version").Output()
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "Python ")
	return &pulumirpc.AboutResponse{Executable: filepath.Clean(python), Version: version}, nil
}

// RuntimeOptionsPrompts asks nothing: the options of Pulumi.yaml are all there is.
func (h *Host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Template has nothing to change in a new project.
func (h *Host) Template(context.Context, *pulumirpc.TemplateRequest) (*pulumirpc.TemplateResponse, error) {
	return &pulumirpc.TemplateResponse{}, nil
}

// Cancel ends the programs under way.
func (h *Host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.running.end()
	return &emptypb.Empty{}, nil
}
