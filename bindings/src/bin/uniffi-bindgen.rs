//! Writes the Kotlin that calls the library: `cargo xtask bindings` runs it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
