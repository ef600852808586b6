// Flux's kustomize-controller for the testbed, built by `cargo xtask testbed`.
//
// The replaces are those of its own go.mod, which do not count for a module
// that depends on it. `go mod tidy` does not work here, because dependencies
// of its tests are not to be had: after a change of version run
// `go build -mod=mod -o /dev/null github.com/fluxcd/kustomize-controller`.
module testbed/flux

go 1.26.0

require github.com/fluxcd/kustomize-controller v1.9.6

replace (
	github.com/fluxcd/pkg/kustomize => github.com/fluxcd/pkg/kustomize v1.41.0
	github.com/opencontainers/go-digest => github.com/opencontainers/go-digest v1.0.1-0.20220411205349-bde1400a84be
	gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1
	sigs.k8s.io/kustomize/api => sigs.k8s.io/kustomize/api v0.21.1
	sigs.k8s.io/kustomize/kyaml => sigs.k8s.io/kustomize/kyaml v0.21.1
)
