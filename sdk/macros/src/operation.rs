//! `#[operation]`: a function to a piece of the descriptor and something that can be run.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Value, json};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, FnArg, ItemFn, LitStr, Result, Token, Visibility, parenthesized};

use crate::docs;

#[derive(Default)]
struct Attributes {
    name: Option<String>,
    risk: Option<String>,
    columns: Vec<Value>,
    constraints: Vec<Value>,
    locks: Vec<String>,
    examples: Vec<String>,
    errors: Vec<Value>,
    result: Option<Value>,
    deprecated: Option<String>,
    /// Parameters that rules and locks mention.
    mentioned: Vec<String>,
}

pub(crate) fn expand(attributes: TokenStream, function: &ItemFn) -> Result<TokenStream> {
    let mut read = Attributes::default();
    syn::meta::parser(|meta| read.set(&meta)).parse2(attributes)?;
    let ident = &function.sig.ident;
    let name = read.name.clone().unwrap_or_else(|| docs::dashed(ident));
    let (head, tail) = read.json(&name, function)?;
    let (args, call) = arguments(function)?;
    let (visibility, mentioned) = (visibility(function), &read.mentioned);
    Ok(quote! {
        #function

        #[doc(hidden)]
        #[expect(non_camel_case_types, reason = "the type has the name of the operation's function")]
        #visibility enum #ident {}

        impl ::agent_sdk::Operation for #ident {
            type Args = #args;
            const NAME: &'static str = #name;
            const HEAD: &'static str = #head;
            const TAIL: &'static str = #tail;

            fn run(args: Self::Args) -> ::agent_sdk::Result<::agent_sdk::Outcome> {
                let _ = &args;
                ::agent_sdk::IntoOutcome::into_outcome(#call?)
            }
        }

        const _: () = ::agent_sdk::document::assert_known(
            &[#(#mentioned),*],
            <#args as ::agent_sdk::Args>::NAMES,
        );
    })
}

/// The type is named in `plugin!` only, so nothing of it leaves the crate.
fn visibility(function: &ItemFn) -> TokenStream {
    match &function.vis {
        Visibility::Public(_) => quote!(pub(crate)),
        narrower => quote!(#narrower),
    }
}

fn arguments(function: &ItemFn) -> Result<(TokenStream, TokenStream)> {
    let ident = &function.sig.ident;
    let mut inputs = function.sig.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (None, _) => Ok((quote!(::agent_sdk::NoArgs), quote!(#ident()))),
        (Some(FnArg::Typed(argument)), None) => {
            let of = &argument.ty;
            Ok((quote!(#of), quote!(#ident(args))))
        }
        _ => Err(Error::new_spanned(
            &function.sig,
            "an operation takes one struct that derives `Args`, or nothing",
        )),
    }
}

impl Attributes {
    fn set(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        match key.as_str() {
            "name" => self.name = Some(meta.value()?.parse::<LitStr>()?.value()),
            "risk" => self.risk = Some(risk(&meta.value()?.parse()?)?),
            "columns" => meta.parse_nested_meta(|column| {
                self.columns.push(read_column(&column)?);
                Ok(())
            })?,
            "constraints" => meta.parse_nested_meta(|rule| self.constrain(&rule))?,
            "locks" => {
                self.locks = texts(meta)?;
                for lock in &self.locks {
                    self.mentioned.extend(placeholders(lock));
                }
            }
            "examples" => self.examples = texts(meta)?,
            "errors" => meta.parse_nested_meta(|error| self.document(&error))?,
            "result" => self.result = Some(schema(&meta.value()?.parse()?)?),
            "deprecated" => self.deprecated = Some(meta.value()?.parse::<LitStr>()?.value()),
            _ => {
                return Err(meta.error(
                    "known keys: name, risk, columns, constraints, locks, examples, errors, result, deprecated",
                ));
            }
        }
        Ok(())
    }

    fn constrain(&mut self, rule: &ParseNestedMeta<'_>) -> Result<()> {
        let key = docs::dashed(rule.path.require_ident()?);
        if !["exactly-one", "at-most-one", "requires"].contains(&key.as_str()) {
            return Err(rule.error("known rules: exactly_one, at_most_one, requires"));
        }
        let content;
        parenthesized!(content in rule.input);
        let names: Vec<String> = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?
            .iter()
            .map(docs::dashed)
            .collect();
        self.mentioned.extend(names.iter().cloned());
        self.constraints.push(json!({ key: names }));
        Ok(())
    }

    /// Reads an error: `conflict("volsync.busy", "a backup of the app is under way")`.
    fn document(&mut self, error: &ParseNestedMeta<'_>) -> Result<()> {
        let kind = docs::dashed(error.path.require_ident()?);
        if !KINDS.contains(&kind.as_str()) {
            return Err(error.error(format!("known kinds: {}", KINDS.join(", "))));
        }
        let content;
        parenthesized!(content in error.input);
        let code: LitStr = content.parse()?;
        content.parse::<Token![,]>()?;
        let summary: LitStr = content.parse()?;
        let error = json!({ "code": code.value(), "kind": kind, "summary": summary.value() });
        self.errors.push(error);
        Ok(())
    }

    /// Returns the piece of the descriptor before the parameters and after them.
    fn json(&self, name: &str, function: &ItemFn) -> Result<(String, String)> {
        let (summary, description) = docs::split(&function.attrs);
        if summary.is_empty() {
            return Err(Error::new_spanned(
                &function.sig.ident,
                "an operation needs a doc comment: it is shown in the help",
            ));
        }
        let mut head = json!({ "name": name, "summary": summary, "description": description });
        if let Some(risk) = &self.risk {
            head["risk"] = json!(risk);
        }
        let mut tail = json!({
            "constraints": self.constraints,
            "columns": self.columns,
            "locks": self.locks,
            "examples": self.examples,
        });
        if !self.errors.is_empty() {
            tail["errors"] = json!(self.errors);
        }
        if let Some(result) = &self.result {
            tail["result"] = result.clone();
        }
        if let Some(deprecated) = &self.deprecated {
            tail["deprecated"] = json!(deprecated);
        }
        let (head, tail) = (head.to_string(), tail.to_string());
        let open = head.strip_suffix('}').unwrap_or(&head);
        let rest = tail.strip_prefix('{').unwrap_or(&tail);
        Ok((format!("{open},\"parameters\":"), format!(",{rest}")))
    }
}

/// What an operation can fail with: the cases of `error-kind`, without what is the host's to say.
const KINDS: [&str; 11] = [
    "denied",
    "not-found",
    "conflict",
    "invalid",
    "failed",
    "uncertain",
    "unavailable",
    "unsupported",
    "timeout",
    "exhausted",
    "internal",
];

fn schema(text: &LitStr) -> Result<Value> {
    let value: Value = serde_json::from_str(&text.value())
        .map_err(|error| Error::new_spanned(text, format!("not JSON: {error}")))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(Error::new_spanned(text, "a JSON Schema is an object")),
    }
}

fn risk(text: &LitStr) -> Result<String> {
    let risk = text.value();
    if ["read", "change", "disrupt", "destroy"].contains(&risk.as_str()) {
        Ok(risk)
    } else {
        Err(Error::new_spanned(
            text,
            "known risks: read, change, disrupt, destroy",
        ))
    }
}

fn read_column(meta: &ParseNestedMeta<'_>) -> Result<Value> {
    let key = docs::dashed(meta.path.require_ident()?);
    let heading = if meta.input.peek(Token![=]) {
        meta.value()?.parse::<LitStr>()?.value()
    } else {
        key.replace('-', " ").to_uppercase()
    };
    Ok(json!({ "heading": heading, "key": key }))
}

fn texts(meta: &ParseNestedMeta<'_>) -> Result<Vec<String>> {
    let content;
    parenthesized!(content in meta.input);
    let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    Ok(texts.iter().map(LitStr::value).collect())
}

/// Returns the names in braces.
fn placeholders(text: &str) -> Vec<String> {
    text.split('{')
        .skip(1)
        .filter_map(|piece| piece.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}
