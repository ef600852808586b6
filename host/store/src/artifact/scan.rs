//! One pass over an artifact's bytes: is it a component at all, what does it import and export, where are its documents.

use wasmparser::{Encoding, Parser, Payload};

use super::{DESCRIPTOR, MANIFEST};
use crate::refusal::Problem;

/// What the pass found.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    pub(crate) sections: Sections<'a>,
}

/// The documents, each as often as it is there. They are in the component itself, or in a core module in it, where a linker put them.
#[derive(Debug, Default)]
pub(crate) struct Sections<'a> {
    pub(crate) manifest: Vec<&'a [u8]>,
    pub(crate) descriptor: Vec<&'a [u8]>,
}

/// How files begin that people take for plugins.
const ELF: &[u8] = b"\x7fELF";
const WASM: &[u8] = b"\0asm";

pub(crate) fn scan(wasm: &[u8]) -> Result<Scan<'_>, Problem> {
    refuse_by_beginning(wasm)?;
    let mut scan = Scan {
        imports: Vec::new(),
        exports: Vec::new(),
        sections: Sections::default(),
    };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|source| Problem::Malformed { source })? {
            Payload::Version { encoding, .. } if depth == 0 && encoding == Encoding::Module => {
                return Err(Problem::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(|source| Problem::Malformed { source })?;
                    scan.imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export.map_err(|source| Problem::Malformed { source })?;
                    scan.exports.push(export.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) => match section.name() {
                MANIFEST => scan.sections.manifest.push(section.data()),
                DESCRIPTOR => scan.sections.descriptor.push(section.data()),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(scan)
}

fn refuse_by_beginning(wasm: &[u8]) -> Result<(), Problem> {
    if wasm.is_empty() {
        return Err(Problem::Empty);
    }
    // Compiled code is native code: whoever loads a file of somebody else's runs it without any sandbox.
    if wasm.starts_with(ELF) {
        return Err(Problem::Precompiled);
    }
    if !wasm.starts_with(WASM) {
        let begins = wasm.iter().take(8).map(|byte| format!("{byte:02x}"));
        return Err(Problem::NotWasm {
            begins: begins.collect::<Vec<_>>().join(" "),
        });
    }
    Ok(())
}
