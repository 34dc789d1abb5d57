//! The single promises of merging beside the numbered examples: the trash, registers and conflicts, counters, holding, and what is refused.

use altair_core::merge::{Applied, MergeError, Text, conflicts, counter, join};
use altair_protocol::{Bytes, Change, EntityId, EntityState, Field, Kind, Op, Stamp, Total, VersionVector};

use crate::common::{
    Replica, START, assert_refused, body, device, entity, joined, orders, portrait, stranger, tag, tags, three, values,
};

// Trash.

#[test]
fn a_stale_delete_never_wins_over_later_work() {
    let (mut a, mut b, mut c) = three(Kind::Item);
    let made = a.set(Field::TITLE, "Flour");
    b.receive(&made);
    // The delete's stamp is far later than the work that it hasn't seen.
    b.wall += 1_000_000;
    let delete = b.delete();
    c.receive(&delete);
    c.receive(&made);
    assert!(!c.state.is_alive());

    let works: [fn(&mut Replica) -> Change; 4] =
        [|a| a.set(Field::TITLE, "Rye"), |a| a.type_body("rye\n"), |a| a.count(1_000), Replica::restore];
    for work in works {
        let mut worker = a.clone();
        let change = work(&mut worker);
        for order in orders(&[made.clone(), delete.clone(), change]) {
            let mut other = Replica::new(9, Kind::Item);
            other.receive_batch(&order);
            assert!(other.state.is_alive(), "{:?}", order[2].ops);
        }
    }
}

#[test]
fn a_tag_alone_does_not_bring_a_thing_back_from_the_trash() {
    let (mut a, mut b, _) = three(Kind::Note);
    let made = a.set(Field::TITLE, "Figs");
    b.receive(&made);
    let tagged = a.set(tag("garden"), "garden");
    b.delete();
    b.receive(&tagged);
    assert!(!b.state.is_alive());
    assert_eq!(tags(&b.state), ["garden"]);
}

#[test]
fn restoring_brings_back_what_the_delete_saw() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    let made = a.write(vec![Op::Set { field: Field::TITLE, value: "Figs".into() }, a.body_op("ripe\n")]);
    let deleted = a.delete();
    b.receive_batch([&made, &deleted]);
    assert!(!b.state.is_alive());
    let restored = b.restore();
    assert!(b.state.is_alive());
    assert_eq!((b.state.value(&Field::TITLE), b.body()), (Some(&"Figs".into()), "ripe\n".to_owned()));

    let again = b.delete();
    c.receive_batch([&again, &restored, &deleted, &made]);
    assert!(!c.state.is_alive(), "a delete that saw the restoring holds");
    assert_eq!(portrait(&c.state), portrait(&b.state));
}

// Registers and conflicts.

#[test]
fn tags_added_at_the_same_time_both_stay() {
    let (mut a, mut b, _) = three(Kind::Note);
    let (from_a, from_b) = (a.set(tag("garden"), "garden"), b.set(tag("kitchen"), "kitchen"));
    a.receive(&from_b);
    b.join(&a.state);
    assert_eq!(tags(&a.state), ["garden", "kitchen"]);
    assert_eq!(tags(&b.state), ["garden", "kitchen"]);
    assert!(conflicts(&a.state).is_empty());
    assert_eq!(b.receive(&from_a), Applied::Already);
}

#[test]
fn a_conflict_has_the_same_id_on_both_sides() {
    let (mut a, mut b, _) = three(Kind::Quest);
    let from_a = a.write(vec![
        Op::Set { field: Field::DUE, value: "2026-01-01".into() },
        Op::Set { field: Field::TITLE, value: "Same".into() },
    ]);
    let from_b = b.write(vec![
        Op::Set { field: Field::DUE, value: "2026-02-02".into() },
        Op::Set { field: Field::TITLE, value: "Same".into() },
    ]);
    a.receive(&from_b);
    b.receive(&from_a);

    let (at_a, at_b) = (conflicts(&a.state), conflicts(&b.state));
    assert_eq!(at_a, at_b);
    assert_eq!(at_a.len(), 1, "heads with equal values are no conflict");
    assert_eq!(at_a[0].field, "due");
    assert_eq!(at_a[0].heads[0].value, "2026-02-02", "with equal stamps the greater device holds meanwhile");

    let third = Replica::new(3, Kind::Quest).set(Field::DUE, "2026-03-03");
    a.receive(&third);
    assert_ne!(conflicts(&a.state)[0].id, at_a[0].id, "with another head it is another conflict");
}

#[test]
fn resolving_is_a_set_that_has_seen_all() {
    let (mut a, mut b, mut c) = three(Kind::Quest);
    let (from_a, from_b) = (a.set(Field::DUE, "2026-01-01"), b.set(Field::DUE, "2026-02-02"));
    a.receive(&from_b);
    let resolved = a.set(Field::DUE, "2026-01-01");
    assert!(conflicts(&a.state).is_empty());
    for change in [&resolved, &from_a, &from_b] {
        c.receive(change);
    }
    b.join(&a.state);
    for replica in [&a, &b, &c] {
        assert_eq!(values(&replica.state, &Field::DUE), ["2026-01-01"]);
        assert_eq!(portrait(&replica.state), portrait(&a.state));
    }
}

#[test]
fn two_resolutions_at_the_same_time_are_one_conflict_of_two() {
    let (mut a, mut b, mut c) = three(Kind::Quest);
    let firsts = [a.set(Field::DUE, "2026-01-01"), b.set(Field::DUE, "2026-02-02"), c.set(Field::DUE, "2026-03-03")];
    a.receive_batch(&firsts);
    b.receive_batch(&firsts);
    let (by_a, by_b) = (a.set(Field::DUE, "2026-01-01"), b.set(Field::DUE, "2026-03-03"));
    a.receive(&by_b);
    b.receive(&by_a);
    assert_eq!(values(&a.state, &Field::DUE).len(), 2);
    assert_eq!(conflicts(&a.state), conflicts(&b.state));
}

#[test]
fn the_steps_of_one_change_are_done_in_order() {
    let (mut a, mut b, _) = three(Kind::Item);
    let text = Text::default();
    let first = text.edit("one", 1).unwrap().unwrap();
    let second = text.edit("one two", 1).unwrap().unwrap();
    let change = a.write(vec![
        Op::Set { field: Field::TITLE, value: "first".into() },
        Op::Count { field: Field::QUANTITY, total: -1_000 },
        Op::Text { field: Field::BODY, update: first.update },
        Op::Set { field: Field::TITLE, value: "second".into() },
        Op::Count { field: Field::QUANTITY, total: -2_000 },
        Op::Text { field: Field::BODY, update: second.update },
    ]);
    b.receive(&change);
    for replica in [&a, &b] {
        assert_eq!(values(&replica.state, &Field::TITLE), ["second"]);
        assert_eq!(replica.state.count(&Field::QUANTITY), -2_000);
        assert_eq!(replica.body(), "one two");
    }
}

// Counters.

#[test]
fn a_counter_refuses_to_overflow() {
    let (a, mut b, _) = three(Kind::Item);
    assert_eq!(counter::add(None, a.device, i64::MAX), Some(i64::MAX));
    b.write(vec![Op::Count { field: Field::QUANTITY, total: i64::MAX - 5 }]);
    let shares = b.state.counters.get(&Field::QUANTITY);
    assert_eq!(counter::add(shares, a.device, 5), Some(5));
    assert_eq!(counter::add(shares, a.device, 6), None, "the sum would overflow, though a's share would not");
    assert_eq!(counter::add(shares, b.device, 6), None, "the share would overflow");
    assert_eq!(counter::add(shares, b.device, i64::MIN), Some(-6));

    let mut below = shares.unwrap().clone();
    below.insert(a.device, Total { at: Stamp::new(START, 0), total: -10 });
    assert_eq!(counter::add(Some(&below), b.device, 6), None, "the sum would not overflow, but the share would");
}

#[test]
fn two_overflowing_halves_are_read_as_the_greatest_number() {
    let (mut a, mut b, _) = three(Kind::Item);
    a.write(vec![Op::Count { field: Field::QUANTITY, total: i64::MAX }]);
    b.write(vec![Op::Count { field: Field::QUANTITY, total: i64::MAX }]);
    assert_eq!(joined(&a.state, &b.state).count(&Field::QUANTITY), i64::MAX);
}

// Holding.

#[test]
fn a_held_change_is_applied_after_its_causes() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    let a1 = a.set(Field::TITLE, "Figs");
    b.receive(&a1);
    let b1 = b.type_body("ripe\n");
    a.receive(&b1);
    let a2 = a.type_body("ripe in August\n");

    let before = c.state.clone();
    assert_eq!(c.receive(&a2), Applied::Hold);
    assert_eq!(c.receive(&b1), Applied::Hold);
    assert_eq!(c.state, before, "what is held changes nothing yet");
    assert_eq!(c.receive(&a1), Applied::Now);
    assert!(c.held.is_empty());
    assert_eq!(portrait(&c.state), portrait(&a.state));
    assert_eq!(c.body(), "ripe in August\n");
}

#[test]
fn a_held_change_is_applied_after_a_joined_state_brings_its_causes() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    b.receive(&a.type_body("ripe\n"));
    let b1 = b.type_body("ripe in August\n");
    assert_eq!(c.receive(&b1), Applied::Hold);
    c.join(&a.state);
    assert!(c.held.is_empty());
    assert_eq!(c.body(), "ripe in August\n");
}

// What is refused, and what is kept.

#[test]
fn a_change_of_another_entity_kind_or_shape_is_refused_whole() {
    let (mut a, _, _) = three(Kind::Item);
    a.write(vec![Op::Set { field: Field::TITLE, value: "Eggs".into() }, a.body_op("brown\n")]);
    let good = Op::Set { field: Field::UNIT, value: "box".into() };

    let mut elsewhere = stranger(&a.state, vec![good.clone()]);
    elsewhere.entity = EntityId::v7(77, [7; 10]);
    assert_refused(&a.state, &elsewhere, |error| matches!(error, MergeError::WrongEntity));

    let mut another_kind = stranger(&a.state, vec![good.clone()]);
    another_kind.kind = Kind::Note;
    let wrong_kind =
        |error: &MergeError| matches!(error, MergeError::WrongKind { ours: Kind::Item, theirs: Kind::Note });
    assert_refused(&a.state, &another_kind, wrong_kind);

    let update = Text::default().edit("x", 1).unwrap().unwrap().update;
    for bad in [
        Op::Set { field: Field::BODY, value: "no text".into() },
        Op::Set { field: Field::QUANTITY, value: 3.into() },
        Op::Text { field: Field::TITLE, update: update.clone() },
        Op::Text { field: tag("garden"), update },
        Op::Count { field: Field::BODY, total: 1 },
    ] {
        let change = stranger(&a.state, vec![good.clone(), bad]);
        assert_refused(&a.state, &change, |error| matches!(error, MergeError::WrongShape { kind: Kind::Item, .. }));
    }
}

#[test]
fn a_state_of_another_entity_or_kind_is_refused() {
    let (mut a, _, _) = three(Kind::Item);
    a.set(Field::TITLE, "Eggs");
    let before = a.state.clone();
    let another = EntityState { id: EntityId::v7(77, [7; 10]), ..a.state.clone() };
    assert!(matches!(join(&mut a.state, &another), Err(MergeError::WrongEntity)));
    let another = EntityState { kind: Kind::Note, ..before.clone() };
    assert!(matches!(join(&mut a.state, &another), Err(MergeError::WrongKind { .. })));
    assert_eq!(a.state, before);
}

#[test]
fn a_garbage_update_of_a_text_is_an_error_and_changes_nothing() {
    let (mut a, mut b, _) = three(Kind::Item);
    a.write(vec![Op::Set { field: Field::TITLE, value: "Eggs".into() }, a.body_op("brown\n")]);
    b.join(&a.state);
    let Op::Text { update: whole, .. } = b.body_op("brown, large\n") else { unreachable!() };
    let half = Bytes(whole.0[..whole.0.len() / 2].to_vec());
    for garbage in [Bytes(Vec::new()), Bytes(b"no document".to_vec()), Bytes(vec![0; 4096]), half] {
        let ops = vec![
            Op::Set { field: Field::TITLE, value: "Ham".into() },
            Op::Count { field: Field::QUANTITY, total: 1_000 },
            Op::Text { field: Field::BODY, update: garbage },
        ];
        assert_refused(&a.state, &stranger(&a.state, ops), |error| matches!(error, MergeError::Text(_)));
    }
}

#[test]
fn an_update_whose_own_beginning_is_missing_is_an_error_and_changes_nothing() {
    let (mut a, mut b, _) = three(Kind::Note);
    a.type_body("brown\n");
    b.type_body("white\n");
    // It says that it has seen only `a`, but its edit builds on `b`'s.
    let ops = vec![Op::Set { field: Field::TITLE, value: "Eggs".into() }, b.body_op("white, small\n")];
    assert_refused(&a.state, &stranger(&a.state, ops), |error| matches!(error, MergeError::Text(_)));
}

#[test]
fn a_state_with_a_garbage_text_is_an_error_and_changes_nothing() {
    let (mut a, mut b, _) = three(Kind::Note);
    a.type_body("brown\n");
    b.set(Field::TITLE, "Eggs");
    let mut damaged = a.state.clone();
    damaged.texts.insert(Field::BODY, Bytes(b"no document".to_vec()));
    for replica in [&mut a, &mut b] {
        let before = replica.state.clone();
        assert!(matches!(join(&mut replica.state, &damaged), Err(MergeError::Text(_))));
        assert_eq!(replica.state, before);
    }
}

#[test]
fn a_field_that_this_version_does_not_know_is_kept() {
    let (mut newer, mut older, mut third) = three(Kind::Note);
    let (mood, score, appendix) = (Field::named("mood"), Field::named("score"), Field::named("appendix"));
    let update = Text::default().edit("more to come", 1).unwrap().unwrap().update;
    let made = newer.write(vec![
        Op::Set { field: mood.clone(), value: serde_json::json!({"word": "calm", "of": [1, 2]}) },
        Op::Count { field: score.clone(), total: 7 },
        Op::Text { field: appendix.clone(), update },
    ]);
    older.receive(&made);
    let edited = older.set(Field::TITLE, "Figs");
    third.join(&older.state);
    newer.receive(&edited);
    for replica in [&newer, &older, &third] {
        assert_eq!(values(&replica.state, &mood), [serde_json::json!({"word": "calm", "of": [1, 2]})]);
        assert_eq!(replica.state.count(&score), 7);
        assert_eq!(Text::read_bytes(&replica.state.texts[&appendix]).unwrap(), "more to come");
        assert_eq!(portrait(&replica.state), portrait(&newer.state));
    }
    let json = serde_json::to_string(&third.state).unwrap();
    assert_eq!(serde_json::from_str::<EntityState>(&json).unwrap(), third.state);
}

#[test]
fn a_change_that_does_nothing_is_still_seen() {
    let (mut a, mut b, _) = three(Kind::Note);
    let nothing = a.write(Vec::new());
    let something = a.set(Field::TITLE, "Figs");
    assert_eq!(b.receive(&something), Applied::Hold);
    assert_eq!(b.receive(&nothing), Applied::Now);
    assert_eq!(portrait(&a.state), portrait(&b.state));
    assert_eq!(b.state.applied, VersionVector::from_iter([something.dot()]));
    assert_eq!((b.state.id, body(&b.state)), (entity(), String::new()));
    assert_eq!(b.state.applied.get(device(1)), something.at);
}
