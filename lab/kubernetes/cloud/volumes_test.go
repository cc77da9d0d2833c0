package cloud

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func volumes(t *testing.T) *Volumes {
	t.Helper()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for name, zone := range map[string]string{"one": "a", "two": "b", "nowhere": ""} {
		host := node(name, "10.1.0.10", "", corev1.ConditionTrue)
		if zone != "" {
			host.Labels[corev1.LabelTopologyZone] = zone
		}
		if err := indexer.Add(host); err != nil {
			t.Fatal(err)
		}
	}
	made, err := NewVolumes(t.TempDir(), corelisters.NewNodeLister(indexer))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func request(selected string, modes ...corev1.PersistentVolumeAccessMode) controller.ProvisionOptions {
	retain := corev1.PersistentVolumeReclaimRetain
	claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{AccessModes: modes}}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}
	return controller.ProvisionOptions{PVName: "pvc-1", PVC: claim, StorageClass: &storagev1.StorageClass{ReclaimPolicy: &retain}, SelectedNodeName: selected}
}

func TestProvisionAndDelete(t *testing.T) {
	disks := volumes(t)
	volume, _, err := disks.Provision(t.Context(), request("two", corev1.ReadWriteOnce))
	if err != nil {
		t.Fatal(err)
	}
	term := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
	if term.Key != corev1.LabelTopologyZone || term.Values[0] != "b" {
		t.Errorf("affinity %v, want the zone of the chosen node", term)
	}
	if size := volume.Spec.Capacity[corev1.ResourceStorage]; size.String() != "10Gi" || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("size %s, policy %s", size.String(), volume.Spec.PersistentVolumeReclaimPolicy)
	}
	file := filepath.Join(volume.Spec.Local.Path, "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := disks.Provision(t.Context(), request("two", corev1.ReadWriteOnce)); err != nil {
		t.Errorf("asked again, as after a crash: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("asked again, it lost the data: %v", err)
	}
	foreign := volume.DeepCopy()
	foreign.Spec.Local.Path = t.TempDir()
	if err := disks.Delete(t.Context(), foreign); err == nil {
		t.Error("deleted a directory that is no disk")
	}
	if err := disks.Delete(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(volume.Spec.Local.Path); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestProvisionRefuses(t *testing.T) {
	disks := volumes(t)
	block := request("one", corev1.ReadWriteOnce)
	mode := corev1.PersistentVolumeBlock
	block.PVC.Spec.VolumeMode = &mode
	elsewhere := request("", corev1.ReadWriteOnce)
	elsewhere.StorageClass.AllowedTopologies = []corev1.TopologySelectorTerm{{
		MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: corev1.LabelTopologyZone, Values: []string{"c"}}},
	}}
	for name, options := range map[string]controller.ProvisionOptions{
		"many writers": request("one", corev1.ReadWriteMany), "block device": block, "no such node": request("gone", corev1.ReadWriteOnce),
		"node without zone": request("nowhere", corev1.ReadWriteOnce), "zone not there": elsewhere,
	} {
		if volume, state, err := disks.Provision(t.Context(), options); err == nil || state != controller.ProvisioningFinished {
			t.Errorf("%s: %v, %s", name, volume, state)
		}
	}
}

func TestImmediateBindingChoosesAnAllowedZone(t *testing.T) {
	options := request("", corev1.ReadWriteOnce)
	options.StorageClass.AllowedTopologies = []corev1.TopologySelectorTerm{{
		MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: corev1.LabelTopologyZone, Values: []string{"b"}}},
	}}
	volume, _, err := volumes(t).Provision(t.Context(), options)
	if err != nil || volume.Labels[corev1.LabelTopologyZone] != "b" {
		t.Errorf("%v, %v", volume, err)
	}
}
