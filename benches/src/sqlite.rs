//! SQLite, as a careful application would use it: WAL, `synchronous=FULL`, prepared statements, FTS5 for finding.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::bare::{CaptureRows, bytes_of};
use crate::{Failure, Outcome};

/// An open database.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
}

/// A note's id.
pub type NoteId = [u8; 16];

impl Sqlite {
    /// Opens or makes a database.
    pub fn open(file: &Path) -> Outcome<Self> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection })
    }

    /// Makes the tables of notes.
    pub fn define_notes(&self) -> Outcome {
        let tables = "
            CREATE TABLE note (rowid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, path TEXT NOT NULL, \
                title TEXT NOT NULL, tags TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL);
            CREATE INDEX note_created ON note (created, id);";
        Ok(self.connection.execute_batch(tables)?)
    }

    /// Reads a vault, hashes its files and inserts them in one transaction; says how many there were.
    pub fn import(&mut self, vault: &Path) -> Outcome<usize> {
        let mut files = Vec::new();
        walk(vault, &mut files)?;
        files.sort();
        let transaction = self.connection.transaction()?;
        let query = "INSERT INTO note (id, created, path, title, tags, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let mut insert = transaction.prepare(query)?;
        for (n, file) in files.iter().enumerate() {
            let path = file.strip_prefix(vault)?.to_string_lossy();
            let title = file.file_stem().unwrap_or_default().to_string_lossy();
            let text = String::from_utf8(fs::read(file)?)?;
            let hash = blake3::hash(text.as_bytes());
            let tag = text.lines().find_map(|line| line.strip_prefix('#').filter(|tag| !tag.starts_with(' ')));
            let id: NoteId = note_id(path.as_bytes());
            insert.execute(params![id, n as i64 / 10, path, title, tag.unwrap_or_default(), text, hash.as_bytes()])?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(files.len())
    }

    /// Makes the full-text index over all notes.
    pub fn index(&self) -> Outcome {
        let index = "
            CREATE VIRTUAL TABLE found USING fts5(title, body, tags, content='note', content_rowid='rowid', \
                tokenize='unicode61 remove_diacritics 2', prefix='2 3');
            INSERT INTO found (found) VALUES ('rebuild');";
        Ok(self.connection.execute_batch(index)?)
    }

    /// The id of some note.
    pub fn first(&self) -> Outcome<NoteId> {
        Ok(self.connection.query_row("SELECT id FROM note LIMIT 1", [], |row| row.get(0))?)
    }

    /// All notes' ids.
    pub fn ids(&self) -> Outcome<Vec<NoteId>> {
        let mut select = self.connection.prepare("SELECT id FROM note")?;
        let ids = select.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// A note's title and text.
    pub fn get(&self, id: &NoteId) -> Outcome<(String, String)> {
        let mut select = self.connection.prepare_cached("SELECT title, body FROM note WHERE id = ?")?;
        Ok(select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Fifty notes after a place in their order, with the place of the last.
    pub fn list(&self, after: (i64, NoteId)) -> Outcome<(usize, (i64, NoteId))> {
        let query = "SELECT created, id, path, title, tags, body FROM note WHERE (created, id) > (?, ?) ORDER BY created, id LIMIT 50";
        let mut select = self.connection.prepare_cached(query)?;
        let mut rows = select.query(params![after.0, after.1])?;
        let (mut n, mut last) = (0, after);
        while let Some(row) = rows.next()? {
            last = (row.get(0)?, row.get(1)?);
            let _: (String, String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            n += 1;
        }
        Ok((n, last))
    }

    /// How many of the first fifty answers to an FTS5 query there are, each with its title, score and snippet.
    pub fn search(&self, query: &str) -> Outcome<usize> {
        let select = "SELECT note.id, note.title, bm25(found, 3.0, 1.0, 1.0) AS score, snippet(found, 1, '[', ']', '…', 24) \
            FROM found JOIN note ON note.rowid = found.rowid WHERE found MATCH ? ORDER BY score LIMIT 50";
        let mut select = self.connection.prepare_cached(select)?;
        let mut rows = select.query([query])?;
        let mut n = 0;
        while let Some(row) = rows.next()? {
            let _: (NoteId, String, f64, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            n += 1;
        }
        Ok(n)
    }

    /// Makes the tables of captures: those that a capture touches in Altair's store.
    pub fn define_captures(&self) -> Outcome {
        let tables = "
            CREATE TABLE entity (id BLOB PRIMARY KEY, kind TEXT NOT NULL, last INTEGER NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE change (seq INTEGER PRIMARY KEY, entity BLOB NOT NULL, body BLOB NOT NULL);
            CREATE TABLE place (list TEXT, created INTEGER, entity BLOB, PRIMARY KEY (list, created, entity)) WITHOUT ROWID;
            CREATE TABLE meta (id TEXT PRIMARY KEY, head BLOB NOT NULL) WITHOUT ROWID;";
        Ok(self.connection.execute_batch(tables)?)
    }

    /// Writes the bytes of a capture, as the `n`th, in one durable transaction.
    pub fn capture(&mut self, rows: &CaptureRows, n: i64) -> Outcome {
        let transaction = self.connection.transaction()?;
        let id: NoteId = note_id(&n.to_le_bytes());
        let run = |query: &str, values: &[&dyn rusqlite::ToSql]| -> Outcome {
            transaction.prepare_cached(query)?.execute(values)?;
            Ok(())
        };
        run("INSERT INTO entity VALUES (?, 'capture', ?, ?)", &[&id, &n, &bytes_of(&rows.entity, "state")])?;
        run("INSERT INTO change VALUES (?, ?, ?)", &[&n, &id, &bytes_of(&rows.change, "body")])?;
        for list in ["capture", "inbox"] {
            run("INSERT INTO place VALUES (?, ?, ?)", &[&list, &-n, &id])?;
        }
        run("INSERT OR REPLACE INTO meta VALUES ('head', ?)", &[&bytes_of(&rows.head, "undo")])?;
        Ok(transaction.commit()?)
    }

    /// Closes it; the log is folded into the database.
    pub fn close(self) -> Outcome {
        self.connection.close().map_err(|(_, error)| Failure::from(error))
    }
}

fn note_id(of: &[u8]) -> NoteId {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(of).as_bytes()[..16]);
    id
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
