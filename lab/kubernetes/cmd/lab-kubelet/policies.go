package main

import (
	"cmp"
	"context"

	clientset "k8s.io/client-go/kubernetes"

	"lab/kubernetes/policy"
	"lab/kubernetes/runtime"
)

// startPolicies enforces NetworkPolicy for the pods of service.
func startPolicies(ctx context.Context, o options, service *runtime.Service) error {
	config, err := clientConfig(cmp.Or(o.policyKubeconfig, o.kubeconfig))
	if err != nil {
		return err
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return err
	}
	controller, err := policy.Start(ctx, client, o.policyByIdentity, service.Addresses)
	if err != nil {
		return err
	}
	service.Changed = controller.Changed
	return nil
}
