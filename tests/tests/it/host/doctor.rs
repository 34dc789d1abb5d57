//! What the doctor says of the processes around a store, and what `daemon status` and `stop` say without starting any.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use altair_core::host::mark;
use altair_tests::{Run, error_of, lines_of, run, skip, wait_until};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use super::{Hosted, daemons, is_gone, other_version};

impl Hosted {
    /// What the doctor tells people, and what it answers programs.
    fn doctor(&self) -> Run {
        let mut command = Command::new(altair_tests::altair());
        command.arg("doctor").current_dir(self.folder()).env("ALTAIR_HOME", self.store()).env("ALTAIR_NO_DAEMON", "1");
        run(command.env("XDG_RUNTIME_DIR", self.runtime()).env_remove("ALTAIR_LOG"), b"")
    }

    fn diagnosis(&self, exit: i32) -> Value {
        let run = self.alone(&["doctor"]);
        assert_eq!(run.code, Some(exit), "{}", run.stderr);
        let diagnosis = lines_of(&run).remove(0);
        let keys: Vec<_> = diagnosis.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["health", "entities", "changes", "blobs", "problems"]);
        diagnosis
    }

    /// A folder for sockets that no other test has.
    fn runtime(&self) -> PathBuf {
        let runtime = self.path("run");
        let _ = fs::DirBuilder::new().mode(0o700).create(&runtime);
        runtime
    }

    fn sockets(&self) -> PathBuf {
        let sockets = self.runtime().join("altair");
        let _ = fs::DirBuilder::new().mode(0o700).create(&sockets);
        sockets
    }

    #[track_caller]
    fn alone(&self, arguments: &[&str]) -> Run {
        run(self.joining(arguments).env("XDG_RUNTIME_DIR", self.runtime()), b"")
    }

    /// The daemon's `host.json`, after a command that started one.
    fn daemon(&self) -> Value {
        let made = self.alone(&["capture", "something"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        self.record()
    }

    /// Ends the daemon, process and all.
    fn end_daemon(&self) {
        let pid = pid_of(&self.record());
        assert_eq!(self.alone(&["daemon", "stop"]).code, Some(0));
        wait_until("the daemon to end", || is_gone(pid));
    }

    fn record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.store().join("host.json")).unwrap()).unwrap()
    }

    fn set_record(&self, key: &str, value: Value) {
        let mut record = self.record();
        record[key] = value;
        fs::write(self.store().join("host.json"), record.to_string()).unwrap();
    }
}

fn socket_of(record: &Value) -> PathBuf {
    PathBuf::from(record["socket"].as_str().unwrap())
}

fn pid_of(record: &Value) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(record["pid"].as_i64().unwrap() as i32).unwrap()
}

/// Puts something else where a socket was.
fn place(what: &str, socket: &Path) {
    match what {
        "a file" => fs::write(socket, "").unwrap(),
        "a folder" => fs::create_dir(socket).unwrap(),
        "a symbolic link" => std::os::unix::fs::symlink("/dev/null", socket).unwrap(),
        _ => {}
    }
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} isn't in {text:?}"));
}

#[test]
fn who_hosts_is_told_and_that_nobody_does() {
    let home = Hosted::new();
    let doctor = home.doctor();
    assert_eq!(doctor.code, Some(0), "{}", doctor.stderr);
    says(&doctor.stderr, &["Nobody hosts the store."]);
    let record = home.daemon();
    let doctor = home.doctor();
    assert_eq!(doctor.code, Some(0), "{}", doctor.stderr);
    says(&doctor.stderr, &["A daemon hosts", &record["pid"].to_string(), record["socket"].as_str().unwrap()]);
    assert_eq!(home.diagnosis(0)["problems"], json!([]));
    home.end_daemon();
    let doctor = home.doctor();
    says(&doctor.stderr, &[&format!("process {}, which is gone", record["pid"])]);
    assert!(!String::from_utf8_lossy(&doctor.stdout).contains("remains"));
}

#[test]
fn a_stopped_host_is_named_at_once_and_left_as_it_is() {
    let home = Hosted::new();
    let record = home.daemon();
    let (pid, number) = (pid_of(&record), record["pid"].to_string());
    kill_process(pid, Signal::STOP).unwrap();
    let error = error_of(&home.alone(&["doctor"]), 5);
    assert_eq!(error["kind"], "locked");
    says(error["message"].as_str().unwrap(), &[&number, "stopped"]);
    says(error["hint"].as_str().unwrap(), &[&format!("kill -CONT {number}")]);
    // What stands where its socket was is named as well: it can't put that right.
    let socket = socket_of(&record);
    for what in ["a file", "a folder", "a symbolic link", "is gone"] {
        let _ = fs::remove_file(&socket).or_else(|_| fs::remove_dir(&socket));
        place(what, &socket);
        let doctor = home.doctor();
        assert_eq!(doctor.code, Some(5), "{}", doctor.stderr);
        says(&doctor.stderr, &["is stopped", what, socket.to_str().unwrap()]);
    }
    let _foreign = UnixListener::bind(&socket).unwrap();
    let doctor = home.doctor();
    assert_eq!(doctor.code, Some(5), "{}", doctor.stderr);
    says(&doctor.stderr, &["is stopped", &format!("process {} listens in", std::process::id())]);
    kill_process(pid, Signal::CONT).unwrap();
    // It listens anew.
    wait_until("the host to be well", || home.alone(&["doctor"]).code == Some(0));
    assert_eq!(home.record()["pid"], record["pid"]);
}

#[test]
fn a_host_whose_socket_was_replaced_listens_anew_and_that_is_told() {
    for what in ["a file", "a symbolic link", "is gone"] {
        let home = Hosted::new();
        let socket = socket_of(&home.daemon());
        fs::remove_file(&socket).unwrap();
        place(what, &socket);
        // It may have been quicker than the doctor.
        for problem in home.diagnosis(0)["problems"].as_array().unwrap() {
            assert_eq!((&problem["at"], &problem["repaired"]), (&json!("socket"), &json!(true)), "{problem}");
            says(problem["problem"].as_str().unwrap(), &[what]);
        }
    }
}

#[test]
fn a_folder_in_the_place_of_the_socket_has_to_be_removed() {
    let home = Hosted::new();
    let record = home.daemon();
    let socket = socket_of(&record);
    fs::remove_file(&socket).unwrap();
    fs::create_dir(&socket).unwrap();
    let error = error_of(&home.alone(&["doctor"]), 5);
    says(error["message"].as_str().unwrap(), &[&record["pid"].to_string(), "folder", socket.to_str().unwrap()]);
    fs::remove_dir(&socket).unwrap();
    wait_until("the host to be well", || home.alone(&["doctor"]).code == Some(0));
    assert_eq!(home.record()["pid"], record["pid"]);
}

#[test]
fn what_a_killed_host_left_is_cleared() {
    let home = Hosted::new();
    let record = home.daemon();
    kill_process(pid_of(&record), Signal::KILL).unwrap();
    wait_until("the daemon to die", || is_gone(pid_of(&record)));
    let socket = socket_of(&record);
    assert!(socket.exists());
    let doctor = home.doctor();
    assert_eq!(doctor.code, Some(0), "{}", doctor.stderr);
    says(&doctor.stderr, &["Nobody hosts", &format!("process {}, which is gone", record["pid"])]);
    says(&String::from_utf8_lossy(&doctor.stdout), &["repaired", socket.to_str().unwrap()]);
    assert!(!socket.exists());
    // Beside a host that is there, too.
    let record = home.daemon();
    let earlier = home.sockets().join(format!("{}-1.sock", mark(home.store())));
    drop(UnixListener::bind(&earlier).unwrap());
    let problem = json!([{"at": earlier, "problem": "the socket of a host that was killed, or went without taking it away", "repaired": true}]);
    assert_eq!(home.diagnosis(0)["problems"], problem);
    assert!(!earlier.exists() && socket_of(&record).exists());
}

#[test]
fn a_host_json_of_another_process_or_another_folder_misleads_nobody() {
    let home = Hosted::new();
    home.daemon();
    home.end_daemon();
    // This test's own number, and another beginning.
    home.set_record("pid", json!(std::process::id()));
    home.set_record("started", json!(1));
    home.set_record("kind", json!("app"));
    says(&home.doctor().stderr, &["Nobody hosts", "another process has its number"]);
    home.set_record("store", json!("/elsewhere"));
    says(&home.doctor().stderr, &["Nobody hosts", "/elsewhere", "copied or moved"]);
    fs::write(home.store().join("host.json"), "{").unwrap();
    let problem = json!([{"at": "host.json", "problem": "it can't be read", "repaired": true}]);
    assert_eq!(home.diagnosis(0)["problems"], problem);
    assert_eq!(home.alone(&["daemon", "status"]).code, Some(3));
}

#[test]
fn a_lock_whose_holder_says_nothing_is_explained() {
    let home = Hosted::new();
    home.daemon();
    home.end_daemon();
    let lock = File::open(home.store().join("host.lock")).unwrap();
    lock.lock().unwrap();
    let status = home.alone(&["daemon", "status"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert_eq!((&lines_of(&status)[0]["running"], &lines_of(&status)[0]["pid"]), (&json!(true), &Value::Null));
    let error = error_of(&home.alone(&["doctor"]), 5);
    assert_eq!(error["kind"], "locked");
    says(error["message"].as_str().unwrap(), &["host.json does"]);
    // Linux lists who has which lock, except on some file systems.
    if !error["hint"].as_str().unwrap().contains("fuser") {
        says(error["message"].as_str().unwrap(), &[&std::process::id().to_string()]);
    }
    drop(lock);
    home.diagnosis(0);
}

#[test]
fn a_folder_for_sockets_that_others_may_enter_is_a_problem_and_left_as_it_is() {
    let home = Hosted::new();
    fs::set_permissions(home.sockets(), fs::Permissions::from_mode(0o777)).unwrap();
    let diagnosis = home.diagnosis(1);
    assert_eq!(diagnosis["health"], "hindered");
    let problem = &diagnosis["problems"][0];
    assert_eq!((&problem["at"], &problem["repaired"]), (&json!("folder for sockets"), &json!(false)));
    says(problem["problem"].as_str().unwrap(), &["mode 0777", "chmod 700"]);
    assert_eq!(fs::metadata(home.sockets()).unwrap().permissions().mode() & 0o777, 0o777, "it wasn't changed");
    fs::set_permissions(home.sockets(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.diagnosis(0)["health"], "ok");
    // A host that listens in one that was private when it began.
    let record = home.daemon();
    fs::set_permissions(home.sockets(), fs::Permissions::from_mode(0o755)).unwrap();
    let error = error_of(&home.alone(&["doctor"]), 5);
    says(error["message"].as_str().unwrap(), &[&record["pid"].to_string(), "mode 0755"]);
    says(error["hint"].as_str().unwrap(), &["chmod 700"]);
    fs::set_permissions(home.sockets(), fs::Permissions::from_mode(0o700)).unwrap();
    home.diagnosis(0);
}

#[test]
fn who_starts_a_host_for_too_long_is_told_of_and_the_store_is_checked() {
    let home = Hosted::new();
    let lock = File::create(home.sockets().join(format!("{}.spawn", &mark(&home.made())[..2]))).unwrap();
    lock.lock().unwrap();
    let diagnosis = home.diagnosis(1);
    assert_eq!(
        (&diagnosis["health"], &diagnosis["problems"][0]["at"]),
        (&json!("hindered"), &json!("starting a host"))
    );
    drop(lock);
    assert_eq!(home.diagnosis(0)["health"], "ok");
}

#[test]
fn an_older_and_a_newer_host_are_told_of() {
    for (version, word) in [("0.0.9", "older"), ("99.0.0", "newer")] {
        let home = Hosted::new();
        fs::set_permissions(home.folder(), fs::Permissions::from_mode(0o700)).unwrap();
        let host = other_version(&home, version, "daemon", (1, 1));
        // It is no real one, and ends over the doctor's question.
        says(&home.doctor().stderr, &["A daemon hosts", word, version]);
        assert!(!host.join().unwrap(), "it wasn't asked to go");
    }
    let home = Hosted::new();
    fs::set_permissions(home.folder(), fs::Permissions::from_mode(0o700)).unwrap();
    let _host = other_version(&home, "99.0.0", "app", (2, 3));
    assert_eq!(error_of(&home.alone(&["doctor"]), 5)["kind"], "unsupported");
}

#[test]
fn an_altaird_that_is_missing_or_another_is_a_problem() {
    let home = Hosted::new();
    home.daemon();
    let altair = home.path("altair");
    fs::copy(altair_tests::altair(), &altair).unwrap();
    let diagnose = || {
        let mut command = Command::new(&altair);
        command.args(["--json", "doctor"]).env("ALTAIR_HOME", home.store()).env("XDG_RUNTIME_DIR", home.runtime());
        let run = run(&mut command, b"");
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        let diagnosis = lines_of(&run).remove(0);
        assert_eq!((&diagnosis["health"], &diagnosis["problems"][0]["at"]), (&json!("hindered"), &json!("altaird")));
        diagnosis["problems"][0]["problem"].as_str().unwrap().to_owned()
    };
    says(&diagnose(), &["there is no", home.path("altaird").to_str().unwrap()]);
    fs::write(home.path("altaird"), "#!/bin/sh\necho altaird 0.0.9\n").unwrap();
    fs::set_permissions(home.path("altaird"), fs::Permissions::from_mode(0o755)).unwrap();
    // Another test's child may have had it open for a moment while it was written.
    wait_until("it to be asked", || diagnose().contains("of version 0.0.9"));
}

/// A socket from which the system would start a host. Whoever connects to it is found out.
#[test]
fn asking_who_hosts_and_stopping_start_nobody() {
    let home = Hosted::new();
    let activation = home.sockets().join(format!("{}.sock", mark(&home.made())));
    let listener = UnixListener::bind(&activation).unwrap();
    listener.set_nonblocking(true).unwrap();
    let ask_all = || {
        assert_eq!(home.alone(&["daemon", "status"]).code, Some(3));
        assert_eq!(lines_of(&home.alone(&["daemon", "stop"]))[0], json!({"stopped": null}));
        assert_eq!(lines_of(&home.alone(&["shutdown"]))[0], json!({"stopped": null}));
        assert!(listener.accept().is_err(), "somebody connected");
    };
    ask_all();
    // Nor where the last host was one that the system had started.
    let host = json!({"pid": std::process::id(), "started": 1, "store": home.made(), "epoch": 7, "kind": "app", "socket": activation});
    fs::write(home.store().join("host.json"), host.to_string()).unwrap();
    ask_all();
    assert_eq!(daemons(&home), 0);
}

#[test]
fn a_host_that_systemd_would_start_is_started_by_neither_status_nor_stop() {
    if Command::new("systemd-socket-activate").arg("--version").output().is_err() {
        return skip("there is no systemd-socket-activate (Debian: systemd)");
    }
    let home = Hosted::new();
    let socket = home.sockets().join(format!("{}.sock", mark(&home.made())));
    let mut activator = activate(&home, &socket);
    wait_until("the socket", || socket.exists());
    for _ in 0..2 {
        assert_eq!(home.alone(&["daemon", "status"]).code, Some(3));
        assert_eq!(lines_of(&home.alone(&["daemon", "stop"]))[0], json!({"stopped": null}));
    }
    says(&home.doctor_of_the_system(), &["Nobody hosts", "whoever connects to", socket.to_str().unwrap()]);
    // The doctor did connect: the daemon is there, and tells where it listens.
    let status = &lines_of(&home.alone(&["daemon", "status"]))[0];
    assert_eq!((&status["socket"], &status["pid"]), (&json!(socket), &json!(activator.id())));
    assert_eq!(lines_of(&home.alone(&["daemon", "stop"]))[0], json!({"stopped": activator.id()}));
    assert!(activator.wait().unwrap().success());
    let mut activator = activate(&home, &socket);
    // Its last host listened there.
    assert_eq!(socket_of(&home.record()), socket);
    wait_until("the socket to be listened at", || {
        fs::read_to_string("/proc/net/unix").unwrap().contains(socket.to_str().unwrap())
    });
    assert_eq!(home.alone(&["daemon", "status"]).code, Some(3));
    assert_eq!(daemons(&home), 0);
    activator.kill().unwrap();
    activator.wait().unwrap();
}

fn activate(home: &Hosted, socket: &Path) -> Child {
    let _ = fs::remove_file(socket);
    let altaird = altair_tests::altair().with_file_name("altaird");
    let mut command = Command::new("systemd-socket-activate");
    command.arg("--listen").arg(socket).arg(altaird).arg("--store").arg(home.store());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Hosted {
    /// The store's folder, made.
    fn made(&self) -> PathBuf {
        let _ = fs::create_dir(self.store());
        self.store().canonicalize().unwrap()
    }

    fn doctor_of_the_system(&self) -> String {
        let doctor = self.doctor();
        assert_eq!(doctor.code, Some(0), "{}", doctor.stderr);
        doctor.stderr
    }
}
