//! The program as it is run: what it prints, what it refuses, and what is left when it is killed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use altair_protocol::Change;
use altair_protocol::sync::Paired;
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{DEADLINE, Http, Socket};
use crate::world::Device;

const PROGRAM: &str = env!("CARGO_BIN_EXE_altair-server");

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap()
}

fn code_of(output: &Output) -> String {
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    made["code"].as_str().unwrap().to_owned()
}

/// A server in a process of its own.
struct Process {
    child: Child,
    address: SocketAddr,
    scheme: String,
}

impl Process {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more).env_clear();
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        // From here on it is killed with the value, whatever happens.
        let mut process = Self { child, address: ([0, 0, 0, 0], 0).into(), scheme: String::new() };
        let (tell, told) = mpsc::channel();
        // Read to its end, so that the server never waits for us to read its log.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let deadline = Instant::now() + DEADLINE;
        loop {
            let line = told.recv_timeout(deadline.saturating_duration_since(Instant::now())).expect("it isn't ready");
            if let Some((scheme, address)) = line.strip_prefix("listening on ").and_then(|url| url.split_once("://")) {
                (process.address, process.scheme) = (address.parse().unwrap(), scheme.to_owned());
                return process;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status.code(),
                None => assert!(Instant::now() < deadline, "it doesn't end"),
            }
            std::thread::yield_now();
        }
    }

    async fn pair(&self, code: &str) -> Device {
        let body = serde_json::json!({"code": code, "name": "laptop"}).to_string();
        let answer = Http::new(self.address).post("/v1/pair", &body).await;
        let paired: Paired = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()));
        Device::of(paired, Http::new(self.address))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_household_is_made_served_and_administered() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    let init = run(&["init", "--data", at, "--household", "Zoë's", "--json"]);
    assert_eq!(init.status.code(), Some(0));
    let made: serde_json::Value = serde_json::from_slice(&init.stdout).unwrap();
    assert_eq!(made["household"], "Zoë's");
    assert_eq!(run(&["init", "--data", at, "--household", "Zoë's"]).status.code(), Some(4));
    let mut process = Process::start(&data, &[]);
    let first = process.pair(&code_of(&init)).await;
    let second = process.pair(&code_of(&run(&["pair", "--data", at, "--json"]))).await;
    let devices = run(&["device", "list", "--data", at, "--json"]);
    let listed = String::from_utf8(devices.stdout).unwrap();
    assert!(listed.lines().count() == 2 && listed.contains(&first.id().to_string()), "{listed}");
    assert_eq!(run(&["device", "revoke", &second.id().to_string(), "--data", at]).status.code(), Some(0));
    assert_eq!(second.http.get("/v1/bootstrap").await.status, 401);
    assert_eq!(first.http.get("/v1/bootstrap").await.status, 200);
    assert_eq!(run(&["household", "list", "--data", at]).status.code(), Some(0));
    assert_eq!(run(&["gc", "--data", at]).status.code(), Some(0));
    let second_server = run(&["run", "--data", at, "--listen", "127.0.0.1:0"]);
    assert_eq!(second_server.status.code(), Some(5), "the folder is taken");
    process.signal(Signal::TERM);
    assert_eq!(process.ended(), Some(0));
}

#[test]
fn wrong_usage_has_its_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("none");
    let at = at.to_str().unwrap();
    for (arguments, code) in [
        (vec!["run", "--data", at, "--listen", "0.0.0.0:0"], 2),
        (vec!["run", "--data", at, "--listen", "here"], 2),
        (vec!["run", "--data", at, "--database", "ws://here"], 2),
        (vec!["run", "--data", at, "--tls-cert", "cert.pem"], 2),
        (vec!["dance"], 2),
        (vec!["pair", "--data", at], 3),
        (vec!["device", "list", "--data", at], 3),
        (vec!["restore", "/nowhere/backup", "--data", at], 3),
    ] {
        let output = run(&[arguments.as_slice(), &["--json"]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        let error: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert!(error["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{said}");
        assert!(!Path::new(at).exists(), "{arguments:?} has made something");
    }
    let config = run(&["config", "--data", at]);
    assert!(String::from_utf8(config.stdout).unwrap().contains("listen = \"127.0.0.1:7464\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let init = run(&["init", "--data", data.to_str().unwrap(), "--json"]);
    let mut process = Process::start(&data, &[]);
    let device = process.pair(&code_of(&init)).await;
    let mut acknowledged: Vec<(Change, u64)> = Vec::new();
    for round in 0..5 {
        let http = Http::new(process.address).with_token(&device.paired.token);
        let mut socket = Socket::open(&http).await;
        socket.hello(device.id(), 0, Some(device.paired.incarnation)).await;
        let head = socket.welcome().await.head.get();
        assert!(head >= acknowledged.len() as u64, "round {round}: {head} of {}", acknowledged.len());
        for (change, number) in acknowledged.iter().rev().take(50) {
            assert_eq!(socket.accepted(std::slice::from_ref(change)).await, [*number]);
        }
        let changes: Vec<Change> = (0..2000).map(|n| device.note(&format!("note {round} {n}"))).collect();
        for some in changes.chunks(20).take(8) {
            socket.push(some).await;
        }
        let (acked, _) = socket.answers(40).await;
        // In the middle of what is still on its way.
        process.signal(Signal::KILL);
        process.ended();
        for acked in acked {
            let change = changes.iter().find(|change| change.id == acked.change).unwrap();
            acknowledged.push((change.clone(), acked.sync_id.get()));
        }
        process = Process::start(&data, &[]);
    }
}

#[test]
fn tls_is_spoken_and_its_certificate_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&["init", "--data", data.to_str().unwrap()]);
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let certify = |name: &str| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(made.is_ok_and(|made| made.success()), "openssl is needed to make a certificate");
    };
    certify("first");
    let files = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let process = Process::start(&data, &files);
    assert_eq!(process.scheme, "https");
    let shown = || {
        let mut client = Command::new("openssl")
            .args(["s_client", "-connect", &process.address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        client.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        client.wait().unwrap();
        said
    };
    assert!(shown().contains("CN = first") || shown().contains("CN=first"));
    certify("second");
    process.signal(Signal::HUP);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !shown().contains("second") {
        assert!(Instant::now() < deadline, "the new certificate isn't shown");
    }
    std::fs::write(&cert, "figs").unwrap();
    process.signal(Signal::HUP);
    assert!(shown().contains("second"), "one that can't be read changes nothing");
}
