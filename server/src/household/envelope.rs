//! Whether a change is accepted: by its envelope, by what the server has of its entity, and by nothing else. Pure: the clock and what is stored come in.
//!
//! The rules are MERGE.md's. An accepted change never has to be held by anybody who gets the log in order: all that it has seen was accepted before it.

use std::collections::BTreeSet;

use altair_protocol::sync::{Envelope, MAX_AHEAD_MS, MAX_CHANGE, MAX_ENTITY, Refusal};
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, Hash, Stamp};

use crate::store::Entity;

/// What an envelope is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Against<'a> {
    /// Who pushed it.
    pub(crate) device: DeviceId,
    /// What the server has of the entity; `None`: nothing.
    pub(crate) entity: Option<&'a Entity>,
    /// Those of the blobs that the change names which the server doesn't have.
    pub(crate) missing: &'a BTreeSet<Hash>,
    /// The server's clock, in Unix milliseconds.
    pub(crate) now_ms: u64,
    /// How long the change is.
    pub(crate) bytes: u64,
}

/// Why a change isn't accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Refusal,
    pub(crate) message: String,
    /// When it would be accepted as it is.
    pub(crate) until: Option<Time>,
}

impl Refused {
    pub(crate) fn new(code: Refusal, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), until: None }
    }
}

/// What becomes of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It gets the log's next number.
    Accepted,
    /// Its dot is covered. If its id was accepted, it has its number already; else another change has its dot ([`forked`]).
    Covered,
    /// It isn't accepted.
    Refused(Refused),
}

/// Decides about a change.
pub(crate) fn check(envelope: &Envelope, against: Against<'_>) -> Verdict {
    match refusal(envelope, against) {
        Err(refused) => Verdict::Refused(refused),
        Ok(true) => Verdict::Covered,
        Ok(false) => Verdict::Accepted,
    }
}

/// A store that has become two: both have the same device id.
pub(crate) fn forked() -> Refused {
    Refused::new(
        Refusal::Forked,
        "another store with this device's id has written in between: take a new device id, and mint again what isn't acknowledged",
    )
}

/// The refusal of a change whose envelope can't be read.
pub(crate) fn unreadable(why: &str) -> Refused {
    // Long enough for a reason, too short to send a change back.
    let why: String = why.chars().take(200).collect();
    Refused::new(Refusal::Malformed, format!("the change can't be read ({why}): update this program"))
}

/// Whether the change's dot is covered already.
fn refusal(envelope: &Envelope, against: Against<'_>) -> Result<bool, Refused> {
    let Against { device, entity, missing, now_ms, bytes } = against;
    if envelope.device != device {
        return Err(Refused::new(
            Refusal::WrongDevice,
            "the change is another device's than the connection's: each device pushes its own",
        ));
    }
    if envelope.at == Stamp::ZERO {
        return Err(Refused::new(Refusal::Malformed, "the change has no stamp: mint it again"));
    }
    if bytes > MAX_CHANGE as u64 {
        return Err(Refused::new(
            Refusal::TooLarge,
            format!("the change has {bytes} bytes, and may have {MAX_CHANGE}: make it smaller, in several steps"),
        ));
    }
    if let Some(entity) = entity {
        if entity.erased_ms.is_some() {
            return Err(Refused::new(
                Refusal::Erased,
                "the entity was erased: what is left of it belongs in a new one, with an id of its own",
            ));
        }
        if entity.kind != envelope.kind {
            let (ours, theirs) = (entity.kind, envelope.kind);
            return Err(Refused::new(
                Refusal::Malformed,
                format!("the entity is a {ours}, and the change is for a {theirs}"),
            ));
        }
    }
    let nothing = altair_protocol::VersionVector::new();
    let applied = entity.map_or(&nothing, |entity| &entity.applied);
    if applied.covers(envelope.dot()) {
        return Ok(true);
    }
    let latest = now_ms.saturating_add(MAX_AHEAD_MS);
    if envelope.at.millis() > latest {
        // By then the server's clock is close enough.
        let until = i64::try_from(envelope.at.millis().saturating_sub(MAX_AHEAD_MS)).unwrap_or(i64::MAX);
        let refused = Refused::new(
            Refusal::ClockSkew,
            "the change's stamp is more than five minutes ahead of the server's clock: set the device's clock, and mint it again",
        );
        return Err(Refused { until: Some(Time::from_millis(until)), ..refused });
    }
    // Less than the server has of the device is a copy's; more is what was refused before.
    if envelope.seen.get(device) < applied.get(device) {
        return Err(forked());
    }
    if !applied.includes(&envelope.seen) {
        return Err(Refused::new(
            Refusal::Causality,
            "the change builds on others that the server doesn't have: push those first",
        ));
    }
    // Later than what it builds on, as every device's clock passes what it has seen.
    if envelope.seen.latest().is_some_and(|seen| seen.at >= envelope.at) {
        return Err(Refused::new(
            Refusal::Malformed,
            "the change's stamp isn't later than what it has seen: mint it again",
        ));
    }
    if envelope.erase && !envelope.seen.includes(applied) {
        return Err(Refused::new(
            Refusal::NotCovered,
            "others have worked on the entity since: look at it again before it is erased",
        ));
    }
    if let Some(hash) = envelope.blobs.iter().find(|hash| missing.contains(hash)) {
        return Err(Refused::new(
            Refusal::BlobMissing,
            format!("the server doesn't have the blob {hash} yet: send that, then push the change again"),
        ));
    }
    if !envelope.erase && entity.map_or(0, |entity| entity.bytes).saturating_add(bytes) > MAX_ENTITY as u64 {
        return Err(Refused::new(
            Refusal::TooLarge,
            format!("the entity would have more than {MAX_ENTITY} bytes: go on in another one"),
        ));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use altair_protocol::sync::SyncId;
    use altair_protocol::{ChangeId, Dot, EntityId, Kind, VersionVector};

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn device(n: u64) -> DeviceId {
        DeviceId::v7(n, [0; 10])
    }

    fn vector(dots: &[(u64, u64)]) -> VersionVector {
        dots.iter().map(|&(n, at)| Dot { at: Stamp::new(NOW + at, 0), device: device(n) }).collect()
    }

    /// A change of the first device, made so many milliseconds after [`NOW`].
    fn change(at: u64, seen: &[(u64, u64)]) -> Envelope {
        Envelope {
            id: ChangeId::v7(at, [0; 10]),
            entity: EntityId::v7(1, [0; 10]),
            kind: Kind::Note,
            device: device(1),
            at: Stamp::new(NOW + at, 0),
            seen: vector(seen),
            erase: false,
            blobs: vec![],
        }
    }

    fn entity(applied: &[(u64, u64)]) -> Entity {
        Entity { kind: Kind::Note, applied: vector(applied), last: SyncId::ZERO, bytes: 0, erased_ms: None }
    }

    fn verdict(envelope: &Envelope, entity: Option<&Entity>, missing: &[Hash]) -> Verdict {
        let missing = missing.iter().copied().collect();
        check(envelope, Against { device: device(1), entity, missing: &missing, now_ms: NOW + 10, bytes: 100 })
    }

    #[track_caller]
    fn refused(envelope: &Envelope, entity: Option<&Entity>, code: Refusal) -> Refused {
        match verdict(envelope, entity, &[]) {
            Verdict::Refused(refused) if refused.code == code => refused,
            other => panic!("{other:?} instead of {code:?}"),
        }
    }

    #[test]
    fn a_first_and_a_second_change_are_accepted() {
        assert_eq!(verdict(&change(1, &[]), None, &[]), Verdict::Accepted);
        assert_eq!(verdict(&change(2, &[(1, 1)]), Some(&entity(&[(1, 1)])), &[]), Verdict::Accepted);
    }

    #[test]
    fn concurrent_work_of_others_neednt_be_seen() {
        assert_eq!(verdict(&change(2, &[(1, 1)]), Some(&entity(&[(1, 1), (2, 5)])), &[]), Verdict::Accepted);
        assert_eq!(verdict(&change(2, &[]), Some(&entity(&[(2, 5)])), &[]), Verdict::Accepted);
    }

    #[test]
    fn a_stamp_may_be_five_minutes_ahead_and_no_more() {
        assert_eq!(verdict(&change(10 + MAX_AHEAD_MS, &[]), None, &[]), Verdict::Accepted);
        let refused = refused(&change(11 + MAX_AHEAD_MS, &[]), None, Refusal::ClockSkew);
        assert_eq!(refused.until, Some(Time::from_millis((NOW + 11).cast_signed())));
    }

    #[test]
    fn what_nobody_pushed_cant_have_been_seen() {
        refused(&change(9, &[(2, 5)]), None, Refusal::Causality);
        refused(&change(9, &[(2, 5)]), Some(&entity(&[(2, 4)])), Refusal::Causality);
    }

    #[test]
    fn what_follows_a_refused_change_is_no_fork() {
        refused(&change(9, &[(1, 5)]), Some(&entity(&[(1, 4)])), Refusal::Causality);
    }

    #[test]
    fn a_copied_store_is_a_fork() {
        refused(&change(9, &[(1, 3)]), Some(&entity(&[(1, 4)])), Refusal::Forked);
        refused(&change(9, &[]), Some(&entity(&[(1, 4)])), Refusal::Forked);
    }

    #[test]
    fn a_covered_dot_is_for_the_ids_to_decide() {
        assert_eq!(verdict(&change(4, &[(1, 3)]), Some(&entity(&[(1, 4)])), &[]), Verdict::Covered);
        assert_eq!(verdict(&change(3, &[]), Some(&entity(&[(1, 4)])), &[]), Verdict::Covered);
    }

    #[test]
    fn another_devices_change_is_refused() {
        let forged = Envelope { device: device(2), ..change(1, &[]) };
        refused(&forged, None, Refusal::WrongDevice);
    }

    #[test]
    fn nothing_is_added_to_what_was_erased() {
        let erased = Entity { erased_ms: Some(NOW), ..entity(&[]) };
        refused(&change(1, &[]), Some(&erased), Refusal::Erased);
        refused(&Envelope { erase: true, ..change(1, &[]) }, Some(&erased), Refusal::Erased);
    }

    #[test]
    fn erasing_needs_to_have_seen_everything() {
        let erase = |seen| Envelope { erase: true, ..change(9, seen) };
        refused(&erase(&[(1, 1)]), Some(&entity(&[(1, 1), (2, 5)])), Refusal::NotCovered);
        assert_eq!(verdict(&erase(&[(1, 1), (2, 5)]), Some(&entity(&[(1, 1), (2, 5)])), &[]), Verdict::Accepted);
    }

    #[test]
    fn a_blob_comes_before_the_change_that_names_it() {
        let hash = Hash::of(b"fig.jpg");
        let change = Envelope { blobs: vec![hash], ..change(1, &[]) };
        assert_eq!(verdict(&change, None, &[]), Verdict::Accepted);
        assert!(matches!(
            verdict(&change, None, &[hash]),
            Verdict::Refused(Refused { code: Refusal::BlobMissing, .. })
        ));
    }

    #[test]
    fn a_kind_never_changes() {
        refused(&Envelope { kind: Kind::Quest, ..change(2, &[(1, 1)]) }, Some(&entity(&[(1, 1)])), Refusal::Malformed);
    }

    #[test]
    fn a_stamp_is_later_than_what_was_seen() {
        refused(&change(5, &[(2, 5)]), Some(&entity(&[(2, 5)])), Refusal::Malformed);
        refused(&Envelope { at: Stamp::ZERO, ..change(1, &[]) }, None, Refusal::Malformed);
    }

    #[test]
    fn changes_and_entities_have_a_size() {
        let against = Against {
            device: device(1),
            entity: None,
            missing: &BTreeSet::new(),
            now_ms: NOW,
            bytes: MAX_CHANGE as u64 + 1,
        };
        let large = |against| {
            matches!(check(&change(1, &[]), against), Verdict::Refused(Refused { code: Refusal::TooLarge, .. }))
        };
        assert!(large(against));
        let full = Entity { bytes: MAX_ENTITY as u64 - 1, ..entity(&[]) };
        assert!(large(Against { entity: Some(&full), bytes: 2, ..against }));
        assert!(!large(Against { entity: Some(&full), bytes: 1, ..against }));
    }
}
