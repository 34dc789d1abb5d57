//! New ids for what can't be accepted as it is: never for what may have been accepted.

use altair_protocol::sync::{CloseCode, DeviceFrame, Refusal};

use super::bench::{Bench, change, device, outgoing, own, sync_id};
use crate::sync::machine::{Effect, Event, State, Trouble};

fn remints(bench: &Bench) -> usize {
    bench.count(|effect| matches!(effect, Effect::Remint { .. }))
}

#[test]
fn stamps_from_the_future_are_minted_again_when_all_is_answered() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2), outgoing(3, 1)]);
    bench.writes();
    bench.refuses(1, Refusal::ClockSkew);
    assert_eq!(remints(&bench), 0, "the second may have been accepted");
    bench.tell(Event::Committed);
    assert!(bench.reading().is_none(), "what comes now is minted again with the rest");
    bench.refuses(3, Refusal::Causality);
    bench.acks(&[2]);
    bench.wants(&Effect::Remint { device: None });
    bench.tell(Event::Reminted { device: device(1), parked: vec![] });
    bench.reads(&[outgoing(4, 1), outgoing(5, 1)]);
    assert_eq!(bench.pushed(), [change(4), change(5)]);
    assert_eq!(bench.status().faults, []);
}

#[test]
fn the_rest_of_the_outbox_goes_up_before_it_is_minted_again() {
    let mut bench = Bench::welcomed();
    let (read, _) = bench.reading().unwrap();
    bench.tell(Event::OutboxRead { read, entries: vec![outgoing(1, 1)], end: false });
    bench.refuses(1, Refusal::ClockSkew);
    assert_eq!(remints(&bench), 0);
    bench.writes();
    // It may have been accepted on an earlier connection.
    bench.reads(&[outgoing(2, 2), outgoing(3, 1)]);
    assert_eq!(bench.pushed(), [change(2)]);
    bench.writes();
    bench.acks(&[2]);
    assert_eq!(remints(&bench), 1);
}

#[test]
fn a_connection_that_ends_before_all_is_answered_begins_the_question_anew() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2)]);
    bench.writes();
    bench.refuses(1, Refusal::ClockSkew);
    bench.closes(CloseCode::GoingAway, None);
    assert_eq!(remints(&bench), 0);
    bench.sleeps(250);
    bench.connects();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2)]);
    assert_eq!(bench.pushed(), [change(1), change(2)]);
    bench.writes();
    bench.acks(&[2]);
    bench.refuses(1, Refusal::ClockSkew);
    assert_eq!(remints(&bench), 1);
}

#[test]
fn a_clock_that_nothing_helps_is_a_fault_in_the_end() {
    let mut bench = Bench::welcomed();
    for round in 1..=3_u64 {
        bench.reads(&[outgoing(round, 1)]);
        bench.writes();
        bench.refuses(round, Refusal::ClockSkew);
        assert_eq!(remints(&bench), usize::from(round < 3));
        if round < 3 {
            bench.tell(Event::Reminted { device: device(1), parked: vec![] });
        }
    }
    assert_eq!(bench.status().faults[0].code, Refusal::ClockSkew);
}

#[test]
fn a_forked_store_becomes_another_device_and_pushes_again() {
    let mut bench = Bench::welcomed();
    bench.reads(&[outgoing(1, 1), outgoing(2, 2)]);
    bench.writes();
    let connection = bench.connection();
    bench.refuses(1, Refusal::Forked);
    assert_eq!(bench.count(|effect| *effect == Effect::NewDevice), 0, "the second may have been accepted");
    bench.acks(&[2]);
    bench.wants(&Effect::Disconnect { connection });
    bench.wants(&Effect::NewDevice);
    assert_eq!(remints(&bench), 0, "there is no token for it yet");
    bench.tell(Event::NewDevice { device: device(9) });
    bench.wants(&Effect::Remint { device: Some(device(9)) });
    // That may take as long as it does.
    bench.sleeps(10 * 60 * 1000);
    bench.tell(Event::Reminted { device: device(9), parked: vec![] });
    bench.tell(Event::Opened { connection: bench.asked() });
    let [DeviceFrame::Hello(hello)] = bench.said()[..] else { panic!("{:?}", bench.effects) };
    assert_eq!((hello.device, hello.cursor), (device(9), sync_id(10)));
}

#[test]
fn an_own_change_that_was_never_made_here_shows_a_copied_store() {
    let mut bench = Bench::live();
    bench.gets(vec![own(11, 77)]);
    bench.tell(Event::Applied { cursor: sync_id(10), copied: true, recreated: vec![] });
    bench.wants(&Effect::NewDevice);
    assert_eq!(bench.status().cursor, sync_id(10));
}

#[test]
fn a_device_that_is_thrown_out_again_and_again_by_itself_is_a_copy() {
    let mut bench = Bench::live();
    for apart in [30_000, 300_000, 30_000, 30_000, 30_000] {
        bench.closes(CloseCode::Replaced, None);
        bench.sleeps(29_999);
        bench.passes(apart);
        bench.tell(Event::Woke);
        bench.connects();
        assert_eq!(bench.count(|effect| *effect == Effect::NewDevice), 0);
        bench.reads(&[]);
    }
    bench.wants(&Effect::NewDevice);
}

#[test]
fn without_a_token_for_another_device_it_is_tried_again() {
    let mut bench = Bench::live();
    bench.gets(vec![own(11, 77)]);
    bench.tell(Event::Applied { cursor: sync_id(10), copied: true, recreated: vec![] });
    bench.tell(Event::NewDeviceFailed { trouble: Trouble::Unreachable("no route".to_owned()) });
    assert_eq!(bench.state(), State::Waiting);
    bench.sleeps(250);
    bench.connects();
    bench.reads(&[]);
    bench.gets(vec![own(11, 77)]);
    bench.tell(Event::Applied { cursor: sync_id(10), copied: true, recreated: vec![] });
    bench.wants(&Effect::NewDevice);
    bench.sleeps(30_000);
    assert_eq!(bench.state(), State::Waiting);
}

#[test]
fn a_device_that_is_paused_while_it_is_reminted_goes_on_as_the_new_one() {
    let mut bench = Bench::live();
    bench.gets(vec![own(11, 77)]);
    bench.tell(Event::Applied { cursor: sync_id(10), copied: true, recreated: vec![] });
    bench.tell(Event::NewDevice { device: device(9) });
    bench.tell(Event::Pause);
    bench.tell(Event::Resume);
    bench.tell(Event::Opened { connection: bench.asked() });
    assert!(bench.said().is_empty(), "who it is isn't settled yet");
    bench.tell(Event::Reminted { device: device(9), parked: vec![] });
    let [DeviceFrame::Hello(hello)] = bench.said()[..] else { panic!("{:?}", bench.effects) };
    assert_eq!(hello.device, device(9));
}
