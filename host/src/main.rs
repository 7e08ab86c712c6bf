use std::process::ExitCode;

use waxwing::transform::wasm::{COMPILE_COMMAND, compile_child_main};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == COMPILE_COMMAND => compile_child_main(rest),
        _ => ExitCode::SUCCESS,
    }
}
