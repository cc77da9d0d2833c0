package await

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// judgePod waits until a pod is ready or has succeeded.
func judgePod(view View) Verdict {
	pod := as[corev1.Pod](view.Object)
	ready := pod.Status.Phase == corev1.PodSucceeded
	for _, condition := range pod.Status.Conditions {
		ready = ready || condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	}
	return Verdict{Ready: ready, Status: fmt.Sprintf("waiting for Pod %q", pod.Name), Problems: podProblems([]*corev1.Pod{pod})}
}

// JobComplete tells whether a Job has started and succeeded.
func JobComplete(job *unstructured.Unstructured) bool { return judgeJob(View{Object: job}).Ready }

// judgeJob waits until a Job has succeeded, and gives up once it has failed for good.
func judgeJob(view View) Verdict {
	job := as[batchv1.Job](view.Object)
	verdict := Verdict{Status: fmt.Sprintf("waiting for Job %q (%d active, %d succeeded, %d failed)",
		job.Name, job.Status.Active, job.Status.Succeeded, job.Status.Failed)}
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch {
		case condition.Type == batchv1.JobComplete:
			verdict.Ready = job.Status.StartTime != nil
		case condition.Type == batchv1.JobFailed && (condition.Reason == "BackoffLimitExceeded" || condition.Reason == "DeadlineExceeded"):
			verdict.Failed = true
			verdict.Problems = append(verdict.Problems, fmt.Sprintf("[%s] %s", condition.Reason, condition.Message))
		}
	}
	verdict.Problems = append(verdict.Problems, podProblems(owned[corev1.Pod](view, pods, job))...)
	return verdict
}

// podProblems says what keeps pods from being ready: where they cannot be placed, why their containers do not run.
func podProblems(found []*corev1.Pod) []string {
	var problems []string
	for _, pod := range found {
		if pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Status != corev1.ConditionTrue && condition.Message != "" && slices.Contains(
				[]corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.PodReady}, condition.Type) {
				problems = append(problems, fmt.Sprintf("[Pod %s]: %s", podName(pod), condition.Message))
			}
		}
		for _, state := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if problem := containerProblem(state); problem != "" {
				problems = append(problems, fmt.Sprintf("[Pod %s]: %s", podName(pod), problem))
			}
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

func podName(pod *corev1.Pod) string {
	if pod.Namespace == "" || pod.Namespace == "default" {
		return pod.Name
	}
	return pod.Namespace + "/" + pod.Name
}

func containerProblem(status corev1.ContainerStatus) string {
	if status.Ready {
		return ""
	}
	var problems []string
	if waiting := status.State.Waiting; waiting != nil && waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing" {
		problems = append(problems, fmt.Sprintf("[%s] %s", waiting.Reason, waiting.Message))
	}
	if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
		problems = append(problems, strings.TrimSpace(fmt.Sprintf("container %q completed with exit code %d %s",
			status.Name, ended.ExitCode, ended.Message)))
	}
	if last := status.LastTerminationState.Terminated; last != nil {
		problems = append(problems, strings.TrimSpace(fmt.Sprintf("container %q terminated (%s: exit code %d) %s",
			status.Name, last.Reason, last.ExitCode, last.Message)))
	}
	return strings.Join(problems, "; ")
}
