// VolSync's manager with its restic mover only, built by `cargo xtask testbed`. Its module has the mover's script as well.
module testbed/volsync

go 1.26.0

require github.com/backube/volsync v0.16.0
