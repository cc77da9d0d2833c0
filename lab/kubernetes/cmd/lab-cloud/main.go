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
	networks := flags.String("networks", "", "instead of --lb-cidr: file of subnets and reserved addresses, as GKE has them; with neither there are no load balancers")
	hosts := flags.String("node-cidr", "", "addresses of the hosts")
	state := flags.String("state-dir", "", "directory that the disks are kept in")
	provisioners := flags.StringSlice("provisioners", []string{cloud.Provisioner}, "names that storage classes know the disks by")
	_ = flags.Parse(os.Args[1:])
	if err := run(*kubeconfig, *router, *balancers, cloud.Networks(*networks), *hosts, *state, *provisioners); err != nil {
		fmt.Fprintf(os.Stderr, "lab-cloud: %v\n", err)
		os.Exit(1)
	}
}

func run(kubeconfig, routerName, balancers string, networks cloud.Networks, hosts, state string, provisioners []string) error {
	goruntime.GOMAXPROCS(2)
	debug.SetGCPercent(40)
	debug.SetMemoryLimit(96 << 20)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if kubeconfig == "" || routerName == "" || state == "" {
		return errors.New("--kubeconfig, --router-netns and --state-dir are required")
	}
	var addresses netip.Prefix
	var pool cloud.Pool
	var err error
	switch {
	case networks != "":
		pool = networks
	case balancers != "":
		if addresses, err = netip.ParsePrefix(balancers); err != nil {
			return fmt.Errorf("--lb-cidr: %w", err)
		}
		pool = cloud.Range(addresses)
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
	router, err := cloud.NewRouter(routerName, addresses, networks, hostAddresses)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes, services := factory.Core().V1().Nodes(), factory.Core().V1().Services()
	// The router reads both, also where no one else does: the factory starts what was asked for.
	nodes.Informer()
	services.Informer()
	var balancer *servicecontroller.Controller
	if pool != nil {
		balancer, err = servicecontroller.New(
			cloud.NewBalancer(pool, services.Lister()), client, services, nodes, "lab", utilfeature.DefaultFeatureGate)
		if err != nil {
			return err
		}
	}
	volumes, err := cloud.NewVolumes(filepath.Join(state, "volumes"), nodes.Lister())
	if err != nil {
		return err
	}
	var disks []*controller.ProvisionController
	for _, name := range provisioners {
		disks = append(disks, controller.NewProvisionController(ctx, client, name, volumes, controller.LeaderElection(false)))
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := router.Run(ctx, factory); err != nil {
		return err
	}
	for _, one := range disks {
		go one.Run(ctx)
	}
	if balancer != nil {
		balancer.Run(ctx, 1, controllersmetrics.NewControllerManagerMetrics("lab-cloud"))
	}
	<-ctx.Done()
	return nil
}
