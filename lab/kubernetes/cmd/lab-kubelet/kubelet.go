package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kubelet/app"
	kubeletoptions "k8s.io/kubernetes/cmd/kubelet/app/options"
	"k8s.io/kubernetes/pkg/kubelet"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	kubeletutil "k8s.io/kubernetes/pkg/kubelet/util"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/emptydir"
	"k8s.io/kubernetes/pkg/volume/hostpath"
	"k8s.io/kubernetes/pkg/volume/local"
	"k8s.io/kubernetes/pkg/volume/projected"
	"k8s.io/kubernetes/pkg/volume/secret"
	"k8s.io/kubernetes/pkg/volume/util/hostutil"
	"k8s.io/kubernetes/pkg/volume/util/subpath"
	"k8s.io/mount-utils"

	"lab/kubernetes/runtime"
)

// startKubelet runs the kubelet with everything its own but the container runtime, the machine's size and cgroups, of
// which it believes there are none.
func startKubelet(ctx context.Context, o options, memory resource.Quantity, service *runtime.Service, images *runtime.Images) error {
	if err := utilfeature.DefaultMutableFeatureGate.Set("EventedPLEG=true"); err != nil {
		return err
	}
	config, err := clientConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	server, err := configuration(o, config)
	if err != nil {
		return err
	}
	deps, err := dependencies(ctx, o, memory, config, server)
	if err != nil {
		return err
	}
	deps.RemoteRuntimeService, deps.RemoteImageService = service, images
	return app.RunKubelet(ctx, server, deps)
}

func clientConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.QPS, config.Burst = 50, 100
	return config, rest.LoadTLSFiles(config)
}

func configuration(o options, client *rest.Config) (*kubeletoptions.KubeletServer, error) {
	if len(client.CAData) == 0 {
		return nil, errors.New("the kubeconfig has no certificate authority")
	}
	clientCA := filepath.Join(o.stateDir, "client-ca.crt")
	if err := os.WriteFile(clientCA, client.CAData, 0o644); err != nil {
		return nil, err
	}
	flags := kubeletoptions.NewKubeletFlags()
	flags.RootDirectory = filepath.Join(o.stateDir, "kubelet")
	flags.CertDirectory = filepath.Join(o.stateDir, "pki")
	flags.HostnameOverride = o.hostname
	flags.NodeIP = o.nodeIP
	flags.NodeLabels = o.labels
	c, err := kubeletoptions.NewKubeletConfiguration()
	if err != nil {
		return nil, err
	}
	c.Address = o.nodeIP
	c.ProviderID = "lab://" + o.labels["topology.kubernetes.io/region"] + "/" + o.hostname
	c.PodLogsDir = filepath.Join(o.stateDir, "logs")
	c.ClusterDNS = []string{o.clusterDNS}
	c.ClusterDomain = o.clusterDomain
	c.ConfigMapAndSecretChangeDetectionStrategy = kubeletconfig.WatchChangeDetectionStrategy
	c.SyncFrequency = metav1.Duration{Duration: 10 * time.Second}
	c.Authentication.X509.ClientCAFile = clientCA
	c.Authentication.Anonymous.Enabled = false
	c.Authentication.Webhook.Enabled = true
	c.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeWebhook
	// What needs cgroups is off.
	c.CgroupsPerQOS = false
	c.EnforceNodeAllocatable = []string{}
	c.FailCgroupV1 = false
	c.FailSwapOn = false
	c.LocalStorageCapacityIsolation = false
	c.EvictionHard = map[string]string{}
	// What looks after a disk that fills with images.
	c.ImageGCHighThresholdPercent = 100
	c.ImageGCLowThresholdPercent = 99
	c.VolumeStatsAggPeriod = metav1.Duration{Duration: -1}
	c.ContainerLogMaxSize = "5Mi"
	c.ContainerLogMaxFiles = 2
	c.MakeIPTablesUtilChains = false
	c.OOMScoreAdj = 0
	c.SerializeImagePulls = false
	return &kubeletoptions.KubeletServer{KubeletFlags: *flags, KubeletConfiguration: *c}, nil
}

func dependencies(ctx context.Context, o options, memory resource.Quantity, config *rest.Config, server *kubeletoptions.KubeletServer) (*kubelet.Dependencies, error) {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	heartbeat := rest.CopyConfig(config)
	heartbeat.QPS = -1
	heartbeat.Timeout = server.NodeStatusUpdateFrequency.Duration
	heartbeatClient, err := clientset.NewForConfig(heartbeat)
	if err != nil {
		return nil, err
	}
	auth, startAuth, err := app.BuildAuth(types.NodeName(o.hostname), client, server.KubeletConfiguration)
	if err != nil {
		return nil, fmt.Errorf("authentication of the kubelet's clients: %w", err)
	}
	startAuth(ctx.Done())
	tls, err := app.InitializeTLS(ctx, &server.KubeletFlags, &server.KubeletConfiguration)
	if err != nil {
		return nil, err
	}
	mounter := mount.New("")
	return &kubelet.Dependencies{
		Auth:             auth,
		TLSOptions:       tls,
		KubeClient:       client,
		EventClient:      client.CoreV1(),
		HeartbeatClient:  heartbeatClient,
		OSInterface:      kubecontainer.RealOS{},
		Mounter:          mounter,
		Subpather:        subpath.New(mounter),
		HostUtil:         hostutil.NewHostUtil(),
		VolumePlugins:    volumePlugins(),
		OOMAdjuster:      oom.NewOOMAdjuster(),
		ContainerManager: noCgroups{cm.NewStubContainerManager()},
		CAdvisorInterface: machine{
			name: o.hostname, cpus: o.cpus, memory: uint64(memory.Value()), directory: o.stateDir,
		},
		PodStartupLatencyTracker:     kubeletutil.NewPodStartupLatencyTracker(),
		NodeStartupLatencyTracker:    kubeletutil.NewNodeStartupLatencyTracker(klog.FromContext(ctx)),
		TracerProvider:               nooptrace.NewTracerProvider(),
		PodSandboxStatsUnimplemented: true,
		OnHeartbeatFailure:           func() {},
	}, nil
}

func volumePlugins() []volume.VolumePlugin {
	var all []volume.VolumePlugin
	for _, some := range [][]volume.VolumePlugin{
		configmap.ProbeVolumePlugins(), downwardapi.ProbeVolumePlugins(), emptydir.ProbeVolumePlugins(), local.ProbeVolumePlugins(),
		hostpath.ProbeVolumePlugins(volume.VolumeConfig{}), projected.ProbeVolumePlugins(), secret.ProbeVolumePlugins(),
	} {
		all = append(all, some...)
	}
	return all
}
