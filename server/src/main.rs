//! `altair-server`: the command line of the sync server. Arguments in, a server or an answer out; what it does is the library's.

mod cli;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
