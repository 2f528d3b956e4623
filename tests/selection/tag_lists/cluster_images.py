"""What runs a cluster: Kubernetes' own images, operators, meshes, networks, monitoring."""

from tests.selection.tag_lists.listing import (
    NEWER_SUFFIX,
    PATCH,
    Case,
    Listing,
    extracting,
    within,
)

CLUSTER = (
    Listing(
        "grafana/grafana",
        """
        latest main main-ubuntu 10.4.8 11.1.0 11.2.0 11.2.2 11.2.2-ubuntu 11.1.0-ubuntu
        10.4.8-ubuntu 11.3.0-199512 11.3.0-198000-ubuntu 11.2.0-security-01 9.5.21
        11.2.2-security-01 11.2 11 11.3.0-77868 nightly 11.3.0-77868-ubuntu
        """,
        (
            Case("11.1.0", "11.2.2", "11.3.0-199512 is a build of the main branch"),
            Case("11.1.0-ubuntu", "11.2.2-ubuntu"),
            Case("10.4.8", "11.2.2"),
            Case("11.2.0-security-01", "11.2.2-security-01"),
            Case("11", None),
        ),
    ),
    Listing(
        "quay.io/prometheus/prometheus",
        """
        latest main v2 v2.53.2 v2.54.0 v2.54.0-rc.1 v2.54.1 v2.55.0-rc.0 v3.0.0-beta.0 v3.0.0-beta.1
        v2.45.6 v2.53.1 main-2024 master
        """,
        (
            Case("v2.53.1", "v2.54.1"),
            Case("v2.45.6", "v2.54.1"),
            Case("v2.54.1", None, "what is higher is no release"),
            Case("v2.54.1", "v3.0.0-beta.1", rules=within(">=2.54.1-0")),
            Case("v2.53.1", "v2.53.2", rules=PATCH),
        ),
    ),
    Listing(
        "grafana/loki",
        """
        latest main main-3f2a9c1 main-9be1e08 k220-1a2b3c4 2.9.10 3.0.0 3.1.0 3.1.1 3.2.0 3.2.1
        3.2.1-amd64 3.2.1-arm64 3.1.1-amd64 3.1.1-arm64 k219-0b1c2d3 3.2.0-arm
        """,
        (
            Case("2.9.10", "3.2.1"),
            Case("3.1.1-arm64", "3.2.1-arm64"),
            Case("main-3f2a9c1", None, "commits have no order"),
            Case("k219-0b1c2d3", None, "k counts what nobody outside knows"),
            Case("3.2.0-arm", None, "arm64 is no newer arm", NEWER_SUFFIX),
        ),
    ),
    Listing(
        "grafana/tempo",
        """
        latest main-51a4d8b main-51a4d8b-amd64 2.5.0 2.6.0 2.6.1 2.6.0-rc.0 r135-8f1c1e2
        r138-5ab3cd1 r139-0aa11bb main-a1b2c3d 2.6.1-arm64
        """,
        (
            Case("2.5.0", "2.6.1"),
            Case("r135-8f1c1e2", "r139-0aa11bb", "r counts weekly releases, the commit follows"),
            Case("main-51a4d8b", None),
        ),
    ),
    Listing(
        "grafana/mimir",
        """
        latest 2.12.0 2.13.0 2.13.1 2.14.0 2.14.0-rc.0 2.14.1 r308-1e0ba6a r309-4f3f0b9
        r309-4f3f0b9-race-enabled r307-a0b1c2d weekly-r309-4f3f0b9
        """,
        (
            Case("2.12.0", "2.14.1"),
            Case("r307-a0b1c2d", "r309-4f3f0b9"),
        ),
    ),
    Listing(
        "quay.io/prometheus/alertmanager",
        """
        latest main v0.25.0 v0.26.0 v0.27.0 v0.27.0-rc.0 v0.28.0-rc.0 v0.24.0 v0.23.0 master
        """,
        (Case("v0.26.0", "v0.27.0"), Case("v0.26.0", None, "0.27 is a minor step", PATCH)),
    ),
    Listing(
        "quay.io/prometheus/node-exporter",
        """
        latest master v0.18.1 v1.5.0 v1.6.1 v1.7.0 v1.8.0 v1.8.1 v1.8.2 v1.8.0-rc.1 v1.9.0-rc.0
        """,
        (Case("v1.6.1", "v1.8.2"), Case("v0.18.1", "v1.8.2")),
    ),
    Listing(
        "registry.k8s.io/kube-state-metrics/kube-state-metrics",
        """
        v2.9.2 v2.10.0 v2.10.1 v2.11.0 v2.12.0 v2.13.0 v2.0.0-rc.1 v2.0.0-beta
        sha256-639a1fd43b78b9b7e9a5b2ef3b9b7e8d6c5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b.sig
        sha256-639a1fd43b78b9b7e9a5b2ef3b9b7e8d6c5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b.sbom
        """,
        (Case("v2.9.2", "v2.13.0", "13 is more than 9"), Case("v2.13.0", None)),
    ),
    Listing(
        "quay.io/jetstack/cert-manager-controller",
        """
        latest canary v1.14.7 v1.15.0 v1.15.3 v1.16.0 v1.16.1 v1.16.0-alpha.0 v1.16.0-beta.0
        v1.17.0-alpha.0 0.16.1 v0.16.1
        sha256-51027a4cc4d30e197e3506daf3a4fa2d2a0bc2826469f8a87848dfd279e031c0.sig
        """,
        (
            Case("v1.14.7", "v1.16.1"),
            Case("0.16.1", None, "with v is another way of writing"),
            Case("v1.16.0-alpha.0", "v1.16.1", "a release, not v1.17.0-alpha.0"),
            Case("v1.15.0", "v1.15.3", rules=PATCH),
        ),
    ),
    Listing(
        "registry.k8s.io/external-dns/external-dns",
        """
        v0.13.6 v0.14.0 v0.14.1 v0.14.2 v0.15.0 v20240905-v0.15.0-12-g1a2b3c4d
        v20240112-v0.14.0-21-gabcdef12 v20241010-external-dns-helm-chart-1.15.0-7-g0123abcd
        v0.14.2-rc1 v0.10.2
        """,
        (
            Case("v0.13.6", "v0.15.0"),
            Case("v0.14.0", "v0.15.0", "a staging build of a day is no version"),
        ),
    ),
    Listing(
        "registry.k8s.io/ingress-nginx/controller",
        """
        v1.10.4 v1.11.0 v1.11.1 v1.11.2 v1.11.3 v1.12.0-beta.0 v1.11.3-chroot v1.10.4-chroot v1.8.1
        v1.11.2-chroot v1.9.6 v1.12.0-beta.0-chroot v0.51.0
        """,
        (
            Case("v1.10.4", "v1.11.3"),
            Case("v1.10.4-chroot", "v1.11.3-chroot"),
            Case("v1.12.0-beta.0-chroot", None, "its release is not there yet"),
        ),
    ),
    Listing(
        "registry.k8s.io/ingress-nginx/kube-webhook-certgen",
        """
        v1.4.1 v1.4.3 v1.4.4 v1.3.0 v20220916-gd32f8c343 v20230312-helm-chart-4.5.2-28-g66a760794
        v20230407 v20231011-8b53cabe0 v20231226-1a7112e06 v20221220-controller-v1.5.1-58-g787ea74b6
        """,
        (
            Case("v1.4.1", "v1.4.4", "the days are another way of counting"),
            Case("v20231011-8b53cabe0", "v20231226-1a7112e06", "a later day, whatever the commit"),
            Case("v20230407", None, "nothing else is written so"),
        ),
    ),
    Listing(
        "quay.io/argoproj/argocd",
        """
        latest v2.11.11 v2.12.0 v2.12.4 v2.12.5 v2.13.0-rc1 v2.13.0-rc5 v2.13.0-rc10 v2.10.17
        v2.11.11.sbom v2.9.22
        sha256-3f2a9c1be8d7c6b5a49382716051423324151617182930a1b2c3d4e5f60718293a.sig
        """,
        (
            Case("v2.11.11", "v2.12.5"),
            Case("v2.13.0-rc5", "v2.13.0-rc10", "ten is more than five"),
            Case("v2.10.17", "v2.12.5"),
        ),
    ),
    Listing(
        "ghcr.io/fluxcd/source-controller",
        """
        v1.3.0 v1.4.0 v1.4.1 v1.2.5 v1.4.0-amd64 v1.0.0-rc.5 v0.36.1 v1.4.0-rc.1 rc-3f2a9c1b
        rc-0f1e2d3c sha256-1e80c2d36a1cb4f4cbf1f22ad3b5d2c3e6f78a9b0c1d2e3f405162738495a6b7
        sha256-1e80c2d36a1cb4f4cbf1f22ad3b5d2c3e6f78a9b0c1d2e3f405162738495a6b7.sig
        """,
        (Case("v1.2.5", "v1.4.1"), Case("rc-3f2a9c1b", None)),
    ),
    Listing(
        "istio/pilot",
        """
        latest 1.22.5 1.22.5-distroless 1.22.5-debug 1.23.0 1.23.2 1.23.2-distroless 1.23.2-debug
        1.24.0-beta.0 1.24.0-beta.0-distroless 1.24.0-rc.0-distroless
        1.24-alpha.0d9bd4a3f8f0e6c5b4a3928170615243f5e6d7c8 1.23-dev
        1.24-alpha.0d9bd4a3f8f0e6c5b4a3928170615243f5e6d7c8-distroless
        1.23-alpha.5b4a3928170615243f5e6d7c80d9bd4a3f8f0e6c
        """,
        (
            Case("1.22.5-distroless", "1.23.2-distroless"),
            Case("1.22.5", "1.23.2"),
            Case("1.22.5-debug", "1.23.2-debug"),
            Case(
                "1.23-alpha.5b4a3928170615243f5e6d7c80d9bd4a3f8f0e6c",
                None,
                "the alphas of 1.24 are another pre-release",
            ),
        ),
    ),
    Listing(
        "istio/proxyv2",
        """
        1.21.6 1.21.6-distroless 1.22.0-distroless 1.22.5-distroless 1.23.2 1.23.2-distroless
        1.23.1-distroless 1.23.2-debug 1.24.0-rc.0 1.23-dev-distroless latest
        """,
        (
            Case("1.22.0-distroless", "1.23.2-distroless"),
            Case("1.22.0-distroless", "1.22.5-distroless", rules=PATCH),
        ),
    ),
    Listing(
        "cr.l5d.io/linkerd/controller",
        """
        stable-2.13.7 stable-2.14.9 stable-2.14.10 edge-24.5.1 edge-24.10.1 edge-24.10.2 edge-24.9.3
        edge-24.10.4 git-1a2b3c4d git-9f8e7d6c dev-1234abcd preview-2.17.0-rc1 enterprise-2.16.1
        """,
        (
            Case("stable-2.13.7", "stable-2.14.10", "edge is another channel"),
            Case("edge-24.5.1", "edge-24.10.4"),
            Case("git-1a2b3c4d", None),
        ),
    ),
    Listing(
        "quay.io/cilium/cilium",
        """
        latest stable v1.14 v1.15 v1.16 v1.15.9 v1.16.0 v1.16.1 v1.16.2 v1.17.0-pre.0 v1.17.0-pre.1
        v1.16.0-rc.2 v1.14.15 v1.16.2-race main
        sha256-4386a8580d8d86934908eea022b0523f812e6a542f30a86a47edd8bed90d51ea.sig
        """,
        (
            Case("v1.15.9", "v1.16.2"),
            Case("v1.17.0-pre.0", "v1.17.0-pre.1"),
            Case("v1.15", "v1.16"),
            Case("stable", None),
        ),
    ),
    Listing(
        "calico/node",
        """
        latest master release-v3.27 release-v3.28 release-v3.29 v3.27.4 v3.28.0 v3.28.2
        v3.28.1-amd64 v3.28.2-amd64 v3.28.2-arm64 v3.29.0-0.dev-500-g1234abcd
        v3.30.0-0.dev-12-gabcdef1 v3.28.2-0.dev-8-g7654321 master-arm64 v3.28.2-windows-ltsc2022
        """,
        (
            Case("v3.27.4", "v3.28.2", "3.29.0-0.dev is no release"),
            Case("v3.28.1-amd64", "v3.28.2-amd64"),
        ),
    ),
    Listing(
        "registry.k8s.io/coredns/coredns",
        """
        v1.8.6 v1.9.3 v1.10.0 v1.10.1 v1.11.1 v1.11.3 v1.12.0 v1.8.0 v1.7.1
        sha256-1eeb4c7316bacb1d4c8ead65571cd92dd21e27359f0d4917f1a5822a73b75db1.sig
        """,
        (Case("v1.9.3", "v1.12.0"), Case("v1.11.1", "v1.11.3", rules=PATCH)),
    ),
    Listing(
        "coredns/coredns",
        """
        latest 1.9.4 1.10.1 1.11.1 1.11.3 1.12.0 arm64-1.11.3 amd64-1.11.3 amd64-1.11.1 amd64-1.12.0
        coredns-arm64 1.6.6
        """,
        (Case("1.10.1", "1.12.0"), Case("amd64-1.11.1", "amd64-1.12.0")),
    ),
    Listing(
        "registry.k8s.io/etcd",
        """
        3.4.13-0 3.5.6-0 3.5.9-0 3.5.10-0 3.5.12-0 3.5.15-0 3.5.16-0 3.6.0-rc.0-0 3.5.0 3.3.15
        3.5.7-0 3.5.1-0 3.5.0-rc.0-0
        """,
        (
            Case("3.5.9-0", "3.5.16-0", "-0 counts the builds of Kubernetes; it is a release"),
            Case("3.4.13-0", "3.5.16-0"),
            Case("3.3.15", "3.5.0"),
        ),
    ),
    Listing(
        "quay.io/coreos/etcd",
        """
        latest v3.4.34 v3.5.9 v3.5.15 v3.5.16 v3.5.16-amd64 v3.5.15-amd64 v3.5.16-arm64
        v3.6.0-alpha.0 v3.6.0-alpha.0-amd64
        """,
        (Case("v3.5.9", "v3.5.16"), Case("v3.5.15-amd64", "v3.5.16-amd64")),
    ),
    Listing(
        "registry.k8s.io/pause",
        """
        latest 1.0 2.0 3.1 3.2 3.5 3.6 3.7 3.8 3.9 3.10 3.10-windows-amd64-ltsc2022 go test
        """,
        (
            Case("3.9", "3.10", "ten is more than nine"),
            Case("3.6", "3.10"),
            Case("test", None),
        ),
    ),
    Listing(
        "bitnami/kubectl",
        """
        latest 1.29 1.30 1.31 1.29.9 1.30.4 1.30.5 1.31.0 1.31.1 1.31.1-debian-12-r0
        1.31.1-debian-12-r3 1.30.5-debian-12-r4 1.29.2-debian-11-r1 1.29.9-debian-12-r2
        """,
        (
            Case("1.29.9", "1.31.1"),
            Case("1.30.5-debian-12-r4", "1.31.1-debian-12-r3"),
            Case("1.30.4", "1.30.5", "as near to the cluster as it may be", within("~1.30")),
        ),
    ),
    Listing(
        "rancher/k3s",
        """
        latest v1.29.9-k3s1 v1.30.5-k3s1 v1.30.4-k3s1 v1.31.1-k3s1 v1.31.1-k3s2 v1.31.1-rc1-k3s1
        v1.31.1-k3s1-amd64 v1.31.1-k3s1-arm64 v1.32.0-alpha1-k3s1 v1.30.5-rc2-k3s1 v1.28.14-k3s1
        """,
        (
            Case("v1.30.4-k3s1", "v1.31.1-k3s2", "k3s counts its builds"),
            Case("v1.31.1-k3s1", "v1.31.1-k3s2"),
            Case("v1.30.4-k3s1", "v1.30.5-k3s1", rules=PATCH),
            Case("v1.31.1-rc1-k3s1", "v1.31.1-k3s2", "its release"),
        ),
    ),
    Listing(
        "rancher/hardened-kubernetes",
        """
        v1.29.9-rke2r1-build20240912 v1.30.5-rke2r1-build20240912 v1.30.4-rke2r1-build20240815
        v1.31.1-rke2r1-build20240912 v1.31.1-rke2r2-build20241003 v1.30.5-rke2r1-build20240912-amd64
        v1.31.1-rke2r1-build20240912-amd64 v1.30.0-rke2r1-build20240417 v1.31.0-rke2r1-build20240815
        v1.28.14-rke2r1-build20240912
        """,
        (
            Case("v1.30.4-rke2r1-build20240815", "v1.31.1-rke2r2-build20241003"),
            Case("v1.30.5-rke2r1-build20240912-amd64", "v1.31.1-rke2r1-build20240912-amd64"),
        ),
    ),
    Listing(
        "public.ecr.aws/eks-distro/kubernetes/pause",
        """
        v1.29.1-eks-1-29-10 v1.30.0-eks-1-30-4 v1.31.1-eks-1-31-5 v1.31.1-eks-1-31-latest 3.9 3.10
        v1.29.1-eks-1-29-latest v1.29.6-eks-1-29-20 v1.29.6-eks-1-29-17 3.5
        """,
        (
            Case("3.9", "3.10"),
            Case("v1.29.1-eks-1-29-10", None, "the suffix names a release channel"),
            Case(
                "v1.29.1-eks-1-29-10",
                "v1.31.1-eks-1-31-5",
                "",
                extracting(r"^v(\d+\.\d+\.\d+)-eks-\d+-\d+-\d+$", "$1"),
            ),
        ),
    ),
    Listing(
        "gcr.io/gke-release/cloud-provider",
        """
        v0.8.0-gke.12 v0.8.0-gke.3 v0.8.1-gke.0 v0.8.1 v0.9.0-gke.1 v0.9.0-alpha.1-gke.2 latest
        v0.7.2-gke.30 v0.8.2-gke.1-amd64 v0.8.2-gke.1
        """,
        (
            Case("v0.8.0-gke.3", "v0.9.0-gke.1"),
            Case("v0.8.0-gke.3", "v0.8.2-gke.1", rules=PATCH),
        ),
    ),
    Listing(
        "kiwigrid/k8s-sidecar",
        """
        latest 1.27.4 1.27.5 1.27.6 1.28.0 1.28.0-dev 0.1.295 sha-1a2b3c4 1.14.2 1.26.2
        """,
        (Case("1.27.4", "1.28.0"), Case("0.1.295", "1.28.0"), Case("sha-1a2b3c4", None)),
    ),
    Listing(
        "longhornio/longhorn-manager",
        """
        latest master-head v1.5.5 v1.6.2 v1.6.3 v1.7.0 v1.7.1 v1.7.2-rc3 v1.7.1-rc2 v1.7.x-head
        v1.6.x-head master-head-amd64 v1.7.2-dev-20241013 v1.7.1-hotfix-1
        """,
        (
            Case("v1.6.2", "v1.7.1"),
            Case("v1.6.2", "v1.6.3", rules=PATCH),
            Case("v1.7.1-hotfix-1", None),
        ),
    ),
    Listing(
        "quay.io/metallb/controller",
        """
        main main-3f2a9c1 dev-gobgp v0.13.12 v0.14.5 v0.14.8 v0.14 v0.14.8-rc1 v0.13 nightly
        """,
        (Case("v0.13.12", "v0.14.8"), Case("v0.13", "v0.14")),
    ),
    Listing(
        "falcosecurity/falco",
        """
        latest latest-slim master master-slim 0.38.2 0.39.0 0.39.1 0.38.2-slim 0.39.1-slim
        0.39.1-debian 0.38.2-debian aarch64-0.38.2 x86_64-0.39.1-slim x86_64-0.38.2-slim
        aarch64-0.39.1 0.39.0-rc3
        """,
        (
            Case("0.38.2-slim", "0.39.1-slim"),
            Case("x86_64-0.38.2-slim", "x86_64-0.39.1-slim"),
            Case("aarch64-0.38.2", "aarch64-0.39.1"),
        ),
    ),
)
