//! Starting `altaird` on Windows: a daemon without this process's handles, and an engine that ends with its standard input.
//!
//! The standard library hands every handle on that may be inherited, also the three standard ones of this process when the child is given others. A daemon that
//! has them would keep whoever reads what this command writes waiting for its end. So it is started another way, without any, and tells in a file how it went.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use altair_core::host::{Connection, Guest, read_own, spawn_lock};
use tokio::runtime::Handle;
use uuid::Uuid;
use winsafe::{CreateProcess, STARTUPINFO, co};

use super::{Private, Started, altaird, ending, program, standing, start, understood, unstarted};
use crate::client::CLIENT;
use crate::config::Config;
use crate::failure::Failure;
use crate::grant;
use crate::standing::Standing;

/// Between two looks at whether the daemon has said how it went.
const LOOK: Duration = Duration::from_millis(5);

/// Starts a daemon that hosts the store.
pub(crate) async fn daemon(store: &Path) -> Result<Started, Failure> {
    let program = program()?;
    let folder = program.parent().and_then(Path::to_str);
    // Where nobody else writes.
    let told = spawn_lock(store).map_err(Failure::opening)?.with_file_name(format!("{}.told", Uuid::now_v7()));
    let mut line = [word(&program)?, "--store".to_owned(), word(store)?].join(" ");
    if let Some(minutes) = Config::load()?.daemon.idle_minutes {
        line.push_str(&format!(" --idle-minutes {minutes}"));
    }
    line.push_str(&format!(" --detach --told {}", word(&told)?));
    // Without a console, and out of reach of the Ctrl-C of this one.
    let apart = co::CREATE::DETACHED_PROCESS | co::CREATE::NEW_PROCESS_GROUP;
    let mut usual = STARTUPINFO::default();
    let daemon = CreateProcess(program.to_str(), Some(&line), None, None, false, apart, &[], folder, &mut usual);
    let daemon = daemon.map_err(|error| unstarted(&error))?;
    let said = loop {
        // Asked first, so that what it said at its end isn't missed.
        let ended = daemon.hProcess.WaitForSingleObject(Some(0)) != Ok(co::WAIT::TIMEOUT);
        match fs::read_to_string(&told) {
            Ok(said) => break Some(said),
            Err(_) if ended => break None,
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    };
    let _ = fs::remove_file(&told);
    match understood(&said.unwrap_or_default())? {
        Some(_) => Ok(Started::Host),
        None => Ok(Started::Died(match daemon.hProcess.GetExitCodeProcess() {
            Ok(code) => format!("exit code: {code}"),
            Err(error) => error.to_string(),
        })),
    }
}

/// Starts an engine of this command's own, which ends when this process does, unless somebody hosts the store by now.
pub(crate) async fn private(store: &Path, repair: bool) -> Result<Started, Failure> {
    let mut command = altaird(store)?;
    command.arg("--private").stdin(Stdio::piped());
    if repair {
        command.arg("--repair");
    }
    let mut child = start(command)?;
    match standing(&mut child).await? {
        Some(Standing::Elsewhere) => return Ok(Started::Host),
        Some(_) => {}
        None => return Ok(Started::Died(ending(&mut child))),
    }
    let private = Private { child };
    let token = grant::held()?;
    let guest = Guest { client: CLIENT, grant: token.as_deref() };
    let Some(host) = read_own(store).filter(|host| host.pid == private.child.id()) else {
        return Err(private.failure().await);
    };
    match Connection::join(&host, guest, &Handle::current()).await.map_err(Failure::opening)? {
        Some(connection) => Ok(Started::Private(Box::new(connection), private)),
        None => Err(private.failure().await),
    }
}

/// Runs another program in this one's place, and ends as that does. What comes back is why it couldn't be.
pub(crate) fn turn_into(mut command: Command) -> io::Error {
    // The other program gets these too, and decides; this one waits for it.
    let _deaf = (tokio::signal::windows::ctrl_c(), tokio::signal::windows::ctrl_break());
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// A path as a word of a command line. No path has quotation marks; a backslash before the closing one would take its meaning away.
fn word(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains('"')).ok_or_else(|| {
        Failure::usage(format!("the path {} can't stand in a command line", path.display()), "use one in plain Unicode")
    })?;
    let ending = text.len() - text.trim_end_matches('\\').len();
    Ok(format!("\"{text}{}\"", "\\".repeat(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(word(Path::new(r"C:\My notes")).unwrap(), r#""C:\My notes""#);
        assert_eq!(word(Path::new(r"C:\")).unwrap(), r#""C:\\""#);
    }
}
