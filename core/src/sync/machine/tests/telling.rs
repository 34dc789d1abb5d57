//! What people are told.

use altair_protocol::sync::{CloseCode, Refusal};

use super::bench::{Bench, account, outgoing, sync_id, theirs};
use crate::sync::machine::{Effect, Event, State, Status};

fn published(bench: &Bench) -> Vec<&Status> {
    let published = bench.effects.iter().filter_map(|effect| match effect {
        Effect::Publish(status) => Some(status),
        _ => None,
    });
    published.collect()
}

#[test]
fn a_status_is_published_when_it_changes_and_not_otherwise() {
    let mut bench = Bench::with(account());
    assert_eq!(published(&bench).iter().map(|status| status.state).collect::<Vec<_>>(), [State::Connecting]);
    bench.opens();
    assert!(published(&bench).is_empty());
    bench.hears(super::bench::welcome());
    assert_eq!(published(&bench).len(), 1);
    bench.reads(&[]);
    bench.gets(vec![]);
    assert!(published(&bench).is_empty(), "a sign of life is none");
    assert!(bench.status().last_contact.is_some());
}

#[test]
fn a_status_follows_the_cursor() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11)]);
    assert_eq!(published(&bench)[0].head, sync_id(11));
    bench.tell(Event::Applied { cursor: sync_id(11), copied: false, recreated: vec![] });
    assert_eq!((published(&bench)[0].cursor, bench.state()), (sync_id(11), State::Live));
}

#[test]
fn what_is_refused_is_told_at_once_and_syncing_goes_on() {
    let mut bench = Bench::live();
    bench.tell(Event::Committed);
    bench.reads(&[outgoing(1, 1)]);
    bench.refuses(1, Refusal::Malformed);
    assert_eq!((published(&bench)[0].faults.len(), bench.state()), (1, State::Live));
    bench.closes(CloseCode::GoingAway, None);
    assert_eq!((bench.status().faults.len(), bench.state()), (1, State::Waiting));
}

#[test]
fn a_status_is_readable_json() {
    let status = Bench::live().status();
    let json = concat!(
        r#"{"state":"live","head":10,"cursor":10,"progress":null,"why":null,"faults":[],"#,
        r#""last_contact":"2026-09-21T14:13:20.000Z"}"#
    );
    assert_eq!(serde_json::to_string(&status).unwrap(), json);
}
