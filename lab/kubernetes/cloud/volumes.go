package cloud

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Provisioner is the name that storage classes know the disks by.
const Provisioner = "lab.cockroachdb-multiregion/local"

// zoneKeys are what classes call a zone: Kubernetes' own label, and those of the clouds' drivers.
var zoneKeys = []string{corev1.LabelTopologyZone, "topology.gke.io/zone", "topology.ebs.csi.aws.com/zone"}

// Volumes makes zonal disks: directories of this machine that any host of one zone can mount. A size is written down, not enforced.
type Volumes struct {
	directory string
	nodes     corelisters.NodeLister
}

// NewVolumes keeps disks under directory.
func NewVolumes(directory string, nodes corelisters.NodeLister) (*Volumes, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	return &Volumes{directory: absolute, nodes: nodes}, os.MkdirAll(absolute, 0o711)
}

// Provision makes a disk in the zone of the node that the scheduler has chosen.
func (v *Volumes) Provision(_ context.Context, options controller.ProvisionOptions) (*corev1.PersistentVolume, controller.ProvisioningState, error) {
	if mode := options.PVC.Spec.VolumeMode; mode != nil && *mode == corev1.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf("no block devices here: volumeMode must be Filesystem")
	}
	for _, mode := range options.PVC.Spec.AccessModes {
		if mode != corev1.ReadWriteOnce && mode != corev1.ReadWriteOncePod {
			return nil, controller.ProvisioningFinished, fmt.Errorf("access mode %s: a zonal disk is mounted by one node at a time", mode)
		}
	}
	zone, err := v.zone(options)
	if err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	path := filepath.Join(v.directory, options.PVName)
	// As the root of a new filesystem is: only fsGroup opens it to others.
	if err := os.Mkdir(path, 0o755); err != nil && !os.IsExist(err) {
		return nil, controller.ProvisioningFinished, err
	}
	filesystem := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName, Labels: map[string]string{corev1.LabelTopologyZone: zone}},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: options.PVC.Spec.Resources.Requests[corev1.ResourceStorage]},
			VolumeMode:                    &filesystem,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone},
				}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

// zone is the chosen node's; with immediate binding, where nobody chose, one of those that the class allows.
func (v *Volumes) zone(options controller.ProvisionOptions) (string, error) {
	if options.SelectedNodeName != "" {
		node, err := v.nodes.Get(options.SelectedNodeName)
		if err != nil {
			return "", err
		}
		if zone := node.Labels[corev1.LabelTopologyZone]; zone != "" {
			return zone, nil
		}
		return "", fmt.Errorf("node %s has no label %s", node.Name, corev1.LabelTopologyZone)
	}
	nodes, err := v.nodes.List(labels.Everything())
	if err != nil {
		return "", err
	}
	var zones []string
	for _, node := range nodes {
		if zone := node.Labels[corev1.LabelTopologyZone]; zone != "" && allowed(options.StorageClass.AllowedTopologies, zone) {
			zones = append(zones, zone)
		}
	}
	slices.Sort(zones)
	zones = slices.Compact(zones)
	if len(zones) == 0 {
		return "", fmt.Errorf("no node is in a zone that the storage class allows")
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(options.PVName))
	return zones[int(sum.Sum32()%uint32(len(zones)))], nil
}

func allowed(topologies []corev1.TopologySelectorTerm, zone string) bool {
	if len(topologies) == 0 {
		return true
	}
	return slices.ContainsFunc(topologies, func(term corev1.TopologySelectorTerm) bool {
		return slices.ContainsFunc(term.MatchLabelExpressions, func(e corev1.TopologySelectorLabelRequirement) bool {
			return slices.Contains(zoneKeys, e.Key) && slices.Contains(e.Values, zone)
		})
	})
}

// Delete removes a disk and what is on it. It is only called for volumes whose reclaim policy says so.
func (v *Volumes) Delete(_ context.Context, volume *corev1.PersistentVolume) error {
	if volume.Spec.Local == nil || volume.Spec.Local.Path != filepath.Join(v.directory, volume.Name) {
		return &controller.IgnoredError{Reason: "not one of these disks"}
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}
