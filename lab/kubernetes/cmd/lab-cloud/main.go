// Command lab-cloud is one region's cloud, as far as its Kubernetes cluster asks for one: load balancer addresses, routes
// to hosts and pods, and disks (package cloud).
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	servicecontroller "k8s.io/cloud-provider/controllers/service"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"

	"lab/kubernetes/cloud"
)

func main() {
	// The first thread stays here: network.In ends the threads it uses, and this one can't end.
	goruntime.LockOSThread()
	flags := pflag.NewFlagSet("lab-cloud", pflag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "an administrator's credentials for the API server")
	router := flags.String("router-netns", "", "network namespace of the region's router")
	balancers := flags.String("lb-cidr", "", "addresses for load balancers")
	hosts := flags.String("node-cidr", "", "addresses of the hosts")
	state := flags.String("state-dir", "", "directory that the disks are kept in")
	_ = flags.Parse(os.Args[1:])
	if err := run(*kubeconfig, *router, *balancers, *hosts, *state); err != nil {
		fmt.Fprintf(os.Stderr, "lab-cloud: %v\n", err)
		os.Exit(1)
	}
}

func run(kubeconfig, routerName, balancers, hosts, state string) error {
	goruntime.GOMAXPROCS(2)
	debug.SetGCPercent(40)
	debug.SetMemoryLimit(96 << 20)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if kubeconfig == "" || routerName == "" || state == "" {
		return errors.New("--kubeconfig, --router-netns and --state-dir are required")
	}
	addresses, err := netip.ParsePrefix(balancers)
	if err != nil {
		return fmt.Errorf("--lb-cidr: %w", err)
	}
	hostAddresses, err := netip.ParsePrefix(hosts)
	if err != nil {
		return fmt.Errorf("--node-cidr: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 50, 100
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return err
	}
	router, err := cloud.NewRouter(routerName, addresses, hostAddresses)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes, services := factory.Core().V1().Nodes(), factory.Core().V1().Services()
	balancer, err := servicecontroller.New(
		cloud.NewBalancer(addresses, services.Lister()), client, services, nodes, "lab", utilfeature.DefaultFeatureGate)
	if err != nil {
		return err
	}
	volumes, err := cloud.NewVolumes(filepath.Join(state, "volumes"), nodes.Lister())
	if err != nil {
		return err
	}
	provisioner := controller.NewProvisionController(ctx, client, cloud.Provisioner, volumes, controller.LeaderElection(false))
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := router.Run(ctx, factory); err != nil {
		return err
	}
	go provisioner.Run(ctx)
	balancer.Run(ctx, 1, controllersmetrics.NewControllerManagerMetrics("lab-cloud"))
	return nil
}
