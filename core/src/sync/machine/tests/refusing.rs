//! What a refused change stops, and what it doesn't.

use altair_protocol::Hash;
use altair_protocol::sync::{CloseCode, Refusal};

use super::bench::{Bench, account, change, entity, outgoing, with_blobs};
use crate::sync::machine::{Effect, Event, Fault, Reason, State};

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<altair_protocol::ChangeId> {
    numbers.into_iter().map(change).collect()
}

/// A bench with an outbox that is under way: changes 1, 2, 3 are of entities 1, 2, 1.
fn under_way() -> Bench {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2), outgoing(3, 1)]);
    bench.writes();
    bench
}

#[test]
fn one_refused_change_stops_what_follows_it_for_its_entity_and_nothing_else() {
    let mut bench = under_way();
    bench.refuses(1, Refusal::Malformed);
    let fault = bench.status().faults.remove(0);
    assert_eq!((fault.change, fault.entity, fault.code), (Some(change(1)), entity(1), Refusal::Malformed));
    bench.wants(&Effect::Park(fault));
    bench.acks(&[2]);
    // Refused only because it is behind the other: no second fault.
    bench.refuses(3, Refusal::Causality);
    assert_eq!((bench.status().faults.len(), bench.effects.len()), (1, 0));
    bench.tell(Event::Committed);
    bench.reads(&[outgoing(4, 1), outgoing(5, 2)]);
    assert_eq!(bench.pushed(), ids([5]));
    assert_ne!(bench.state(), State::Fault);
}

#[test]
fn two_hundred_pushed_and_the_hundredth_refused_are_a_hundred_and_ninety_nine_accepted() {
    let mut bench = Bench::welcomed();
    let outbox: Vec<_> = (1..=200).map(|number| outgoing(number, number)).collect();
    bench.reads(&outbox);
    assert_eq!(bench.pushed(), ids(1..=200));
    bench.acks(&(1..100).collect::<Vec<_>>());
    bench.refuses(100, Refusal::TooLarge);
    bench.acks(&(101..=200).collect::<Vec<_>>());
    assert_eq!(bench.count(|effect| matches!(effect, Effect::Acknowledge { items } if items.len() == 100)), 1);
    assert_eq!(bench.status().faults.iter().map(|fault| fault.change).collect::<Vec<_>>(), [Some(change(100))]);
}

#[test]
fn a_parked_change_isnt_tried_again_by_itself() {
    let mut bench = under_way();
    bench.refuses(1, Refusal::Causality);
    bench.acks(&[2]);
    bench.refuses(3, Refusal::Causality);
    bench.closes(CloseCode::GoingAway, None);
    bench.sleeps(250);
    bench.connects();
    // A store that hasn't parked it yet still has it in the outbox.
    bench.reads(&[outgoing(1, 1), outgoing(3, 1), outgoing(4, 3)]);
    assert_eq!(bench.pushed(), ids([4]));
    // And so it is when the machine is made anew.
    let parked = bench.status().faults;
    let mut bench = Bench::with(crate::sync::machine::Account { parked: parked.clone(), ..account() });
    assert_eq!(bench.status().faults, parked);
    bench.connects();
    bench.reads(&[outgoing(3, 1), outgoing(4, 3)]);
    assert_eq!(bench.pushed(), ids([4]));
}

#[test]
fn what_the_person_decides_about_goes_on_from_there() {
    let mut bench = under_way();
    bench.refuses(1, Refusal::Malformed);
    bench.acks(&[2]);
    bench.tell(Event::Unparked { entity: entity(1) });
    assert!(bench.reading().is_none(), "what is behind it isn't answered yet");
    bench.refuses(3, Refusal::Causality);
    assert_eq!(bench.status().faults, []);
    bench.reads(&[outgoing(1, 1), outgoing(3, 1)]);
    assert_eq!(bench.pushed(), ids([1, 3]));
}

#[test]
fn an_earlier_refusal_takes_a_later_ones_place() {
    let mut bench = under_way();
    bench.refuses(3, Refusal::Malformed);
    bench.refuses(1, Refusal::TooLarge);
    let faults = bench.status().faults;
    assert_eq!(faults.iter().map(|fault| fault.change).collect::<Vec<_>>(), [Some(change(1))]);
}

#[test]
fn a_missing_blob_is_brought_up_and_the_change_pushed_again_once() {
    let mut bench = Bench::welcomed();
    let blobs = vec![Hash::of(b"fig.jpg")];
    let outbox = [with_blobs(1, 1, &blobs), outgoing(2, 1)];
    let ensure = Effect::EnsureBlobs { entity: entity(1), change: change(1), blobs };
    bench.reads(&outbox);
    bench.tell(Event::BlobsEnsured { entity: entity(1), change: change(1) });
    bench.reads(&outbox);
    bench.writes();
    bench.refuses(1, Refusal::BlobMissing);
    bench.wants(&ensure);
    bench.tell(Event::BlobsEnsured { entity: entity(1), change: change(1) });
    assert!(bench.reading().is_none(), "what is behind it isn't answered yet");
    bench.refuses(2, Refusal::Causality);
    bench.reads(&outbox);
    assert_eq!(bench.pushed(), ids([1, 2]));
    bench.writes();
    bench.refuses(1, Refusal::BlobMissing);
    assert_eq!(bench.status().faults[0].code, Refusal::BlobMissing);
    bench.refuses(2, Refusal::Causality);
    assert_eq!(bench.status().faults.len(), 1);
}

#[test]
fn work_on_an_erased_entity_becomes_another_entity_once() {
    let mut bench = under_way();
    bench.refuses(1, Refusal::Erased);
    assert_eq!(bench.count(|effect| *effect == Effect::Recreate { entity: entity(1) }), 1);
    bench.refuses(3, Refusal::Erased);
    assert_eq!(bench.effects, []);
    bench.acks(&[2]);
    bench.tell(Event::Recreated { entity: entity(1) });
    bench.reads(&[outgoing(4, 9)]);
    assert_eq!(bench.pushed(), ids([4]));
    assert_eq!(bench.status().faults, []);
}

#[test]
fn an_erasure_that_comes_down_does_the_same() {
    let mut bench = under_way();
    bench.tell(Event::Applied { cursor: super::bench::sync_id(11), copied: false, recreated: vec![entity(1)] });
    bench.refuses(1, Refusal::Erased);
    assert_eq!(bench.effects, []);
}

#[test]
fn a_household_without_room_stops_what_goes_until_somebody_tries_again() {
    let mut bench = under_way();
    bench.refuses(1, Refusal::Quota);
    bench.refuses(2, Refusal::Quota);
    bench.refuses(3, Refusal::Causality);
    assert_eq!(bench.status().why.unwrap().reason, Reason::Quota);
    assert_eq!(bench.status().faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Refusal::Quota]);
    bench.tell(Event::Committed);
    assert!(bench.reading().is_none());
    bench.tell(Event::SyncNow);
    bench.reads(&[outgoing(1, 1), outgoing(2, 2), outgoing(3, 1)]);
    assert_eq!(bench.pushed(), ids([1, 2, 3]));
    assert_eq!((bench.status().faults, bench.status().why), (vec![], None));
}

#[test]
fn every_other_refusal_is_kept_and_shown() {
    for code in [
        Refusal::Causality,
        Refusal::NotCovered,
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::WrongDevice,
        Refusal::Unknown,
    ] {
        let mut bench = under_way();
        bench.refuses(2, code);
        let message = "2 was refused".to_owned();
        let fault = Fault { change: Some(change(2)), entity: entity(2), code, message, until: None };
        assert_eq!(bench.status().faults, std::slice::from_ref(&fault));
        bench.wants(&Effect::Park(fault));
    }
}

#[test]
fn a_refusal_of_what_was_never_sent_is_passed_over() {
    let mut bench = under_way();
    bench.refuses(99, Refusal::Forked);
    assert_eq!(bench.effects, []);
}

#[test]
fn what_a_failing_store_didnt_keep_is_asked_for_again() {
    for kept in [false, true] {
        let mut bench = under_way();
        bench.refuses(1, Refusal::Malformed);
        if kept {
            bench.tell(Event::Parked { entity: entity(1), change: Some(change(1)) });
        }
        bench.tell(Event::StoreFailed { why: "the disk is full: make room on it".to_owned() });
        bench.tell(Event::SyncNow);
        bench.connects();
        bench.reads(&[outgoing(1, 1), outgoing(3, 1)]);
        assert_eq!(bench.pushed(), if kept { ids([]) } else { ids([1, 3]) });
    }
}
