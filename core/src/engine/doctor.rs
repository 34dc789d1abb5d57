//! The doctor: reads everything, repairs what can be made again from something else, and tells the rest.
//!
//! A state can be made again from the log, the derived rows from the states, the search index from both. What has no second source (a change, a blob)
//! is reported.

use std::collections::{BTreeMap, BTreeSet};

use altair_protocol::rpc;
use altair_protocol::view::Content;
use altair_protocol::{EntityId, EntityState, Hash, Kind};
use surrealdb::types::{RecordId, ToSql as _};

use super::{Act, Altair, Diagnosis, Found, Here, Inner, Problem};
use crate::error::{Error, Result};
use crate::merge::{Applied, apply};
use crate::reading::read;
use crate::store::derive::{Rows, TRASH, UNLINKED};
use crate::store::rows::{EdgeRow, EntityRow, KeyRow, entity_of, named_record, place_record};
use crate::store::sealed::{open_state, seal};
use crate::store::write::Unit;

const CHUNK: usize = 500;

impl Altair {
    /// Checks everything, and repairs what can be repaired.
    pub async fn doctor(&self) -> Result<Diagnosis> {
        self.call(rpc::Doctor {}).await
    }

    /// Goes on with a store that has lost commits, as it is now: from here on it opens as any other. It says what was lost; `None` when nothing was.
    pub async fn accept_loss(&self) -> Result<Option<String>> {
        self.call(rpc::AcceptLoss {}).await
    }
}

impl Act for rpc::Doctor {
    async fn act(self, here: Here) -> Result<Diagnosis> {
        here.doctor().await
    }
}

impl Act for rpc::AcceptLoss {
    async fn act(self, here: Here) -> Result<Option<String>> {
        let head = here.db.head_row().await?.map_or(0, |row| row.seq.unsigned_abs());
        let lost = here.found.as_ref().filter(|found| found.lost);
        if lost.is_some() {
            here.folder.publish(head);
        }
        Ok(lost.map(|found| found.problem.clone()))
    }
}

/// What the states say the derived tables should hold.
#[derive(Default)]
struct Expected {
    keys: BTreeSet<String>,
    rows: Vec<KeyRow>,
    edges: Vec<EdgeRow>,
    blobs: BTreeSet<Hash>,
    /// Some entity can't be read: what is derived from it is all that is left of it, and stays.
    unreadable: bool,
}

impl Inner {
    async fn doctor(&self) -> Result<Diagnosis> {
        // Nobody writes while the doctor looks.
        let mut quiet = self.writer.begin_quiet().await?;
        let mut diagnosis = Diagnosis::default();
        match &self.found {
            Some(Found { problem, lost: true }) => {
                let head = self.db.head_row().await?.map_or(0, |row| row.seq.unsigned_abs());
                let accepted = self.folder.published().is_none_or(|published| published <= head);
                let problem =
                    format!("{problem}; restore a backup, or go on without them: `altair doctor --accept-loss`");
                diagnosis.problems.push(Problem { at: "database".to_owned(), problem, repaired: accepted });
            }
            Some(Found { problem, lost: false }) => {
                let at = "store.json".to_owned();
                diagnosis.problems.push(Problem { at, problem: problem.clone(), repaired: true });
            }
            None => {}
        }
        // What a part of the database can't tell is a problem of that part; the doctor goes on with the others.
        let unreadable = |at: &str, error: &Error| Problem {
            at: at.to_owned(),
            problem: error.message().to_owned(),
            repaired: false,
        };
        let expected = match self.check_entities(&mut diagnosis).await {
            Ok(expected) => Some(expected),
            Err(error) => {
                diagnosis.problems.push(unreadable("entities", &error));
                self.check_one_by_one(&mut diagnosis).await;
                None
            }
        };
        if let Err(error) = self.check_log(&mut diagnosis).await {
            diagnosis.problems.push(unreadable("log", &error));
        }
        if let Err(error) = self.check_outbox(&mut quiet, &mut diagnosis).await {
            diagnosis.problems.push(unreadable("outbox", &error));
        }
        if let Some(expected) = expected {
            if let Err(error) = self.check_derived(&expected, &mut diagnosis).await {
                diagnosis.problems.push(unreadable("lists and links", &error));
            }
            // Blobs are never written to again, and reading them may take long.
            quiet.commit().await?;
            self.check_blobs(expected.blobs, &mut diagnosis).await?;
        } else {
            quiet.commit().await?;
        }
        self.check_search(&mut diagnosis).await;
        let well = diagnosis.problems.iter().all(|problem| problem.repaired);
        diagnosis.health = if well { "ok" } else { "damaged" }.to_owned();
        Ok(diagnosis)
    }

    async fn check_entities(&self, diagnosis: &mut Diagnosis) -> Result<Expected> {
        let mut expected = Expected::default();
        let mut after = None;
        loop {
            let rows = self.db.entity_rows(after, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            after = Some(entity_of(&last.id)?);
            for row in &rows {
                let id = entity_of(&row.id)?;
                diagnosis.entities += 1;
                let state =
                    match open_state(&row.state, id).and_then(|state| read(&state).map(|reading| (state, reading))) {
                        Ok((state, _)) => Some(state),
                        Err(error) => {
                            let again = self.replay(row, id).await?;
                            diagnosis.problems.push(Problem {
                                at: id.to_string(),
                                problem: error.message().to_owned(),
                                repaired: again.is_some(),
                            });
                            again
                        }
                    };
                match state {
                    Some(state) => expected.add(&state)?,
                    None => expected.unreadable = true,
                }
            }
        }
        Ok(expected)
    }

    /// Makes a state again from its log. `None` where the log doesn't go back to its beginning.
    async fn replay(&self, row: &EntityRow, id: EntityId) -> Result<Option<EntityState>> {
        let mut changes = Vec::new();
        let mut seq = row.last.unsigned_abs();
        while seq != 0 {
            let Ok(Some((logged, prior))) = self.db.logged(seq).await else { return Ok(None) };
            changes.push(logged.change);
            seq = prior;
        }
        let Some(first) = changes.last() else { return Ok(None) };
        let mut state = EntityState::new(id, first.kind);
        for change in changes.iter().rev() {
            if !matches!(apply(&mut state, change), Ok(Applied::Now)) {
                return Ok(None);
            }
        }
        let row = EntityRow { state: seal(&state)?.into(), ..row.clone() };
        self.db.put_row(row.id.clone(), row).await?;
        Ok(Some(state))
    }

    async fn check_log(&self, diagnosis: &mut Diagnosis) -> Result<()> {
        let mut seq = 0;
        loop {
            let log = self.db.log_seqs_after(seq, CHUNK).await?;
            let Some((last, _)) = log.last() else { return Ok(()) };
            seq = *last;
            for (seq, readable) in log {
                diagnosis.changes += 1;
                if !readable {
                    let problem = "the change is damaged: its entity's history has a gap".to_owned();
                    diagnosis.problems.push(Problem { at: format!("change {seq}"), problem, repaired: false });
                }
            }
        }
    }

    /// What every commit keeps of the outbox, against the log.
    async fn check_outbox(&self, unit: &mut Unit, diagnosis: &mut Diagnosis) -> Result<()> {
        let kept = unit.outbox();
        let head = self.db.head_row().await?.map_or(0, |row| row.seq.unsigned_abs());
        let counted = self.db.count_outbox(head).await?;
        if kept.pending == counted.pending && kept.before <= counted.before {
            return Ok(());
        }
        unit.recount(counted);
        let problem = format!("{} changes wait for a server, and {} were counted", counted.pending, kept.pending);
        diagnosis.problems.push(Problem { at: "outbox".to_owned(), problem, repaired: true });
        Ok(())
    }

    async fn check_derived(&self, expected: &Expected, diagnosis: &mut Diagnosis) -> Result<()> {
        let mut found = BTreeSet::new();
        let mut extra: Vec<RecordId> = Vec::new();
        for table in ["place", "named"] {
            for id in self.db.all_ids(table).await? {
                let text = id.to_sql();
                if !expected.keys.contains(&text) {
                    extra.push(id);
                }
                found.insert(text);
            }
        }
        let edges: BTreeMap<String, &EdgeRow> = expected.edges.iter().map(|edge| (edge.id.to_sql(), edge)).collect();
        for edge in self.db.all_edges().await? {
            let text = edge.id.to_sql();
            if edges.get(&text) == Some(&&edge) {
                found.insert(text);
            } else {
                extra.push(edge.id);
            }
        }
        if expected.unreadable {
            extra.clear();
        }
        let missing = |id: &RecordId| !found.contains(&id.to_sql());
        let rows: Vec<KeyRow> = expected.rows.iter().filter(|row| missing(&row.id)).cloned().collect();
        let edges: Vec<EdgeRow> = expected.edges.iter().filter(|edge| missing(&edge.id)).cloned().collect();
        if extra.is_empty() && rows.is_empty() && edges.is_empty() {
            return Ok(());
        }
        let problem = format!(
            "{} rows of lists, names and links were missing and {} too many",
            rows.len() + edges.len(),
            extra.len()
        );
        self.db.mend_derived(extra, rows, edges).await?;
        diagnosis.problems.push(Problem { at: "lists and links".to_owned(), problem, repaired: true });
        Ok(())
    }

    async fn check_blobs(&self, blobs: BTreeSet<Hash>, diagnosis: &mut Diagnosis) -> Result<()> {
        diagnosis.blobs += blobs.len() as u64;
        let store = self.blobs.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let problem = |hash: Hash| match store.verify(hash) {
                Ok(true) => None,
                Ok(false) => Some((hash, "the attachment's bytes are damaged".to_owned())),
                Err(error) => {
                    Some((hash, format!("{}; attaching the same file again brings them back", error.message())))
                }
            };
            blobs.into_iter().filter_map(problem).collect::<Vec<_>>()
        });
        let checked =
            checked.await.map_err(|error| Error::internal("reading the attachments failed").because(error))?;
        for (hash, problem) in checked {
            diagnosis.problems.push(Problem { at: format!("blob {hash}"), problem, repaired: false });
        }
        Ok(())
    }

    /// Reads every entity that some list knows of by itself, to name those that can't be read.
    async fn check_one_by_one(&self, diagnosis: &mut Diagnosis) {
        diagnosis.entities = 0;
        let lists = Kind::ALL.map(Kind::as_str).into_iter().chain([TRASH, UNLINKED]);
        for list in lists {
            let Ok(ids) = self.db.whole_list(list).await else { continue };
            for id in ids {
                diagnosis.entities += 1;
                if let Err(error) = self.db.entity(id).await {
                    let problem = error.message().to_owned();
                    diagnosis.problems.push(Problem { at: id.to_string(), problem, repaired: false });
                }
            }
        }
    }

    async fn check_search(&self, diagnosis: &mut Diagnosis) {
        let problem = match self.finder.current().await {
            Ok(index) => match tokio::task::spawn_blocking(move || index.verify()).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            },
            Err(error) => error.message().to_owned(),
        };
        let repaired = self.finder.rebuild().await.is_ok();
        diagnosis.problems.push(Problem { at: "search index".to_owned(), problem, repaired });
    }
}

impl Expected {
    fn add(&mut self, state: &EntityState) -> Result<()> {
        let reading = read(state)?;
        let rows = Rows::of(&reading);
        if let Content::Attachment { hash: Some(hash), .. } = &reading.entity.content {
            self.blobs.insert(*hash);
        }
        let places = rows.places.iter().map(|list| place_record(list, rows.created_ms, state.id));
        let names = rows.names.iter().map(|name| named_record(name, state.id));
        for id in places.chain(names) {
            self.keys.insert(id.to_sql());
            self.rows.push(KeyRow { id });
        }
        for edge in rows.edges {
            self.keys.insert(edge.id.to_sql());
            self.edges.push(edge);
        }
        Ok(())
    }
}
