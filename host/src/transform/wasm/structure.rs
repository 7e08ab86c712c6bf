//! Reads a component's structure before anything is compiled: its border, and whether it stays within the limits that keep
//! compiling affordable. Validation doesn't see a bomb; counting loops and locals does, in time proportional to the bytes.

use wasmparser::{Encoding, FunctionBody, Operator, Parser, Payload, Validator, WasmFeatures};

use super::imports::Border;
use super::limits::{Limits, UploadLimits};
use crate::transform::BadComponent;

/// Bytes of a page of linear memory.
const PAGE: u64 = 64 * 1024;

/// Refuses what isn't a sound component within the limits; says what stands at its border.
pub(super) fn examine(wasm: &[u8], limits: &Limits) -> Result<Border, BadComponent> {
    let size = limits.upload.size;
    if wasm.len() > size {
        return Err(BadComponent::TooLarge { size: number(wasm.len()), allowed: number(size) });
    }
    if !wasm.starts_with(b"\0asm") {
        return Err(BadComponent::NotWasm);
    }
    let mut count = Count {
        limits: &limits.upload,
        memory: limits.memory,
        table_elements: limits.table_elements,
        depth: 0,
        modules: 0,
        functions: 0,
        border: Border::default(),
    };
    for payload in Parser::new(0).parse_all(wasm) {
        count.payload(payload.map_err(malformed)?)?;
    }
    Validator::new_with_features(features()).validate_all(wasm).map_err(malformed)?;
    Ok(count.border)
}

/// What the engine takes, so that whatever passes here compiles there.
fn features() -> WasmFeatures {
    let off = WasmFeatures::MEMORY64 | WasmFeatures::RELAXED_SIMD | WasmFeatures::THREADS | WasmFeatures::GC;
    WasmFeatures::WASM2
        .union(WasmFeatures::COMPONENT_MODEL)
        .union(WasmFeatures::all().intersection(extras()))
        .difference(off)
}

const fn extras() -> WasmFeatures {
    WasmFeatures::TAIL_CALL.union(WasmFeatures::EXTENDED_CONST).union(WasmFeatures::MULTI_MEMORY)
}

struct Count<'a> {
    limits: &'a UploadLimits,
    /// Of a run: what begins beyond it never could.
    memory: usize,
    table_elements: usize,
    /// Components and modules around what is being read; 1 is the outermost component.
    depth: usize,
    modules: usize,
    functions: usize,
    border: Border,
}

impl Count<'_> {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), BadComponent> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(encoding),
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::ComponentImportSection(section) if self.depth == 1 => {
                for import in section {
                    self.border.imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) if self.depth == 1 => {
                for export in section {
                    self.border.exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
                Ok(())
            }
            Payload::MemorySection(section) => section.into_iter().try_for_each(|memory| {
                let pages = memory.map_err(malformed)?.initial;
                within("bytes of memory to begin with", length(pages.saturating_mul(PAGE)), self.memory)
            }),
            Payload::TableSection(section) => section.into_iter().try_for_each(|table| {
                let elements = table.map_err(malformed)?.ty.initial;
                within("elements in a table to begin with", length(elements), self.table_elements)
            }),
            Payload::CodeSectionStart { count, .. } => {
                self.functions = self.functions.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
                within("functions", self.functions, self.limits.functions)
            }
            Payload::CodeSectionEntry(body) => self.function(&body),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, encoding: Encoding) -> Result<(), BadComponent> {
        if self.depth == 0 && encoding == Encoding::Module {
            return Err(BadComponent::CoreModule);
        }
        self.depth += 1;
        self.modules += 1;
        within("modules and components", self.modules, self.limits.modules)
    }

    fn function(&self, body: &FunctionBody<'_>) -> Result<(), BadComponent> {
        within("bytes in a function", body.range().len(), self.limits.function_size)?;
        let mut locals: usize = 0;
        for group in body.get_locals_reader().map_err(malformed)? {
            let (count, _) = group.map_err(malformed)?;
            locals = locals.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
        }
        let (mut loops, mut depth, mut deepest) = (0_usize, 0_usize, 0);
        for operator in body.get_operators_reader().map_err(malformed)? {
            match operator.map_err(malformed)? {
                Operator::Loop { .. } => (loops, depth) = (loops + 1, depth + 1),
                Operator::Block { .. } | Operator::If { .. } => depth += 1,
                Operator::End => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        within("blocks within blocks", deepest, self.limits.nesting)?;
        within("loops times locals in a function", loops.saturating_mul(locals), self.limits.loops_by_locals)
    }
}

fn within(what: &str, found: usize, allowed: usize) -> Result<(), BadComponent> {
    if found <= allowed {
        return Ok(());
    }
    Err(BadComponent::TooComplex(format!("{found} {what}, {allowed} are allowed")))
}

fn malformed(error: wasmparser::BinaryReaderError) -> BadComponent {
    BadComponent::Malformed(error.to_string())
}

fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

fn length(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
