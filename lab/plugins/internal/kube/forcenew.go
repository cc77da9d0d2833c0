package kube

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// fixed are the fields of a kind that cannot change: another value needs another object. `[*]` is any item of a list.
var fixed = map[schema.GroupKind][]string{
	{Group: "apps", Kind: "DaemonSet"}:  {"spec.selector"},
	{Group: "apps", Kind: "Deployment"}: {"spec.selector"},
	{Group: "apps", Kind: "StatefulSet"}: {
		"spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates",
	},
	{Group: "batch", Kind: "Job"}:                                    {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: {"roleRef"},
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:        {"roleRef"},
	{Group: "storage.k8s.io", Kind: "StorageClass"}:                  {"parameters", "provisioner"},
	{Kind: "PersistentVolume"}: under("spec",
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
		"quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
	{Kind: "PersistentVolumeClaim"}: under("spec", "accessModes", "selector", "storageClassName", "volumeName"),
	{Kind: "Pod"}: append(append(under("spec",
		"affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases", "hostIPC",
		"hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead", "preemptionPolicy",
		"priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName", "schedulerName",
		"securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace", "subdomain",
		"terminationGracePeriodSeconds", "volumes"),
		under("spec.containers.[*]", containerFields...)...), under("spec.initContainers.[*]", containerFields...)...),
	{Kind: "ResourceQuota"}: {"spec.scopes"},
	{Kind: "Secret"}:        {"type"},
	{Kind: "Service"}:       {"spec.clusterIP"},
}

var containerFields = []string{
	"args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe", "resources",
	"securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty", "volumeDevices",
	"volumeMounts", "workingDir",
}

func under(prefix string, fields ...string) []string {
	paths := make([]string, len(fields))
	for i, field := range fields {
		paths[i] = prefix + "." + field
	}
	return paths
}

// identity is what makes an object that object.
var identity = []string{"metadata.name", "metadata.namespace"}

// fixedPaths are the paths whose change replaces an object: for a Patch its identity only; for a ConfigMap or a Secret its
// content too, unless the options make it mutable and the object itself does not say otherwise.
func (s settings) fixedPaths(object *unstructured.Unstructured, patch bool) []string {
	if patch {
		return identity
	}
	paths := slices.Clone(identity)
	immutable := object.Object["immutable"] == true
	switch kind := object.GroupVersionKind(); {
	case isSecret(object) && (!s.secretMutable || immutable):
		paths = append(paths, "type", "stringData", "data")
	case kind == schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"} && (!s.configMapMutable || immutable):
		paths = append(paths, "binaryData", "data")
	default:
		paths = append(paths, fixed[kind.GroupKind()]...)
	}
	return paths
}

// touches tells whether a change at a path (strings and list indices), to a value, changes something fixed: the path lies
// in a fixed field, or the value has one.
func touches(paths []string, at []any, value any) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		wanted := strings.Split(path, ".")
		for i, step := range wanted {
			if i < len(at) {
				if _, isIndex := at[i].(int); isIndex != (step == "[*]") || !isIndex && at[i] != step {
					return false
				}
				continue
			}
			return holds(value, wanted[i:])
		}
		return true
	})
}

func holds(value any, steps []string) bool {
	if len(steps) == 0 {
		return true
	}
	switch value := value.(type) {
	case map[string]any:
		child, present := value[steps[0]]
		return present && holds(child, steps[1:])
	case []any:
		return steps[0] == "[*]" && slices.ContainsFunc(value, func(item any) bool { return holds(item, steps[1:]) })
	default:
		return false
	}
}
