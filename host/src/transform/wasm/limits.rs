//! Every limit of the sandbox, with its default. All of them are on, always; a configuration can only move them.

use std::time::Duration;

use crate::transform::fuel::FuelLimits;

/// What plugins may use. Units are in each field's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub fuel: FuelLimits,
    /// Instructions for `describe` and `validate-settings`.
    pub setup_fuel: u64,
    /// Instructions for `classify`.
    pub classify_fuel: u64,
    /// Bytes of linear memory a run.
    pub memory: usize,
    /// A run that needs more memory than this waits until no more than `large_runs` others do.
    pub large_memory: usize,
    pub large_runs: usize,
    /// Elements of a table.
    pub table_elements: usize,
    /// Bytes of wasm stack.
    pub stack: usize,
    /// Bytes that may cross from guest to host in one call.
    pub host_call_bytes: usize,
    /// Bytes of a body, and of replaced data.
    pub output: usize,
    pub log: LogLimits,
    /// Instances at once, of all plugins.
    pub slots: u32,
    /// Instances at once, of one plugin.
    pub slots_per_plugin: usize,
    /// Instructions that a run may take on a thread that others wait for; then it moves to the plugins' own thread.
    pub yield_fuel: u64,
    /// Compiled components kept in memory.
    pub resident: usize,
    pub upload: UploadLimits,
    pub compile: CompileLimits,
}

/// Of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    pub lines: usize,
    /// Bytes of one line.
    pub line: usize,
    /// Bytes of all lines.
    pub total: usize,
}

/// Of a component's structure: what is checked before anything is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// Bytes of the component.
    pub size: usize,
    pub functions: usize,
    /// Bytes of one function.
    pub function_size: usize,
    /// Components and modules in one component.
    pub modules: usize,
    /// Loops times locals of one function: what compiling takes grows with it.
    pub loops_by_locals: usize,
    /// Blocks in blocks.
    pub nesting: usize,
}

/// Of the child process that compiles, and of what is kept of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of address space, beyond what the process has when it starts.
    pub memory: u64,
    /// Seconds of CPU time.
    pub cpu_seconds: u64,
    /// By the clock on the wall.
    pub wall: Duration,
    /// Bytes of machine code.
    pub output: usize,
    /// Bytes of machine code kept on disk, of all components.
    pub cache: u64,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: FuelLimits::default(),
            setup_fuel: 200_000_000,
            classify_fuel: 20_000_000,
            memory: 64 * MIB,
            large_memory: 16 * MIB,
            large_runs: 1,
            table_elements: 20_000,
            stack: 512 * 1024,
            host_call_bytes: 8 * MIB,
            output: MIB,
            log: LogLimits { lines: 100, line: 1024, total: 16 * 1024 },
            slots: 128,
            slots_per_plugin: 64,
            yield_fuel: 500_000,
            resident: 256,
            upload: UploadLimits::default(),
            compile: CompileLimits::default(),
        }
    }
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            size: 16 * MIB,
            functions: 50_000,
            function_size: MIB,
            modules: 64,
            loops_by_locals: 400_000,
            nesting: 2_000,
        }
    }
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            memory: 1024 * 1024 * 1024,
            cpu_seconds: 30,
            wall: Duration::from_secs(90),
            output: 256 * MIB,
            cache: 2 * 1024 * 1024 * 1024,
        }
    }
}
