//! What comes down.

use altair_protocol::sync::{CloseCode, DeviceFrame, Item, Live, ServerFrame, What};

use super::bench::{Bench, START, log, own, sync_id, theirs, welcome_at};
use crate::sync::machine::{Effect, Event, Reason, State};

fn applied(bench: &mut Bench, cursor: u64) {
    bench.tell(Event::Applied { cursor: sync_id(cursor), copied: false, recreated: vec![] });
}

fn applies(bench: &Bench) -> Vec<u64> {
    let batches = bench.effects.iter().filter_map(|effect| match effect {
        Effect::Apply { items } => Some(items.iter().map(|item| item.sync_id.get())),
        _ => None,
    });
    batches.flatten().collect()
}

#[test]
fn the_cursor_moves_when_the_store_has_applied_it() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11), theirs(12)]);
    bench.wants(&Effect::Apply { items: vec![theirs(11), theirs(12)] });
    assert_eq!((bench.status().cursor, bench.status().head), (sync_id(10), sync_id(12)));
    applied(&mut bench, 12);
    assert_eq!(bench.status().cursor, sync_id(12));
}

#[test]
fn the_cursor_moves_on_changes_and_on_nothing_else() {
    let mut bench = Bench::live();
    bench.hears(ServerFrame::Live(Live { head: sync_id(50) }));
    bench.acks(&[7]);
    assert_eq!((bench.status().cursor, bench.status().head), (sync_id(10), sync_id(107)));
    assert_eq!(bench.state(), State::CatchingUp);
}

#[test]
fn a_number_that_comes_again_is_passed_over() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11), theirs(12)]);
    bench.gets(vec![theirs(11), theirs(12)]);
    assert!(applies(&bench).is_empty());
    bench.gets(vec![theirs(10), theirs(12), theirs(13)]);
    assert_eq!(applies(&bench), [13]);
    assert_eq!(bench.state(), State::Live);
}

#[test]
fn a_number_that_is_missing_ends_the_connection_and_the_next_begins_at_the_cursor() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11), theirs(13)]);
    assert_eq!(applies(&bench), [11]);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::Gap));
    applied(&mut bench, 11);
    bench.sleeps(250);
    bench.tell(Event::Opened { connection: bench.asked() });
    let [DeviceFrame::Hello(hello)] = bench.said()[..] else { panic!("{:?}", bench.effects) };
    assert_eq!(hello.cursor, sync_id(11));
}

#[test]
fn a_newer_item_stops_what_comes_and_not_what_goes() {
    let mut bench = Bench::live();
    let newer = Item { sync_id: sync_id(12), what: What::Unreadable { why: "unknown variant".to_owned() } };
    bench.gets(vec![theirs(11), newer, theirs(13)]);
    assert_eq!(applies(&bench), [11]);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Fault, Reason::Unsupported));
    bench.gets(vec![theirs(14)]);
    assert!(applies(&bench).is_empty());
    bench.tell(Event::Committed);
    assert!(bench.reading().is_some());
}

#[test]
fn a_socket_is_left_alone_while_the_store_has_enough_to_do() {
    let mut bench = Bench::live();
    let connection = bench.connection();
    for number in 11..14 {
        bench.gets(vec![theirs(number)]);
    }
    assert_eq!(bench.count(|effect| matches!(effect, Effect::Receive { .. })), 0);
    bench.gets(vec![theirs(14)]);
    bench.wants(&Effect::Receive { connection, on: false });
    // Nothing can be heard meanwhile, and that is no silence of the server's.
    bench.sleeps(60_000);
    assert_eq!(bench.state(), State::Live);
    applied(&mut bench, 11);
    bench.wants(&Effect::Receive { connection, on: true });
    bench.sleeps(29_999);
    assert_eq!(bench.state(), State::Live);
    bench.sleeps(1);
    assert_eq!(bench.state(), State::Waiting);
}

#[test]
fn a_device_says_how_far_it_is_with_its_heartbeat_and_after_many_numbers() {
    let said = |bench: &Bench| -> Vec<u64> {
        let said = bench.said();
        said.into_iter()
            .filter_map(|frame| match frame {
                DeviceFrame::Applied(applied) => Some(applied.cursor.get()),
                _ => None,
            })
            .collect()
    };
    let mut bench = Bench::live();
    bench.sleeps(10_000);
    assert_eq!(said(&bench), [10]);
    bench.gets(vec![theirs(11)]);
    applied(&mut bench, 11);
    assert!(said(&bench).is_empty());
    bench.sleeps(10_000);
    assert_eq!(said(&bench), [11]);
    bench.gets((12..11 + 4096).map(theirs).collect());
    applied(&mut bench, 11 + 4095);
    assert!(said(&bench).is_empty());
    bench.gets(vec![theirs(11 + 4096)]);
    applied(&mut bench, 11 + 4096);
    assert_eq!(said(&bench), [11 + 4096]);
}

#[test]
fn a_change_of_ones_own_that_comes_back_is_handed_on_as_its_id() {
    let mut bench = Bench::live();
    bench.gets(vec![own(11, 5)]);
    bench.wants(&Effect::Apply { items: vec![own(11, 5)] });
}

#[test]
fn what_an_earlier_connection_brought_isnt_applied_twice() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11)]);
    bench.closes(CloseCode::GoingAway, None);
    applied(&mut bench, 11);
    bench.sleeps(250);
    bench.opens();
    bench.hears(welcome_at(12, log(1), START));
    bench.gets(vec![theirs(11), theirs(12)]);
    assert_eq!(applies(&bench), [12]);
}
