//! What stands under the apps: namespaces, nodes, storage classes, priority of creation first.

use crate::clock::Clock;
use crate::meta::{condition, kustomized, object};
use serde_json::{Value, json};

/// The namespaces, each with the Kustomization that applies it being the root one.
pub(crate) const NAMESPACES: [&str; 14] = [
    "flux-system",
    "actions-runner-system",
    "cert-manager",
    "database",
    "default",
    "external-secrets",
    "kube-system",
    "media",
    "network",
    "observability",
    "openebs-system",
    "rook-ceph",
    "system-upgrade",
    "volsync-system",
];

/// The nodes that run apps: three of the control plane, and a worker with a GPU.
pub(crate) const NODES: [(&str, &str); 4] = [
    ("talos-m01", "192.168.5.101"),
    ("talos-m02", "192.168.5.102"),
    ("talos-m03", "192.168.5.103"),
    ("talos-w01", "192.168.5.111"),
];

pub(crate) fn objects(clock: &Clock) -> Vec<Value> {
    let mut objects: Vec<Value> = NAMESPACES
        .iter()
        .map(|name| namespace(clock, name))
        .collect();
    objects.extend(
        NODES
            .iter()
            .map(|(name, address)| node(clock, name, address)),
    );
    objects.push(storage_class(
        clock,
        "ceph-ssd",
        "rook-ceph.rbd.csi.ceph.com",
        true,
        "Immediate",
    ));
    objects.push(storage_class(
        clock,
        "cephfs-csi",
        "rook-ceph.cephfs.csi.ceph.com",
        false,
        "Immediate",
    ));
    objects.push(storage_class(
        clock,
        "openebs-hostpath",
        "openebs.io/local",
        false,
        "WaitForFirstConsumer",
    ));
    objects.push(snapshot_class(clock));
    objects
}

fn namespace(clock: &Clock, name: &str) -> Value {
    let mut namespace = object(clock, "v1", "Namespace", "", name);
    let mut annotations = json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"});
    if matches!(name, "default" | "media") {
        annotations["volsync.backube/privileged-movers"] = json!("true");
    }
    namespace["metadata"]["labels"] = json!({"kubernetes.io/metadata.name": name});
    namespace["metadata"]["annotations"] = annotations;
    kustomized(&mut namespace, "flux-system", "cluster-apps");
    namespace["spec"] = json!({"finalizers": ["kubernetes"]});
    namespace["status"] = json!({"phase": "Active"});
    namespace
}

fn node(clock: &Clock, name: &str, address: &str) -> Value {
    let mut node = object(clock, "v1", "Node", "", name);
    let worker = name.contains("-w");
    let (cpu, memory) = if worker {
        ("16", "65536Mi")
    } else {
        ("8", "32768Mi")
    };
    let mut capacity = json!({
        "cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "486Gi", "hugepages-2Mi": "0",
    });
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "home",
    });
    if worker {
        labels["nvidia.com/gpu.product"] = json!("Quadro-P400");
        labels["nvidia.com/gpu.present"] = json!("true");
        capacity["nvidia.com/gpu"] = json!("1");
    } else {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
    }
    let index = address.rsplit('.').next().unwrap_or("0");
    node["metadata"]["labels"] = labels;
    node["metadata"]["annotations"] =
        json!({"talos.dev/owned-labels": "[\"topology.kubernetes.io/zone\"]"});
    node["spec"] = json!({"podCIDR": format!("10.42.{index}.0/24"), "podCIDRs": [format!("10.42.{index}.0/24")]});
    node["status"] = json!({
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "capacity": capacity, "allocatable": capacity, "conditions": node_conditions(clock),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64", "bootID": crate::meta::uid("Boot", "", name), "containerRuntimeVersion":
            "containerd://2.1.5", "kernelVersion": "6.12.57-talos", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3",
            "machineID": crate::meta::hex_id(name)[..32], "operatingSystem": "linux", "osImage": "Talos (v1.13.9)",
            "systemUUID": crate::meta::uid("System", "", name),
        },
    });
    node
}

fn node_conditions(clock: &Clock) -> Value {
    let state = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": clock.minutes_ago(1), "lastTransitionTime": clock.days_ago(21),
        })
    };
    json!([
        state(
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available"
        ),
        state(
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure"
        ),
        state(
            "PIDPressure",
            "False",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available"
        ),
        state(
            "Ready",
            "True",
            "KubeletReady",
            "kubelet is posting ready status"
        ),
    ])
}

fn storage_class(
    clock: &Clock,
    name: &str,
    provisioner: &str,
    default: bool,
    binding: &str,
) -> Value {
    let mut class = object(clock, "storage.k8s.io/v1", "StorageClass", "", name);
    if default {
        class["metadata"]["annotations"] =
            json!({"storageclass.kubernetes.io/is-default-class": "true"});
    }
    class["provisioner"] = json!(provisioner);
    class["reclaimPolicy"] = json!("Delete");
    class["volumeBindingMode"] = json!(binding);
    class["allowVolumeExpansion"] = json!(binding == "Immediate");
    class
}

fn snapshot_class(clock: &Clock) -> Value {
    let mut class = object(
        clock,
        "snapshot.storage.k8s.io/v1",
        "VolumeSnapshotClass",
        "",
        "ceph-rbd-snapshot",
    );
    class["driver"] = json!("rook-ceph.rbd.csi.ceph.com");
    class["deletionPolicy"] = json!("Delete");
    class
}

/// A condition list of one Ready condition, as Flux writes it.
pub(crate) fn ready(reason: &str, message: &str, time: &str, generation: i64) -> Value {
    let mut ready = condition("Ready", reason, message, time);
    ready["observedGeneration"] = json!(generation);
    json!([ready])
}
