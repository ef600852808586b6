//! The contract in `wit/`, as Rust. Everything here is generated.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "ops:plugin/plugin",
    imports: {
        default: async | trappable,
        "ops:run/run.planning": trappable,
        "ops:run/run.log": trappable,
        "ops:run/run.now": trappable,
        "ops:run/run.token": trappable,
        "ops:run/run.id": trappable,
        "ops:run/run.stand-in": trappable,
        "ops:run/run.[constructor]step": trappable,
        "ops:run/run.[method]step.note": trappable,
        "ops:run/run.[method]step.progress": trappable,
        "ops:run/run.[method]step.done": trappable,
        "ops:run/run.[method]step.skip": trappable,
        "ops:run/run.[drop]step": trappable,
        "ops:cluster/cluster.[method]held.objects": trappable,
        "ops:cluster/cluster.[method]held.changed": trappable,
        "ops:cluster/cluster.[method]held.keep": trappable,
        "ops:operations/operations.[method]held.outcomes": trappable,
        "ops:operations/operations.[method]held.changed": trappable,
        "ops:operations/operations.[method]held.keep": trappable,
    },
    exports: { default: async },
    with: {
        "ops:run/run.step": crate::run::Step,
        "ops:cluster/cluster.held": crate::cluster::Held,
        "ops:cluster/cluster.watcher": crate::cluster::Watcher,
        "ops:operations/operations.held": crate::operations::Held,
    },
});
