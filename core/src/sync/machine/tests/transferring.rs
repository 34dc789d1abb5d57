//! States down and up.

use altair_protocol::sync::{JoinRefused, Refusal, ResetReason, Start};
use altair_protocol::view::Time;

use super::bench::{Bench, START, account, entity, log, outgoing, sync_id, welcome_at};
use crate::sync::machine::{Account, Effect, Event, How, Progress, Reason, Resume, State, TransferFailure, Trouble};

fn start(head: u64, incarnation: u64) -> Start {
    let server_time = Time::from_millis(START);
    Start { head: sync_id(head), incarnation: log(incarnation), server_time, entities: 100 }
}

fn fresh() -> Account {
    Account { cursor: sync_id(0), incarnation: None, ..account() }
}

fn begins(bench: &Bench) -> Option<(How, Option<Resume>)> {
    bench.effects.iter().find_map(|effect| match effect {
        Effect::Bootstrap { how, from, .. } => Some((*how, *from)),
        _ => None,
    })
}

/// Is told how the bootstrap that was asked for begins, and that it is at entity 7.
fn at_seven(bench: &mut Bench, head: u64, incarnation: u64) {
    let transfer = bench.transfer();
    bench.tell(Event::Started { transfer, start: start(head, incarnation) });
    bench.tell(Event::Progressed { transfer, after: Some(entity(7)), done: 7, total: 100 });
}

#[test]
fn a_new_device_takes_all_states_and_then_follows_the_log() {
    let mut bench = Bench::with(fresh());
    assert_eq!(begins(&bench), Some((How::Join, None)));
    let transfer = bench.transfer();
    at_seven(&mut bench, 42, 1);
    assert_eq!((bench.state(), bench.status().progress), (State::CatchingUp, Some(Progress { done: 7, total: 100 })));
    bench.tell(Event::Bootstrapped { transfer, cursor: sync_id(42), incarnation: log(1) });
    assert_eq!(bench.status().cursor, sync_id(42));
    bench.opens();
    bench.hears(welcome_at(42, log(1), START));
    bench.reads(&[outgoing(1, 1)]);
    assert_eq!(bench.pushed().len(), 1, "what was written before goes up");
}

#[test]
fn a_bootstrap_that_is_cut_off_goes_on_where_it_was_with_the_first_head() {
    let mut bench = Bench::with(fresh());
    let transfer = bench.transfer();
    at_seven(&mut bench, 42, 1);
    let failure = TransferFailure::Trouble(Trouble::Unreachable("connection reset".to_owned()));
    bench.tell(Event::TransferFailed { transfer, failure });
    assert_eq!(bench.state(), State::Waiting);
    bench.sleeps(250);
    let resume = Resume { after: entity(7), head: sync_id(42), incarnation: log(1), how: How::Join };
    assert_eq!(begins(&bench), Some((How::Join, Some(resume))));
    // And so it does when the machine is made anew.
    let bench = Bench::with(Account { resume: Some(resume), ..fresh() });
    assert_eq!(begins(&bench), Some((How::Join, Some(resume))));
}

#[test]
fn a_bootstrap_that_stands_still_is_given_up_and_goes_on_later() {
    let mut bench = Bench::with(fresh());
    let transfer = bench.transfer();
    bench.passes(20_000);
    at_seven(&mut bench, 42, 1);
    bench.sleeps(29_999);
    assert_eq!(bench.state(), State::CatchingUp);
    bench.sleeps(1);
    bench.wants(&Effect::StopTransfer { transfer });
    assert_eq!(bench.state(), State::Waiting);
    bench.sleeps(250);
    assert!(begins(&bench).unwrap().1.is_some());
}

#[test]
fn a_bootstrap_that_cant_go_on_begins_anew() {
    let mut bench = Bench::with(fresh());
    let transfer = bench.transfer();
    at_seven(&mut bench, 42, 1);
    bench.tell(Event::TransferFailed { transfer, failure: TransferFailure::Anew("wrong checksum".to_owned()) });
    assert_eq!(bench.status().why.unwrap().reason, Reason::Anew);
    bench.sleeps(250);
    assert_eq!(begins(&bench), Some((How::Join, None)));
    // Likewise where the server goes on with another head.
    at_seven(&mut bench, 42, 1);
    bench.sleeps(30_250);
    assert!(begins(&bench).unwrap().1.is_some());
    let transfer = bench.transfer();
    bench.tell(Event::Started { transfer, start: start(50, 1) });
    bench.sleeps(1000);
    assert_eq!(begins(&bench), Some((How::Join, None)));
}

#[test]
fn a_cursor_from_before_the_horizon_means_a_bootstrap_with_the_outbox_kept() {
    for (reason, how) in [(ResetReason::Horizon, How::Join), (ResetReason::Expired, How::Expired)] {
        let mut bench = Bench::with(account());
        bench.opens();
        bench.resets(reason);
        assert_eq!(begins(&bench), Some((how, None)));
        let transfer = bench.transfer();
        at_seven(&mut bench, 42, 1);
        bench.tell(Event::Bootstrapped { transfer, cursor: sync_id(42), incarnation: log(1) });
        bench.opens();
        bench.hears(welcome_at(42, log(1), START));
        bench.reads(&[outgoing(1, 1), outgoing(2, 1)]);
        assert_eq!(bench.pushed().len(), 2);
    }
}

#[test]
fn another_log_is_met_with_all_states_and_then_taken() {
    for reason in [ResetReason::Incarnation, ResetReason::Ahead, ResetReason::Unknown] {
        let mut bench = Bench::live();
        bench.resets(reason);
        let transfer = bench.transfer();
        bench.wants(&Effect::Meet { transfer });
        bench.tell(Event::Progressed { transfer, after: None, done: 3, total: 9 });
        assert_eq!(bench.status().progress, Some(Progress { done: 3, total: 9 }));
        bench.tell(Event::Met { transfer, incarnation: log(2), refused: vec![] });
        assert_eq!(begins(&bench), Some((How::Join, None)));
        let transfer = bench.transfer();
        bench.tell(Event::Started { transfer, start: start(5, 2) });
        bench.tell(Event::Bootstrapped { transfer, cursor: sync_id(5), incarnation: log(2) });
        // Less than it was, and right.
        assert_eq!(bench.status().cursor, sync_id(5));
        bench.opens();
        bench.hears(welcome_at(5, log(2), START));
        assert!(bench.reading().is_some());
    }
}

#[test]
fn a_welcome_of_another_log_is_no_welcome() {
    for welcome in [welcome_at(10, log(2), START), welcome_at(9, log(1), START)] {
        let mut bench = Bench::with(account());
        bench.opens();
        bench.hears(welcome);
        bench.wants(&Effect::Meet { transfer: bench.transfer() });
    }
}

#[test]
fn a_log_that_changes_while_it_is_taken_is_met_first() {
    let mut bench = Bench::with(account());
    bench.opens();
    bench.resets(ResetReason::Horizon);
    let transfer = bench.transfer();
    bench.tell(Event::Started { transfer, start: start(42, 2) });
    bench.wants(&Effect::StopTransfer { transfer });
    bench.sleeps(250);
    bench.wants(&Effect::Meet { transfer: bench.transfer() });
}

#[test]
fn a_new_device_that_has_part_of_a_lost_log_brings_it() {
    let mut bench = Bench::with(fresh());
    at_seven(&mut bench, 42, 1);
    bench.sleeps(30_250);
    let resume = begins(&bench).unwrap().1;
    for mut bench in [bench, Bench::with(Account { resume, ..fresh() })] {
        let transfer = bench.transfer();
        bench.tell(Event::Started { transfer, start: start(42, 2) });
        bench.sleeps(1000);
        bench.wants(&Effect::Meet { transfer: bench.transfer() });
    }
}

#[test]
fn a_meeting_that_is_interrupted_begins_anew() {
    let mut bench = Bench::live();
    bench.resets(ResetReason::Incarnation);
    let transfer = bench.transfer();
    let failure = TransferFailure::Trouble(Trouble::Unreachable("connection reset".to_owned()));
    bench.tell(Event::TransferFailed { transfer, failure });
    bench.sleeps(250);
    bench.wants(&Effect::Meet { transfer: bench.transfer() });
    // The cursor is still of the old log, so a machine that is made anew comes to the same.
    assert_eq!(bench.status().cursor, sync_id(10));
}

#[test]
fn what_a_meeting_couldnt_bring_is_shown_and_what_was_erased_lives_on() {
    let mut bench = Bench::live();
    bench.resets(ResetReason::Incarnation);
    let transfer = bench.transfer();
    let refused = |number, code| JoinRefused { entity: entity(number), code, message: "no".to_owned() };
    let refused = vec![refused(1, Refusal::Erased), refused(2, Refusal::TooLarge)];
    bench.tell(Event::Met { transfer, incarnation: log(2), refused });
    bench.wants(&Effect::Recreate { entity: entity(1) });
    let faults: Vec<_> = bench.status().faults.iter().map(|fault| (fault.entity, fault.code)).collect();
    assert_eq!(faults, [(entity(2), Refusal::TooLarge)]);
}

#[test]
fn a_store_with_content_that_is_in_no_outbox_brings_it() {
    let bench = Bench::with(Account { brings_states: true, ..fresh() });
    bench.wants(&Effect::Meet { transfer: bench.transfer() });
}

#[test]
fn a_server_that_has_met_the_device_is_asked_for_its_states() {
    let mut bench = Bench::live();
    bench.resets(ResetReason::Incarnation);
    let transfer = bench.transfer();
    bench.tell(Event::TransferFailed { transfer, failure: TransferFailure::Met });
    assert_eq!(begins(&bench), Some((How::Join, None)));
}

#[test]
fn a_newer_line_is_a_fault() {
    let mut bench = Bench::with(fresh());
    let transfer = bench.transfer();
    bench.tell(Event::TransferFailed { transfer, failure: TransferFailure::Newer("update".to_owned()) });
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Fault, Reason::Unsupported));
}

#[test]
fn a_server_that_asks_again_and_again_to_begin_anew_is_given_time() {
    let mut bench = Bench::with(account());
    bench.opens();
    bench.resets(ResetReason::Horizon);
    let transfer = bench.transfer();
    bench.tell(Event::Started { transfer, start: start(42, 1) });
    bench.tell(Event::Bootstrapped { transfer, cursor: sync_id(42), incarnation: log(1) });
    bench.opens();
    bench.resets(ResetReason::Horizon);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::Anew));
    bench.sleeps(250);
    assert!(begins(&bench).is_some());
}

#[test]
fn a_transfer_ends_with_pausing_and_goes_on_with_resuming() {
    let mut bench = Bench::with(fresh());
    let transfer = bench.transfer();
    at_seven(&mut bench, 42, 1);
    bench.tell(Event::Pause);
    bench.wants(&Effect::StopTransfer { transfer });
    bench.tell(Event::Resume);
    assert!(begins(&bench).unwrap().1.is_some());
}
