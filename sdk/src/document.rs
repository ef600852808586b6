//! Joins text while the plugin compiles, so that its descriptor is a constant and can be put into a custom section. For the macros.

/// Returns the number of bytes of all parts together.
pub const fn length(parts: &[&[&str]]) -> usize {
    let (mut total, mut group) = (0, 0);
    while group < parts.len() {
        let mut part = 0;
        while part < parts[group].len() {
            total += parts[group][part].len();
            part += 1;
        }
        group += 1;
    }
    total
}

/// Joins all parts. `N` is their [`length`].
pub const fn join<const N: usize>(parts: &[&[&str]]) -> [u8; N] {
    let mut joined = [0; N];
    let (mut at, mut group) = (0, 0);
    while group < parts.len() {
        let mut part = 0;
        while part < parts[group].len() {
            let bytes = parts[group][part].as_bytes();
            let mut byte = 0;
            while byte < bytes.len() {
                joined[at] = bytes[byte];
                at += 1;
                byte += 1;
            }
            part += 1;
        }
        group += 1;
    }
    joined
}

/// Returns joined bytes as text; stops the compiler when they are none.
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("the descriptor is not UTF-8"),
    }
}

/// Stops the compiler when an operation's rules or locks mention a parameter that its arguments do not have:
///
/// ```compile_fail
/// # use agent_sdk::prelude::*;
/// # #[derive(Args)]
/// # struct Greet {
/// #     /// Whom
/// #     name: String,
/// # }
/// /// Greet
/// #[operation(locks("greet:{nmae}"))]
/// fn greet(args: Greet) -> Result<String> {
///     Ok(args.name)
/// }
/// # fn main() {}
/// ```
///
/// ```
/// # use agent_sdk::prelude::*;
/// # #[derive(Args)]
/// # struct Greet {
/// #     /// Whom
/// #     name: String,
/// # }
/// /// Greet
/// #[operation(locks("greet:{name}"))]
/// fn greet(args: Greet) -> Result<String> {
///     Ok(args.name)
/// }
/// # fn main() {}
/// ```
pub const fn assert_known(mentioned: &[&str], known: &[&str]) {
    let mut index = 0;
    while index < mentioned.len() {
        assert!(
            contains(known, mentioned[index]),
            "constraints or locks mention a parameter that the arguments do not have"
        );
        index += 1;
    }
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if equal(names[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
