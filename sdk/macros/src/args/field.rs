//! One field of the arguments: its `#[arg(…)]`, its piece of the descriptor, its reading.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Map, Value, json};
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Error, Field, Lit, LitChar, LitStr, Result, Token, Type};

use crate::docs;

/// A parameter as the author declared it.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) of: Type,
    ident: Ident,
    summary: String,
    positional: bool,
    short: Option<char>,
    secret: bool,
    /// Whether there must be at least one value, of an array.
    required: bool,
    default: Option<Value>,
    names: Option<Value>,
    /// What is added to the schema of the type.
    schema: Map<String, Value>,
}

impl Parameter {
    pub(super) fn read(field: &Field) -> Result<Parameter> {
        let ident = field
            .ident
            .clone()
            .ok_or_else(|| Error::new_spanned(field, "fields need names"))?;
        let (summary, _) = docs::split(&field.attrs);
        if summary.is_empty() {
            return Err(Error::new_spanned(
                field,
                "a parameter needs a doc comment: it is shown in the help",
            ));
        }
        let mut parameter = Parameter {
            name: docs::dashed(&ident),
            of: field.ty.clone(),
            ident,
            summary,
            positional: false,
            short: None,
            secret: false,
            required: false,
            default: None,
            names: None,
            schema: Map::new(),
        };
        for attribute in &field.attrs {
            if attribute.path().is_ident("arg") {
                attribute.parse_nested_meta(|meta| parameter.set(&meta))?;
            }
        }
        if parameter.secret && parameter.is_public() {
            return Err(Error::new_spanned(
                field,
                "a secret is text without `positional`, `default`, `format` and `names`: it is read from a file or typed unseen",
            ));
        }
        Ok(parameter)
    }

    /// Returns whether something in it would give a secret away.
    fn is_public(&self) -> bool {
        self.positional || self.default.is_some() || self.names.is_some() || !self.schema.is_empty()
    }

    fn set(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        match key.as_str() {
            "positional" => self.positional = true,
            "secret" => self.secret = true,
            "required" => self.required = true,
            "short" => self.short = Some(meta.value()?.parse::<LitChar>()?.value()),
            "default" => self.default = Some(value(&meta.value()?.parse()?)?),
            "format" => {
                let format: LitStr = meta.value()?.parse()?;
                if !["name", "date-time", "duration"].contains(&format.value().as_str()) {
                    return Err(Error::new_spanned(
                        format,
                        "known formats: name, date-time, duration",
                    ));
                }
                self.schema.insert(key, json!(format.value()));
            }
            "minimum" | "maximum" => {
                self.schema.insert(key, bound(meta.value()?)?);
            }
            "names" => meta.parse_nested_meta(|inner| {
                self.names = Some(names(&inner)?);
                Ok(())
            })?,
            _ => {
                return Err(meta.error(
                    "known keys: positional, required, secret, short, default, format, minimum, maximum, names",
                ));
            }
        }
        Ok(())
    }

    /// Returns the text before the value of `required`, between it and the schema of the type, and what is added to that.
    pub(super) fn json(&self) -> (String, String, String) {
        let style = if self.positional {
            "positional"
        } else {
            "flag"
        };
        let mut head = json!({ "name": self.name, "summary": self.summary, "style": style });
        if let Some(short) = self.short {
            head["short"] = json!(short);
        }
        if self.secret {
            head["secret"] = json!(true);
        }
        if let Some(default) = &self.default {
            head["default"] = default.clone();
        }
        if let Some(names) = &self.names {
            head["names"] = names.clone();
        }
        let head = head.to_string();
        let open = head.strip_suffix('}').unwrap_or(&head);
        let added = Value::Object(self.schema.clone()).to_string();
        let added = added.trim_start_matches('{').trim_end_matches('}');
        let comma = if added.is_empty() { "" } else { "," };
        (
            format!("{open},\"required\":"),
            ",\"schema\":{".to_owned(),
            format!("{comma}{added}"),
        )
    }

    /// Returns the expression for `true` or `false` as text.
    pub(super) fn required(&self) -> TokenStream {
        let of = &self.of;
        if self.default.is_some() {
            quote!("false")
        } else if self.required {
            quote!("true")
        } else {
            quote!(<#of as ::agent_sdk::Argument>::REQUIRED)
        }
    }

    /// Returns the field's initialiser.
    pub(super) fn decode(&self) -> TokenStream {
        let (ident, name, of) = (&self.ident, &self.name, &self.of);
        let or_default = self.default.as_ref().map(|default| {
            let default = match default {
                Value::Bool(flag) => quote!(#flag),
                Value::Number(number) => match number.as_i64() {
                    Some(number) => quote!(#number),
                    None => {
                        let number = number.as_f64();
                        quote!(#number)
                    }
                },
                other => {
                    let text = other.as_str();
                    quote!(#text)
                }
            };
            quote!(.or_else(|| ::core::option::Option::Some(::agent_sdk::serde_json::json!(#default))))
        });
        quote! {
            #ident: <#of as ::agent_sdk::Argument>::decode(#name, arguments.remove(#name) #or_default)?
        }
    }
}

fn value(literal: &Lit) -> Result<Value> {
    match literal {
        Lit::Str(text) => Ok(json!(text.value())),
        Lit::Int(number) => Ok(json!(number.base10_parse::<i64>()?)),
        Lit::Float(number) => Ok(json!(number.base10_parse::<f64>()?)),
        Lit::Bool(flag) => Ok(json!(flag.value)),
        other => Err(Error::new_spanned(
            other,
            "a default is text, a number or a bool",
        )),
    }
}

/// Reads a number that may be less than 0.
fn bound(input: ParseStream<'_>) -> Result<Value> {
    let negative = input.parse::<Option<Token![-]>>()?.is_some();
    let number = value(&input.parse()?)?;
    let signed = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => json!(if negative { -whole } else { whole }),
        (None, Some(number)) => json!(if negative { -number } else { number }),
        (None, None) => return Err(input.error("a bound is a number")),
    };
    Ok(signed)
}

fn names(meta: &ParseNestedMeta<'_>) -> Result<Value> {
    if meta.path.is_ident("namespace") {
        return Ok(json!("namespace"));
    }
    if meta.path.is_ident("object") {
        return Ok(json!({ "object": object_type(&meta.value()?.parse()?)? }));
    }
    if !meta.path.is_ident("object_by") {
        return Err(meta.error("known: namespace, object, object_by"));
    }
    let (mut parameter, mut of) = (None, Map::new());
    meta.parse_nested_meta(|inner| {
        let text: LitStr = inner.value()?.parse()?;
        if inner.path.is_ident("parameter") {
            parameter = Some(text.value());
        } else {
            let word = inner.path.require_ident()?;
            of.insert(docs::dashed(word), json!(object_type(&text)?));
        }
        Ok(())
    })?;
    let parameter =
        parameter.ok_or_else(|| meta.error("`parameter` says on which one it depends"))?;
    Ok(json!({ "object-by": { "parameter": parameter, "of": of } }))
}

fn object_type(text: &LitStr) -> Result<String> {
    let of = text.value();
    let mut parts = of.splitn(3, '.');
    let plural = parts.next().unwrap_or_default();
    let version = parts.next().unwrap_or_default();
    let versioned =
        version.starts_with('v') && version[1..].starts_with(|c: char| c.is_ascii_digit());
    if plural.is_empty() || !versioned || of.ends_with('.') {
        return Err(Error::new_spanned(
            text,
            "write PLURAL.VERSION.GROUP such as `deployments.v1.apps`, or PLURAL.VERSION such as `pods.v1`",
        ));
    }
    Ok(of)
}
