//! Types and functions as the text that their author wrote, so that equal text is an equal shape and unequal text can be shown.

use std::cell::Cell;

use wit_parser::{Function, Handle, Resolve, Type, TypeDefKind, TypeId};

/// How many types one text may name. The contract stays far below it; a few types of which each holds the one before twice would fill the memory.
const MOST: usize = 1_000;

/// The types, and how many more may be named.
struct Types<'a> {
    resolve: &'a Resolve,
    room: Cell<usize>,
}

impl<'a> Types<'a> {
    fn of(resolve: &'a Resolve) -> Types<'a> {
        let room = Cell::new(MOST);
        Types { resolve, room }
    }

    /// Takes room for one more name; false when there is none.
    fn take(&self) -> bool {
        let room = self.room.get();
        self.room.set(room.saturating_sub(1));
        room > 0
    }
}

/// A function without its name, such as `func(ms: u64) -> result<_, error>`.
pub(super) fn function(resolve: &Resolve, function: &Function) -> String {
    let types = &Types::of(resolve);
    let parameters: Vec<String> = function
        .params
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, reference(types, &parameter.ty)))
        .collect();
    let asynchronous = if function.kind.is_async() {
        "async "
    } else {
        ""
    };
    let result = function
        .result
        .map(|result| format!(" -> {}", reference(types, &result)))
        .unwrap_or_default();
    format!("{asynchronous}func({}){result}", parameters.join(", "))
}

/// A type with everything in it, other types by name.
pub(super) fn definition(resolve: &Resolve, id: TypeId) -> String {
    let types = &Types::of(resolve);
    let id = unaliased(resolve, id);
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => braces(
            "record",
            record
                .fields
                .iter()
                .map(|field| format!("{}: {}", field.name, reference(types, &field.ty))),
        ),
        TypeDefKind::Variant(variant) => braces(
            "variant",
            variant.cases.iter().map(|case| match &case.ty {
                Some(of) => format!("{}({})", case.name, reference(types, of)),
                None => case.name.clone(),
            }),
        ),
        TypeDefKind::Enum(one) => braces("enum", one.cases.iter().map(|case| case.name.clone())),
        TypeDefKind::Flags(flags) => {
            braces("flags", flags.flags.iter().map(|flag| flag.name.clone()))
        }
        TypeDefKind::Resource => "resource".to_owned(),
        kind => structural(types, kind),
    }
}

/// Whether an interface only has a type because it took it from another one by `use`.
pub(super) fn is_used(resolve: &Resolve, id: TypeId) -> bool {
    matches!(resolve.types[id].kind, TypeDefKind::Type(Type::Id(_)))
}

/// A type where it is used: by name when it has one of its own.
fn reference(types: &Types, of: &Type) -> String {
    if !types.take() {
        return "…".to_owned();
    }
    let resolve = types.resolve;
    let Type::Id(id) = of else {
        return primitive(of).to_owned();
    };
    let id = unaliased(resolve, *id);
    let named = matches!(
        resolve.types[id].kind,
        TypeDefKind::Record(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Resource
    );
    match &resolve.types[id].name {
        Some(name) if named => name.clone(),
        // An alias of something without a name of its own, such as `type json = string`, is what it stands for.
        _ => structural(types, &resolve.types[id].kind),
    }
}

fn structural(types: &Types, kind: &TypeDefKind) -> String {
    let inner = |of: &Type| reference(types, of);
    let optional = |of: &Option<Type>| of.as_ref().map_or("_".to_owned(), inner);
    match kind {
        TypeDefKind::Handle(Handle::Own(id)) => reference(types, &Type::Id(*id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => {
            format!("borrow<{}>", reference(types, &Type::Id(*id)))
        }
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(inner).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Option(of) => format!("option<{}>", inner(of)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (ok, None) => format!("result<{}>", optional(ok)),
            (ok, err) => format!("result<{}, {}>", optional(ok), optional(err)),
        },
        TypeDefKind::List(of) => format!("list<{}>", inner(of)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", inner(key), inner(value)),
        TypeDefKind::FixedLengthList(of, length) => format!("list<{}, {length}>", inner(of)),
        TypeDefKind::Future(of) => format!("future<{}>", optional(of)),
        TypeDefKind::Stream(of) => format!("stream<{}>", optional(of)),
        TypeDefKind::Type(of) => inner(of),
        other => other.as_str().to_owned(),
    }
}

/// Follows `use` and `type` to what they stand for.
fn unaliased(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(of)) = &resolve.types[id].kind {
        id = *of;
    }
    id
}

fn braces(word: &str, parts: impl Iterator<Item = String>) -> String {
    format!("{word} {{ {} }}", parts.collect::<Vec<_>>().join(", "))
}

fn primitive(of: &Type) -> &'static str {
    match of {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "a type",
    }
}
