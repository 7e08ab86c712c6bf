//! The command line as it is typed: the built binary, real processes, real sockets.

mod commands;
mod docs;
mod readme;
mod server;
