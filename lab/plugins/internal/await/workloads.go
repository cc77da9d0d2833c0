package await

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// revision numbers the rollouts of a Deployment, on it and on its ReplicaSets.
const revision = "deployment.kubernetes.io/revision"

func replicas(wanted *int32) int32 {
	if wanted == nil {
		return 1
	}
	return *wanted
}

// judgeDeployment waits until the newest ReplicaSet has its pods ready and the Deployment calls itself available and, after
// its first rollout, done with it.
func judgeDeployment(view View) Verdict {
	if view.Object == nil {
		return Verdict{Status: "Waiting for the Deployment", Problems: []string{"the Deployment was deleted"}}
	}
	deployment := as[appsv1.Deployment](view.Object)
	current := deployment.Annotations[revision]
	verdict := Verdict{Status: "waiting for the new ReplicaSet"}
	available, rolledOut := false, false
	for _, condition := range deployment.Status.Conditions {
		holds := condition.Status == corev1.ConditionTrue
		switch condition.Type {
		case appsv1.DeploymentAvailable:
			available = holds
		case appsv1.DeploymentProgressing:
			rolledOut = holds && condition.Reason == "NewReplicaSetAvailable"
		case appsv1.DeploymentReplicaFailure:
			holds = !holds
		}
		if !holds && condition.Message != "" {
			verdict.Problems = append(verdict.Problems, fmt.Sprintf("[%s] %s", condition.Reason, condition.Message))
		}
	}
	var newest *appsv1.ReplicaSet
	for _, set := range owned[appsv1.ReplicaSet](view, replicaSets, deployment) {
		if current != "" && set.Annotations[revision] == current {
			newest = set
		}
	}
	if newest == nil || deployment.Status.ObservedGeneration < deployment.Generation {
		return verdict
	}
	verdict.Problems = append(verdict.Problems, podProblems(owned[corev1.Pod](view, pods, newest))...)
	wanted := replicas(newest.Spec.Replicas)
	verdict.Status = fmt.Sprintf("waiting for the new ReplicaSet (%d of %d pods ready)", newest.Status.ReadyReplicas, wanted)
	bound := true
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		claim := as[corev1.PersistentVolumeClaim](view.Around[claims][volume.PersistentVolumeClaim.ClaimName])
		if claim.Name != "" && claim.Status.Phase != corev1.ClaimBound {
			bound = false
			verdict.Problems = append(verdict.Problems, fmt.Sprintf(
				"claim %s is %s", claim.Name, claim.Status.Phase))
		}
	}
	verdict.Ready = available && bound && newest.Status.ReadyReplicas >= wanted && (current == "1" || rolledOut)
	return verdict
}

// judgeStatefulSet waits until all replicas are ready and of the current revision; with OnDelete, once updated, readiness
// alone counts, since only deleted pods are renewed.
func judgeStatefulSet(view View) Verdict {
	if view.Object == nil {
		return Verdict{Status: "Waiting for the StatefulSet", Problems: []string{"the StatefulSet was deleted"}}
	}
	set := as[appsv1.StatefulSet](view.Object)
	wanted, state := replicas(set.Spec.Replicas), set.Status
	full, revised := false, false
	if state.ObservedGeneration >= set.Generation && set.Generation > 0 {
		full = state.Replicas == wanted && state.ReadyReplicas == wanted
		if set.Generation > 1 && set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			revised = true
		} else {
			revised = state.CurrentRevision != "" && state.CurrentRevision == state.UpdateRevision
			full = full && state.CurrentReplicas == wanted
		}
	}
	verdict := Verdict{
		Ready:  full && revised,
		Status: fmt.Sprintf("waiting for replicas (%d of %d ready)", state.ReadyReplicas, wanted),
	}
	if !full {
		verdict.Problems = append(verdict.Problems,
			fmt.Sprintf("%d of %d replicas are ready", state.ReadyReplicas, wanted))
	}
	if !revised {
		verdict.Problems = append(verdict.Problems, fmt.Sprintf(
			"still at revision %q, not yet at %q", state.CurrentRevision, state.UpdateRevision))
	}
	verdict.Problems = append(verdict.Problems, podProblems(owned[corev1.Pod](view, pods, set))...)
	return verdict
}

// judgeDaemonSet waits until every host that should has an updated, available pod.
func judgeDaemonSet(view View) Verdict {
	if view.Object == nil {
		return Verdict{Status: "Waiting for the DaemonSet", Problems: []string{"the DaemonSet was deleted"}}
	}
	set := as[appsv1.DaemonSet](view.Object)
	state := set.Status
	wanted := state.DesiredNumberScheduled
	verdict := Verdict{
		Ready: state.ObservedGeneration >= set.Generation && set.Generation > 0 && state.UpdatedNumberScheduled >= wanted &&
			state.NumberAvailable >= wanted && state.NumberReady >= wanted && state.CurrentNumberScheduled >= wanted,
		Status: fmt.Sprintf("Available: %d/%d, updated: %d/%d", state.NumberAvailable, wanted, state.UpdatedNumberScheduled, wanted),
	}
	if !verdict.Ready {
		verdict.Problems = append([]string{verdict.Status}, podProblems(owned[corev1.Pod](view, pods, set))...)
	}
	return verdict
}

// judgeReplicationController waits until all replicas are available.
func judgeReplicationController(view View) Verdict {
	controller := as[corev1.ReplicationController](view.Object)
	wanted := replicas(controller.Spec.Replicas)
	status := fmt.Sprintf("Waiting for replicas (%d/%d available)", controller.Status.AvailableReplicas, wanted)
	return Verdict{
		Ready: view.Object != nil && controller.Status.AvailableReplicas == wanted, Status: status, Problems: []string{status},
	}
}
