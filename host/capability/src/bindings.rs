//! The contract in `wit/`, as Rust. Everything here is generated.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "ops:plugin/everything",
    imports: {
        default: async | trappable,
        "ops:run/run.planning": trappable,
        "ops:run/run.log": trappable,
        "ops:run/run.now": trappable,
        "ops:run/run.elapsed": trappable,
        "ops:run/run.token": trappable,
        "ops:run/run.id": trappable,
        "ops:run/run.placeholder": trappable,
        "ops:run/run.[constructor]step": trappable,
        "ops:run/run.[method]step.note": trappable,
        "ops:run/run.[method]step.progress": trappable,
        "ops:run/run.[method]step.done": trappable,
        "ops:run/run.[method]step.skip": trappable,
        "ops:run/run.[method]step.fail": trappable,
        "ops:run/run.[drop]step": trappable,
        "ops:types/holds.[method]held.changed": trappable,
        "ops:types/holds.[method]held.keep": trappable,
        "ops:types/holds.[drop]held": trappable,
        "ops:operations/operations.[method]overwritten.settle": trappable,
        "ops:operations/operations.[method]overwritten.withdraw": trappable,
        "ops:operations/operations.[drop]overwritten": trappable,
    },
    exports: { default: async },
    with: {
        "ops:run/run.step": crate::run::Step,
        "ops:types/holds.held": crate::holds::Held,
        "ops:cluster/cluster.watcher": crate::cluster::Watcher,
        "ops:operations/operations.overwritten": crate::operations::Overwritten,
    },
});

pub use EverythingPre as PluginPre;
