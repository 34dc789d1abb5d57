//! The threads of an engine, and of a seat.

use tokio::runtime::Handle;

use super::closed;
use crate::error::{Error, Result};

/// SurrealDB recurses deeply; with tokio's 2 MiB it can overflow the stack.
const STACK_BYTES: usize = 10 << 20;

/// A runtime that may be dropped anywhere, in async code too.
#[derive(Debug)]
pub(crate) struct Runtime(pub(super) Option<tokio::runtime::Runtime>);

impl Runtime {
    /// For the engine.
    pub(super) fn large() -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8);
        Self::new(threads, STACK_BYTES, "altair")
    }

    /// For a connection to a host.
    pub(crate) fn small() -> Result<Self> {
        Self::new(1, 2 << 20, "altair-seat")
    }

    fn new(threads: usize, stack: usize, name: &str) -> Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads).thread_stack_size(stack).thread_name(name).enable_all();
        let runtime = builder.build();
        // Wrapped at once: a caller that stops waiting drops it wherever it is.
        runtime
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::internal("the engine's threads can't be started").because(error))
    }

    pub(crate) fn handle(&self) -> Result<Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(closed)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
