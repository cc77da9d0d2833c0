package policy

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// gather is how long changes are collected before the rules are written: a rollout makes many at once.
const gather = 50 * time.Millisecond

// Controller writes the rules whenever something that they follow from changes.
type Controller struct {
	local   func() map[types.NamespacedName]netip.Addr
	changed chan struct{}
}

// Start watches the cluster in the background. local returns the addresses of this host's pods.
// byIdentity: see Cluster.
func Start(ctx context.Context, client clientset.Interface, byIdentity bool, local func() map[types.NamespacedName]netip.Addr) (*Controller, error) {
	c := &Controller{local: local, changed: make(chan struct{}, 1)}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, nodes, namespaces := factory.Core().V1().Pods(), factory.Core().V1().Nodes(), factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()
	if err := pods.Informer().SetTransform(trim); err != nil {
		return nil, err
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { c.Changed() }, UpdateFunc: func(_, _ any) { c.Changed() }, DeleteFunc: func(any) { c.Changed() },
	}
	if err := nodes.Informer().SetTransform(trimNode); err != nil {
		return nil, err
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), nodes.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	read := func() Cluster {
		cluster := Cluster{ByIdentity: byIdentity, Local: c.local(), Namespaces: map[string]map[string]string{}}
		all, _ := pods.Lister().List(labels.Everything())
		for _, pod := range all {
			if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
				cluster.Pods = append(cluster.Pods, pod)
			}
		}
		hosts, _ := nodes.Lister().List(labels.Everything())
		for _, node := range hosts {
			for _, address := range node.Status.Addresses {
				if parsed, err := netip.ParseAddr(address.Address); err == nil {
					cluster.Nodes = append(cluster.Nodes, parsed)
				}
			}
		}
		known, _ := namespaces.Lister().List(labels.Everything())
		for _, namespace := range known {
			cluster.Namespaces[namespace.Name] = namespace.Labels
		}
		cluster.Policies, _ = policies.Lister().List(labels.Everything())
		return cluster
	}
	factory.Start(ctx.Done())
	go func() {
		factory.WaitForCacheSync(ctx.Done())
		c.run(ctx, read)
	}()
	return c, nil
}

// Changed has the rules looked at again.
func (c *Controller) Changed() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *Controller) run(ctx context.Context, read func() Cluster) {
	written := ""
	c.Changed()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gather):
		}
		text := Render(read())
		if text == written {
			continue
		}
		if err := apply(ctx, text); err != nil {
			klog.FromContext(ctx).Error(err, "Writing the rules of network policies")
			time.AfterFunc(time.Second, c.Changed)
			continue
		}
		written = text
	}
}

func apply(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, "nft", "-f", "-")
	command.Stdin = strings.NewReader(text)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// trim drops what the rules don't follow from: nine hosts hold every pod of a region.
func trim(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	slim := &corev1.Pod{}
	slim.Namespace, slim.Name, slim.UID, slim.ResourceVersion, slim.Labels = pod.Namespace, pod.Name, pod.UID, pod.ResourceVersion, pod.Labels
	slim.Spec.HostNetwork = pod.Spec.HostNetwork
	slim.Status.PodIP, slim.Status.Phase = pod.Status.PodIP, pod.Status.Phase
	for _, container := range pod.Spec.Containers {
		slim.Spec.Containers = append(slim.Spec.Containers, corev1.Container{Ports: container.Ports})
	}
	for _, container := range pod.Spec.InitContainers {
		slim.Spec.InitContainers = append(slim.Spec.InitContainers, corev1.Container{Ports: container.Ports})
	}
	return slim, nil
}

// trimNode keeps the addresses: heartbeats are then no news, but for what a handler is told anyway.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	slim := &corev1.Node{}
	slim.Name, slim.UID, slim.ResourceVersion, slim.Status.Addresses = node.Name, node.UID, node.ResourceVersion, node.Status.Addresses
	return slim, nil
}
