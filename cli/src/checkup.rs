//! What `doctor` says of the processes around a store: who hosts it, what hinders others from joining, and what is left of those who are gone.
//!
//! [`Checkup::look`] looks, and changes nothing; all else is plain sentences about what was found. What merely is so becomes a line for people, what is
//! wrong a [`Problem`], and what keeps the store from being opened an [`Obstacle`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use altair_core::host::{Door, Lock, Pace, Privacy, Process, Record, Surroundings};
use altair_core::{Error, ErrorKind, Problem};
use altair_protocol::rpc::{Host, HostKind};

use crate::client::{LOOK, version};
use crate::commands::service;
use crate::failure::Failure;
use crate::spawn;

/// The health of a store that is well itself.
pub(crate) const HINDERED: &str = "hindered";
/// This program's version.
const OURS: &str = env!("CARGO_PKG_VERSION");
/// How long `altaird` may take to say which one it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkup {
    around: Surroundings,
    altaird: Beside,
    /// The files of the system's service for the store.
    service: Vec<PathBuf>,
}

/// The `altaird` that belongs to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beside {
    /// It is of this version.
    Version(String),
    /// There is none.
    Missing(PathBuf),
    /// It doesn't say.
    Mute(PathBuf, String),
}

/// What keeps a store from being opened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) message: String,
    pub(crate) hint: String,
    /// It won't go away by waiting.
    pub(crate) lasts: bool,
}

impl Checkup {
    /// Looks around a store.
    pub(crate) async fn look(store: &Path) -> Self {
        let altaird = match spawn::beside() {
            Ok(altaird) if altaird.is_file() => said_by(altaird).await,
            Ok(altaird) => Beside::Missing(altaird),
            Err(error) => Beside::Mute(PathBuf::from("altaird"), error.to_string()),
        };
        Self { around: Surroundings::look(store).await, altaird, service: service::installed(store) }
    }

    /// Who hosts the store, as far as it is known.
    pub(crate) const fn host(&self) -> Option<&Host> {
        match self.around.host() {
            Some((host, _)) => Some(host),
            None => None,
        }
    }

    /// Whether somebody hosts the store and nothing is in the way of joining.
    pub(crate) fn can_be_joined(&self) -> bool {
        let runs = self.around.host().is_some_and(|(_, process)| process.pace == Pace::Running);
        runs && self.around.door == Some(Door::Open)
    }

    /// How things are, a sentence a line, for people.
    pub(crate) fn told(&self) -> Vec<String> {
        let mut told = vec![self.hosting()];
        told.extend(self.age());
        let replaced = "the next host replaces it";
        told.extend(match &self.around.record {
            Record::Missing | Record::Damaged | Record::There(..) => None,
            Record::Elsewhere(host) => Some(format!(
                "The host.json there speaks of the store in {}: it came along when the folder was copied or moved; {replaced}.",
                host.store.display()
            )),
            Record::Gone(host) => Some(format!("The host.json there names process {}, which is gone; {replaced}.", host.pid)),
            Record::Reused(host) => Some(format!(
                "The host.json there names process {}, which is gone: another process has its number by now; {replaced}.",
                host.pid
            )),
        });
        if let Lock::Held(by) = &self.around.starting {
            told.push(format!("{} is starting a host; other commands wait for it.", who(by.as_ref())));
        }
        told.extend(self.activating());
        told.iter().map(|line| sentence(line)).collect()
    }

    fn hosting(&self) -> String {
        match (&self.around.lock, &self.around.record) {
            (Lock::Free, Record::There(host, _)) => {
                format!("Nobody hosts the store: {} did, and has closed it.", named(host))
            }
            (Lock::Free, _) => "Nobody hosts the store.".to_owned(),
            (Lock::Held(_), Record::There(host, _)) => hosted(host),
            (Lock::Held(by), _) => {
                format!("{} has the store open, and host.json doesn't name it.", who(by.as_ref()))
            }
            (Lock::Unsupported, _) => "The store is on a file system without locks.".to_owned(),
            (Lock::Unreadable(why), _) => format!("Whether somebody hosts the store can't be told: {why}."),
        }
    }

    /// A host of another version.
    fn age(&self) -> Option<String> {
        let host = self.host()?;
        let (theirs, ours) = (version(&host.version), version(OURS));
        let what = named(host);
        if theirs < ours {
            let then = match host.kind {
                HostKind::Daemon => "the next command replaces it",
                HostKind::App => "update it if it lacks something",
                HostKind::Private => "it ends with its command",
            };
            Some(format!("{what} is older ({}) than this one ({OURS}): {then}.", host.version))
        } else if theirs > ours {
            let then = "update this one if it lacks something";
            Some(format!("{what} is newer ({}) than this one ({OURS}): {then}.", host.version))
        } else {
            None
        }
    }

    fn activating(&self) -> Option<String> {
        match (&self.around.activation, self.service.first()) {
            (Some(socket), _) => {
                Some(format!("The system starts a daemon for whoever connects to {}", socket.display()))
            }
            (None, Some(file)) => Some(format!(
                "A service is installed ({}) that the system hasn't taken up: `altair daemon install` tries again.",
                file.display()
            )),
            (None, None) => None,
        }
    }

    /// What is wrong, as it is now.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let problem = |at: &str, problem: String| Problem { at: at.to_owned(), problem, repaired: false };
        let mut problems = Vec::new();
        if self.around.record == Record::Damaged {
            problems.push(problem("host.json", "it can't be read".to_owned()));
        }
        for left in &self.around.left {
            let text = "the socket of a host that was killed, or went without taking it away".to_owned();
            problems.push(problem(&left.display().to_string(), text));
        }
        if let Some((host, _)) = self.around.host()
            && let Some((why, then)) = blocked(host, self.around.door.as_ref())
        {
            problems.push(problem("socket", format!("{why}; {then}")));
        }
        if let Some(refused) = self.refusal() {
            problems.push(problem("folder for sockets", format!("{}; {}", refused.message(), refused.hint())));
        }
        let again = "install altair again: altair and altaird belong together";
        match &self.altaird {
            Beside::Version(theirs) if theirs == OURS => {}
            Beside::Version(theirs) => {
                problems.push(problem(
                    "altaird",
                    format!("it is of version {theirs}, and this program of {OURS}; {again}"),
                ));
            }
            Beside::Missing(path) => {
                let text = format!("there is no {}, so commands can't start a host; {again}", path.display());
                problems.push(problem("altaird", text));
            }
            Beside::Mute(path, why) => {
                problems
                    .push(problem("altaird", format!("{} can't be asked its version: {why}; {again}", path.display())));
            }
        }
        problems
    }

    /// That a command has been starting a host for long, and others wait for it. `earlier` is what was found so long ago.
    pub(crate) fn stuck_start(&self, earlier: &Self) -> Option<Problem> {
        let Lock::Held(by) = &self.around.starting else { return None };
        if self.around.starting != earlier.around.starting {
            return None;
        }
        let end = by.as_ref().map_or_else(|| "end it".to_owned(), |by| format!("{} ends it", kill(by.pid)));
        let problem =
            format!("{} has been starting a host for long, and other commands wait for it; {end}", who(by.as_ref()));
        Some(Problem { at: "starting a host".to_owned(), problem, repaired: false })
    }

    /// The problems in lines for people, beside an obstacle that may be one of them.
    pub(crate) fn lines_beside(&self, obstacle: &Obstacle) -> Vec<String> {
        let others = self
            .problems()
            .into_iter()
            .filter(|problem| !problem.problem.split("; ").next().is_some_and(|why| obstacle.message.contains(why)));
        others.map(|problem| sentence(&format!("{}: {}", problem.at, problem.problem))).collect()
    }

    /// What was wrong `earlier`, and whether it is now.
    pub(crate) fn since(&self, earlier: &Self) -> Vec<Problem> {
        let still = self.problems();
        let is_there = |problem: &Problem| still.iter().any(|other| other.at == problem.at);
        let problems = earlier.problems().into_iter();
        problems.map(|problem| Problem { repaired: !is_there(&problem), ..problem }).collect()
    }

    fn refusal(&self) -> Option<Error> {
        self.around.privacy.as_ref().and_then(|privacy: &Privacy| privacy.refusal(&self.around.folder))
    }

    /// Why the store can't be opened, if it is for what is around it.
    pub(crate) fn obstacle(&self) -> Option<Obstacle> {
        let waits = |message: String, hint: String| Some(Obstacle { message, hint, lasts: false });
        let lasts = |message: String, hint: String| Some(Obstacle { message, hint, lasts: true });
        match (&self.around.lock, &self.around.record) {
            (Lock::Unsupported, _) => lasts(
                format!(
                    "{} is on a file system without locks, so nothing could keep two programs apart",
                    self.around.store.display()
                ),
                "keep the store on a local disk".to_owned(),
            ),
            (Lock::Unreadable(why), _) => waits(
                format!("the lock of the store in {} can't be looked at: {why}", self.around.store.display()),
                "give this user the right to read and write the store's folder".to_owned(),
            ),
            (Lock::Held(_), Record::There(host, process)) => {
                let (what, pid) = (named(host), host.pid);
                match process.pace {
                    Pace::Stopped => lasts(
                        format!("{what} hosts the store and is stopped, so it answers nobody"),
                        format!(
                            "`kill -CONT {pid}` lets it go on; `kill -KILL {pid}` ends it, and others can have the store"
                        ),
                    ),
                    Pace::Traced => lasts(
                        format!("{what} hosts the store and is stopped by a debugger, so it answers nobody"),
                        "let it go on in the debugger, or end it there".to_owned(),
                    ),
                    Pace::Running => match blocked(host, self.around.door.as_ref()) {
                        Some((why, then)) => waits(
                            format!("{what} hosts the store and can't be joined: {why}"),
                            format!("{then}; else {} ends it, and others can have the store", kill(pid)),
                        ),
                        None if host.socket.is_none() => waits(
                            format!(
                                "{what} hosts the store and doesn't listen: it is opening the store, or can't listen"
                            ),
                            format!("wait, then try again; `altair daemon logs` tells more, and {} ends it", kill(pid)),
                        ),
                        None => waits(
                            format!("{what} hosts the store and doesn't answer, though it runs"),
                            format!(
                                "it may be busy: wait, then try again; else {} ends it, and others can have the store",
                                kill(pid)
                            ),
                        ),
                    },
                }
            }
            (Lock::Held(Some(by)), _) => {
                let go_on = match by.pace {
                    Pace::Running => String::new(),
                    _ => format!("it is stopped: `kill -CONT {}` lets it go on; ", by.pid),
                };
                waits(
                    format!("{} has the store open, and host.json doesn't say how to join it", who(Some(by))),
                    format!("{go_on}wait until it is done, or close it ({}), then try again", kill(by.pid)),
                )
            }
            (Lock::Held(None), _) => waits(
                "a process has the store open that host.json doesn't name".to_owned(),
                format!("{}; wait until it is done, or close it, then try again", finding(&self.around.store)),
            ),
            (Lock::Free, _) => None,
        }
    }
}

impl Obstacle {
    /// As a failure of opening the store.
    pub(crate) fn failure(self, kind: ErrorKind) -> Failure {
        Failure::opening(Error::new(kind, self.message, self.hint))
    }
}

/// The command that ends a process.
fn kill(pid: u32) -> String {
    if cfg!(windows) { format!("`taskkill /F /PID {pid}`") } else { format!("`kill {pid}`") }
}

/// How to find out who has a store open.
fn finding(store: &Path) -> String {
    if cfg!(windows) {
        return "the Resource Monitor tells which, under CPU, associated handles: look for host.lock".to_owned();
    }
    format!("`fuser {}` tells which", store.join("host.lock").display())
}

/// Who hosts a store, in a sentence.
pub(crate) fn hosted(host: &Host) -> String {
    let what = match host.kind {
        HostKind::Daemon => "A daemon",
        HostKind::Private => "A command",
        HostKind::App => "A program",
    };
    let listens = host.socket.as_ref().map_or_else(
        || "doesn't listen yet, or can't (`altair daemon logs` tells)".to_owned(),
        |socket| format!("listens at {}", socket.display()),
    );
    format!("{what} hosts the store (process {}, version {}) and {listens}", host.pid, host.version)
}

/// What keeps guests from a host's socket, and what becomes of it or has to be done; `None` where nothing does.
fn blocked(host: &Host, door: Option<&Door>) -> Option<(String, String)> {
    let path = host.socket.as_deref()?.display();
    let anew = || "the host listens anew within seconds, unless it is stopped".to_owned();
    let instead = |what: &str| Some((format!("there is {what} in the place of its socket {path}"), anew()));
    match door? {
        Door::None | Door::Open => None,
        Door::Missing => Some((format!("its socket {path} is gone"), anew())),
        Door::File => instead("a file"),
        Door::Link => instead("a symbolic link"),
        Door::Other => instead("something that is no socket"),
        Door::Folder => Some((
            format!("there is a folder in the place of its socket {path}"),
            format!("`rm -r {path}`, and the host listens anew within seconds"),
        )),
        Door::Deaf => Some((format!("nobody listens at its socket {path}"), anew())),
        Door::Foreign(pid) => Some((format!("process {pid} listens in the place of its socket {path}"), anew())),
        Door::Unreachable(why) => {
            Some((format!("its socket {path} can't be connected to: {why}"), "try again".to_owned()))
        }
        Door::Exposed(folder, privacy) => {
            let refused = privacy.refusal(folder)?;
            Some((refused.message().to_owned(), refused.hint().to_owned()))
        }
    }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A host in a sentence.
fn named(host: &Host) -> String {
    let what = match host.kind {
        HostKind::Daemon => "the daemon",
        HostKind::Private => "the engine of a command",
        HostKind::App => "the program",
    };
    format!("{what} (process {})", host.pid)
}

/// A process at the beginning of a sentence.
fn who(process: Option<&Process>) -> String {
    match process {
        Some(Process { pid, name, .. }) if !name.is_empty() => format!("process {pid} ({name})"),
        Some(Process { pid, .. }) => format!("process {pid}"),
        None => "a process that the system doesn't name".to_owned(),
    }
}

/// Asks an `altaird` which version it is.
async fn said_by(path: PathBuf) -> Beside {
    let child =
        Command::new(&path).arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Beside::Mute(path, error.to_string()),
    };
    let deadline = Instant::now() + PATIENCE;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Beside::Mute(path, "it takes too long".to_owned());
        }
        tokio::time::sleep(LOOK).await;
    }
    match child.wait_with_output() {
        Ok(output) => match String::from_utf8_lossy(&output.stdout).trim().strip_prefix("altaird ") {
            Some(version) => Beside::Version(version.to_owned()),
            None => Beside::Mute(path, format!("it ended without telling ({})", output.status)),
        },
        Err(error) => Beside::Mute(path, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pace: Pace) -> Process {
        Process { pid: 42, name: "altaird".to_owned(), pace }
    }

    fn host() -> Host {
        let socket = Some(PathBuf::from("/run/altair/s-7.sock"));
        Host { kind: HostKind::Daemon, version: OURS.to_owned(), epoch: 7, socket, ..Host::of(42) }
    }

    /// Nobody hosts, and all is in order.
    fn nobody() -> Checkup {
        Checkup {
            around: Surroundings {
                store: PathBuf::from("/store"),
                lock: Lock::Free,
                record: Record::Missing,
                door: None,
                folder: PathBuf::from("/run/altair"),
                privacy: Some(Privacy::Private),
                left: Vec::new(),
                starting: Lock::Free,
                activation: None,
            },
            altaird: Beside::Version(OURS.to_owned()),
            service: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut Surroundings)) -> Checkup {
        let mut checkup = nobody();
        change(&mut checkup.around);
        checkup
    }

    fn hosted_by(host: Host, pace: Pace, door: Door) -> Checkup {
        with(|around| {
            around.lock = Lock::Held(Some(process(pace)));
            around.record = Record::There(host, process(pace));
            around.door = Some(door);
        })
    }

    #[track_caller]
    fn says(checkup: &Checkup, words: &[&str]) {
        let told = checkup.told().join("\n");
        words.iter().for_each(|word| assert!(told.contains(word), "{word:?} in {told:?}"));
    }

    #[track_caller]
    fn is_kept_by(checkup: &Checkup, words: &[&str]) {
        let obstacle = checkup.obstacle().expect("something is in the way");
        let text = format!("{}; {}", obstacle.message, obstacle.hint);
        words.iter().for_each(|word| assert!(text.contains(word), "{word:?} in {text:?}"));
    }

    #[test]
    fn what_is_in_order_is_no_problem() {
        let fine = hosted_by(host(), Pace::Running, Door::Open);
        assert!(fine.can_be_joined());
        assert_eq!(fine.problems(), []);
        assert_eq!(
            fine.told(),
            [format!("A daemon hosts the store (process 42, version {OURS}) and listens at /run/altair/s-7.sock")]
        );
        assert_eq!((nobody().problems(), nobody().obstacle()), (vec![], None));
        assert_eq!(nobody().told(), ["Nobody hosts the store."]);
    }

    #[test]
    fn a_host_json_that_speaks_of_nobody_is_explained() {
        says(
            &with(|around| around.record = Record::Gone(host())),
            &["Nobody hosts", "process 42, which is gone", "replaces"],
        );
        says(&with(|around| around.record = Record::Reused(host())), &["another process has its number"]);
        let elsewhere = Record::Elsewhere(Host { store: PathBuf::from("/other"), ..host() });
        says(&with(|around| around.record = elsewhere), &["/other", "copied or moved"]);
        let there = Record::There(host(), process(Pace::Running));
        says(&with(|around| around.record = there), &["the daemon (process 42) did, and has closed it"]);
        let damaged = with(|around| around.record = Record::Damaged);
        assert_eq!(damaged.problems()[0].at, "host.json");
        assert!(nobody().since(&damaged)[0].repaired);
    }

    #[test]
    fn a_host_that_stands_still_is_named_with_what_lets_it_go_on() {
        let stopped = hosted_by(host(), Pace::Stopped, Door::Open);
        is_kept_by(&stopped, &["process 42", "stopped", "kill -CONT 42"]);
        assert!(stopped.obstacle().unwrap().lasts && !stopped.can_be_joined());
        is_kept_by(&hosted_by(host(), Pace::Traced, Door::Open), &["debugger"]);
        is_kept_by(&hosted_by(host(), Pace::Running, Door::Open), &["process 42", "doesn't answer"]);
        is_kept_by(&hosted_by(Host { socket: None, ..host() }, Pace::Running, Door::None), &["doesn't listen"]);
    }

    #[test]
    fn whatever_is_in_the_place_of_the_socket_is_named() {
        let privacy = Privacy::Open(0o755);
        for (door, words) in [
            (Door::Missing, "is gone"),
            (Door::File, "a file"),
            (Door::Link, "a symbolic link"),
            (Door::Other, "no socket"),
            (Door::Folder, "rm -r /run/altair/s-7.sock"),
            (Door::Deaf, "nobody listens"),
            (Door::Foreign(43), "process 43"),
            (Door::Unreachable("why not".to_owned()), "why not"),
            (Door::Exposed(PathBuf::from("/run/altair"), privacy), "chmod 700 /run/altair"),
        ] {
            let found = hosted_by(host(), Pace::Running, door);
            is_kept_by(&found, &["process 42", words]);
            let problems = found.problems();
            assert!(problems[0].at == "socket" && problems[0].problem.contains(words), "{problems:?}");
            let now = hosted_by(host(), Pace::Running, Door::Open);
            assert!(now.since(&found)[0].repaired && !found.since(&found)[0].repaired);
        }
    }

    #[test]
    fn a_lock_without_a_known_holder_is_explained() {
        let held = |by| with(|around| around.lock = Lock::Held(by));
        is_kept_by(&held(None), &["host.json doesn't name", "fuser /store/host.lock"]);
        is_kept_by(&held(Some(process(Pace::Running))), &["process 42 (altaird)", "kill 42"]);
        is_kept_by(&held(Some(process(Pace::Stopped))), &["kill -CONT 42"]);
        says(&held(None), &["A process that the system doesn't name has the store open"]);
        is_kept_by(&with(|around| around.lock = Lock::Unsupported), &["without locks", "local disk"]);
        is_kept_by(&with(|around| around.lock = Lock::Unreadable("no rights".to_owned())), &["no rights"]);
    }

    #[test]
    fn a_host_of_another_version_is_told_of() {
        let of = |version: &str, kind| {
            hosted_by(Host { version: version.to_owned(), kind, ..host() }, Pace::Running, Door::Open)
        };
        says(&of("0.0.9", HostKind::Daemon), &["older (0.0.9)", "the next command replaces it"]);
        says(&of("0.0.9", HostKind::App), &["The program (process 42) is older", "update it"]);
        says(&of("99.0.0", HostKind::App), &["newer (99.0.0)", "update this one"]);
    }

    #[test]
    fn the_altaird_beside_has_to_fit() {
        let with = |altaird| Checkup { altaird, ..nobody() }.problems().remove(0).problem;
        assert!(with(Beside::Version("0.0.9".to_owned())).contains("of version 0.0.9"));
        assert!(with(Beside::Missing(PathBuf::from("/bin/altaird"))).contains("there is no /bin/altaird"));
        assert!(with(Beside::Mute(PathBuf::from("/bin/altaird"), "it crashed".to_owned())).contains("it crashed"));
    }

    #[test]
    fn what_the_folder_for_sockets_has_is_told_of() {
        let open = with(|around| around.privacy = Some(Privacy::Open(0o777)));
        assert_eq!(open.problems()[0].at, "folder for sockets");
        assert!(open.problems()[0].problem.contains("mode 0777") && open.problems()[0].problem.contains("chmod 700"));
        let left = with(|around| around.left = vec![PathBuf::from("/run/altair/s-6.sock")]);
        assert_eq!(left.problems()[0].at, "/run/altair/s-6.sock");
        let starting = with(|around| around.starting = Lock::Held(Some(process(Pace::Running))));
        says(&starting, &["Process 42 (altaird) is starting a host"]);
        assert!(starting.stuck_start(&starting).unwrap().problem.contains("kill 42"));
        assert_eq!(starting.stuck_start(&nobody()), None);
        let activation = with(|around| around.activation = Some(PathBuf::from("/run/altair/s.sock")));
        says(&activation, &["whoever connects to /run/altair/s.sock"]);
        let service = Checkup { service: vec![PathBuf::from("/units/altaird.socket")], ..nobody() };
        says(&service, &["/units/altaird.socket", "hasn't taken up"]);
    }
}
