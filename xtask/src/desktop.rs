//! `cargo xtask desktop`: the desktop app, built and opened on a store.

use std::env;
use std::path::Path;

use crate::{Failure, gradle, java, workspace};

/// Opens the app on `store`, or on the one that it takes by itself.
pub(crate) fn run(store: Option<&str>) -> Result<(), Failure> {
    java::require_desktop()?;
    if cfg!(target_os = "linux") && env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
        return Err(Failure::Failed(
            "There is no screen (DISPLAY is not set). To try the app without one: sudo apt-get install xvfb xauth; \
             SKIKO_RENDER_API=SOFTWARE xvfb-run cargo xtask desktop"
                .to_owned(),
        ));
    }
    println!("Building the app. The first build compiles the engine, 10 to 30 minutes; later ones take seconds.");
    let mut args = vec![":desktop:run".to_owned()];
    if let Some(store) = store {
        let store =
            std::path::absolute(Path::new(store)).map_err(|error| Failure::of(format!("use {store}"), error))?;
        args.push(format!("-Paltair.store={}", store.display()));
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    workspace::run(&mut gradle::command(&workspace::root().join("gradle-sample"), &args)?)
}
