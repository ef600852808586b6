//! What `wit-bindgen` makes of the contract. Hidden: plugins use the coat over it; the macro [`crate::plugin`] uses it as it is.

wit_bindgen::generate!({
    path: "../wit",
    world: "everything",
    pub_export_macro: true,
    default_bindings_module: "agent_sdk::bindings",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq],
});
