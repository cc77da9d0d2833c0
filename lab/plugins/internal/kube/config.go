package kube

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// settings are the provider's options, from its resource, else from the environment, else the defaults.
type settings struct {
	namespace             string
	deleteUnreachable     bool
	skipUpdateUnreachable bool
	serverSideApply       bool
	patchForce            bool
	upsertExistingObjects bool
	configMapMutable      bool
	secretMutable         bool
}

// variables are the provider's configuration as the engine sends it, without the `kubernetes:config:` prefix.
type variables map[string]string

func (v variables) flag(name, environment string, preset bool) bool {
	if value, given := v[name]; given {
		return value == "true"
	}
	if value, given := os.LookupEnv(environment); given {
		return value == "true"
	}
	return preset
}

func readSettings(v variables) settings {
	return settings{
		namespace:             v["namespace"],
		deleteUnreachable:     v.flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE", false),
		skipUpdateUnreachable: v.flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", false),
		serverSideApply:       v.flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", true),
		patchForce:            v.flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE", false),
		upsertExistingObjects: v.flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS", false),
		configMapMutable:      v.flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE", false),
		secretMutable:         v.flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE", false),
	}
}

// loadKubeconfig reads a kubeconfig given as a path or as its text. A path where nothing is gives an error: it does
// not parse as a kubeconfig.
func loadKubeconfig(pathOrText string) (*clientapi.Config, error) {
	if pathOrText == "~" || strings.HasPrefix(pathOrText, "~/") {
		me, err := user.Current()
		if err != nil {
			return nil, err
		}
		pathOrText = filepath.Join(me.HomeDir, pathOrText[1:])
	}
	text := []byte(pathOrText)
	if _, err := os.Stat(pathOrText); err == nil {
		if text, err = os.ReadFile(pathOrText); err != nil {
			return nil, err
		}
	}
	return clientcmd.Load(text)
}

// clientSettings are the `kubeClientSettings` of the provider.
type clientSettings struct {
	Burst   *int     `json:"burst"`
	QPS     *float64 `json:"qps"`
	Timeout *int     `json:"timeout"`
}

// connection is how to reach a cluster.
type connection struct {
	config *rest.Config
	// namespace is the one that the kubeconfig's context names; empty where it names none.
	namespace string
}

// connect resolves a connection from the options; the error says why the cluster is not to be reached.
func connect(v variables) (connection, error) {
	overrides := &clientcmd.ConfigOverrides{
		Context:        clientapi.Context{Cluster: v["cluster"], Namespace: v["namespace"]},
		CurrentContext: v["context"],
	}
	var loader clientcmd.ClientConfig
	if given := v["kubeconfig"]; given != "" {
		config, err := loadKubeconfig(given)
		if err != nil {
			return connection{}, fmt.Errorf("the kubeconfig is neither a file nor parses as one: %w", err)
		}
		loader = clientcmd.NewDefaultClientConfig(*config, overrides)
	} else {
		loader = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), overrides)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		namespace = v["namespace"]
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return connection{namespace: namespace}, fmt.Errorf("the kubeconfig leads to no cluster: %w", err)
	}
	if err := tune(config, v["kubeClientSettings"]); err != nil {
		return connection{}, err
	}
	return connection{config: config, namespace: namespace}, nil
}

// tune sets the client's limits: 120 requests at once and 50 a second, unless the options say otherwise.
func tune(config *rest.Config, given string) error {
	var wanted clientSettings
	if given != "" {
		if err := json.Unmarshal([]byte(given), &wanted); err != nil {
			return fmt.Errorf("kubeClientSettings: %w", err)
		}
	}
	burst, qps := 120, 50.0
	for _, source := range []struct {
		environment string
		set         func(float64)
	}{
		{"PULUMI_K8S_CLIENT_BURST", func(n float64) { burst = int(n) }},
		{"PULUMI_K8S_CLIENT_QPS", func(n float64) { qps = n }},
		{"PULUMI_K8S_CLIENT_TIMEOUT", func(n float64) { config.Timeout = time.Duration(n) * time.Second }},
	} {
		if value := os.Getenv(source.environment); value != "" {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", source.environment, err)
			}
			source.set(n)
		}
	}
	if wanted.Burst != nil {
		burst = *wanted.Burst
	}
	if wanted.QPS != nil {
		qps = *wanted.QPS
	}
	if wanted.Timeout != nil {
		config.Timeout = time.Duration(*wanted.Timeout) * time.Second
	}
	config.Burst, config.QPS = burst, float32(qps)
	config.WarningHandler = rest.NoWarnings{}
	config.UserAgent = "pulumi-kubernetes/" + Version
	return nil
}
