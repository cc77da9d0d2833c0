package kube

import (
	"context"
	"errors"
	"strconv"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lab/plugins/internal/await"
)

// ready waits until an object is ready, as its annotations and its kind have it, and returns the live object.
func (p *Provider) ready(
	ctx context.Context, urn string, inputs, object, before *unstructured.Unstructured, timeout float64,
) (*unstructured.Unstructured, error) {
	if marked(inputs, annotationSkipAwait) {
		return object, nil
	}
	rule, found := await.RuleFor(object)
	if custom := annotation(object, annotationWaitFor); custom != "" {
		var err error
		if rule, err = await.Custom(custom); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return object, nil
	}
	mapping, err := p.cluster.mapping(object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	defer p.status(context.WithoutCancel(ctx), urn, "")
	return await.Ready(ctx, await.Request{
		Client: p.cluster.dynamic, Resource: mapping.Resource, Object: object, Before: before,
		Timeout: deadline(timeout, inputs, rule.Timeout),
		Report:  func(message string) { p.status(ctx, urn, message) },
	}, rule)
}

// judge checks a live object once, for a refresh.
func (p *Provider) judge(ctx context.Context, inputs, live *unstructured.Unstructured) error {
	rule, found := await.RuleFor(live)
	if !found || !rule.OnRead || marked(inputs, annotationSkipAwait) {
		return nil
	}
	return await.Check(ctx, await.Request{Client: p.cluster.dynamic, Object: live}, rule)
}

// deadline is how long to wait: the resource's custom time-out (seconds), else its annotation, else the kind's own.
func deadline(seconds float64, inputs *unstructured.Unstructured, ofKind time.Duration) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds * float64(time.Second))
	}
	if n, err := strconv.Atoi(annotation(inputs, annotationTimeout)); err == nil {
		return time.Duration(n) * time.Second
	}
	if ofKind > 0 {
		return ofKind
	}
	return await.Timeout
}

func (p *Provider) status(ctx context.Context, urn, message string) {
	_ = p.engine.Status(ctx, urn, message)
}

// partial is the error for an object that exists but is not ready: the engine keeps its state with the reasons.
func partial(id, message string, cause error, state, inputs *structpb.Struct) error {
	reasons := []string{message}
	var incomplete *await.IncompleteError
	if errors.As(cause, &incomplete) {
		reasons = append(reasons, incomplete.Problems...)
	}
	detailed, err := status.New(codes.Unknown, message).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: state, Reasons: reasons, Inputs: inputs,
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	return detailed.Err()
}
