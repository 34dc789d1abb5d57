//! Programs that may do less: what `altair grant` hands on to whatever it starts, and what the audit log tells of it.

use altair_tests::{Home, Run, run};
use serde_json::Value;

use super::Hosted;

/// A script that finds `altair` as $ALTAIR, under a grant.
fn under(home: &Home, grant: &[&str], script: &str) -> Run {
    let mut arguments = vec!["grant"];
    arguments.extend(grant);
    arguments.extend(["--", "sh", "-c", script]);
    run(home.joining(arguments).env("ALTAIR", altair_tests::altair()), b"")
}

fn audited(home: &Home) -> Vec<Value> {
    home.lines(["audit"])
}

#[test]
fn whatever_a_granted_program_starts_has_its_grant_too() {
    let home = Hosted::new();
    let id = home.id(["capture", "a secret plan"]);
    // Several commands one after another, in a pipe, and in a shell within the shell.
    let script =
        "$ALTAIR inbox && $ALTAIR inbox | cat && sh -c '$ALTAIR search plan' && ! $ALTAIR capture no && $ALTAIR undo";
    let ran = under(&home, &["--may", "read", "--name", "reader"], script);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(printed.matches("a secret plan").count(), 3, "{printed}");
    assert!(ran.stderr.contains("the grant \"reader\" doesn't allow to capture"), "{}", ran.stderr);
    assert_eq!(home.all(&["inbox"]).len(), 1);

    let lines = audited(&home);
    let granted: Vec<_> = lines.iter().filter(|line| line["what"] == "granted").collect();
    assert_eq!((granted.len(), &granted[0]["name"]), (1, &Value::from("reader")));
    let refused: Vec<_> = lines.iter().filter(|line| line["what"] == "refused").map(|line| &line["method"]).collect();
    assert_eq!(refused, ["undo", "capture"], "newest first");
    assert_eq!(lines.iter().filter(|line| line["what"] == "used").count(), 5);
    assert_eq!(home.lines(["audit", "--limit", "1"]), lines[..1]);

    let ran = under(&home, &["--may", "write", "--kind", "note"], &format!("$ALTAIR delete {id}"));
    assert_ne!(ran.code, Some(0));
    assert_eq!(home.all(&["inbox"]).len(), 1);
    // The same with an engine of the command's own.
    let ran = under(&home, &["--may", "read"], "$ALTAIR daemon stop");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    home.ask(&["daemon", "stop"]);
    let ran = under(&home, &["--may", "read"], "$ALTAIR --no-daemon inbox && ! $ALTAIR --no-daemon capture no");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = under(&home, &["--may", "capture"], "$ALTAIR capture thought && $ALTAIR daemon stop");
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert_eq!(home.all(&["inbox"]).len(), 2);
}

#[test]
fn a_grant_is_refused_when_it_was_lost_or_ended() {
    let home = Hosted::new();
    home.id(["capture", "x"]);
    // The shell closes the descriptor: what was to do less does nothing.
    let ran = under(&home, &["--may", "read"], "eval \"exec $ALTAIR_GRANT_FD<&-\"; $ALTAIR inbox");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("ALTAIR_GRANT_FD"), "{}", ran.stderr);
    let script = "$ALTAIR inbox >/dev/null && env -u ALTAIR_GRANT_FD $ALTAIR grant --revoke-all && $ALTAIR inbox";
    let ran = under(&home, &["--may", "read"], script);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("all of them were ended"), "{}", ran.stderr);
    assert_eq!(audited(&home).iter().filter(|line| line["what"] == "revoked").count(), 1);
}

#[test]
fn a_grant_needs_a_right_and_a_program() {
    let home = Hosted::new();
    for wrong in [
        &["grant"][..],
        &["grant", "--may", "read"],
        &["grant", "--", "true"],
        &["grant", "--may", "everything", "--", "true"],
        &["grant", "--may", "read", "--minutes", "0", "--", "true"],
        &["grant", "--may", "read", "--revoke-all"],
        &["grant", "--may", "read", "--", "/nowhere/program"],
    ] {
        let ran = home.run(wrong);
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}", ran.stderr);
    }
    let ran = home.run(["grant", "--may", "read,capture", "--", "sh", "-c", "exit 7"]);
    assert_eq!(ran.code, Some(7), "the program's own code: {}", ran.stderr);
}
