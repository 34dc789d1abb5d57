//! Households, their devices, and whose a token is.
//!
//! A device has one token, and for as long as nobody has used it yet a next one: whoever renews and loses the answer still has the old one.

use altair_core::{Error, Result};
use altair_protocol::sync::SyncId;
use altair_protocol::{DeviceId, HouseholdId, Incarnation};
use surrealdb::types::{Bytes, RecordId, RecordIdKey, SurrealValue, Uuid as DbUuid};
use uuid::Uuid;

use super::keys::{self, as_i64};
use super::{Store, corrupt};
use crate::secret::Hashed;

#[derive(Debug, Clone, SurrealValue)]
struct HouseholdRow {
    id: RecordId,
    name: String,
    incarnation: DbUuid,
    created_ms: i64,
}

#[derive(Debug, Clone, SurrealValue)]
struct DeviceRow {
    id: RecordId,
    name: String,
    token: Bytes,
    paired_ms: i64,
    seen_ms: i64,
    cursor: i64,
    next: Option<Bytes>,
    parent: Option<DbUuid>,
    met: Option<DbUuid>,
    revoked_ms: Option<i64>,
    left: bool,
}

#[derive(Debug, Clone, SurrealValue)]
struct TokenRow {
    household: DbUuid,
    device: DbUuid,
}

/// A household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HouseholdRecord {
    pub(crate) id: HouseholdId,
    pub(crate) name: String,
    pub(crate) incarnation: Incarnation,
    pub(crate) created_ms: u64,
}

/// A device as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceRecord {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) token: Hashed,
    pub(crate) paired_ms: u64,
    /// When it was last heard of.
    pub(crate) seen_ms: u64,
    /// What it has said that it has applied.
    pub(crate) cursor: SyncId,
    /// The token that is to follow.
    pub(crate) next: Option<Hashed>,
    /// The device whose copy it is: who revokes that one revokes this one.
    pub(crate) parent: Option<DeviceId>,
    /// The log that it was welcomed to: from then on it brings changes and no states.
    pub(crate) met: Option<Incarnation>,
    /// When its tokens were taken from it.
    pub(crate) revoked_ms: Option<u64>,
    /// Whether it went by itself, and may come back.
    pub(crate) left: bool,
}

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) household: HouseholdId,
    pub(crate) device: DeviceId,
}

impl Store {
    /// Makes a household, or replaces what is known of it.
    pub(crate) async fn put_household(&self, household: &HouseholdRecord) -> Result<()> {
        let row = HouseholdRow {
            id: keys::of_household("household", household.id),
            name: household.name.clone(),
            incarnation: household.incarnation.uuid().into(),
            created_ms: as_i64(household.created_ms),
        };
        self.db.run("UPSERT $row.id CONTENT $row RETURN NONE;", [("row", row.into_value())]).await
    }

    /// A household.
    pub(crate) async fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRecord>> {
        let row: Option<HouseholdRow> = self.db.get(keys::of_household("household", id)).await?;
        row.map(HouseholdRecord::try_from).transpose()
    }

    /// All households, in the order of their ids and so of their making.
    pub(crate) async fn households(&self) -> Result<Vec<HouseholdRecord>> {
        let mut response = self.db.ask("SELECT * FROM household", []).await?;
        let rows: Vec<HouseholdRow> = response.take(0).map_err(|error| super::database::failed(&error))?;
        rows.into_iter().map(HouseholdRecord::try_from).collect()
    }

    /// The household of this name or id; without one, the only one that there is.
    pub(crate) async fn household_named(&self, name: Option<&str>) -> Result<HouseholdRecord> {
        let mut households = self.households().await?;
        let Some(name) = name else {
            return match (households.pop(), households.len()) {
                (Some(only), 0) => Ok(only),
                (None, _) => Err(Error::refused("there is no household yet", "make one: `altair-server init`")),
                (Some(_), others) => Err(Error::invalid(
                    format!("there are {} households", others + 1),
                    "name one with --household; `altair-server household list` lists them",
                )),
            };
        };
        let mut named =
            households.into_iter().filter(|household| household.name == name || household.id.to_string() == name);
        named.next().ok_or_else(|| {
            let hint = "`altair-server household list` lists them; `altair-server init` makes one";
            Error::new(altair_core::ErrorKind::NotFound, format!("there is no household \"{name}\""), hint)
        })
    }

    /// Makes a device known, or replaces what is known of it. Tokens that it had before and doesn't have now are nobody's.
    pub(crate) async fn put_device(&self, household: HouseholdId, device: &DeviceRecord) -> Result<()> {
        let before = self.device(household, device.id).await?;
        let bytes = |hash: &Hashed| Bytes::from(hash.as_bytes().to_vec());
        let row = DeviceRow {
            id: keys::device(household, device.id),
            name: device.name.clone(),
            token: bytes(&device.token),
            paired_ms: as_i64(device.paired_ms),
            seen_ms: as_i64(device.seen_ms),
            cursor: as_i64(device.cursor.get()),
            next: device.next.as_ref().map(bytes),
            parent: device.parent.map(|parent| parent.uuid().into()),
            met: device.met.map(|met| met.uuid().into()),
            revoked_ms: device.revoked_ms.map(as_i64),
            left: device.left,
        };
        let held = |device: &DeviceRecord| -> Vec<RecordId> {
            let good = device.revoked_ms.is_none();
            std::iter::once(&device.token).chain(&device.next).filter(|_| good).map(token_record).collect()
        };
        let tokens = held(device);
        let gone: Vec<RecordId> = before.iter().flat_map(held).filter(|token| !tokens.contains(token)).collect();
        let whose = TokenRow { household: household.uuid().into(), device: device.id.uuid().into() };
        let owner = RecordId::new("owner", RecordIdKey::Uuid(device.id.uuid().into()));
        let query = "BEGIN; UPSERT $row.id CONTENT $row RETURN NONE; DELETE $gone RETURN NONE;
            FOR $id IN $tokens { UPSERT $id CONTENT $whose RETURN NONE; };
            UPSERT $owner CONTENT $whose RETURN NONE; COMMIT;";
        let values = [
            ("row", row.into_value()),
            ("gone", gone.into_value()),
            ("tokens", tokens.into_value()),
            ("whose", whose.into_value()),
            ("owner", owner.into_value()),
        ];
        self.db.run(query, values).await
    }

    /// A device.
    pub(crate) async fn device(&self, household: HouseholdId, id: DeviceId) -> Result<Option<DeviceRecord>> {
        let row: Option<DeviceRow> = self.db.get(keys::device(household, id)).await?;
        row.map(DeviceRecord::try_from).transpose()
    }

    /// Which household a device is of, revoked or not.
    pub(crate) async fn household_of(&self, device: DeviceId) -> Result<Option<HouseholdId>> {
        let owner = RecordId::new("owner", RecordIdKey::Uuid(device.uuid().into()));
        let row: Option<TokenRow> = self.db.get(owner).await?;
        Ok(row.map(|row| HouseholdId::from(Uuid::from(row.household))))
    }

    /// A household's devices, those that were revoked included.
    pub(crate) async fn devices(&self, household: HouseholdId) -> Result<Vec<DeviceRecord>> {
        let (after, until) = keys::keys_of(household, None);
        let rows: Vec<DeviceRow> = self.db.scan("device", after, until, usize::MAX).await?;
        rows.into_iter().map(DeviceRecord::try_from).collect()
    }

    /// Whose a token is; `None` when it is nobody's any more. A next token becomes the token by being used.
    pub(crate) async fn account(&self, token: &Hashed) -> Result<Option<Account>> {
        let Some(row) = self.db.get::<TokenRow>(token_record(token)).await? else { return Ok(None) };
        let household = HouseholdId::from(Uuid::from(row.household));
        let found = self.device(household, DeviceId::from(Uuid::from(row.device))).await?;
        let Some(mut device) = found.filter(|device| device.revoked_ms.is_none()) else { return Ok(None) };
        let account = Account { household, device: device.id };
        if device.next.as_ref() == Some(token) {
            device.next = None;
            device.token = *token;
            self.put_device(household, &device).await?;
        }
        Ok((device.token == *token).then_some(account))
    }

    /// Takes their tokens from a device and from those that are copies of it. Gives those that had one.
    pub(crate) async fn revoke(&self, household: HouseholdId, id: DeviceId, now_ms: u64) -> Result<Vec<DeviceId>> {
        let mut left = self.devices(household).await?;
        let (mut revoked, mut parents) = (Vec::new(), vec![id]);
        while let Some(parent) = parents.pop() {
            let (taken, others) = left.into_iter().partition(|d| d.id == parent || d.parent == Some(parent));
            left = others;
            for mut device in taken {
                if device.id != parent {
                    parents.push(device.id);
                }
                if device.revoked_ms.is_none() {
                    device.revoked_ms = Some(now_ms);
                    self.put_device(household, &device).await?;
                    revoked.push(device.id);
                }
            }
        }
        Ok(revoked)
    }

    /// Forgets the devices that were revoked before a moment. How many that were.
    pub(crate) async fn drop_revoked(&self, household: HouseholdId, before_ms: u64) -> Result<u64> {
        let devices = self.devices(household).await?;
        let old = devices.iter().filter(|device| device.revoked_ms.is_some_and(|revoked| revoked < before_ms));
        let gone: Vec<RecordId> = old.map(|device| keys::device(household, device.id)).collect();
        let count = gone.len() as u64;
        // That the ids are taken stays known.
        self.db.run("DELETE $gone RETURN NONE;", [("gone", gone.into_value())]).await?;
        Ok(count)
    }

    /// Notes when devices were last heard of and what they have applied.
    pub(crate) async fn note_cursors(&self, household: HouseholdId, seen: Vec<(DeviceId, SyncId, u64)>) -> Result<()> {
        #[derive(SurrealValue)]
        struct Seen {
            id: RecordId,
            cursor: i64,
            seen_ms: i64,
        }
        let rows = seen.into_iter().map(|(device, cursor, now_ms)| {
            let id = keys::device(household, device);
            Seen { id, cursor: as_i64(cursor.get()), seen_ms: as_i64(now_ms) }
        });
        let rows: Vec<Seen> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        let query =
            "FOR $row IN $rows { UPDATE $row.id SET cursor = $row.cursor, seen_ms = $row.seen_ms RETURN NONE; };";
        self.db.run(query, [("rows", rows.into_value())]).await
    }
}

fn token_record(token: &Hashed) -> RecordId {
    RecordId::new("token", token.hex())
}

impl TryFrom<HouseholdRow> for HouseholdRecord {
    type Error = Error;

    fn try_from(row: HouseholdRow) -> Result<Self> {
        Ok(Self {
            id: keys::household_of(&row.id)?,
            name: row.name,
            incarnation: Incarnation::from(Uuid::from(row.incarnation)),
            created_ms: row.created_ms.unsigned_abs(),
        })
    }
}

impl TryFrom<DeviceRow> for DeviceRecord {
    type Error = Error;

    fn try_from(row: DeviceRow) -> Result<Self> {
        let id = DeviceId::from(keys::last_uuid(&row.id)?);
        let damaged = || corrupt(format!("the row of the device {id} is damaged"));
        Ok(Self {
            id,
            name: row.name,
            token: Hashed::from_bytes(&row.token).ok_or_else(damaged)?,
            paired_ms: row.paired_ms.unsigned_abs(),
            seen_ms: row.seen_ms.unsigned_abs(),
            cursor: SyncId::try_from(row.cursor.unsigned_abs()).map_err(|_| damaged())?,
            next: row.next.map(|next| Hashed::from_bytes(&next).ok_or_else(damaged)).transpose()?,
            parent: row.parent.map(|parent| DeviceId::from(Uuid::from(parent))),
            met: row.met.map(|met| Incarnation::from(Uuid::from(met))),
            revoked_ms: row.revoked_ms.map(i64::unsigned_abs),
            left: row.left,
        })
    }
}
