//! How files and directories are opened: nothing is believed for lying where it lies.
//!
//! [`Folder`] opens every directory of ours and every file in one, [`read_named`] every file that a person names. Both look first: at what it is
//! (a device or a pipe never ends), how large it is, whose it is, who may write to it, and whose the links are that lead there. Whatever does not fit
//! is refused with the place and, where there is one, the command that mends it.
//!
//! Hard links are not looked at: who may write through another name is what the file's own owner and mode say.
//!
//! *Invariants:* nothing is read before it is known what it is, nor further than the caller says; a link is never followed in a directory of ours; no
//! format is known here, and no path: `wire.rs` says which ones.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where files are opened, which is why nobody else needs to"
)]

mod folder;
mod kind;
mod named;
mod path;
mod refused;

pub use folder::{Folder, Whose};
pub use kind::FileKind;
pub use named::{Pipes, read_named, read_named_text};
pub use path::followed;
pub use refused::{Refused, remedy};
