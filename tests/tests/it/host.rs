//! One store, many processes: daemons that are started, killed, stopped and replaced while commands and programs use the store.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use altair_tests::{DEADLINE, Home, Run, error_of, lines, lines_of, run, skip, try_run, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

mod doctor;
mod grants;
mod kills;

/// A home whose daemon ends with it.
struct Hosted(Home);

impl std::ops::Deref for Hosted {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl Hosted {
    fn new() -> Self {
        Self(Home::new())
    }

    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> Run {
        run(&mut self.joining(arguments), b"")
    }

    #[track_caller]
    fn answer(&self, arguments: &[&str]) -> Value {
        let run = self.ask(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
        lines_of(&run).remove(0)
    }

    fn status(&self) -> Value {
        let run = self.ask(&["daemon", "status"]);
        assert!(matches!(run.code, Some(0 | 3)), "{}", run.stderr);
        lines_of(&run).remove(0)
    }

    /// The daemon's process.
    fn pid(&self) -> Pid {
        let status = self.status();
        Pid::from_raw(status["pid"].as_i64().expect("a daemon runs") as i32).unwrap()
    }

    fn signal(&self, signal: Signal) -> Pid {
        let pid = self.pid();
        kill_process(pid, signal).unwrap();
        pid
    }

    /// All captures' texts.
    fn texts(&self) -> Vec<String> {
        let list = self.ask(&["list", "capture", "--limit", "1000"]);
        assert_eq!(list.code, Some(0), "{}", list.stderr);
        lines_of(&list).iter().filter_map(|line| line["text"].as_str().map(str::to_owned)).collect()
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let text = fs::read(self.store().join("host.json")).unwrap_or_default();
        let host: Value = serde_json::from_slice(&text).unwrap_or_default();
        let pid = host["pid"].as_i64().filter(|_| host["kind"] == "daemon").and_then(|pid| Pid::from_raw(pid as i32));
        // Unless it is gone, and its number another's.
        if let Some(pid) = pid.filter(|_| daemons(self) > 0) {
            let _ = kill_process(pid, Signal::CONT);
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

fn is_gone(pid: Pid) -> bool {
    // A zombie is gone: nobody has waited for it yet.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// The daemons that run for a store.
fn daemons(home: &Home) -> usize {
    let store = home.store().to_string_lossy().into_owned();
    let is_one = |entry: &fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.next().is_some_and(|program| program.ends_with(b"altaird")) && words.any(|word| word == store.as_bytes())
    };
    fs::read_dir("/proc").unwrap().flatten().filter(is_one).count()
}

#[test]
fn a_command_starts_a_daemon_and_the_next_joins_it() {
    let home = Hosted::new();
    assert_eq!(home.ask(&["daemon", "status"]).code, Some(3));
    assert_eq!(
        home.status(),
        json!({
            "running": false, "pid": null, "version": null, "protocol": null, "epoch": null, "socket": null,
            "store": home.store(), "uptime_s": null, "clients": null
        })
    );
    let made = home.answer(&["capture", "by the daemon"]);
    let first = home.status();
    assert_eq!((&first["running"], &first["protocol"], &first["epoch"]), (&json!(true), &json!(1), &json!(1)));
    assert_eq!(home.answer(&["show", made["id"].as_str().unwrap()])["text"], "by the daemon");
    assert_eq!(home.status()["pid"], first["pid"]);
    let status = home.answer(&["status"]);
    assert_eq!((&status["host"]["role"], &status["host"]["pid"]), (&json!("guest"), &first["pid"]));
    // Whoever never starts a daemon joins one that runs.
    assert_eq!(home.json(["status"])["host"]["pid"], first["pid"]);
    let pid = home.pid();
    assert_eq!(home.answer(&["shutdown"])["stopped"], first["pid"]);
    wait_until("the daemon to end", || is_gone(pid));
    assert_eq!(home.ask(&["daemon", "status"]).code, Some(3));
    assert_eq!(home.answer(&["daemon", "start"])["epoch"], 2);
    assert_eq!(home.answer(&["daemon", "restart"])["epoch"], 3);
    let log = home.ask(&["daemon", "logs"]);
    assert!(String::from_utf8_lossy(&log.stdout).contains("the store is open"), "the log says what happened");
}

#[test]
fn without_a_daemon_nothing_stays() {
    let home = Home::new();
    home.json(["capture", "alone"]);
    assert_eq!(daemons(&home), 0);
    assert_eq!(home.run(["daemon", "status"]).code, Some(3));
}

#[test]
fn twenty_commands_at_once_start_one_daemon() {
    let home = Hosted::new();
    let children: Vec<Child> = (0..20)
        .map(|n| {
            let mut command = home.joining(["capture".to_owned(), format!("thought number {n}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let mut answered = HashSet::new();
    for (n, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "number {n}: {}", String::from_utf8_lossy(&output.stderr));
        let entity: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(entity["text"], format!("thought number {n}"));
        answered.insert(entity["id"].to_string());
    }
    assert_eq!(answered.len(), 20);
    assert_eq!(home.texts().len(), 20);
    assert_eq!((home.status()["epoch"].as_u64(), daemons(&home)), (Some(1), 1));
}

#[test]
fn a_pipeline_that_started_a_daemon_ends() {
    let home = Hosted::new();
    // The shell hands the daemon's starter a pipe as its output, and one more descriptor: both end only when all who have them do.
    let altair = altair_tests::altair().display().to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("(exec 9>&1; '{altair}' capture piped --json) | cat")]);
    shell.env("ALTAIR_HOME", home.store()).env_remove("ALTAIR_NO_DAEMON");
    let run = run(&mut shell, b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(lines_of(&run)[0]["text"], "piped");
    assert_eq!(home.status()["running"], true);
}

#[test]
fn a_watch_sees_what_others_do_and_outlives_its_host() {
    let home = Hosted::new();
    home.answer(&["capture", "before"]);
    let watching = || {
        let mut watch = home.joining(["watch", "capture"]).stdout(Stdio::piped()).spawn().unwrap();
        let seen = lines(watch.stdout.take().unwrap());
        (watch, seen)
    };
    let mut watches = [watching(), watching()];
    wait_until("both to watch", || home.status()["clients"].as_u64() >= Some(3));
    let mut expected = Vec::new();
    for n in 0..12 {
        if n % 4 == 3 {
            home.signal(Signal::KILL);
        }
        expected.push(home.answer(&["capture", &format!("number {n}")])["id"].as_str().unwrap().to_owned());
    }
    for (watch, seen) in &mut watches {
        let mut ids = Vec::new();
        while ids.len() < expected.len() {
            let line = seen.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("seen only {ids:?} of {expected:?}"));
            let event: Value = serde_json::from_str(&line).unwrap();
            ids.push(event["entity"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids, expected, "each once, in order");
        watch.kill().unwrap();
        watch.wait().unwrap();
    }
}

#[test]
fn a_daemon_that_stands_still_is_reported_and_is_welcome_back() {
    let home = Hosted::new();
    home.answer(&["capture", "before"]);
    let pid = home.signal(Signal::STOP);
    let run = home.ask(&["capture", "while it stood still"]);
    let error = error_of(&run, 5);
    assert_eq!(error["kind"], "locked");
    assert!(error["message"].as_str().unwrap().contains(&pid.as_raw_nonzero().to_string()), "{error}");
    assert!(run.took > Duration::from_secs(4) && run.took < Duration::from_secs(7), "it took {:?}", run.took);
    kill_process(pid, Signal::CONT).unwrap();
    home.answer(&["capture", "after"]);
    assert_eq!(home.pid(), pid, "it wasn't robbed");
    assert_eq!(home.texts().len(), 2, "what was reported as failed wasn't taken");
}

#[test]
fn whatever_stands_where_the_socket_was_is_left_alone() {
    let home = Hosted::new();
    home.answer(&["capture", "before"]);
    let place = |what: usize, socket: &PathBuf| -> Option<UnixListener> {
        match what {
            0 => fs::write(socket, "a file").unwrap(),
            1 => fs::create_dir(socket).unwrap(),
            2 => std::os::unix::fs::symlink("/dev/null", socket).unwrap(),
            3 => std::os::unix::fs::symlink(home.path("nowhere"), socket).unwrap(),
            // Somebody who listens and says nothing, and one who says the wrong thing.
            _ => return Some(UnixListener::bind(socket).unwrap()),
        }
        None
    };
    for what in 0..5 {
        let socket = PathBuf::from(home.status()["socket"].as_str().unwrap());
        let pid = home.signal(Signal::KILL);
        wait_until("the daemon to die", || is_gone(pid));
        let _ = fs::remove_file(&socket);
        let listener = place(what, &socket);
        let answering = listener.map(|listener| {
            std::thread::spawn(move || {
                // The command that meets it, twice at most: once for the probe, once with the lock.
                listener.set_nonblocking(true).unwrap();
                let deadline = Instant::now() + Duration::from_secs(10);
                while Instant::now() < deadline {
                    if let Ok((mut stream, _)) = listener.accept() {
                        let _ = stream.write_all(b"220 mail.example.org ESMTP\r\n");
                        return;
                    }
                    std::thread::yield_now();
                }
            })
        });
        assert_eq!(home.texts().len(), 1, "number {what}");
        if let Some(answering) = answering {
            answering.join().unwrap();
        }
        let _ = fs::remove_file(&socket);
        let _ = fs::remove_dir(&socket);
    }
}

#[test]
fn a_folder_for_sockets_that_is_not_ours_alone_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Hosted::new();
    let runtime = home.path("run");
    fs::create_dir_all(runtime.join("altair")).unwrap();
    fs::set_permissions(runtime.join("altair"), fs::Permissions::from_mode(0o777)).unwrap();
    let run = run(home.joining(["capture", "x"]).env("XDG_RUNTIME_DIR", &runtime), b"");
    let error = error_of(&run, 5);
    assert!(error["message"].as_str().unwrap().contains("altair"), "{error}");
    let mode = fs::metadata(runtime.join("altair")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o777, "it wasn't changed");
}

#[test]
fn a_long_path_makes_no_socket_too_long() {
    let home = Hosted(Home::new());
    let store = home.path(&"long ".repeat(40)).join("höme").join("store");
    let ask = |arguments: &[&str]| {
        run(home.joining(arguments).env("ALTAIR_HOME", &store).env("XDG_RUNTIME_DIR", home.path(&"r".repeat(150))), b"")
    };
    fs::create_dir(home.path(&"r".repeat(150))).unwrap();
    assert_eq!(ask(&["capture", "deep down"]).code, Some(0));
    assert_eq!(lines_of(&ask(&["inbox"])).len(), 2);
    assert_eq!(ask(&["daemon", "stop"]).code, Some(0));
}

#[test]
fn a_daemon_whose_store_is_gone_ends() {
    let home = Hosted::new();
    home.answer(&["capture", "before"]);
    let pid = home.pid();
    fs::rename(home.store(), home.path("moved")).unwrap();
    wait_until("the daemon to end", || is_gone(pid));
    home.answer(&["capture", "in a new store"]);
    assert_eq!(home.texts(), ["in a new store"]);
    let moved = run(&mut home.command_on(&home.path("moved"), ["inbox"]), b"");
    assert_eq!(lines_of(&moved).len(), 2, "{}", moved.stderr);
}

/// A host of another version, as far as a guest can tell: it greets, and goes when it is asked to.
fn other_version(home: &Home, version: &str, kind: &str, protocol: (u32, u32)) -> std::thread::JoinHandle<bool> {
    fs::create_dir_all(home.store()).unwrap();
    let lock = fs::File::create(home.store().join("host.lock")).unwrap();
    lock.lock().unwrap();
    let socket = home.folder().canonicalize().unwrap().join("other.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let host = json!({
        "pid": std::process::id(), "started": 0, "store": home.store().canonicalize().unwrap(), "epoch": 7, "kind": kind,
        "version": version, "protocol": {"min": protocol.0, "max": protocol.1}, "socket": socket
    });
    fs::write(home.store().join("host.json"), host.to_string()).unwrap();
    std::thread::spawn(move || {
        let _lock = lock;
        // Whether it was asked to go.
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|n| n > 0) {
                let request: Value = serde_json::from_str(&line).unwrap();
                line.clear();
                let answer = match request["method"].as_str().unwrap() {
                    "hello" if protocol.0 > 1 => {
                        json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32002, "message":
                        "the store is open in a program of a newer version", "data": {"kind": "unsupported", "hint": "update"}}})
                    }
                    "hello" => json!({"jsonrpc": "2.0", "id": request["id"], "result": {"protocol": 1, "host": host}}),
                    "shutdown" => {
                        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {}});
                        let _ = writeln!(stream.get_mut(), "{answer}");
                        return true;
                    }
                    _ => return false,
                };
                if writeln!(stream.get_mut(), "{answer}").is_err() {
                    break;
                }
            }
        }
        false
    })
}

#[test]
fn an_older_daemon_gives_way_and_an_app_doesnt() {
    let home = Hosted::new();
    fs::set_permissions(home.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let older = other_version(&home, "0.0.9", "daemon", (1, 1));
    home.answer(&["capture", "by the newer one"]);
    assert!(older.join().unwrap(), "it was asked to go");
    assert_eq!(home.status()["epoch"], 8);

    let home = Hosted::new();
    fs::set_permissions(home.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let app = other_version(&home, "0.0.9", "app", (1, 1));
    // It is asked what the command wants, and never to go.
    let _ = home.ask(&["capture", "x"]);
    assert!(!app.join().unwrap());
}

#[test]
fn a_host_of_another_protocol_is_left_alone_and_named() {
    let home = Hosted::new();
    fs::set_permissions(home.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let _newer = other_version(&home, "9.0.0", "app", (2, 3));
    let error = error_of(&home.ask(&["capture", "x"]), 5);
    assert_eq!(error["kind"], "unsupported");
}

#[test]
fn a_process_without_descriptors_says_so() {
    let home = Hosted::new();
    let altair = altair_tests::altair().display().to_string();
    for most in [8, 12, 16, 24, 32, 48, 64] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {most}; exec '{altair}' --json capture 'with {most} files'")]);
        shell.env("ALTAIR_HOME", home.store()).env_remove("ALTAIR_NO_DAEMON");
        let run = try_run(&mut shell, b"", DEADLINE).unwrap();
        if run.code != Some(0) {
            error_of(&run, run.code.unwrap());
        }
        // The daemon that it started has as few.
        let _ = home.ask(&["daemon", "stop"]);
    }
    home.answer(&["capture", "with as many as it takes"]);
    assert_eq!(home.texts()[0], "with as many as it takes");
}

#[test]
fn systemd_starts_the_daemon_for_whoever_connects() {
    let home = Hosted::new();
    let config = home.path("config");
    let install = |what: &str| {
        let mut command = home.joining(["daemon", what]);
        // There may be no session of systemd's to take it up: the files are written, and that is said.
        run(command.env("XDG_CONFIG_HOME", &config).env("XDG_RUNTIME_DIR", home.path("run")), b"")
    };
    fs::create_dir(home.path("run")).unwrap();
    fs::create_dir(home.store()).unwrap();
    let installed = install("install");
    assert!(matches!(installed.code, Some(0 | 1)), "{}", installed.stderr);
    let installed = &lines_of(&installed)[0];
    let files: Vec<PathBuf> =
        installed["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().into()).collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.starts_with(&config) && file.is_file()), "{files:?}");
    for tool in ["systemd-analyze", "systemd-socket-activate"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return skip(format_args!("there is no {tool} (Debian: systemd)"));
        }
    }
    // What systemd thinks of them.
    let verified = Command::new("systemd-analyze").args(["--user", "verify"]).args(&files).output().unwrap();
    let complaints = String::from_utf8_lossy(&verified.stderr);
    assert!(!complaints.contains("altaird-"), "{complaints}");
    // And a daemon that is started over the socket that stands in them, by systemd's own tool for that.
    let socket = fs::read_to_string(&files[0]).unwrap();
    let socket = socket.lines().find_map(|line| line.strip_prefix("ListenStream=%t")).unwrap();
    let socket = home.path("run").join(socket.trim_start_matches('/'));
    fs::DirBuilder::new().mode(0o700).create(socket.parent().unwrap()).unwrap();
    let mut activator = Command::new("systemd-socket-activate")
        .arg("--listen")
        .arg(&socket)
        .arg(altair_tests::altair().with_file_name("altaird"))
        .arg("--store")
        .arg(home.store())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the socket", || socket.exists());
    let ask = |arguments: &[&str]| run(home.joining(arguments).env("XDG_RUNTIME_DIR", home.path("run")), b"");
    let made = ask(&["capture", "by a daemon that was waited for"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let status = &lines_of(&ask(&["daemon", "status"]))[0];
    assert_eq!((&status["socket"], &status["pid"]), (&json!(socket), &json!(activator.id())));
    assert_eq!(ask(&["daemon", "stop"]).code, Some(0));
    assert!(activator.wait().unwrap().success());
    assert!(socket.exists(), "the socket is its giver's");
    let taken_back = install("uninstall");
    assert!(matches!(taken_back.code, Some(0 | 1)), "{}", taken_back.stderr);
    assert!(files.iter().all(|file| !file.exists()));
}

#[test]
fn another_user_is_not_let_in() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let home = Hosted::new();
    home.answer(&["capture", "nobody's business"]);
    if !rustix::process::geteuid().is_root() {
        return skip("only root can be another user");
    }
    fs::set_permissions(home.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["altair", "altaird"] {
        fs::copy(altair_tests::altair().with_file_name(name), home.path(name)).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let socket = home.status()["socket"].as_str().unwrap().to_owned();
    let as_nobody = |name: &str, value: &str| {
        let mut command = Command::new(home.path("altair"));
        command.args(["--json", "inbox"]).env_clear().env(name, value).uid(65534).gid(65534).current_dir("/");
        error_of(&run(&mut command, b""), 5)
    };
    as_nobody("ALTAIR_HOME", home.store().to_str().unwrap());
    as_nobody("ALTAIR_SOCKET", &socket);
    assert_eq!(home.texts().len(), 1);
}

#[test]
fn an_idle_daemon_ends_when_it_is_told_to() {
    let home = Hosted::new();
    let config = home.path("config.toml");
    fs::write(&config, "[daemon]\nidle_minutes = 0\n").unwrap();
    let mut command = home.joining(["capture", "and then nothing"]);
    assert_eq!(run(command.env("ALTAIR_CONFIG", &config), b"").code, Some(0));
    wait_until("the daemon to end", || daemons(&home) == 0);
    assert_eq!(home.texts(), ["and then nothing"]);
}

#[test]
fn a_host_whose_socket_is_taken_away_makes_another() {
    let home = Hosted::new();
    home.answer(&["capture", "before"]);
    let status = home.status();
    fs::remove_file(status["socket"].as_str().unwrap()).unwrap();
    wait_until("the socket to come back", || fs::exists(status["socket"].as_str().unwrap()).unwrap());
    assert_eq!(home.status()["pid"], status["pid"]);
}

#[test]
fn an_instance_is_named_or_belongs_to_a_folder() {
    let home = Home::new();
    let data = home.path("data");
    let ask = |instance: &str, arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env_remove("ALTAIR_HOME").env("XDG_DATA_HOME", &data).env("ALTAIR_INSTANCE", instance);
        run(&mut command, b"")
    };
    assert_eq!(ask("work", &["capture", "at work"]).code, Some(0));
    assert_eq!(ask(".", &["capture", "here"]).code, Some(0));
    assert_eq!(lines_of(&ask("work", &["inbox"]))[0]["text"], "at work");
    assert_eq!(lines_of(&ask("./", &["inbox"]))[0]["text"], "here");
    for wrong in ["no such/folder", "a b", "\u{1}"] {
        error_of(&ask(wrong, &["inbox"]), 2);
    }
}
