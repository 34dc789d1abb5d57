//! Conflicts: registers whose heads differ, under an id that is the same on every device.

use altair_protocol::view::{Conflict, ConflictHead, Time};
use altair_protocol::{EntityId, EntityState, Field, Head};

use super::register::in_conflict;

/// The id of a conflict: a hash of the entity, the field and the sorted dots of its heads.
pub fn conflict_id(entity: EntityId, field: &Field, heads: &[Head]) -> EntityId {
    let mut dots: Vec<_> = heads.iter().map(Head::dot).collect();
    dots.sort();
    let mut bytes = Vec::with_capacity(dots.len() * 24);
    for dot in dots {
        bytes.extend_from_slice(&dot.at.as_u64().to_be_bytes());
        bytes.extend_from_slice(dot.device.as_bytes());
    }
    EntityId::derived("altair conflict v1", &[entity.as_bytes(), field.as_str().as_bytes(), &bytes])
}

/// An entity's conflicts, in the order of its fields. `created` has none: two devices that make the same thing made it both.
pub fn conflicts(state: &EntityState) -> Vec<Conflict> {
    let contested = state.fields.iter().filter(|(field, heads)| **field != Field::CREATED && in_conflict(heads));
    contested
        .map(|(field, heads)| Conflict {
            id: conflict_id(state.id, field, heads),
            entity: state.id,
            field: field.as_str().to_owned(),
            heads: heads
                .iter()
                .map(|head| ConflictHead {
                    head: head_name(head),
                    value: head.value.clone(),
                    at: Time::from(head.at),
                    device: head.device,
                })
                .collect(),
        })
        .collect()
}

/// What a person names a head by: its stamp and the end of its device's id.
pub fn head_name(head: &Head) -> String {
    let device = head.device.to_string();
    format!("{}@{}", head.at, &device[device.len() - 12..])
}
