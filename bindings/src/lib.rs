//! The engine for Kotlin: UniFFI's view of [`altair_core::Altair`], as thin as it can be.
//!
//! It converts, asks the engine and maps errors; nothing is decided here. Every record and enum of the engine that crosses is mirrored once, with
//! its `From` beside it. What Kotlin developers see is the library in `bindings/kotlin`, which hides this one.
//!
//! Rooms: `store` has the calls, `entity`, `request` and `report` what crosses, `watching` and `progress` what calls back, `log` where
//! the engine's log goes, `timing` what benchmarks ask, `error` and `runtime` what all of them need.

mod entity;
mod error;
mod log;
mod progress;
mod report;
mod request;
mod runtime;
mod store;
mod timing;
mod watching;

uniffi::setup_scaffolding!();

/// The version of the library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
