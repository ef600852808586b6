//! Doc comments as summary and description, and identifiers as names.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Returns the first line without its full stop, and the paragraphs after it.
pub(crate) fn split(attributes: &[Attribute]) -> (String, String) {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let summary: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .take_while(|line| !line.is_empty())
        .collect();
    let rest: Vec<&str> = lines
        .iter()
        .skip(summary.len())
        .map(|line| line.trim())
        .collect();
    let summary = summary.join(" ");
    (
        summary.strip_suffix('.').unwrap_or(&summary).to_owned(),
        paragraphs(&rest),
    )
}

fn line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = &pair.value
    else {
        return None;
    };
    pair.path.is_ident("doc").then(|| text.value())
}

/// Joins the lines of a paragraph by spaces, for the terminal wraps them by its own width.
fn paragraphs(lines: &[&str]) -> String {
    lines
        .split(|line| line.is_empty())
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| paragraph.join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Returns an identifier in lower case with dashes.
pub(crate) fn dashed(ident: &Ident) -> String {
    let mut name = String::new();
    for letter in ident.unraw().to_string().chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(if letter == '_' {
            '-'
        } else {
            letter.to_ascii_lowercase()
        });
    }
    name
}
