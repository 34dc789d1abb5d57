//! The counter-examples at the end of MERGE.md that merging decides, each a test by its number.
//!
//! Examples 1 to 6 are here whole, 8 and 9 as far as merging decides them: that the changes of a device that was away merge
//! completely, and that the text of a file imported twice isn't doubled. What a server has to do is not here: 7 (a restored server), 10
//! (refusing stamps, `seen` and devices), and how a change that can't be merged is *shown* in 8.

use altair_core::merge::text::act_peer;
use altair_core::merge::{Applied, Text, apply, conflicts};
use altair_protocol::{EntityId, EntityState, Field, Kind, Op, Value};

use crate::common::{Replica, START, applied_in_order, joined, orders, portrait, tag, tags, three, values};

#[test]
fn example_1_every_order_ends_in_the_same_heads() {
    let (mut a, mut b, mut c) = three(Kind::Quest);
    let a1 = a.set(Field::DUE, "2026-01-01");
    b.receive(&a1);
    let b1 = b.set(Field::DUE, "2026-02-02");
    assert_eq!(c.receive(&b1), Applied::Hold, "b1 builds on a1, which c hasn't got");
    let c1 = c.set(Field::DUE, "2026-03-03");

    let changes = [a1, b1, c1];
    let expected = portrait(&applied_in_order(Kind::Quest, &changes));
    for order in orders(&changes) {
        let mut other = Replica::new(9, Kind::Quest);
        for change in &order {
            other.receive(change);
        }
        assert!(other.held.is_empty());
        assert_eq!(portrait(&other.state), expected);
    }
    a.receive(&changes[1]);
    a.receive(&changes[2]);
    b.receive(&changes[2]);
    c.receive(&changes[0]);
    for replica in [&a, &b, &c] {
        assert_eq!(portrait(&replica.state), expected);
    }
    let mut held = values(&c.state, &Field::DUE);
    held.sort_by_key(Value::to_string);
    assert_eq!(held, ["2026-02-02", "2026-03-03"], "a1 was seen by b1; b1 and c1 didn't see each other");
}

#[test]
fn example_2_a_title_that_the_writer_did_not_see_is_not_superseded() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    let a1 = a.set(Field::TITLE, "Figs");
    let a2 = a.set(Field::PATH, "figs.md");
    assert_eq!(b.receive(&a2), Applied::Hold, "a2 may not count as seen before a1 is here");
    let b1 = b.set(Field::TITLE, "Plums");
    assert!(!b1.seen.covers(a1.dot()) && !b1.seen.covers(a2.dot()));

    b.receive(&a1);
    for change in [&b1, &a2, &a1] {
        c.receive(change);
    }
    a.receive(&b1);
    for replica in [&a, &b, &c] {
        assert_eq!(values(&replica.state, &Field::TITLE).len(), 2, "both titles stay");
        assert_eq!(values(&replica.state, &Field::PATH), ["figs.md"]);
    }
    assert_eq!(portrait(&a.state), portrait(&b.state));
    assert_eq!(portrait(&a.state), portrait(&c.state));
}

#[test]
fn example_3_only_the_tag_that_was_seen_goes() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    let garden = a.set(tag("garden"), "garden");
    let kitchen = b.set(tag("kitchen"), "kitchen");
    a.receive(&kitchen);
    let removal = a.set(tag("kitchen"), Value::Null);
    // Meanwhile a third device, which has seen nothing of this, adds both.
    let third = c.write(vec![
        Op::Set { field: tag("balcony"), value: "balcony".into() },
        Op::Set { field: tag("kitchen"), value: "Kitchen".into() },
    ]);

    let changes = [garden, kitchen, removal, third];
    let without_third = applied_in_order(Kind::Note, &changes[..3]);
    assert_eq!(tags(&without_third), ["garden"]);
    let all = applied_in_order(Kind::Note, &changes);
    let heads = values(&all, &tag("kitchen"));
    assert!(heads.contains(&"Kitchen".into()), "the tag that the removal hadn't seen stays: {heads:?}");
    assert!(!heads.contains(&"kitchen".into()), "the tag that it had seen goes: {heads:?}");
    assert_eq!(values(&all, &tag("garden")), ["garden"]);
    assert_eq!(values(&all, &tag("balcony")), ["balcony"]);
    for order in orders(&changes) {
        let mut other = Replica::new(9, Kind::Note);
        other.receive_batch(&order);
        assert_eq!(portrait(&other.state), portrait(&all));
    }
}

#[test]
fn example_4_deletes_that_each_saw_a_part_join_to_the_whole() {
    let (mut a, mut b, mut c) = three(Kind::Note);
    let a1 = a.set(Field::TITLE, "From a");
    let b1 = b.set(Field::TITLE, "From b");
    let c1 = c.set(Field::TITLE, "From c");
    let delete_a = a.delete();
    let delete_b = b.delete();

    let by_a = applied_in_order(Kind::Note, [&a1, &b1, &delete_a]);
    let by_b = applied_in_order(Kind::Note, [&a1, &b1, &delete_b]);
    assert!(by_a.is_alive(), "b's work was unseen by a's delete");
    assert!(by_b.is_alive(), "a's work was unseen by b's delete");
    let both = joined(&by_a, &by_b);
    assert!(!both.is_alive(), "together the deletes have seen everything");
    assert_eq!(portrait(&both), portrait(&applied_in_order(Kind::Note, [&a1, &b1, &delete_a, &delete_b])));

    let mut with_c = both;
    apply(&mut with_c, &c1).unwrap();
    assert!(with_c.is_alive(), "nobody who deleted had seen c's work");
}

#[test]
fn example_5_an_old_backup_never_takes_a_total_back() {
    let (mut a, mut b, _) = three(Kind::Item);
    let bought = a.count(12_000);
    b.receive(&bought);
    let old_backup = a.state.clone();
    let used = [a.count(-1_000), b.count(-1_000)];
    a.receive(&used[1]);
    b.receive(&used[0]);
    assert_eq!(a.state.count(&Field::QUANTITY), 10_000);

    // The backup comes back as a new device, and its old state is joined everywhere.
    let mut back = Replica::bootstrapped(4, old_backup.clone());
    a.join(&old_backup);
    back.join(&b.state);
    let ate = back.count(-1_000);
    a.receive(&ate);
    a.join(&old_backup);
    b.receive(&ate);
    for replica in [&a, &b, &back] {
        assert_eq!(replica.state.count(&Field::QUANTITY), 9_000);
        assert_eq!(portrait(&replica.state), portrait(&a.state));
    }
}

#[test]
fn example_6_a_bootstrap_in_the_middle_of_an_unsent_chain() {
    let (mut a, mut b, mut c) = three(Kind::Item);
    let mut from_b = vec![b.set(Field::TITLE, "Eggs"), b.type_body("brown\n"), b.count(6_000)];
    a.join(&b.state);
    let mut unsent = vec![a.set(Field::TITLE, "Hens' eggs"), a.type_body("brown\nfrom the market\n")];
    from_b.push(b.type_body("brown, large\n"));
    from_b.push(b.set(tag("fridge"), "fridge"));

    a.join(&b.state);
    unsent.push(a.count(-2_000));
    unsent.push(a.type_body(&a.body().replace("market", "farm")));

    let all: Vec<_> = from_b.iter().chain(&unsent).collect();
    c.receive_batch(all.iter().copied().rev());
    assert!(c.held.is_empty());
    b.receive_batch(&unsent);
    assert_eq!(a.body(), "brown, large\nfrom the farm\n");
    assert_eq!(a.state.count(&Field::QUANTITY), 4_000);
    assert_eq!(values(&a.state, &Field::TITLE), ["Hens' eggs"]);
    assert_eq!(portrait(&a.state), portrait(&b.state));
    assert_eq!(portrait(&a.state), portrait(&c.state));
}

#[test]
fn example_6_states_joined_twice_and_with_the_changes_that_made_them() {
    let (mut a, mut b, mut c) = three(Kind::Item);
    let from_a = [a.set(Field::TITLE, "Eggs"), a.type_body("brown\n"), a.count(6_000)];
    b.receive(&from_a[0]);
    let from_b = [b.set(Field::TITLE, "Six eggs"), b.type_body("from the farm\n"), b.count(-1_000), b.delete()];

    let expected = portrait(&joined(&a.state, &b.state));
    for state in [&b.state, &a.state, &b.state, &a.state] {
        c.join(state);
        c.receive_batch(from_b.iter().chain(&from_a));
        c.join(state);
    }
    assert_eq!(portrait(&c.state), expected);
    assert_eq!(portrait(&applied_in_order(Kind::Item, from_a.iter().chain(&from_b))), expected);
    for change in from_a.iter().chain(&from_b) {
        let before = c.state.clone();
        assert_eq!(c.receive(change), Applied::Already);
        assert_eq!(c.state, before);
    }
}

#[test]
fn example_8_after_a_year_away_everything_merges() {
    let (mut home, mut away, mut newcomer) = three(Kind::Item);
    let first = [
        home.set(Field::TITLE, "Flour"),
        home.type_body("wheat\n"),
        home.count(3_000),
        home.set(tag("baking"), "baking"),
    ];
    away.receive_batch(&first);

    away.wall = START + 1_000;
    let unsent = [
        away.type_body("wheat\nopened in January\n"),
        away.set(tag("pantry"), "pantry"),
        away.set(tag("baking"), Value::Null),
        away.count(-500),
        away.set(Field::UNIT, "kg"),
        away.delete(),
    ];
    home.wall = START + 365 * 24 * 3_600_000;
    let meanwhile = [
        home.type_body("whole wheat\n"),
        home.count(-1_000),
        home.set(Field::UNIT, "bag"),
        home.set(tag("organic"), "organic"),
    ];

    away.receive_batch(&meanwhile);
    home.receive_batch(&unsent);
    newcomer.receive_batch(unsent.iter().rev().chain(&meanwhile).chain(&first));
    for replica in [&home, &away, &newcomer] {
        let state = &replica.state;
        assert!(replica.held.is_empty());
        assert_eq!(replica.body(), "whole wheat\nopened in January\n");
        assert_eq!(state.count(&Field::QUANTITY), 1_500);
        assert_eq!(tags(state), ["organic", "pantry"]);
        assert!(state.is_alive(), "the delete hadn't seen a year of work");
        assert_eq!(values(state, &Field::UNIT), ["bag", "kg"], "the later one holds, both are shown");
        assert_eq!(conflicts(state).len(), 1);
        assert_eq!(portrait(state), portrait(&home.state));
    }
}

#[test]
fn example_9_one_file_imported_on_two_devices_is_one_note_with_one_text() {
    const TEXT: &str = "# Figs\n\nWater them on Friday.\n";
    let import = |number: u16| {
        let id = EntityId::derived("altair import v1", &[b"vault", b"figs.md", TEXT.as_bytes()]);
        let mut importer = Replica::bootstrapped(number, EntityState::new(id, Kind::Note));
        importer.wall += u64::from(number) * 60_000;
        let peer = act_peer(&[b"import", b"vault", b"figs.md", TEXT.as_bytes()]);
        let edit = Text::default().edit(TEXT, peer).unwrap().unwrap();
        let change = importer.write(vec![
            Op::Set { field: Field::TITLE, value: "figs".into() },
            Op::Set { field: Field::CREATED, value: importer.wall.into() },
            Op::Text { field: Field::BODY, update: edit.update },
        ]);
        (importer, change)
    };
    let ((mut a, from_a), (mut b, from_b)) = (import(1), import(2));
    assert_eq!(a.state.id, b.state.id);

    let edited = a.type_body("# Figs\n\nWater them on Friday and Monday.\n");
    assert_eq!(a.receive(&from_b), Applied::Now);
    b.receive_batch([&from_a, &edited]);
    assert_eq!(a.body(), "# Figs\n\nWater them on Friday and Monday.\n");
    assert!(conflicts(&a.state).is_empty(), "the same import is no conflict: {:?}", conflicts(&a.state));
    assert_eq!(portrait(&a.state), portrait(&b.state));
    assert_eq!(portrait(&joined(&a.state, &b.state)), portrait(&a.state));
}
