package await

import (
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func judgeVolume(view View) Verdict {
	phase := as[corev1.PersistentVolume](view.Object).Status.Phase
	status := fmt.Sprintf("Waiting for the volume to be available or bound (now %q)", phase)
	return Verdict{Ready: phase == corev1.VolumeAvailable || phase == corev1.VolumeBound, Status: status, Problems: []string{status}}
}

// judgeClaim waits until a claim is bound. One whose class binds at first use is ready while it is pending.
func judgeClaim(view View) Verdict {
	claim := as[corev1.PersistentVolumeClaim](view.Object)
	phase := claim.Status.Phase
	status := fmt.Sprintf("Waiting for the claim to be bound (now %q)", phase)
	verdict := Verdict{Status: status, Problems: []string{status}}
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	mode := as[storagev1.StorageClass](view.Around[storageClasses][class]).VolumeBindingMode
	switch {
	case view.Before != nil && phase == corev1.ClaimBound:
		verdict.Ready = true
	case mode != nil && *mode == storagev1.VolumeBindingWaitForFirstConsumer:
		verdict.Ready = phase == corev1.ClaimPending
	default:
		verdict.Ready = phase == corev1.ClaimBound
	}
	return verdict
}

func judgeQuota(view View) Verdict {
	if view.Object == nil {
		return Verdict{Problems: []string{"the ResourceQuota was deleted"}}
	}
	wanted, _, _ := unstructured.NestedMap(view.Object.Object, "spec", "hard")
	seen, _, _ := unstructured.NestedMap(view.Object.Object, "status", "hard")
	return Verdict{
		Ready: wanted != nil && reflect.DeepEqual(wanted, seen), Status: "Waiting for the quota to be counted",
		Problems: []string{"the ResourceQuota's status does not have its limits yet"},
	}
}

// judgeSecret waits for what a controller writes into a ServiceAccount's token.
func judgeSecret(view View) Verdict {
	secret := as[corev1.Secret](view.Object)
	return Verdict{
		Ready:  secret.Type != corev1.SecretTypeServiceAccountToken || len(secret.Data) > 0,
		Status: "Waiting for the token", Problems: []string{"the Secret has no token yet"},
	}
}
