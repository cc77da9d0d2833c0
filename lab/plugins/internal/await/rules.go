package await

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	pods           = corev1.SchemeGroupVersion.WithResource("pods")
	endpoints      = corev1.SchemeGroupVersion.WithResource("endpoints")
	services       = corev1.SchemeGroupVersion.WithResource("services")
	claims         = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	replicaSets    = appsv1.SchemeGroupVersion.WithResource("replicasets")
	storageClasses = storagev1.SchemeGroupVersion.WithResource("storageclasses")
)

// endpointsSettle is how long a Service's endpoints must stay unchanged: pods that start together join one by one.
const endpointsSettle = 10 * time.Second

// volumeTimeout is how long a volume or a claim may take.
const volumeTimeout = 5 * time.Minute

// rules are the kinds that are waited for. Any other is ready when it is written.
var rules = map[schema.GroupVersionKind]Rule{
	appsv1.SchemeGroupVersion.WithKind("Deployment"): {
		Around: []schema.GroupVersionResource{replicaSets, pods, claims}, Judge: judgeDeployment, OnRead: true,
	},
	appsv1.SchemeGroupVersion.WithKind("StatefulSet"): {
		Around: []schema.GroupVersionResource{pods}, Judge: judgeStatefulSet, OnRead: true,
	},
	appsv1.SchemeGroupVersion.WithKind("DaemonSet"): {
		Around: []schema.GroupVersionResource{pods}, Judge: judgeDaemonSet, OnRead: true,
	},
	batchv1.SchemeGroupVersion.WithKind("Job"): {
		Around: []schema.GroupVersionResource{pods}, Judge: judgeJob, OnRead: true,
	},
	corev1.SchemeGroupVersion.WithKind("Pod"): {Judge: judgePod, OnRead: true},
	corev1.SchemeGroupVersion.WithKind("Service"): {
		Around: []schema.GroupVersionResource{endpoints}, Settle: endpointsSettle, Judge: judgeService, OnRead: true,
	},
	networkingv1.SchemeGroupVersion.WithKind("Ingress"): {
		Around: []schema.GroupVersionResource{services, endpoints}, Judge: judgeIngress, OnRead: true,
	},
	corev1.SchemeGroupVersion.WithKind("PersistentVolume"): {Judge: judgeVolume, Timeout: volumeTimeout},
	corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"): {
		ClusterWide: []schema.GroupVersionResource{storageClasses}, Judge: judgeClaim, Timeout: volumeTimeout,
	},
	corev1.SchemeGroupVersion.WithKind("ReplicationController"): {Judge: judgeReplicationController},
	corev1.SchemeGroupVersion.WithKind("ResourceQuota"):         {Judge: judgeQuota, Timeout: time.Minute},
	corev1.SchemeGroupVersion.WithKind("Secret"):                {Judge: judgeSecret, Timeout: 5 * time.Second},
}

// RuleFor is the rule of an object's kind; false where it is ready when it is written.
func RuleFor(object *unstructured.Unstructured) (Rule, bool) {
	rule, found := rules[object.GroupVersionKind()]
	return rule, found
}

// as reads an object into its Go type; what does not fit stays at its zero value, as for a status not yet written.
func as[T any](object *unstructured.Unstructured) *T {
	typed := new(T)
	if object != nil {
		_ = runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed)
	}
	return typed
}

// owned are the objects of a kind that an owner controls.
func owned[T any](view View, resource schema.GroupVersionResource, owner metav1.Object) []*T {
	var found []*T
	for _, object := range view.Around[resource] {
		for _, reference := range object.GetOwnerReferences() {
			if reference.UID == owner.GetUID() {
				found = append(found, as[T](object))
			}
		}
	}
	return found
}
