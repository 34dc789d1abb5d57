//! What a grant allows, and telling a true one from any other.
//!
//! A token is the grant as JSON and a keyed BLAKE3 hash of that, both in base64. The key is beside the store, so every host of it knows the same tokens, and none of
//! another store's; without the key there are no grants. It is no wall against the user's own programs, which can read the store's files: it keeps a program that was
//! given a narrow way in from doing more by that way.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use altair_protocol::request::{List, Page};
use altair_protocol::rpc::{
    AskGrant, Code, Fault, FaultData, GRANT_MINUTES, Grant, Granted, MAX_GRANT_MINUTES, Request, Right,
};
use altair_protocol::view::{Conflict, Entity, Event, Hit, Shown, Time, Version};
use altair_protocol::{Change, EntityId, Kind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::engine::Inner;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

const KEY: &str = "grants.key";
/// No token is longer, in bytes: its name has at most 64 characters.
const MAX_TOKEN: usize = 2048;

/// Gives grants, and knows those that were given.
#[derive(Debug)]
pub(crate) struct Grants {
    key: PathBuf,
    /// One at a time: the first makes the key.
    making: Mutex<()>,
    environment: Environment,
}

impl Grants {
    pub(crate) fn new(store: &Path, environment: Environment) -> Self {
        Self { key: store.join(KEY), making: Mutex::default(), environment }
    }

    /// A grant of what is asked for, which is no more than who asks may.
    pub(crate) fn give(&self, asked: &AskGrant, ours: Option<&Grant>) -> Result<Granted> {
        let length = asked.name.chars().count();
        if !(1..=64).contains(&length) || asked.name.chars().any(char::is_control) {
            return Err(Error::invalid(
                "a grant's name has 1 to 64 characters, and no control characters",
                "say in a few words who it is for",
            ));
        }
        if asked.may.is_empty() || asked.kinds.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid(
                "a grant of nothing",
                "name read, capture or write, and at least one kind if you name any",
            ));
        }
        if asked.minutes.is_some_and(|minutes| !(1..=MAX_GRANT_MINUTES).contains(&minutes)) {
            return Err(Error::invalid(
                format!("a grant lasts 1 to {MAX_GRANT_MINUTES} minutes"),
                "name a number in between",
            ));
        }
        let may: Vec<Right> = asked.may.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let kinds = asked.kinds.as_ref().map(|kinds| kinds.iter().copied().collect::<BTreeSet<_>>());
        let kinds: Option<Vec<Kind>> = match kinds {
            Some(kinds) => Some(kinds.into_iter().collect()),
            None => ours.and_then(|ours| ours.kinds.clone()),
        };
        let now = self.now().millis();
        let minutes = asked.minutes.unwrap_or(GRANT_MINUTES);
        let mut until = now.saturating_add(i64::from(minutes) * 60_000);
        if let Some(ours) = ours {
            let more = may.iter().find(|right| !ours.may.contains(right)).map(|right| right.as_str());
            let more =
                more.or_else(|| kinds.iter().flatten().find(|kind| !ours.covers(**kind)).map(|kind| kind.as_str()));
            if let Some(more) = more {
                return Err(beyond(ours, &format!("hand on \"{more}\"")));
            }
            until = until.min(ours.until.millis());
        }
        let made = u64::try_from(now).unwrap_or_default();
        let grant = Grant {
            id: uuid::Builder::from_unix_timestamp_millis(made, &self.environment.random()).into_uuid(),
            name: asked.name.clone(),
            may,
            kinds,
            until: Time::from_millis(until),
        };
        let json = serde_json::to_vec(&grant)
            .map_err(|error| Error::internal("a grant can't be written as JSON").because(error))?;
        let sum = blake3::keyed_hash(&self.key_or_new()?, &json);
        let token = format!("{}.{}", BASE64.encode(&json), BASE64.encode(sum.as_bytes()));
        Ok(Granted { token, grant })
    }

    /// The grant that a token is.
    pub(crate) fn check(&self, token: &str) -> Result<Grant> {
        let unknown = || {
            Error::refused(
                "the grant isn't one of this store's, or all of them were ended",
                "ask whoever gave it for another",
            )
        };
        let key = self.key().map_err(|error| Error::io("reading", &self.key, error))?.ok_or_else(unknown)?;
        let (json, sum) = token.split_once('.').filter(|_| token.len() <= MAX_TOKEN).ok_or_else(unknown)?;
        let json = BASE64.decode(json).map_err(|_| unknown())?;
        let sum: [u8; 32] = BASE64.decode(sum).ok().and_then(|sum| sum.try_into().ok()).ok_or_else(unknown)?;
        // In a time that tells nothing.
        if blake3::keyed_hash(&key, &json) != blake3::Hash::from(sum) {
            return Err(unknown());
        }
        // A later version may have signed what this one doesn't know: that isn't narrowed by leaving it out.
        let grant: Grant = serde_json::from_slice(&json).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "the grant is of a newer version", "update this program").because(error)
        })?;
        if self.left(&grant).is_zero() {
            return Err(Error::refused(
                format!("the grant \"{}\" ended at {}", grant.name, grant.until),
                "ask whoever gave it for another",
            ));
        }
        Ok(grant)
    }

    /// For how long a grant lasts yet.
    pub(crate) fn left(&self, grant: &Grant) -> std::time::Duration {
        let left = grant.until.millis().saturating_sub(self.now().millis());
        std::time::Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }

    /// Ends every grant.
    pub(crate) fn revoke(&self) -> Result<()> {
        match fs::remove_file(&self.key) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("removing", &self.key, error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(i64::try_from(self.environment.now()).unwrap_or(i64::MAX))
    }

    /// The key; `None` where there is none, or one that wasn't written to its end.
    fn key(&self) -> io::Result<Option<[u8; 32]>> {
        match fs::read(&self.key) {
            Ok(key) => Ok(key.try_into().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn key_or_new(&self) -> Result<[u8; 32]> {
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let read_or_made = || {
            if let Some(key) = self.key()? {
                return Ok(key);
            }
            let mut random = [0; 32];
            for part in random.chunks_mut(10) {
                part.copy_from_slice(&self.environment.random()[..part.len()]);
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&self.key)?;
            file.write_all(&random)?;
            file.sync_all()?;
            Ok(random)
        };
        read_or_made().map_err(|error| Error::io("writing", &self.key, error))
    }
}

/// What a request needs to be allowed.
enum Need {
    /// A right, for these kinds and for the kinds of these entities.
    Right { right: Right, kinds: Vec<Kind>, entities: Vec<EntityId> },
    /// A connection without a grant.
    Everything,
}

fn need(request: &Request) -> Need {
    let right = |right, kinds: &[Kind], entities: &[EntityId]| Need::Right {
        right,
        kinds: kinds.to_vec(),
        entities: entities.to_vec(),
    };
    let (read, write) = (Right::Read, Right::Write);
    match request {
        // What these give is narrowed to the grant's kinds.
        Request::Find(_)
        | Request::SearchEntities(_)
        | Request::Conflicts(_)
        | Request::StoreStatus(_)
        | Request::EventsAfter(_)
        | Request::ChangesAfter(_) => right(read, &[], &[]),
        Request::ListEntities(call) => match &call.list {
            List::Inbox => right(read, &[Kind::Capture], &[]),
            List::Kind(kind) | List::Tagged(kind, _) => right(read, &[*kind], &[]),
            List::Trash => right(read, &[], &[]),
        },
        Request::Get(call) => right(read, &[], &[call.id]),
        Request::Show(call) => right(read, &[], &[call.id]),
        Request::History(call) => right(read, &[], &[call.id]),
        Request::AttachmentOf(call) => right(read, &[], &[call.id]),
        Request::Capture(_) => right(Right::Capture, &[], &[]),
        Request::Create(call) => right(write, &[call.new.kind], &[]),
        Request::Triage(call) => right(write, &[call.into], &[call.capture]),
        Request::EditEntity(call) => right(write, &[], &[call.id]),
        Request::Count(call) => right(write, &[], &[call.id]),
        Request::Tag(call) => right(write, &[], &[call.id]),
        Request::Link(call) => right(write, &[], &[call.from, call.to]),
        Request::Unlink(call) => right(write, &[], &[call.from, call.to]),
        Request::Detach(call) => right(write, &[], &[call.owner, call.attachment]),
        Request::Delete(call) => right(write, &[], &[call.id]),
        Request::Restore(call) => right(write, &[], &[call.id]),
        Request::Revert(call) => right(write, &[], &[call.id]),
        // Whose it is, is looked up.
        Request::Resolve(_) => right(write, &[], &[]),
        // Files, which are read and written as the host; what is gone for good; what others have done; and the store as a whole.
        Request::Attach(_)
        | Request::Erase(_)
        | Request::Undo(_)
        | Request::Redo(_)
        | Request::Purge(_)
        | Request::Apply(_)
        | Request::Import(_)
        | Request::Export(_)
        | Request::Backup(_)
        | Request::FillFromBackup(_)
        | Request::Doctor(_)
        | Request::AcceptLoss(_) => Need::Everything,
    }
}

/// Whether a grant allows a request; if not, which entity it is about, and why.
pub(crate) async fn admit(inner: &Inner, grant: &Grant, request: &Request) -> Result<(), (Option<EntityId>, Error)> {
    let Need::Right { right, kinds, mut entities } = need(request) else {
        return Err((None, beyond(grant, &format!("ask for \"{}\", which no grant does", request.method()))));
    };
    let has = grant.may.contains(&right)
        // Who may write captures may add some.
        || (right == Right::Capture && grant.may.contains(&Right::Write) && grant.covers(Kind::Capture));
    if !has {
        return Err((entities.first().copied(), beyond(grant, right.as_str())));
    }
    if grant.kinds.is_none() || right == Right::Capture {
        return Ok(());
    }
    if let Some(kind) = kinds.into_iter().find(|kind| !grant.covers(*kind)) {
        return Err((None, beyond(grant, &format!("{} a {kind}", right.as_str()))));
    }
    if let Request::Resolve(call) = request {
        match inner.entity_in_conflict(&call.conflict).await {
            Ok(entity) => entities.push(entity),
            // It may be resolved already, by this request when it was sent before: that is the engine's to say.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err((None, error)),
        }
    }
    for id in entities {
        let kind = inner.require(id).await.map_err(|error| (Some(id), error))?.kind;
        if !grant.covers(kind) {
            return Err((Some(id), beyond(grant, &format!("{} a {kind}", right.as_str()))));
        }
    }
    Ok(())
}

/// What a grant doesn't allow.
pub(crate) fn beyond(grant: &Grant, what: &str) -> Error {
    Error::refused(
        format!("the grant \"{}\" doesn't allow to {what}", grant.name),
        "ask whoever gave it for a wider one",
    )
}

/// The same on the wire.
pub(crate) fn refusal(error: &Error) -> Fault {
    let data = FaultData { kind: error.kind(), hint: error.hint().to_owned() };
    let code = if error.kind() == ErrorKind::Refused { Code::GRANT } else { Code::ENGINE };
    Fault { code, message: error.message().to_owned(), data: Some(data) }
}

/// An answer that may tell of entities of several kinds.
pub(crate) trait Narrow {
    /// Takes out what a grant doesn't cover.
    fn narrow(&mut self, grant: &Grant);
}

impl Narrow for Shown {
    fn narrow(&mut self, grant: &Grant) {
        // What isn't there has no kind, and its name is in the body.
        let covered = |kind: Option<Kind>| kind.is_none_or(|kind| grant.covers(kind));
        self.links.retain(|link| covered(link.kind));
        self.backlinks.retain(|link| covered(link.kind));
        if !grant.covers(Kind::Attachment) {
            self.attachments.clear();
        }
    }
}

impl Narrow for Page<Entity> {
    fn narrow(&mut self, grant: &Grant) {
        self.items.retain(|entity| grant.covers(entity.kind));
    }
}

impl Narrow for Page<Version> {
    /// They are of one entity, which was checked before.
    fn narrow(&mut self, _: &Grant) {}
}

impl Narrow for Page<Hit> {
    fn narrow(&mut self, grant: &Grant) {
        self.items.retain(|hit| grant.covers(hit.kind));
    }
}

impl Narrow for Vec<Event> {
    fn narrow(&mut self, grant: &Grant) {
        self.retain(|event| grant.covers(event.kind));
    }
}

impl Narrow for Vec<Change> {
    fn narrow(&mut self, grant: &Grant) {
        self.retain(|change| grant.covers(change.kind));
    }
}

/// Conflicts don't tell of which kind their entities are.
pub(crate) async fn narrow_conflicts(inner: &Inner, grant: &Grant, conflicts: &mut Vec<Conflict>) -> Result<()> {
    let mut covered = Vec::with_capacity(conflicts.len());
    for conflict in conflicts.drain(..) {
        if grant.covers(inner.require(conflict.entity).await?.kind) {
            covered.push(conflict);
        }
    }
    *conflicts = covered;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(folder: &tempfile::TempDir) -> Grants {
        Grants::new(folder.path(), Environment::default())
    }

    fn asked(may: &[Right], kinds: Option<&[Kind]>) -> AskGrant {
        AskGrant { name: "a test".to_owned(), may: may.to_vec(), kinds: kinds.map(<[Kind]>::to_vec), minutes: None }
    }

    #[test]
    fn a_token_is_known_by_its_store_alone_and_as_it_was_signed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (ours, theirs) = (grants(&folder), grants(&other));
        let given = ours.give(&asked(&[Right::Read, Right::Read], None), None).unwrap();
        assert_eq!(given.grant.may, [Right::Read]);
        assert_eq!(grants(&folder).check(&given.token).unwrap(), given.grant, "the next host knows it");
        assert_eq!(theirs.check(&given.token).unwrap_err().kind(), ErrorKind::Refused);
        theirs.give(&asked(&[Right::Read], None), None).unwrap();
        assert_eq!(theirs.check(&given.token).unwrap_err().kind(), ErrorKind::Refused);
        let (json, sum) = given.token.split_once('.').unwrap();
        let wider = String::from_utf8(BASE64.decode(json).unwrap()).unwrap().replace("\"read\"", "\"write\"");
        let forged = [
            format!("{}.{sum}", BASE64.encode(wider)),
            json.to_owned(),
            String::new(),
            ".".to_owned(),
            format!("{json}.{}", "A".repeat(5000)),
        ];
        for forged in forged {
            assert_eq!(ours.check(&forged).unwrap_err().kind(), ErrorKind::Refused, "{forged}");
        }
        ours.revoke().unwrap();
        ours.revoke().unwrap();
        assert!(ours.check(&given.token).is_err());
        ours.give(&asked(&[Right::Read], None), None).unwrap();
        assert!(ours.check(&given.token).is_err(), "another key is another key");
    }

    #[test]
    #[cfg(unix)]
    fn the_key_is_its_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        grants(&folder).give(&asked(&[Right::Read], None), None).unwrap();
        assert_eq!(fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
        // Half a key, after a crash, is none.
        fs::write(folder.path().join(KEY), [7; 9]).unwrap();
        let given = grants(&folder).give(&asked(&[Right::Read], None), None).unwrap();
        assert!(grants(&folder).check(&given.token).is_ok());
    }

    #[test]
    fn a_grant_hands_on_less_and_never_more() {
        let folder = tempfile::tempdir().unwrap();
        let grants = grants(&folder);
        let notes = asked(&[Right::Read, Right::Write], Some(&[Kind::Note]));
        let ours = grants.give(&AskGrant { minutes: Some(5), ..notes }, None).unwrap().grant;
        let less = grants.give(&asked(&[Right::Read], None), Some(&ours)).unwrap().grant;
        assert_eq!((less.kinds.as_deref(), less.until), (Some(&[Kind::Note][..]), ours.until));
        for more in [
            asked(&[Right::Capture], None),
            asked(&[Right::Read], Some(&[Kind::Note, Kind::Quest])),
            asked(&[Right::Read, Right::Write, Right::Capture], Some(&[Kind::Note])),
        ] {
            assert_eq!(grants.give(&more, Some(&ours)).unwrap_err().kind(), ErrorKind::Refused);
        }
    }

    #[test]
    fn a_grant_ends_when_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let now = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1_000_000_000_000));
        let clock = std::sync::Arc::clone(&now);
        let environment = Environment::new(move || clock.load(std::sync::atomic::Ordering::Relaxed), || [3; 10]);
        let grants = Grants::new(folder.path(), environment);
        let given = grants.give(&AskGrant { minutes: Some(1), ..asked(&[Right::Read], None) }, None).unwrap();
        now.fetch_add(59_999, std::sync::atomic::Ordering::Relaxed);
        assert!(grants.check(&given.token).is_ok());
        now.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let ended = grants.check(&given.token).unwrap_err();
        assert!(ended.message().contains("a test"), "{ended}");
    }

    #[test]
    fn what_makes_no_sense_is_no_grant() {
        let folder = tempfile::tempdir().unwrap();
        let fine = asked(&[Right::Read], None);
        for wrong in [
            AskGrant { name: String::new(), ..fine.clone() },
            AskGrant { name: "x".repeat(65), ..fine.clone() },
            AskGrant { name: "two\nlines".to_owned(), ..fine.clone() },
            AskGrant { may: Vec::new(), ..fine.clone() },
            AskGrant { kinds: Some(Vec::new()), ..fine.clone() },
            AskGrant { minutes: Some(0), ..fine.clone() },
            AskGrant { minutes: Some(MAX_GRANT_MINUTES + 1), ..fine },
        ] {
            assert_eq!(grants(&folder).give(&wrong, None).unwrap_err().kind(), ErrorKind::Invalid, "{wrong:?}");
        }
        assert!(!folder.path().join(KEY).exists());
    }
}
