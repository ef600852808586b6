//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::json;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Variant};

use crate::docs;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "`Choice` is for enums without fields",
        ));
    };
    let words: Vec<String> = data.variants.iter().map(word).collect::<Result<_>>()?;
    let cases: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let ident = &input.ident;
    let listed = json!(words).to_string();
    let schema = format!(r#""type":"string","enum":{listed}"#);
    Ok(quote! {
        impl ::agent_sdk::Choice for #ident {
            const WORDS: &'static [(&'static str, Self)] = &[#((#words, Self::#cases)),*];

            fn as_str(self) -> &'static str {
                match self {
                    #(Self::#cases => #words),*
                }
            }
        }

        impl ::agent_sdk::Argument for #ident {
            const SCHEMA: &'static str = #schema;

            fn decode(
                name: &str,
                value: ::core::option::Option<::agent_sdk::serde_json::Value>,
            ) -> ::agent_sdk::Result<Self> {
                ::agent_sdk::args::decode_choice(name, value)
            }
        }
    })
}

fn word(variant: &Variant) -> Result<String> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(
            variant,
            "a case of a `Choice` has no fields",
        ));
    }
    for attribute in &variant.attrs {
        if attribute.path().is_ident("choice") {
            return Ok(attribute.parse_args::<LitStr>()?.value());
        }
    }
    Ok(docs::dashed(&variant.ident))
}
