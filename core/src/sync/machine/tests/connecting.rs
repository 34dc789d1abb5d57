//! Connecting, waiting, and noticing that nobody is there.

use altair_protocol::HouseholdId;
use altair_protocol::sync::{CloseCode, DeviceFrame, Household, Live, Pong, ServerFrame, Welcome};
use altair_protocol::view::Time;

use super::bench::{Bench, START, account, device, home, log, sync_id, theirs, welcome, welcome_at};
use crate::sync::machine::{ConnectionId, Effect, Event, Reason, State, Trouble};

fn unreachable() -> Trouble {
    Trouble::Unreachable("connection refused".to_owned())
}

#[test]
fn a_device_greets_with_its_cursor_and_is_welcomed() {
    let mut bench = Bench::with(account());
    assert_eq!(bench.state(), State::Connecting);
    bench.tell(Event::Opened { connection: bench.asked() });
    let [DeviceFrame::Hello(hello)] = bench.said()[..] else { panic!("{:?}", bench.effects) };
    assert_eq!((hello.device, hello.cursor, hello.incarnation), (device(1), sync_id(10), Some(log(1))));
    bench.hears(welcome());
    assert_eq!(bench.state(), State::CatchingUp);
    bench.hears(ServerFrame::Live(Live { head: sync_id(10) }));
    assert_eq!(bench.state(), State::Live);
}

#[test]
fn an_unreachable_server_is_waited_for_quietly_and_ever_longer() {
    let mut bench = Bench::with(account());
    bench.now.random = u64::MAX - 20; // A multiple of no bound: any outcome will do, as long as it is within.
    for bound in [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000] {
        let connection = bench.asked();
        bench.tell(Event::Failed { connection, trouble: unreachable() });
        assert_eq!(bench.state(), State::Waiting);
        assert_eq!(bench.status().why.unwrap().reason, Reason::Unreachable);
        assert_eq!(bench.status().faults, []);
        let wait = bench.machine.wake.unwrap() - bench.now.millis;
        assert!(wait <= bound, "{wait} is longer than {bound}");
        bench.sleeps(wait);
    }
}

#[test]
fn a_wait_is_any_time_up_to_its_bound() {
    let wait = |random| {
        let mut bench = Bench::with(account());
        bench.now.random = random;
        bench.tell(Event::Failed { connection: bench.asked(), trouble: unreachable() });
        bench.machine.wake.unwrap()
    };
    assert_eq!([wait(0), wait(1), wait(250), wait(251), wait(502)], [0, 1, 250, 0, 0]);
}

#[test]
fn an_expired_session_is_a_quiet_wait() {
    let mut bench = Bench::with(account());
    bench.tell(Event::Failed { connection: bench.asked(), trouble: Trouble::Unauthorized });
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::SessionExpired));
    let mut bench = Bench::live();
    bench.closes(CloseCode::Unauthorized, None);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::SessionExpired));
    assert_eq!(bench.status().faults, []);
}

#[test]
fn a_connection_that_nobody_makes_or_answers_is_given_up() {
    let mut bench = Bench::with(account());
    bench.sleeps(10_000);
    assert_eq!(bench.state(), State::Waiting);
    bench.sleeps(250);
    bench.opens();
    bench.sleeps(9999);
    assert_eq!(bench.state(), State::Connecting);
    bench.sleeps(1);
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Waiting, Reason::Silent));
}

#[test]
fn a_heartbeat_finds_a_dead_connection_within_thirty_seconds() {
    let mut bench = Bench::live();
    let connection = bench.connection();
    bench.sleeps(29_999);
    let pings = bench.count(|effect| matches!(effect, Effect::Send { frame: DeviceFrame::Ping(_), .. }));
    assert_eq!((pings, bench.state()), (2, State::Live));
    bench.sleeps(1);
    assert_eq!(bench.state(), State::Waiting);
    bench.wants(&Effect::Disconnect { connection });
}

#[test]
fn a_connection_that_answers_lives_on() {
    let mut bench = Bench::live();
    for n in 1..=20 {
        bench.sleeps(10_000);
        let DeviceFrame::Ping(ping) = bench.said()[0] else { panic!("{:?}", bench.effects) };
        assert_eq!(ping.n, n);
        bench.hears(ServerFrame::Pong(Pong { n, server_time: Time::from_millis(bench.now.wall) }));
        assert_eq!(bench.state(), State::Live);
    }
}

#[test]
fn sync_now_and_the_network_coming_back_skip_the_wait() {
    for event in [Event::SyncNow, Event::NetworkBack] {
        let mut bench = Bench::with(account());
        bench.now.random = 200;
        bench.tell(Event::Failed { connection: bench.asked(), trouble: unreachable() });
        assert_eq!(bench.count(|effect| matches!(effect, Effect::Connect { .. })), 0);
        bench.tell(event);
        bench.asked();
        assert_eq!(bench.state(), State::Connecting);
    }
}

#[test]
fn a_connection_from_before_the_network_came_back_has_to_answer_soon() {
    let mut bench = Bench::live();
    bench.tell(Event::NetworkBack);
    let DeviceFrame::Ping(ping) = bench.said()[0] else { panic!("{:?}", bench.effects) };
    let pong = Pong { n: ping.n, server_time: Time::from_millis(START) };
    bench.passes(4999);
    bench.hears(ServerFrame::Pong(pong));
    bench.sleeps(5000);
    assert_eq!(bench.state(), State::Live);
    bench.tell(Event::NetworkBack);
    bench.sleeps(5000);
    assert_eq!(bench.state(), State::Waiting);
}

#[test]
fn what_comes_late_from_an_earlier_connection_is_passed_over() {
    let mut bench = Bench::live();
    let old = bench.connection();
    bench.closes(CloseCode::GoingAway, None);
    bench.sleeps(250);
    bench.opens();
    for event in [
        Event::Closed { connection: old, code: None, message: String::new() },
        Event::Failed { connection: old, trouble: Trouble::Unauthorized },
        Event::Received { connection: old, frame: ServerFrame::Live(Live { head: sync_id(99) }) },
        Event::Unreadable { connection: old, why: String::new() },
        Event::Opened { connection: old },
        Event::Written { connection: ConnectionId(12_345) },
    ] {
        bench.tell(event);
        assert_eq!(bench.effects, []);
    }
    // A timer that fires too early is set again.
    let at = bench.machine.wake;
    bench.tell(Event::Woke);
    assert_eq!(bench.effects, [Effect::Wake { at }]);
    assert_eq!(bench.state(), State::Connecting);
}

#[test]
fn each_end_of_a_connection_has_its_consequence() {
    let after = |code: CloseCode, retry_after| {
        let mut bench = Bench::live();
        bench.closes(code, retry_after);
        (bench.state(), bench.status().why.unwrap().reason, bench.machine.wake.unwrap())
    };
    let minutes = 10 * 60 * 1000;
    for code in [CloseCode::GoingAway, CloseCode::Timeout, CloseCode::TooMany, CloseCode::Internal, CloseCode::Unknown]
    {
        assert_eq!(after(code, None), (State::Waiting, Reason::HungUp, 125));
        assert_eq!(after(code, Some(1500)), (State::Waiting, Reason::HungUp, 1500));
        assert_eq!(after(code, Some(u64::MAX)), (State::Waiting, Reason::HungUp, minutes));
    }
    assert_eq!(after(CloseCode::Replaced, None), (State::Waiting, Reason::Replaced, 30_000));
    assert_eq!(after(CloseCode::Unsupported, None), (State::Fault, Reason::Unsupported, minutes));
    for code in [CloseCode::Malformed, CloseCode::WrongDevice, CloseCode::TooLarge] {
        assert_eq!(after(code, None), (State::Fault, Reason::Protocol, minutes));
    }
}

#[test]
fn another_households_server_gets_nothing() {
    let mut bench = Bench::with(account());
    bench.opens();
    let ServerFrame::Welcome(welcome) = welcome() else { panic!() };
    assert_eq!(welcome.household.id, home());
    let household = Household { id: HouseholdId::v7(2, [0; 10]), ..welcome.household };
    bench.hears(ServerFrame::Welcome(Welcome { household, ..welcome }));
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Fault, Reason::Foreign));
    assert!(bench.reading().is_none());
}

#[test]
fn a_frame_where_it_makes_no_sense_is_a_fault_and_one_that_is_none_a_broken_line() {
    let mut bench = Bench::with(account());
    bench.opens();
    bench.hears(ServerFrame::Live(Live { head: sync_id(1) }));
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Fault, Reason::Protocol));
    let mut bench = Bench::live();
    let connection = bench.connection();
    bench.tell(Event::Unreadable { connection, why: "a frame can't be read".to_owned() });
    assert_eq!(bench.state(), State::Waiting);
}

#[test]
fn the_servers_clock_is_told_and_told_again_when_it_has_moved() {
    let mut bench = Bench::with(account());
    bench.opens();
    bench.hears(welcome_at(10, log(1), START + 60_000));
    bench.wants(&Effect::SetClock { ahead: 60_000 });
    bench.sleeps(10_000);
    bench.passes(100);
    // Told in the middle of a round trip of 100 ms.
    let server_time = |bench: &Bench, ahead: i64| Time::from_millis(bench.now.wall - 50 + ahead);
    bench.hears(ServerFrame::Pong(Pong { n: 1, server_time: server_time(&bench, 60_999) }));
    assert_eq!(bench.count(|effect| matches!(effect, Effect::SetClock { .. })), 0);
    bench.sleeps(9900);
    bench.passes(100);
    bench.hears(ServerFrame::Pong(Pong { n: 2, server_time: server_time(&bench, 61_000) }));
    bench.wants(&Effect::SetClock { ahead: 61_000 });
}

#[test]
fn hello_waits_until_the_store_has_applied_what_came_before() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11)]);
    bench.closes(CloseCode::GoingAway, None);
    bench.sleeps(250);
    let connection = bench.asked();
    bench.tell(Event::Opened { connection });
    assert!(bench.said().is_empty());
    bench.tell(Event::Applied { cursor: sync_id(11), copied: false, recreated: vec![] });
    let [DeviceFrame::Hello(hello)] = bench.said()[..] else { panic!("{:?}", bench.effects) };
    assert_eq!(hello.cursor, sync_id(11));
}

#[test]
fn a_paused_device_says_nothing_until_it_is_resumed() {
    let mut bench = Bench::live();
    let connection = bench.connection();
    bench.tell(Event::Pause);
    bench.wants(&Effect::Disconnect { connection });
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Off, Reason::Paused));
    for event in [Event::SyncNow, Event::NetworkBack, Event::Committed, Event::Woke, Event::Pause] {
        bench.tell(event);
        assert_eq!(bench.effects, []);
    }
    bench.tell(Event::Resume);
    assert_eq!(bench.state(), State::Connecting);
}

#[test]
fn who_logs_out_is_off_and_forgotten() {
    let mut bench = Bench::live();
    bench.tell(Event::LoggedOut);
    assert_eq!((bench.state(), bench.status().cursor), (State::Off, sync_id(0)));
    bench.wants(&Effect::Wake { at: None });
    bench.tell(Event::SyncNow);
    assert_eq!(bench.effects, []);
    bench.tell(Event::Configured(Box::new(account())));
    bench.connects();
}

#[test]
fn a_fault_is_tried_again_after_ten_minutes_or_when_somebody_asks() {
    for asks in [true, false] {
        let mut bench = Bench::live();
        bench.closes(CloseCode::Unsupported, None);
        if asks {
            bench.tell(Event::SyncNow);
        } else {
            bench.sleeps(10 * 60 * 1000);
        }
        bench.asked();
    }
}

#[test]
fn a_store_that_fails_is_a_fault_and_tried_again() {
    let mut bench = Bench::live();
    bench.gets(vec![theirs(11)]);
    bench.tell(Event::StoreFailed { why: "the disk is full: make room on it".to_owned() });
    assert_eq!((bench.state(), bench.status().why.unwrap().reason), (State::Fault, Reason::Store));
    bench.sleeps(30_000);
    bench.opens();
    bench.hears(welcome());
    bench.gets(vec![theirs(11)]);
    bench.wants(&Effect::Apply { items: vec![theirs(11)] });
}
