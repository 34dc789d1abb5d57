//! Entities: on a line, and whole.

use altair_protocol::view::{Content, Entity, Ref, Shown};

use super::{Human, WIDTH, attachment_line, day, minute, short_id};
use crate::paint::{Paint, safe_line, safe_short, safe_text};

impl Human for Entity {
    fn human(&self, paint: Paint) -> String {
        let kind = format!("{:<10}", self.kind);
        format!("{}  {kind}  {}  {}", short_id(self.id, paint), paint.dim(day(self.created_at)), summary(self, paint))
    }
}

/// The title and what is worth knowing beside it.
pub(super) fn summary(entity: &Entity, paint: Paint) -> String {
    let title = title(entity);
    let facts = paint.dim(facts(entity).join(" · "));
    let tags = paint.cyan(tags(entity));
    [title, facts, tags].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

fn title(entity: &Entity) -> String {
    let title = safe_short(&entity.title, WIDTH);
    if title.is_empty() { "(untitled)".to_owned() } else { title }
}

fn tags(entity: &Entity) -> String {
    entity.tags.iter().map(|tag| format!("#{}", safe_line(tag))).collect::<Vec<_>>().join(" ")
}

fn facts(entity: &Entity) -> Vec<String> {
    let mut facts = Vec::new();
    match &entity.content {
        Content::Capture { triaged_into: Some(_), .. } => facts.push("triaged".to_owned()),
        Content::Quest { status, due, .. } => {
            facts.push(status.as_str().to_owned());
            facts.extend(due.as_ref().map(|due| format!("due {}", safe_line(due))));
        }
        Content::Item { quantity, unit, .. } => {
            let unit = unit.as_deref().map(safe_line).unwrap_or_default();
            facts.push(format!("{quantity} {unit}").trim_end().to_owned());
        }
        Content::Attachment { size, .. } => facts.push(super::bytes(*size)),
        _ => {}
    }
    if entity.deleted {
        facts.push("in the trash".to_owned());
    }
    facts
}

/// The fields of a kind, in the order in which they are shown, and its text.
fn details(content: &Content) -> (Vec<(&'static str, String)>, Option<&str>) {
    let mut fields = Vec::new();
    let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, safe_line(&value))));
    let text = match content {
        Content::Capture { text, source, captured_at, triaged_into } => {
            add("captured", Some(format!("{} ({})", minute(*captured_at), source.as_str())));
            add("became", triaged_into.map(|id| id.to_string()));
            Some(text)
        }
        Content::Note { body, path, aliases, properties } => {
            add("path", path.clone());
            add("aliases", Some(aliases.join(", ")).filter(|aliases| !aliases.is_empty()));
            // Tags and aliases have lines of their own.
            let known = |key: &str| matches!(key, "tags" | "tag" | "aliases" | "alias");
            for (key, value) in properties.iter().filter(|(key, _)| !known(key)) {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                add("property", Some(format!("{key}: {}", safe_short(&value, WIDTH))));
            }
            Some(body)
        }
        Content::Quest { body, status, energy, due, parent } => {
            add("status", Some(status.as_str().to_owned()));
            add("energy", energy.map(|energy| format!("{energy} of 5")));
            add("due", due.clone());
            add("part of", parent.map(|id| id.to_string()));
            Some(body)
        }
        Content::Item { body, quantity, unit, location } => {
            add("quantity", Some(format!("{quantity} {}", unit.as_deref().unwrap_or_default())));
            add("location", location.map(|id| id.to_string()));
            Some(body)
        }
        Content::Location { parent } => {
            add("inside of", parent.map(|id| id.to_string()));
            None
        }
        Content::Link { from, to, relation, anchor } => {
            add("from", from.map(|id| id.to_string()));
            add("to", to.map(|id| id.to_string()));
            add("relation", Some(relation.clone()));
            add("anchor", anchor.clone());
            None
        }
        Content::Attachment { media_type, size, hash, owner, path } => {
            add("type", Some(media_type.clone()));
            add("size", Some(super::bytes(*size)));
            add("hash", hash.map(|hash| hash.to_string()));
            add("belongs to", owner.map(|id| id.to_string()));
            add("path", path.clone());
            None
        }
    };
    (fields, text.map(String::as_str).filter(|text| !text.trim().is_empty()))
}

impl Human for Shown {
    fn human(&self, paint: Paint) -> String {
        let entity = &self.entity;
        let (details, text) = details(&entity.content);
        let mut fields = vec![("kind", entity.kind.to_string()), ("id", paint.yellow(entity.id.to_string()))];
        fields.push(("created", minute(entity.created_at)));
        fields.push(("changed", minute(entity.updated_at)));
        if !entity.tags.is_empty() {
            fields.push(("tags", paint.cyan(tags(entity))));
        }
        fields.extend(details);
        if entity.deleted {
            fields.push(("trash", "in the trash; `altair restore` brings it back".to_owned()));
        }

        let mut out = format!("{}\n", paint.bold(title(entity)));
        for (name, value) in fields {
            out += &format!("{}  {value}\n", paint.dim(format!("{name:<10}")));
        }
        if let Some(text) = text {
            out += &format!("\n{}\n", safe_text(text).trim_end());
        }
        let links = |refs: &[Ref]| refs.iter().map(|link| link_line(link, paint)).collect();
        let attachments = self.attachments.iter().map(|attachment| attachment_line(attachment, paint)).collect();
        let conflicts = self.conflicts.iter().map(|conflict| conflict.human(paint).replace('\n', "\n  ")).collect();
        out += &section("Links", links(&self.links), paint);
        out += &section("Backlinks", links(&self.backlinks), paint);
        out += &section("Attachments", attachments, paint);
        out += &section("Conflicts", conflicts, paint);
        out
    }
}

fn section(heading: &str, lines: Vec<String>, paint: Paint) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("\n{}\n  {}\n", paint.bold(heading), lines.join("\n  "))
}

fn link_line(link: &Ref, paint: Paint) -> String {
    let id = link.id.map_or_else(|| "-".repeat(8), |id| short_id(id, paint));
    let kind = link.kind.map_or("", |kind| kind.as_str());
    let missing = if link.id.is_none() { ", doesn't exist yet" } else { "" };
    let relation = paint.dim(format!("({}{missing})", safe_line(&link.relation)));
    format!("{id}  {kind:<10}  {}  {relation}", safe_short(&link.title, WIDTH))
}

#[cfg(test)]
mod tests {
    use altair_protocol::view::{LinkOrigin, Status, Time};
    use altair_protocol::{DeviceId, EntityId, Kind};

    use super::*;

    fn quest() -> Entity {
        Entity {
            id: EntityId::v7(1_790_000_000_000, [7; 10]),
            kind: Kind::Quest,
            title: "Call \x1b[31mthe plumber".into(),
            tags: vec!["house".into()],
            created_at: Time::from_millis(1_790_000_000_000),
            updated_at: Time::from_millis(1_790_000_000_000),
            created_by: DeviceId::v7(1, [0; 10]),
            deleted: false,
            content: Content::Quest {
                body: "He said\x07\r\n\"tomorrow\"\r\n".into(),
                status: Status::Active,
                energy: Some(2),
                due: Some("2026-12-24".into()),
                parent: None,
            },
        }
    }

    #[test]
    fn a_list_line_is_id_kind_day_title_facts_and_tags() {
        assert_eq!(
            quest().human(Paint::PLAIN),
            "07070707  quest       2026-09-21  Call ␛[31mthe plumber  active · due 2026-12-24  #house"
        );
    }

    #[test]
    fn a_thing_is_shown_whole() {
        let link =
            Ref { id: None, kind: None, title: "Boiler".into(), relation: "link".into(), origin: LinkOrigin::Body };
        let shown =
            Shown { entity: quest(), links: vec![link], backlinks: vec![], attachments: vec![], conflicts: vec![] };
        let expected = "\
Call ␛[31mthe plumber
kind        quest
id          01a0c450-6c00-7707-8707-070707070707
created     2026-09-21 14:13 UTC
changed     2026-09-21 14:13 UTC
tags        #house
status      active
energy      2 of 5
due         2026-12-24

He said␇
\"tomorrow\"

Links
  --------              Boiler  (link, doesn't exist yet)
";
        assert_eq!(shown.human(Paint::PLAIN), expected);
    }
}
