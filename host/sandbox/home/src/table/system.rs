//! What the cluster itself runs on: Flux, networking, storage, certificates, observability, databases.

use super::{chart, config, template};
use crate::app::{
    App,
    Controller::{DaemonSet, Deployments, Nothing, StatefulSet},
};

pub(super) fn apps() -> Vec<App> {
    vec![
        config("flux-system", "cluster-apps"),
        chart(
            "flux-system",
            "flux-operator",
            ("flux-operator", "0.37.1"),
            "ghcr.io/controlplaneio-fluxcd/flux-operator:v0.37.1",
            8080,
        ),
        chart(
            "flux-system",
            "flux-instance",
            ("flux-instance", "0.37.1"),
            "ghcr.io/fluxcd/kustomize-controller:v1.9.6",
            8080,
        )
        .run_by(Deployments(&[
            ("source-controller", 1),
            ("kustomize-controller", 1),
            ("helm-controller", 1),
            ("notification-controller", 1),
        ]))
        .after(&["flux-system/flux-operator"]),
        config("flux-system", "flux-alerts"),
        chart(
            "actions-runner-system",
            "actions-runner-controller",
            ("gha-runner-scale-set-controller", "0.13.0"),
            "ghcr.io/actions/gha-runner-scale-set-controller:0.13.0",
            0,
        ),
        chart(
            "actions-runner-system",
            "home-ops-runner",
            ("gha-runner-scale-set", "0.13.0"),
            "ghcr.io/home-operations/actions-runner:2.330.0",
            0,
        )
        .run_by(Nothing)
        .after(&["actions-runner-system/actions-runner-controller"]),
        chart(
            "cert-manager",
            "cert-manager",
            ("cert-manager", "v1.19.2"),
            "quay.io/jetstack/cert-manager-controller:v1.19.2",
            9402,
        )
        .run_by(Deployments(&[
            ("cert-manager", 1),
            ("cert-manager-cainjector", 1),
            ("cert-manager-webhook", 1),
        ])),
        config("cert-manager", "cert-manager-issuers").after(&["cert-manager/cert-manager"]),
        chart(
            "database",
            "cnpg-operator",
            ("cloudnative-pg", "0.27.0"),
            "ghcr.io/cloudnative-pg/cloudnative-pg:1.28.0",
            9443,
        )
        .run_by(Deployments(&[("cnpg-operator-cloudnative-pg", 1)])),
        chart(
            "database",
            "cnpg-barman-cloud",
            ("plugin-barman-cloud", "0.3.1"),
            "ghcr.io/cloudnative-pg/plugin-barman-cloud:v0.9.0",
            9090,
        )
        .released_as("barman-cloud")
        .after(&["database/cnpg-operator"]),
        config("database", "cnpg-pgsql-cluster")
            .after(&["database/cnpg-operator", "database/cnpg-barman-cloud"]),
        config("database", "cnpg-immich17")
            .after(&["database/cnpg-operator", "database/cnpg-barman-cloud"]),
        template(
            "database",
            "dragonfly-operator",
            "ghcr.io/dragonflydb/operator:v1.3.1",
            8080,
        ),
        config("database", "dragonfly-cluster").after(&["database/dragonfly-operator"]),
        template(
            "database",
            "mosquitto",
            "public.ecr.aws/docker/library/eclipse-mosquitto:2.0.22",
            1883,
        ),
        template("database", "pgadmin", "dpage/pgadmin4:9.11.0", 80)
            .after(&["database/cnpg-pgsql-cluster"]),
        chart(
            "external-secrets",
            "external-secrets",
            ("external-secrets", "1.1.1"),
            "ghcr.io/external-secrets/external-secrets:v1.1.1",
            8080,
        )
        .run_by(Deployments(&[
            ("external-secrets", 1),
            ("external-secrets-webhook", 1),
        ])),
        config("external-secrets", "external-secrets-stores")
            .after(&["external-secrets/external-secrets"]),
        chart(
            "kube-system",
            "cilium",
            ("cilium", "1.18.5"),
            "quay.io/cilium/cilium:v1.18.5",
            0,
        )
        .run_by(DaemonSet),
        config("kube-system", "cilium-config").after(&["kube-system/cilium"]),
        chart(
            "kube-system",
            "coredns",
            ("coredns", "1.45.0"),
            "mirror.gcr.io/coredns/coredns:1.13.1",
            53,
        )
        .run_by(Deployments(&[("coredns", 2)])),
        chart(
            "kube-system",
            "descheduler",
            ("descheduler", "0.34.0"),
            "registry.k8s.io/descheduler/descheduler:v0.34.0",
            0,
        ),
        template(
            "kube-system",
            "generic-device-plugin",
            "ghcr.io/squat/generic-device-plugin:latest",
            0,
        )
        .run_by(DaemonSet),
        chart(
            "kube-system",
            "nvidia-device-plugin",
            ("nvidia-device-plugin", "0.18.0"),
            "nvcr.io/nvidia/k8s-device-plugin:v0.18.0",
            0,
        )
        .run_by(DaemonSet),
        chart(
            "kube-system",
            "node-feature-discovery",
            ("node-feature-discovery", "0.18.3"),
            "registry.k8s.io/nfd/node-feature-discovery:v0.18.3",
            0,
        ),
        chart(
            "kube-system",
            "metrics-server",
            ("metrics-server", "3.13.0"),
            "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
            10250,
        ),
        chart(
            "kube-system",
            "reloader",
            ("reloader", "2.2.6"),
            "ghcr.io/stakater/reloader:v1.4.11",
            0,
        ),
        chart(
            "kube-system",
            "snapshot-controller",
            ("snapshot-controller", "5.0.2"),
            "registry.k8s.io/sig-storage/snapshot-controller:v8.4.0",
            0,
        ),
        chart(
            "kube-system",
            "spegel",
            ("spegel", "0.5.1"),
            "ghcr.io/spegel-org/spegel:v0.5.1",
            0,
        )
        .run_by(DaemonSet),
        chart(
            "kube-system",
            "csi-driver-nfs",
            ("csi-driver-nfs", "4.12.1"),
            "registry.k8s.io/sig-storage/nfsplugin:v4.12.1",
            0,
        )
        .run_by(DaemonSet),
        template(
            "kube-system",
            "irqbalance",
            "ghcr.io/home-operations/irqbalance:1.9.5",
            0,
        )
        .run_by(DaemonSet),
        chart(
            "kube-system",
            "kubelet-csr-approver",
            ("kubelet-csr-approver", "1.2.12"),
            "ghcr.io/postfinance/kubelet-csr-approver:v1.2.12",
            0,
        ),
        template(
            "network",
            "cloudflared",
            "docker.io/cloudflare/cloudflared:2025.11.1",
            8080,
        )
        .run_by(Deployments(&[("cloudflared", 2)])),
        chart(
            "network",
            "cloudflare-dns",
            ("external-dns", "1.19.0"),
            "registry.k8s.io/external-dns/external-dns:v0.20.0",
            7979,
        ),
        chart(
            "network",
            "unifi-dns",
            ("external-dns", "1.19.0"),
            "registry.k8s.io/external-dns/external-dns:v0.20.0",
            7979,
        ),
        chart(
            "network",
            "envoy-gateway",
            ("gateway-helm", "v1.6.1"),
            "mirror.gcr.io/envoyproxy/gateway:v1.6.1",
            18000,
        ),
        config("network", "envoy-gateway-config").after(&["network/envoy-gateway"]),
        template(
            "network",
            "multus",
            "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.3",
            0,
        )
        .run_by(DaemonSet),
        chart(
            "network",
            "tailscale",
            ("tailscale-operator", "1.92.4"),
            "docker.io/tailscale/k8s-operator:v1.92.4",
            0,
        )
        .released_as("tailscale-operator")
        .run_by(Deployments(&[("operator", 1)])),
        template(
            "network",
            "echo",
            "ghcr.io/mendhak/http-https-echo:38",
            8080,
        ),
        chart(
            "observability",
            "victoria-metrics-stack",
            ("victoria-metrics-k8s-stack", "0.66.1"),
            "docker.io/victoriametrics/operator:v0.66.1",
            8080,
        )
        .released_as("victoria-metrics")
        .run_by(Deployments(&[("victoria-metrics-operator", 1)])),
        chart(
            "observability",
            "victoria-logs",
            ("victoria-logs-single", "0.11.23"),
            "docker.io/victoriametrics/victoria-logs:v1.41.0",
            9428,
        )
        .run_by(StatefulSet),
        template(
            "observability",
            "fluent-bit",
            "ghcr.io/fluent/fluent-bit:4.2.1",
            2020,
        )
        .run_by(DaemonSet),
        chart(
            "observability",
            "grafana",
            ("grafana-operator", "5.21.1"),
            "ghcr.io/grafana/grafana-operator:v5.21.1",
            3000,
        ),
        config("observability", "grafana-dashboards").after(&["observability/grafana"]),
        template("observability", "gatus", "ghcr.io/twin/gatus:v5.33.1", 8080),
        template(
            "observability",
            "kromgo",
            "ghcr.io/kashalls/kromgo:v0.8.1",
            8080,
        )
        .run_by(Deployments(&[("kromgo", 2)])),
        chart(
            "observability",
            "blackbox-exporter",
            ("prometheus-blackbox-exporter", "11.6.1"),
            "quay.io/prometheus/blackbox-exporter:v0.27.0",
            9115,
        ),
        chart(
            "observability",
            "smartctl-exporter",
            ("prometheus-smartctl-exporter", "0.16.0"),
            "quay.io/prometheuscommunity/smartctl-exporter:v0.14.0",
            9633,
        )
        .run_by(DaemonSet),
        chart(
            "observability",
            "snmp-exporter",
            ("prometheus-snmp-exporter", "9.11.0"),
            "quay.io/prometheus/snmp-exporter:v0.29.0",
            9116,
        ),
        template(
            "observability",
            "unpoller",
            "ghcr.io/unpoller/unpoller:v2.21.0",
            9130,
        ),
        template(
            "observability",
            "nut-exporter",
            "ghcr.io/druggeri/nut_exporter:3.2.2",
            9995,
        ),
        chart(
            "observability",
            "silence-operator",
            ("silence-operator", "0.18.0"),
            "gsoci.azurecr.io/giantswarm/silence-operator:0.18.0",
            0,
        ),
        chart(
            "observability",
            "keda",
            ("keda", "2.20.2"),
            "ghcr.io/kedacore/keda:2.20.2",
            8080,
        )
        .run_by(Deployments(&[
            ("keda-operator", 1),
            ("keda-operator-metrics-apiserver", 1),
            ("keda-admission-webhooks", 1),
        ])),
        chart(
            "openebs-system",
            "openebs",
            ("openebs", "4.4.0"),
            "docker.io/openebs/provisioner-localpv:4.4.0",
            0,
        )
        .run_by(Deployments(&[("openebs-localpv-provisioner", 1)])),
        chart(
            "rook-ceph",
            "rook-ceph",
            ("rook-ceph", "v1.18.8"),
            "docker.io/rook/ceph:v1.18.8",
            0,
        )
        .released_as("rook-ceph-operator"),
        chart(
            "rook-ceph",
            "rook-ceph-cluster",
            ("rook-ceph-cluster", "v1.18.8"),
            "quay.io/ceph/ceph:v19.2.3",
            6789,
        )
        .run_by(Deployments(&[
            ("rook-ceph-mgr-a", 1),
            ("rook-ceph-mgr-b", 1),
        ]))
        .after(&["rook-ceph/rook-ceph"]),
        chart(
            "system-upgrade",
            "tuppr",
            ("tuppr", "0.0.48"),
            "ghcr.io/home-operations/tuppr:0.0.48",
            0,
        ),
        config("system-upgrade", "tuppr-upgrades").after(&["system-upgrade/tuppr"]),
        chart(
            "volsync-system",
            "volsync",
            ("volsync", "0.16.0"),
            "quay.io/backube/volsync:0.16.0",
            8443,
        )
        .scaled(),
        config("volsync-system", "volsync-admission").after(&["volsync-system/volsync"]),
    ]
}
