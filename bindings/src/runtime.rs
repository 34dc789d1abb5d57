//! The threads of this library itself: for what has several steps, and for what calls listeners.
//!
//! A plain call of the engine's needs none of them. It can be awaited on a thread of the JVM: where the store is hosted the engine spawns the act on
//! its own threads, and where it is joined the act happens in the host. A caller that goes away drops an act's answer, never its second half.

use std::future::Future;
use std::sync::OnceLock;

use altair_core::{Error, ErrorKind};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::AltairError;

/// As the engine's own threads have: it is the engine's code that is awaited here.
const STACK_BYTES: usize = 10 << 20;

/// The runtime of this library, begun by the first call and there as long as the process.
pub(crate) fn handle() -> Result<&'static Handle, AltairError> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(STACK_BYTES)
            .thread_name("altair-ffi")
            .enable_all()
            .build()
            .ok()
    });
    runtime.as_ref().map(Runtime::handle).ok_or_else(|| AltairError::Internal {
        what: "the library's threads can't be started".to_owned(),
        hint: "end other programs, or raise the limit of threads of this one".to_owned(),
    })
}

/// Runs an act of several steps, or one that a host gives up when nobody waits for it, to its end: a coroutine that is cancelled stops waiting, and
/// nothing more.
pub(crate) async fn run<T, F>(act: F) -> Result<T, AltairError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    match handle()?.spawn(act).await {
        Ok(result) => result.map_err(AltairError::from),
        Err(stopped) => Err(Error::new(
            ErrorKind::Internal,
            "the library stopped in the middle of this",
            "try again; if it stays, check the store",
        )
        .because(stopped)
        .into()),
    }
}
