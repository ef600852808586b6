//! `#[derive(Args)]`: fields to parameters, and arguments to fields.

mod field;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use field::Parameter;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let parameters = parameters(input)?;
    let ident = &input.ident;
    let names: Vec<&str> = parameters.iter().map(|one| one.name.as_str()).collect();
    let parts = parameters.iter().enumerate().map(|(index, parameter)| {
        let comma = if index == 0 { "" } else { "," };
        let (head, middle, tail) = parameter.json();
        let of = &parameter.of;
        let required = parameter.required();
        let around = quote!(<#of as ::agent_sdk::Argument>::AROUND);
        quote!(
            #comma, #head, #required, #middle,
            #around.0, <#of as ::agent_sdk::Argument>::SCHEMA, #tail, #around.1, "}}"
        )
    });
    let fields = parameters.iter().map(Parameter::decode);
    Ok(quote! {
        impl ::agent_sdk::Args for #ident {
            const PARAMETERS: &'static [&'static str] = &["[", #(#parts,)* "]"];
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn decode(
                mut arguments: ::agent_sdk::serde_json::Map<
                    ::std::string::String,
                    ::agent_sdk::serde_json::Value,
                >,
            ) -> ::agent_sdk::Result<Self> {
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
    })
}

fn parameters(input: &DeriveInput) -> Result<Vec<Parameter>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().map(Parameter::read).collect(),
            Fields::Unit => Ok(Vec::new()),
            Fields::Unnamed(_) => Err(Error::new_spanned(&input.ident, "fields need names")),
        },
        _ => Err(Error::new_spanned(&input.ident, "`Args` is for structs")),
    }
}
