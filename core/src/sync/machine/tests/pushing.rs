//! What goes up.

use altair_protocol::Hash;
use altair_protocol::sync::{CloseCode, MAX_CHANGE, MAX_PUSH_BYTES, Refusal};

use super::bench::{Bench, change, entity, outgoing, own, sync_id, theirs, with_blobs};
use crate::sync::machine::{Effect, Event, Outgoing, Position, Reason, State};

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<altair_protocol::ChangeId> {
    numbers.into_iter().map(change).collect()
}

#[test]
fn the_outbox_goes_up_while_the_device_still_catches_up() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2)]);
    assert_eq!(bench.pushes(), [ids([1, 2])]);
    bench.acks(&[1, 2]);
    assert_eq!(bench.count(|effect| matches!(effect, Effect::Acknowledge { items } if items.len() == 2)), 1);
}

#[test]
fn an_edit_queued_behind_its_own_create_goes_after_it() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2), outgoing(3, 1)]);
    bench.writes();
    bench.tell(Event::Committed);
    bench.reads(&[outgoing(4, 1)]);
    // In order, in one push or in several.
    assert_eq!(bench.pushed(), ids([4]));
}

#[test]
fn what_was_committed_goes_up_as_soon_as_it_is_told() {
    let mut bench = Bench::live();
    bench.tell(Event::Committed);
    assert_eq!(bench.reading().unwrap().1, Position::ZERO);
    bench.reads(&[outgoing(1, 1)]);
    assert_eq!(bench.pushed(), ids([1]));
    bench.writes();
    assert!(bench.reading().is_none(), "the outbox was read to its end");
    bench.tell(Event::Committed);
    assert_eq!(bench.reading().unwrap().1, Position(1));
}

#[test]
fn what_is_committed_while_the_outbox_is_read_isnt_missed() {
    let mut bench = Bench::welcomed();
    let (read, _) = bench.reading().unwrap();
    bench.tell(Event::Committed);
    assert!(bench.reading().is_none(), "one reading at a time");
    bench.tell(Event::OutboxRead { read, entries: vec![], end: true });
    assert!(bench.reading().is_some());
}

#[test]
fn eight_pushes_are_under_way_and_the_ninth_waits_for_an_answer() {
    let mut bench = Bench::welcomed();
    for number in 1..=8 {
        let (read, after) = bench.reading().unwrap();
        assert_eq!(after, Position(number - 1));
        bench.tell(Event::OutboxRead { read, entries: vec![outgoing(number, number)], end: false });
        assert_eq!(bench.pushed(), ids([number]));
        assert!(bench.reading().is_none(), "the socket hasn't taken the last push yet");
        bench.writes();
    }
    assert!(bench.reading().is_none());
    bench.acks(&[3]);
    assert_eq!(bench.reading().unwrap().1, Position(8));
}

#[test]
fn pushes_keep_to_their_limits() {
    let mut bench = Bench::welcomed();
    let long = |number, bytes| Outgoing { bytes, ..outgoing(number, number) };
    let mut entries = vec![long(1, MAX_PUSH_BYTES / 2), long(2, MAX_PUSH_BYTES / 2), long(3, 1), long(4, MAX_CHANGE)];
    entries.extend((5..=5 + 256).map(|number| outgoing(number, number)));
    bench.reads(&entries);
    assert_eq!(bench.pushes(), [ids([1, 2]), ids([3]), ids([4]), ids(5..5 + 256), ids([5 + 256])]);
}

#[test]
fn a_change_that_no_server_takes_is_parked_unsent() {
    let mut bench = Bench::welcomed();
    let long = Outgoing { bytes: MAX_CHANGE + 1, ..outgoing(1, 1) };
    bench.reads(&[long, outgoing(2, 1), outgoing(3, 2)]);
    assert_eq!(bench.pushed(), ids([3]));
    let faults = bench.status().faults;
    assert_eq!((faults[0].change, faults[0].code), (Some(change(1)), Refusal::TooLarge));
    bench.wants(&Effect::Park(faults[0].clone()));
}

#[test]
fn a_lost_ack_costs_nothing() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 1)]);
    bench.closes(CloseCode::GoingAway, None);
    bench.sleeps(250);
    bench.connects();
    // The same ids in the same order, from the beginning.
    assert_eq!(bench.reading().unwrap().1, Position::ZERO);
    bench.reads(&[outgoing(1, 1), outgoing(2, 1)]);
    assert_eq!(bench.pushed(), ids([1, 2]));
    bench.acks(&[1, 2]);
    assert_eq!(bench.status().faults, []);
}

#[test]
fn a_server_that_answers_no_push_for_a_minute_is_left() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2)]);
    bench.writes();
    for _ in 0..4 {
        bench.sleeps(14_000);
        bench.gets(vec![]); // A sign of life.
    }
    bench.acks(&[1]);
    for _ in 0..4 {
        bench.sleeps(14_000);
        bench.gets(vec![]);
    }
    bench.sleeps(3999);
    assert!(bench.status().why.is_none());
    bench.sleeps(1);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::Silent));
}

#[test]
fn a_change_that_comes_back_as_ones_own_is_answered() {
    let mut bench = Bench::welcomed();
    for number in 1..=8 {
        let (read, _) = bench.reading().unwrap();
        bench.tell(Event::OutboxRead { read, entries: vec![outgoing(number, number)], end: false });
        bench.writes();
    }
    assert!(bench.reading().is_none());
    bench.gets(vec![theirs(11), own(12, 1)]);
    assert!(bench.reading().is_some(), "a place is free again");
    // The ack that comes after all is handed on, and changes nothing.
    bench.acks(&[1]);
    assert_eq!(bench.count(|effect| matches!(effect, Effect::Acknowledge { .. })), 1);
}

#[test]
fn blobs_go_before_the_change_that_names_them() {
    let mut bench = Bench::welcomed();
    let blob = Hash::of(b"fig.jpg");
    let outbox = [with_blobs(1, 1, &[blob]), outgoing(2, 2), outgoing(3, 1)];
    bench.reads(&outbox);
    bench.wants(&Effect::EnsureBlobs { entity: entity(1), change: change(1), blobs: vec![blob] });
    // What is of others doesn't wait.
    assert_eq!(bench.pushed(), ids([2]));
    bench.writes();
    bench.tell(Event::BlobsEnsured { entity: entity(1), change: change(1) });
    bench.reads(&outbox);
    assert_eq!(bench.pushed(), ids([1, 3]), "and what is under way isn't pushed again");
}

#[test]
fn blobs_that_couldnt_be_brought_up_are_tried_again() {
    let mut bench = Bench::welcomed();
    let blob = Hash::of(b"fig.jpg");
    bench.reads(&[with_blobs(1, 1, &[blob])]);
    bench.tell(Event::BlobsFailed { entity: entity(1), change: change(1) });
    let again = Effect::EnsureBlobs { entity: entity(1), change: change(1), blobs: vec![blob] };
    for _ in 0..2 {
        bench.sleeps(10_000);
        assert_eq!(bench.count(|effect| *effect == again), 0);
        bench.gets(vec![]); // A sign of life.
    }
    bench.sleeps(10_000);
    assert_eq!(bench.count(|effect| *effect == again), 1);
}

#[test]
fn the_rest_waits_when_too_many_wait_for_blobs() {
    let mut bench = Bench::welcomed();
    let (read, _) = bench.reading().unwrap();
    let blob = Hash::of(b"fig.jpg");
    let entries = (1..=64).map(|number| with_blobs(number, number, &[blob])).collect();
    bench.tell(Event::OutboxRead { read, entries, end: false });
    assert!(bench.reading().is_none());
    bench.tell(Event::BlobsEnsured { entity: entity(7), change: change(7) });
    assert_eq!(bench.reading().unwrap().1, Position(6));
}

#[test]
fn a_reading_that_was_overtaken_is_passed_over() {
    let mut bench = Bench::welcomed();
    let blob = Hash::of(b"fig.jpg");
    let (read, _) = bench.reading().unwrap();
    bench.tell(Event::OutboxRead { read, entries: vec![with_blobs(1, 1, &[blob])], end: false });
    let (late, after) = bench.reading().unwrap();
    assert_eq!(after, Position(1));
    bench.tell(Event::BlobsEnsured { entity: entity(1), change: change(1) });
    let (read, after) = bench.reading().unwrap();
    assert_eq!(after, Position(0));
    // This would push the second change of an entity before its first.
    bench.tell(Event::OutboxRead { read: late, entries: vec![outgoing(2, 1)], end: true });
    assert_eq!(bench.effects, []);
    let entries = vec![with_blobs(1, 1, &[blob]), outgoing(2, 1)];
    bench.tell(Event::OutboxRead { read, entries, end: true });
    assert_eq!(bench.pushed(), ids([1, 2]));
}

#[test]
fn nothing_is_read_before_the_server_has_welcomed_the_device() {
    let mut bench = Bench::with(super::bench::account());
    bench.tell(Event::Committed);
    assert!(bench.reading().is_none());
    bench.opens();
    assert!(bench.reading().is_none());
    bench.hears(super::bench::welcome());
    assert!(bench.reading().is_some());
    assert_eq!(bench.status().head, sync_id(10));
}
