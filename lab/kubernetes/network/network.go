// Package network gives pods their place in the network: one veth pair per pod into the host's network namespace,
// an address of the host's pod range, and a /32 route. It is what a routed CNI plugin does; nothing is translated.
package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const podInterface = "eth0"

var (
	// Every pod's next hop: a link-local address that only exists as a permanent neighbour entry.
	gateway = net.IPv4(169, 254, 1, 1)
	hostMAC = net.HardwareAddr{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}
)

// PrepareHost makes the network namespace of the calling process fit to route for pods.
func PrepareHost() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return err
	}
	return linkUp("lo")
}

// HostInterface names the host's end of a sandbox's veth pair.
func HostInterface(sandboxID string) string { return "pod" + sandboxID[:12] }

// Attached tells whether the sandbox's veth pair is there.
func Attached(sandboxID string) bool {
	_, err := netlink.LinkByName(HostInterface(sandboxID))
	return err == nil
}

// Attach connects the network namespace of process pid to the host's and gives it address.
func Attach(sandboxID string, pid int, address, nodeIP netip.Addr, sysctls map[string]string) error {
	host := HostInterface(sandboxID)
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: host, HardwareAddr: hostMAC, TxQLen: 1000},
		PeerName:      podInterface,
		PeerNamespace: netlink.NsPid(pid),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("veth %s: %w", host, err)
	}
	podMAC, err := configurePod(pid, address, sysctls)
	if err == nil {
		err = configureHost(host, address, nodeIP, podMAC)
	}
	if err != nil {
		return errors.Join(err, Detach(sandboxID))
	}
	return nil
}

// Detach removes the pair and with it the host's route; a missing one is fine.
func Detach(sandboxID string) error {
	link, err := netlink.LinkByName(HostInterface(sandboxID))
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	} else if err != nil {
		return err
	}
	return netlink.LinkDel(link)
}

func configurePod(pid int, address netip.Addr, sysctls map[string]string) (mac net.HardwareAddr, err error) {
	err = Within(pid, func() error {
		if err := linkUp("lo"); err != nil {
			return err
		}
		if err := linkUp(podInterface); err != nil {
			return err
		}
		link, err := netlink.LinkByName(podInterface)
		if err != nil {
			return err
		}
		mac = link.Attrs().HardwareAddr
		index := link.Attrs().Index
		if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: hostNet(address)}); err != nil {
			return err
		}
		gatewayNet := &net.IPNet{IP: gateway, Mask: net.CIDRMask(32, 32)}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: gatewayNet, Scope: netlink.SCOPE_LINK}); err != nil {
			return err
		}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Gw: gateway}); err != nil {
			return err
		}
		if err := permanentNeighbour(index, gateway, hostMAC); err != nil {
			return err
		}
		for name, value := range sysctls {
			path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
			if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
				return fmt.Errorf("sysctl %s: %w", name, err)
			}
		}
		return nil
	})
	return mac, err
}

func configureHost(name string, address, nodeIP netip.Addr, podMAC net.HardwareAddr) error {
	if err := linkUp(name); err != nil {
		return err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	index := link.Attrs().Index
	if err := permanentNeighbour(index, address.AsSlice(), podMAC); err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: index, Dst: hostNet(address), Src: nodeIP.AsSlice(), Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("route to %s: %w", address, err)
	}
	return nil
}

func hostNet(address netip.Addr) *net.IPNet {
	return &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(32, 32)}
}

func permanentNeighbour(index int, ip net.IP, mac net.HardwareAddr) error {
	return netlink.NeighSet(&netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, IP: ip, HardwareAddr: mac})
}

func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	return netlink.LinkSetUp(link)
}

// Within runs work on a thread that is inside the network namespace of process pid.
func Within(pid int, work func() error) error {
	namespace, err := netns.GetFromPid(pid)
	if err != nil {
		return err
	}
	defer func() { _ = namespace.Close() }()
	return In(namespace, work)
}

// In runs work on a thread that is inside the given network namespace. The thread is used for nothing else.
func In(namespace netns.NsHandle, work func() error) error {
	result := make(chan error, 1)
	go func() {
		// Never unlocked: the runtime ends the thread with the goroutine, so no other work sees the namespace.
		runtime.LockOSThread()
		if err := netns.Set(namespace); err != nil {
			result <- err
			return
		}
		result <- work()
	}()
	return <-result
}
