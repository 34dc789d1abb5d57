//! The parts of an entity as options, for `new` and `edit`.

use altair_core::Fields;
use altair_protocol::{EntityId, Thousandths};
use clap::Args;

use crate::client::Client;
use crate::failure::Failure;
use crate::input;

/// The parts that can be set when something is made and later. An empty value clears a part.
#[derive(Debug, Args)]
pub(crate) struct FieldArgs {
    /// The title, or the name of an item or location
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    title: Option<String>,
    /// The whole text in Markdown, or - to read it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// How much energy a quest takes, 1 to 5
    #[arg(long, value_name = "N", value_parser = energy, allow_negative_numbers = true)]
    energy: Option<Part<i64>>,
    /// When a quest is due: 2026-12-24, or a moment like 2026-12-24T18:00:00Z
    #[arg(long, value_name = "DATE", value_parser = text)]
    due: Option<Part<String>>,
    /// How much of an item there is, with at most three decimal places
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    quantity: Option<Thousandths>,
    /// What an item is counted in, like kg or bottles
    #[arg(long, value_name = "UNIT", value_parser = text)]
    unit: Option<Part<String>>,
    /// The id of the location where an item is
    #[arg(long, value_name = "ID", value_parser = text)]
    location: Option<Part<String>>,
    /// The id of the quest or location that this is part of
    #[arg(long, value_name = "ID", value_parser = text)]
    parent: Option<Part<String>>,
}

/// A value, or nothing in its place. (clap would take an `Option<Option<T>>` for an option whose value may be left out.)
#[derive(Debug, Clone)]
struct Part<T>(Option<T>);

fn text(given: &str) -> Result<Part<String>, String> {
    Ok(Part(Some(given.to_owned()).filter(|given| !given.is_empty())))
}

fn energy(given: &str) -> Result<Part<i64>, String> {
    if given.is_empty() {
        return Ok(Part(None));
    }
    given.parse().map(|energy| Part(Some(energy))).map_err(|_| "energy is a number from 1 to 5".to_owned())
}

impl FieldArgs {
    /// Whether none is given.
    pub(crate) const fn is_empty(&self) -> bool {
        self.title.is_none()
            && self.body.is_none()
            && self.energy.is_none()
            && self.due.is_none()
            && self.quantity.is_none()
            && self.unit.is_none()
            && self.location.is_none()
            && self.parent.is_none()
    }

    /// Reads the body from stdin where that is asked for: before the store is opened, as stdin can be slow.
    pub(crate) fn read_body(&mut self) -> Result<(), Failure> {
        self.body = self.body.take().map(input::text_or_stdin).transpose()?;
        Ok(())
    }

    /// The parts for the engine, with the ids found.
    pub(crate) async fn find(self, altair: &Client<'_>) -> Result<Fields, Failure> {
        Ok(Fields {
            title: self.title,
            body: self.body,
            status: None,
            energy: self.energy.map(|part| part.0),
            due: self.due.map(|part| part.0),
            parent: find(self.parent, altair).await?,
            quantity: self.quantity,
            unit: self.unit.map(|part| part.0),
            location: find(self.location, altair).await?,
        })
    }
}

async fn find(given: Option<Part<String>>, altair: &Client<'_>) -> Result<Option<Option<EntityId>>, Failure> {
    Ok(match given {
        None => None,
        Some(Part(None)) => Some(None),
        Some(Part(Some(id))) => Some(Some(altair.find(&id).await?)),
    })
}
