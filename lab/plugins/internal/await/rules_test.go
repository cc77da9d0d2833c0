package await

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type object = map[string]any

func made(apiVersion, kind string, fields object) *unstructured.Unstructured {
	fields["apiVersion"], fields["kind"] = apiVersion, kind
	if fields["metadata"] == nil {
		fields["metadata"] = object{"name": "it", "uid": "u", "generation": int64(1)}
	}
	return &unstructured.Unstructured{Object: fields}
}

func around(resource schema.GroupVersionResource, objects ...*unstructured.Unstructured) map[schema.GroupVersionResource]map[string]*unstructured.Unstructured {
	found := map[string]*unstructured.Unstructured{}
	for _, each := range objects {
		found[each.GetName()] = each
	}
	return map[schema.GroupVersionResource]map[string]*unstructured.Unstructured{resource: found}
}

func statefulSet(generation int64, strategy string, status object) *unstructured.Unstructured {
	return made("apps/v1", "StatefulSet", object{"metadata": object{"name": "it", "generation": generation}, "status": status,
		"spec": object{"replicas": int64(2), "updateStrategy": object{"type": strategy}}})
}

func TestStatefulSet(t *testing.T) {
	full := object{"observedGeneration": int64(2), "replicas": int64(2), "readyReplicas": int64(2), "currentReplicas": int64(1),
		"currentRevision": "a", "updateRevision": "b"}
	for name, test := range map[string]struct {
		object *unstructured.Unstructured
		ready  bool
	}{
		"unseen":                  {statefulSet(3, "OnDelete", full), false},
		"rolling":                 {statefulSet(2, "RollingUpdate", full), false},
		"on delete, once updated": {statefulSet(2, "OnDelete", full), true},
		"on delete, at its birth": {statefulSet(1, "OnDelete", full), false},
	} {
		if got := judgeStatefulSet(View{Object: test.object}); got.Ready != test.ready {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestService(t *testing.T) {
	selecting := object{"selector": object{"a": "b"}, "clusterIP": "10.0.0.1"}
	service := made("v1", "Service", object{"spec": selecting})
	pending := around(endpoints, made("v1", "Endpoints", object{"subsets": []any{object{"notReadyAddresses": []any{object{"ip": "1.2.3.4"}}}}}))
	if got := judgeService(View{Object: service, Settled: true, Around: pending}); got.Ready || got.Enough {
		t.Errorf("unready endpoints: %+v", got)
	}
	if got := judgeService(View{Object: service}); got.Ready || !got.Enough {
		t.Errorf("unsettled: %+v", got)
	}
	if got := judgeService(View{Object: service, Settled: true}); !got.Ready {
		t.Errorf("settled: %+v", got)
	}
	balancer := made("v1", "Service", object{"spec": object{"type": "LoadBalancer"}})
	if got := judgeService(View{Object: balancer}); got.Ready || !strings.Contains(got.Problems[0], "no load balancer") {
		t.Errorf("no address: %+v", got)
	}
}

func TestJob(t *testing.T) {
	job := func(kind, reason string) *unstructured.Unstructured {
		return made("batch/v1", "Job", object{"status": object{"startTime": "2026-01-01T00:00:00Z",
			"conditions": []any{object{"type": kind, "status": "True", "reason": reason, "message": "m"}}}})
	}
	if !JobComplete(job("Complete", "")) || JobComplete(job("Suspended", "")) {
		t.Error("a Job is complete when it says so")
	}
	if got := judgeJob(View{Object: job("Failed", "BackoffLimitExceeded")}); !got.Failed || got.Problems[0] != "[BackoffLimitExceeded] m" {
		t.Errorf("%+v", got)
	}
}

func TestDeployment(t *testing.T) {
	deployment := made("apps/v1", "Deployment", object{
		"metadata": object{"name": "it", "uid": "u", "generation": int64(1), "annotations": object{revision: "1"}},
		"status": object{"observedGeneration": int64(1), "conditions": []any{
			object{"type": "Available", "status": "True"}, object{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}}}})
	set := func(ready int64) *unstructured.Unstructured {
		return made("apps/v1", "ReplicaSet", object{"spec": object{"replicas": int64(2)}, "status": object{"readyReplicas": ready},
			"metadata": object{"name": "it-1", "uid": "s", "annotations": object{revision: "1"}, "ownerReferences": []any{object{"uid": "u"}}}})
	}
	if got := judgeDeployment(View{Object: deployment, Around: around(replicaSets, set(1))}); got.Ready {
		t.Errorf("one of two: %+v", got)
	}
	if got := judgeDeployment(View{Object: deployment, Around: around(replicaSets, set(2))}); !got.Ready {
		t.Errorf("the first rollout: %+v", got)
	}
	deployment.SetAnnotations(map[string]string{revision: "2"})
	if got := judgeDeployment(View{Object: deployment, Around: around(replicaSets, set(2))}); got.Ready {
		t.Errorf("an old ReplicaSet: %+v", got)
	}
}

func TestCustom(t *testing.T) {
	ready := made("v1", "Pod", object{"status": object{"phase": "Running", "conditions": []any{object{"type": "Ready", "status": "True"}}}})
	for text, want := range map[string]bool{
		"condition=Ready": true, "condition=Ready=False": false, "condition=Other": false, "jsonpath={.status.phase}": true,
		"jsonpath={.status.phase}=Running": true, "jsonpath={.status.phase}=Failed": false, "jsonpath={.status.none}": false,
		`["condition=Ready", "jsonpath={.status.phase}=Failed"]`: false,
	} {
		rule, err := Custom(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := rule.Judge(View{Object: ready}).Ready; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"Ready", "jsonpath=.status", "jsonpath={.status}=", "[]"} {
		if _, err := Custom(text); err == nil {
			t.Errorf("%s must be refused", text)
		}
	}
}

func TestGoneGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var incomplete *IncompleteError
	err := Gone(ctx, nowhere{}, made("v1", "ConfigMap", object{}), time.Minute)
	if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), "cancelled") {
		t.Error(err)
	}
}
