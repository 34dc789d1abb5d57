//! `cargo xtask test kotlin`: the Kotlin library, what it publishes, and the apps on it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Scope;
use crate::display::Display;
use crate::steps::Steps;
use crate::{Failure, display, gradle, java, workspace};

/// Fails with whatever is missing and the command that installs it.
pub(crate) fn require() -> Result<(), Failure> {
    java::require_desktop()?;
    display::require()
}

pub(crate) fn check(steps: &mut Steps, scope: &Scope, target: &Path) -> Result<(), Failure> {
    let library = workspace::root().join("bindings").join("kotlin");
    // Not a temporary folder with a name of its own: Gradle keeps what it has configured as long as this stays the same.
    let published = target.join("tools").join("published");

    steps.run("Gradle", || workspace::run(&mut gradle::command(&library, &["--version"])?))?;
    steps.run("Kotlin library", || run(gradle::command(&library, &["check"])?, scope, None))?;
    steps.run("Kotlin artifact", || {
        clear(&published)?;
        let repository = format!("-Paltair.repository={}", published.display());
        run(gradle::command(&library, &["publishAllPublicationsToFolderRepository", &repository])?, scope, None)
    })?;
    steps.run("a consumer of it", || consume(&library.join("consumer"), &published, scope))?;
    steps.run("desktop app", || {
        let display = Display::start()?;
        run(gradle::command(&workspace::root().join("gradle-sample"), &["check"])?, scope, display.as_ref())
    })
}

/// Runs the consumer project, which knows the engine only as the artifact in `published`.
fn consume(project: &Path, published: &Path, scope: &Scope) -> Result<(), Failure> {
    let store = published.with_file_name("consumer-store");
    clear(&store)?;
    let consumer = gradle::command(
        project,
        &[
            "run",
            &format!("-Paltair.repository={}", published.display()),
            &format!("-Paltair.version={}", env!("CARGO_PKG_VERSION")),
            &format!("-Paltair.store={}", store.display()),
        ],
    )?;
    run(consumer, scope, None)
}

/// Runs Gradle, told how far to go and drawing without graphics hardware, on `display` where there is one.
fn run(mut gradle: Command, scope: &Scope, display: Option<&Display>) -> Result<(), Failure> {
    scope.tell(&mut gradle);
    gradle.env("SKIKO_RENDER_API", "SOFTWARE");
    if let Some(display) = display {
        gradle.env("DISPLAY", display.name());
    }
    workspace::run(&mut gradle)
}

fn clear(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(Failure::of(format!("clear {}", folder.display()), error)),
        _ => Ok(()),
    }
}
