//! `plugin!`: the two custom sections and the exports.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, LitStr, Path, Result, Token, bracketed};

use crate::manifest;

struct Plugin {
    manifest: LitStr,
    operations: Vec<Path>,
}

impl Parse for Plugin {
    fn parse(input: ParseStream<'_>) -> Result<Plugin> {
        let (mut manifest, mut operations) = (None, None);
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            if key == "manifest" {
                manifest = Some(input.parse()?);
            } else if key == "operations" {
                let content;
                bracketed!(content in input);
                let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(
                    &content,
                    Path::parse_mod_style,
                )?;
                operations = Some(paths.into_iter().collect());
            } else {
                return Err(Error::new_spanned(key, "known keys: manifest, operations"));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing = |key: &str| Error::new(input.span(), format!("`{key} = …` is missing"));
        Ok(Plugin {
            manifest: manifest.ok_or_else(|| missing("manifest"))?,
            operations: operations.ok_or_else(|| missing("operations"))?,
        })
    }
}

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let plugin: Plugin = syn::parse2(input)?;
    let manifest = manifest::read(&plugin.manifest)?;
    let (json, id, path) = (&manifest.json, &manifest.id, &manifest.path);
    let operations: Vec<TokenStream> = plugin.operations.iter().map(from_inside).collect();
    let parts = operations.iter().enumerate().map(|(index, operation)| {
        let comma = if index == 0 { "" } else { "," };
        quote! {
            &[#comma, <#operation as Operation>::HEAD],
            <<#operation as Operation>::Args as ::agent_sdk::Args>::PARAMETERS,
            &[<#operation as Operation>::TAIL]
        }
    });
    let export = export();
    Ok(quote! {
        /// What the plugin exports: its documents and its operations.
        pub mod provider {
            use ::agent_sdk::{Operation, document};

            const _: &[u8] = ::core::include_bytes!(#path);
            const PARTS: &[&[&str]] = &[&["{\"descriptor\":1,\"operations\":["], #(#parts,)* &["]}"]];
            const LENGTH: usize = document::length(PARTS);
            const JOINED: [u8; LENGTH] = document::join(PARTS);

            /// The manifest as JSON.
            pub const MANIFEST: &str = #json;

            /// The descriptor as JSON.
            pub const DESCRIPTOR: &str = document::text(&JOINED);

            /// Runs one operation by its full name, with its arguments as a JSON object.
            ///
            /// # Errors
            /// `not-found` (`operations.unknown`), `invalid` (`operations.arguments`), and those of the operation.
            pub fn run(operation: &str, arguments: &str) -> ::agent_sdk::Result<::agent_sdk::Outcome> {
                const KNOWN: &[&str] = &[#(<#operations as Operation>::NAME),*];
                let name = operation.strip_prefix(#id).and_then(|rest| rest.strip_prefix('.'));
                match name {
                    #(Some(name) if name == <#operations as Operation>::NAME => {
                        ::agent_sdk::operation::run::<#operations>(arguments)
                    })*
                    _ => Err(::agent_sdk::operation::unknown(operation, KNOWN)),
                }
            }

            #export
        }
    })
}

/// The exports exist only in the component: native tests link several plugins into one binary.
fn export() -> TokenStream {
    quote! {
        #[cfg(target_arch = "wasm32")]
        mod component {
            use ::agent_sdk::bindings::exports::ops::plugin::provider::Guest;
            use ::agent_sdk::bindings::ops::types::types::{Error, Invocation, Outcome};

            #[unsafe(link_section = "agent:manifest")]
            static MANIFEST: [u8; super::MANIFEST.len()] =
                ::agent_sdk::document::join(&[&[super::MANIFEST]]);

            #[unsafe(link_section = "agent:descriptor")]
            static DESCRIPTOR: [u8; super::LENGTH] = super::JOINED;

            struct Plugin;

            impl Guest for Plugin {
                fn describe() -> ::std::string::String {
                    super::DESCRIPTOR.to_owned()
                }

                fn run(invocation: Invocation) -> ::core::result::Result<Outcome, Error> {
                    let outcome = super::run(&invocation.operation, &invocation.arguments)?;
                    ::core::result::Result::Ok(outcome.into())
                }
            }

            ::agent_sdk::bindings::export!(Plugin with_types_in ::agent_sdk::bindings);
        }
    }
}

/// Paths are written as seen from where `plugin!` stands, and used one module further in.
fn from_inside(path: &Path) -> TokenStream {
    let first = path
        .segments
        .first()
        .map(|segment| segment.ident.to_string());
    if path.leading_colon.is_some() || first.as_deref() == Some("crate") {
        quote!(#path)
    } else {
        quote!(super::#path)
    }
}
