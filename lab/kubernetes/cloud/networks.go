package cloud

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Annotations of Services on GKE.
const (
	typeAnnotation         = "networking.gke.io/load-balancer-type"
	subnetAnnotation       = "networking.gke.io/internal-load-balancer-subnet"
	globalAccessAnnotation = "networking.gke.io/internal-load-balancer-allow-global-access"
)

// sharedPurpose is the purpose of a reserved address that forwarding rules of several transports may have.
const sharedPurpose = "SHARED_LOADBALANCER_VIP"

// Networks is a pool as GKE has it: subnets that Services name, and reserved addresses, both read from a file that
// follows the cloud's records.
type Networks string

// networks is what the file says.
type networks struct {
	// Subnets of the cluster's network in its region, by name.
	Subnets map[string]netip.Prefix `json:"subnets"`
	// Nodes is the subnet of the hosts, for Services that name none.
	Nodes string `json:"nodes"`
	// Local is every range of the region: who reaches load balancers without global access.
	Local []netip.Prefix `json:"local"`
	// Reserved addresses and their purpose.
	Reserved map[netip.Addr]string `json:"reserved"`
}

func (n Networks) read() (networks, error) {
	var said networks
	text, err := os.ReadFile(string(n))
	if err != nil {
		return said, err
	}
	return said, json.Unmarshal(text, &said)
}

// Choose returns the address that the Service asks for, if its subnet has it and it is free, or reserved for several
// transports of which nobody has this one; else the one it has; else one that is neither taken nor reserved.
func (n Networks) Choose(service *corev1.Service, given map[types.NamespacedName]holding) (netip.Addr, error) {
	said, err := n.read()
	if err != nil {
		return netip.Addr{}, err
	}
	return said.choose(service, given)
}

func (n networks) choose(service *corev1.Service, given map[types.NamespacedName]holding) (netip.Addr, error) {
	if service.Annotations[typeAnnotation] != "Internal" {
		return netip.Addr{}, fmt.Errorf("an external load balancer (no annotation %s: Internal): the lab has no public addresses", typeAnnotation)
	}
	subnet := service.Annotations[subnetAnnotation]
	if subnet == "" {
		subnet = n.Nodes
	}
	addresses, known := n.Subnets[subnet]
	if !known {
		return netip.Addr{}, fmt.Errorf("the referenced subnetwork resource %q cannot be found", subnet)
	}
	name := nameOf(service)
	wanted := service.Spec.LoadBalancerIP
	if wanted == "" {
		if held, has := given[name]; has {
			return held.address, nil
		}
		return free(addresses, given, n.Reserved)
	}
	address, err := netip.ParseAddr(wanted)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("loadBalancerIP %q is no address", wanted)
	}
	if !usable(addresses, address) {
		return netip.Addr{}, fmt.Errorf("requested internal IP address %s is outside the subnetwork CIDR range %s", address, addresses)
	}
	mine := holdingOf(address, service)
	for owner, held := range given {
		if owner == name || held.address != address {
			continue
		}
		if n.Reserved[address] != sharedPurpose {
			return netip.Addr{}, fmt.Errorf("IP_IN_USE_BY_ANOTHER_RESOURCE: %s is in use by Service %s, and not reserved as %s", address, owner, sharedPurpose)
		}
		for protocol := range mine.protocols {
			if held.protocols[protocol] {
				return netip.Addr{}, fmt.Errorf("IP_IN_USE_BY_ANOTHER_RESOURCE: %s is in use by Service %s for %s", address, owner, protocol)
			}
		}
	}
	return address, nil
}

// hasGlobalAccess tells whether clients of other regions reach a Service.
func hasGlobalAccess(service *corev1.Service) bool {
	return service.Annotations[globalAccessAnnotation] == "true"
}
