//! The macros of `agent-sdk`: they turn a plugin's structs, functions and `plugin.toml` into its two documents and its exports.
//!
//! Everything that can be wrong with a descriptor or a manifest is found here, while the plugin compiles. The formats are those of
//! `host/core/src/{descriptor,manifest}.rs`. These macros read no file but `plugin.toml`.

mod args;
mod choice;
mod docs;
mod manifest;
mod operation;
mod plugin;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemFn, parse_macro_input};

/// Makes a struct the arguments of an operation.
///
/// A field's doc comment is the summary of the parameter, its name with dashes the name. `Option` makes it optional, `bool` a flag, `Vec` an array: a
/// flag that can be repeated, or all words from its place on, which is the last one.
/// In `#[arg(…)]`:
/// - `positional`: given by its place; otherwise it is a flag;
/// - `required`: of an array, there must be at least one value;
/// - `secret`: read from a file or typed unseen, and masked in all that is shown and recorded; text only;
/// - `short = 'n'`: a one-letter flag as well;
/// - `default = "5m"`: the value when it is absent (text, number or bool);
/// - `format = "name"`: the form of text (times and durations are types: `Timestamp`, `SignedDuration`);
/// - `minimum = 0`, `maximum = 9`: bounds of a number, or of each in an array;
/// - `names(namespace)`, `names(object = "pods.v1")`, `names(object_by(parameter = "kind", ks = "kustomizations.v1…"))`: what its
///   values name, for completion.
#[proc_macro_derive(Args, attributes(arg))]
pub fn derive_args(input: TokenStream) -> TokenStream {
    finish(args::expand(&parse_macro_input!(input as DeriveInput)))
}

/// Makes an enum without fields a closed set of words: the names of its cases in lower case with dashes, or `#[choice("word")]`.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    finish(choice::expand(&parse_macro_input!(input as DeriveInput)))
}

/// Makes a function an operation. It takes a struct that derives `Args`, or nothing, and returns `Result<T>` where `T` can be written
/// as JSON or is an `Outcome`.
///
/// The first line of the doc comment is the summary, the rest the description. In `#[operation(…)]`:
/// - `risk = "read"`, `"change"`, `"disrupt"`, `"destroy"`; absent means `destroy`;
/// - `name = "…"`: when it is not the function's name with dashes;
/// - `columns(namespace, last_sync = "LAST")`: keys of a row's object, with their heading when it is not the key in capitals;
/// - `constraints(exactly_one(name, all), at_most_one(a, b), requires(name, namespace))`;
/// - `locks("flux:{namespace}/{name}")`, with the id of the plugin in front; `examples("flux.suspend ks media plex")`;
/// - `errors(conflict("flux.busy", "somebody else reconciles it"))`: errors of its own, by kind, with the code and when they come;
/// - `result = r#"{"type": "array"}"#`: the JSON Schema of its result, for programs that call it;
/// - `deprecated = "use flux.suspend"`: what to use in its place.
#[proc_macro_attribute]
pub fn operation(attributes: TokenStream, item: TokenStream) -> TokenStream {
    finish(operation::expand(
        attributes.into(),
        &parse_macro_input!(item as ItemFn),
    ))
}

/// Makes the crate a plugin: `plugin! { manifest = "plugin.toml", operations = [suspend, resume] }`.
///
/// The manifest is read relative to the crate and checked. The module `provider` that it makes has both documents and `run`, for tests.
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    finish(plugin::expand(input.into()))
}

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
