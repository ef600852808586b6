// restic for the testbed, built by `cargo xtask testbed`: the version that VolSync 0.16.0's image has.
module testbed/restic

go 1.26.0

require github.com/restic/restic v0.18.1
