//! Whole commands, as a terminal runs them: `altair` beside `true`, which does nothing, and beside other programs that ask a daemon of theirs; the first
//! command, that starts the daemon; an answer after the host was killed; and what a daemon takes that waits.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use altair_bench::measure::{Done, Samples, Side, take_turns};
use altair_bench::notes::Notes;
use altair_bench::process::{Memory, cpu_time};
use altair_bench::report::{Line, Report, Unit};
use altair_bench::{Failure, Outcome};
use altair_core::Altair;
use altair_protocol::EntityId;

use crate::read::all_ids;
use crate::world::Ground;

const NOTES: usize = 10_000;
const TURNS: usize = 60;
/// How many commands a turn runs.
const RUNS: usize = 5;
/// How often a daemon is started, and killed.
const STARTS: usize = 9;
/// For how long a daemon is watched that waits.
const IDLE: Duration = Duration::from_secs(20);

/// What starting `altair` may take beyond `true`, in milliseconds.
const BEYOND_TRUE: f64 = 1.5;
/// What a command should stay below whose daemon is there, in milliseconds.
const WARM: f64 = 5.0;
/// How many times what gpg-connect-agent takes it may take.
const TIMES_GPG: f64 = 1.5;
/// What the first command should stay below, that starts the daemon, in milliseconds.
const FIRST: f64 = 250.0;
/// What the first answer should stay below after the host was killed, in milliseconds.
const FAILOVER: f64 = 500.0;
/// What a daemon should stay below that waits, in MiB: 100 MB.
const REST: f64 = 100e6 / 1_048_576.0;

const TRUE: &str = "true";
const GPG: &str = "gpg-connect-agent /bye";
const TMUX: &str = "tmux list-sessions";

pub(crate) fn measure(ground: &Ground, scratch: &Path, report: &mut Report) -> Outcome {
    let home = Home::make(ground, &scratch.join("commands"))?;
    eprintln!("running commands …");
    warm(&home, report)?;
    idle(&home, report)?;
    eprintln!("starting and killing daemons …");
    first(&home, report)?;
    failover(ground, &home, report)?;
    home.stop()
}

/// A store, the programs that use it, and the daemons of others.
struct Home {
    altair: PathBuf,
    folder: PathBuf,
    note: EntityId,
    gpg: bool,
    tmux: bool,
}

impl Home {
    fn make(ground: &Ground, folder: &Path) -> Outcome<Self> {
        // Beside this program, where `cargo xtask bench` puts them.
        let altair =
            std::env::current_exe()?.with_file_name("..").join(format!("altair{}", std::env::consts::EXE_SUFFIX));
        let altair = altair.canonicalize().map_err(|_| "altair isn't built: cargo build --workspace --bins")?;
        Notes::default().write_vault(&folder.join("vault"), NOTES)?;
        let store = ground.altair(&folder.join("store"))?;
        let (filling, vault) = (store.clone(), folder.join("vault"));
        let ids = ground.run(async move {
            filling.import(&vault, |_| {}).await?;
            all_ids(&filling).await
        })?;
        ground.close(store)?;
        let note = *ids.get(NOTES / 2).ok_or("there are no notes")?;
        let mut home = Self { altair, folder: folder.to_owned(), note, gpg: false, tmux: false };
        std::fs::create_dir_all(home.folder.join("gnupg"))?;
        #[cfg(unix)]
        std::fs::set_permissions(home.folder.join("gnupg"), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        home.gpg = run(&mut home.gpg()).is_ok();
        home.tmux = run(&mut home.tmux(&["new-session", "-d", "sleep", "3600"])).is_ok();
        for (there, program) in [(home.gpg, "gpg-connect-agent"), (home.tmux, "tmux")] {
            if !there {
                eprintln!("{program} isn't here, or doesn't run: nothing is measured beside it.");
            }
        }
        Ok(home)
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn altair(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.altair);
        for name in ["ALTAIR_NO_DAEMON", "ALTAIR_SOCKET", "ALTAIR_INSTANCE", "ALTAIR_GRANT_FD", "ALTAIR_LOG"] {
            command.env_remove(name);
        }
        command.args(arguments).env("ALTAIR_HOME", self.store()).env("ALTAIR_CONFIG", self.folder.join("none.toml"));
        command
    }

    fn show(&self) -> Command {
        self.altair(&["show", &self.note.to_string()])
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg-connect-agent");
        command.arg("/bye").env("GNUPGHOME", self.folder.join("gnupg"));
        command
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-S"]).arg(self.folder.join("tmux")).args(arguments);
        command
    }

    /// The process that hosts the store.
    fn host(&self) -> Outcome<u32> {
        let host = altair_core::host::read_own(&self.store()).ok_or("nobody hosts the store")?;
        Ok(host.pid)
    }

    /// Kills the host, and says when.
    fn kill(&self) -> Outcome<Instant> {
        let pid = self.host()?.to_string();
        let begun = Instant::now();
        run(Command::new("kill").args(["-KILL", &pid]))?;
        Ok(begun)
    }

    fn stop(&self) -> Outcome {
        run(&mut self.altair(&["daemon", "stop"])).map(drop)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.stop();
        if self.tmux {
            let _ = run(&mut self.tmux(&["kill-server"]));
        }
        if self.gpg {
            let kill = ["--kill", "gpg-agent"];
            let _ = run(Command::new("gpgconf").args(kill).env("GNUPGHOME", self.folder.join("gnupg")));
        }
    }
}

/// How long a program runs, from its start to its end.
fn run(command: &mut Command) -> Outcome<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    if status.success() { Ok(took) } else { Err(Failure::from(format!("{command:?} failed: {status}"))) }
}

/// Commands whose daemon is there already.
fn warm(home: &Home, report: &mut Report) -> Outcome {
    run(&mut home.show())?;
    let runs = |command: &dyn Fn() -> Command| (0..RUNS).map(|_| run(&mut command())).collect::<Outcome<Vec<_>>>();
    let mut sides = vec![
        Side::new("altair show", || runs(&|| home.show())),
        Side::new("altair --version", || runs(&|| home.altair(&["--version"]))),
        Side::new(TRUE, || runs(&|| Command::new("true"))),
    ];
    if home.gpg {
        sides.push(Side::new(GPG, || runs(&|| home.gpg())));
    }
    if home.tmux {
        sides.push(Side::new(TMUX, || runs(&|| home.tmux(&["list-sessions"]))));
    }
    let done = take_turns(TURNS, sides)?;
    let [show, version, nothing, peers @ ..] = done.as_slice() else { return Err("nothing ran".into()) };
    let beyond = version.spread.p50 - nothing.spread.p50;
    let line = Line::new("command.start", "starting `altair`, beyond `true`, p50", Unit::Millis, beyond);
    report.lines.push(line.below(BEYOND_TRUE).note("altair", version.spread.p50).note(TRUE, nothing.spread.p50));
    let beside = |line: Line, of: fn(&Done) -> f64| {
        [nothing].into_iter().chain(peers).fold(line, |line, peer| line.beside(peer.name, of(peer)))
    };
    let line = Line::new("command.show", "`altair show` with its daemon there, p50", Unit::Millis, show.spread.p50);
    report.lines.push(beside(line, |done| done.spread.p50).spread(show.spread).below(WARM));
    if let Some(gpg) = peers.iter().find(|peer| peer.name == GPG) {
        let ratios = show.ratios(gpg);
        let line = Line::new("command.show.gpg", "the same, turn by turn", Unit::Millis, show.spread.p50);
        report.lines.push(line.beside(GPG, gpg.spread.p50).at_most_times(TIMES_GPG, GPG, ratios));
    }
    let line = Line::new("command.show.p99", "the same, p99", Unit::Millis, show.spread.p99);
    report.lines.push(beside(line, |done| done.spread.p99));
    Ok(())
}

/// A daemon that has answered, and waits.
fn idle(home: &Home, report: &mut Report) -> Outcome {
    let host = home.host()?;
    let (Some(memory), Some(before)) = (Memory::of(host), cpu_time(host)) else {
        eprintln!("This system doesn't tell what a process takes (there is no /proc): the idle daemon isn't measured.");
        return Ok(());
    };
    eprintln!("letting the daemon wait …");
    sleep(IDLE);
    let after = cpu_time(host).ok_or("the daemon has ended")?;
    let rest = Memory::of(host).ok_or("the daemon has ended")?;
    let what = format!("a daemon that waits, {NOTES} notes");
    let line = Line::new("daemon.memory", what, Unit::Mebibytes, rest.resident);
    report.lines.push(
        line.below(REST).note("at_rest", serde_json::to_value(rest)?).note("before", serde_json::to_value(memory)?),
    );
    let busy = (after.saturating_sub(before)).as_secs_f64() / IDLE.as_secs_f64() * 1000.0;
    let line = Line::new("daemon.cpu", "processor time it takes, in a second", Unit::Millis, busy);
    report.lines.push(line.below(1.0).note("seconds", IDLE.as_secs()));
    Ok(())
}

/// Commands that have to start the daemon.
fn first(home: &Home, report: &mut Report) -> Outcome {
    let (mut stopped, mut killed, mut gpg) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..STARTS {
        home.stop()?;
        stopped.push(run(&mut home.show())?);
        home.kill()?;
        killed.push(run(&mut home.show())?);
        if home.gpg {
            run(Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("GNUPGHOME", home.folder.join("gnupg")))?;
            gpg.push(run(&mut home.gpg())?);
        }
    }
    for (id, what, samples) in [
        ("first", format!("the first command, {NOTES} notes, p50"), stopped),
        ("after_kill", "the next command after the daemon was killed, p50".to_owned(), killed),
    ] {
        let spread = samples.spread();
        let mut line = Line::new(format!("command.{id}"), what, Unit::Millis, spread.p50).spread(spread).below(FIRST);
        if home.gpg {
            line = line.beside("gpg-connect-agent, starting gpg-agent", gpg.spread().p50);
        }
        report.lines.push(line);
    }
    Ok(())
}

/// A program that has joined, whose host is killed.
fn failover(ground: &Ground, home: &Home, report: &mut Report) -> Outcome {
    let mut samples = Samples::default();
    for _ in 0..STARTS {
        run(&mut home.altair(&["daemon", "start"]))?;
        let guest = ground.altair(&home.store())?;
        let get = |guest: &Altair| {
            let (guest, note) = (guest.clone(), home.note);
            ground.run(async move { Ok(guest.get(note).await?) })
        };
        get(&guest)?;
        if !guest.is_guest() {
            return Err("the daemon was to host the store".into());
        }
        let begun = home.kill()?;
        get(&guest)?;
        samples.push(begun.elapsed());
        ground.close(guest)?;
    }
    let spread = samples.spread();
    let what = format!("a guest's next answer after its host was killed, {NOTES} notes, p50");
    let line = Line::new("failover", what, Unit::Millis, spread.p50).spread(spread).below(FAILOVER);
    report.lines.push(line.note("most", spread.max));
    Ok(())
}
