//! `daemon install` and `daemon uninstall`: having the system start the daemon, when the session begins or somebody connects.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use altair_core::Error;
use directories::BaseDirs;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;
use crate::spawn;
use crate::store::Store;

/// Writes the service's files and hands them to the system.
pub(crate) fn install(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let service = Service::of(store.path(), &spawn::program()?)?;
    for (path, text) in &service.files {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
        written.map_err(|error| Error::io("writing", path, error))?;
    }
    let started = service.tell(&service.enable);
    answer("installed", &service, started.as_deref(), out)
}

/// Takes them away again.
pub(crate) fn uninstall(store: &Store, out: &mut Output) -> Result<(), Failure> {
    let service = Service::of(store.path(), &spawn::program()?)?;
    let stopped =
        if service.files.iter().any(|(path, _)| path.exists()) { service.tell(&service.disable) } else { None };
    for (path, _) in &service.files {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("removing", path, error).into());
            }
            _ => {}
        }
    }
    answer("uninstalled", &service, stopped.as_deref(), out)
}

/// The files of a store's service that are there.
pub(crate) fn installed(store: &Path) -> Vec<PathBuf> {
    let service = spawn::beside().ok().and_then(|program| Service::of(store, &program).ok());
    let files = service.into_iter().flat_map(|service| service.files);
    files.map(|(path, _)| path).filter(|path| path.exists()).collect()
}

fn answer(did: &str, service: &Service, failed: Option<&str>, out: &mut Output) -> Result<(), Failure> {
    let files: Vec<&PathBuf> = service.files.iter().map(|(path, _)| path).collect();
    out.answer(&json!({(did): service.name, "files": files, "problem": failed}), |_, _| {
        let files: Vec<String> = files.iter().map(|path| format!("  {}", path.display())).collect();
        format!("{} is {did}:\n{}", service.name, files.join("\n"))
    })?;
    if let Some(failed) = failed {
        out.note(failed);
        out.fails();
    }
    Ok(())
}

/// A service as the system has it.
struct Service {
    name: String,
    files: Vec<(PathBuf, String)>,
    enable: Vec<Vec<String>>,
    disable: Vec<Vec<String>>,
}

impl Service {
    fn of(store: &Path, program: &Path) -> Result<Self, Failure> {
        if cfg!(windows) {
            return Err(Failure::from(Error::refused(
                "Windows can't be had to start the daemon yet",
                "nothing needs it: every command starts one; `altair daemon start` among the programs that start when you log in does it earlier",
            )));
        }
        let base = BaseDirs::new()
            .ok_or_else(|| Failure::usage("there is no home folder to install a service in", "set HOME"))?;
        let mark = altair_core::host::mark(store);
        if cfg!(target_os = "macos") {
            Ok(Self::launchd(store, program, &base, &mark))
        } else {
            Self::systemd(store, program, &base, &mark)
        }
    }

    fn systemd(store: &Path, program: &Path, base: &BaseDirs, mark: &str) -> Result<Self, Failure> {
        let name = format!("altaird-{}", &mark[..8]);
        let folder = base.config_dir().join("systemd/user");
        let (program, shown) = (quoted(program)?, quoted(store)?);
        let socket = format!(
            "[Unit]\nDescription=Altair: the door to {shown}\n\n[Socket]\nListenStream=%t/altair/{mark}.sock\nSocketMode=0600\nDirectoryMode=0700\n\n\
             [Install]\nWantedBy=sockets.target\n"
        );
        let service = format!(
            "[Unit]\nDescription=Altair: hosts {shown}\nRequires={name}.socket\n\n[Service]\nExecStart={program} --store {shown}\n\n\
             [Install]\nWantedBy=default.target\nAlso={name}.socket\n"
        );
        let systemctl =
            |words: &[&str]| ["systemctl", "--user"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        let units = [format!("{name}.socket"), format!("{name}.service")];
        Ok(Self {
            files: vec![(folder.join(&units[0]), socket), (folder.join(&units[1]), service)],
            enable: vec![systemctl(&["daemon-reload"]), systemctl(&["enable", "--now", &units[0]])],
            disable: vec![systemctl(&["disable", "--now", &units[0], &units[1]])],
            name,
        })
    }

    fn launchd(store: &Path, program: &Path, base: &BaseDirs, mark: &str) -> Self {
        let name = format!("dev.altair.altaird.{}", &mark[..8]);
        let path = base.home_dir().join("Library/LaunchAgents").join(format!("{name}.plist"));
        let text = |path: &Path| path.to_string_lossy().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let plist = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\">\n<dict>\n  <key>Label</key><string>{name}</string>\n  <key>ProgramArguments</key>\n  <array><string>{}</string><string>--store</string><string>{}</string></array>\n  \
             <key>RunAtLoad</key><true/>\n</dict>\n</plist>\n",
            text(program),
            text(store),
        );
        let launchctl =
            |word: &str| vec!["launchctl".to_owned(), word.to_owned(), "-w".to_owned(), path.display().to_string()];
        Self {
            enable: vec![launchctl("load")],
            disable: vec![launchctl("unload")],
            files: vec![(path.clone(), plist)],
            name,
        }
    }

    /// Tells the system; what went wrong, if something did.
    fn tell(&self, commands: &[Vec<String>]) -> Option<String> {
        for words in commands {
            let line = words.join(" ");
            let mut command = Command::new(&words[0]);
            let run =
                command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
            let why = match run {
                Ok(run) if run.status.success() => continue,
                Ok(run) => String::from_utf8_lossy(&run.stderr).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            return Some(format!("`{line}` failed, so {} is not taken up until you run it: {why}", self.name));
        }
        None
    }
}

/// A path as a word of a unit.
fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        Failure::usage(
            format!("the path {} can't stand in a unit", path.display()),
            "use a store whose path is plain UTF-8",
        )
    })?;
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    Ok(format!("\"{escaped}\""))
}
