//! The acts themselves, on an open server.

use altair_core::{Error, ErrorKind, Result};
use altair_protocol::sync::EXPIRY_DAYS;
use altair_protocol::view::Time;
use altair_protocol::{DeviceId, HouseholdId, Incarnation};

use super::{Answer, Ask, Collected, DeviceView, HouseholdView, MadeCode, Revoked};
use crate::pairing::checked_name;
use crate::server::Server;
use crate::store::{CODE_LIFE_MS, HouseholdRecord};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The least that names a device.
const ENDING: usize = 4;

impl Server {
    /// Does what is asked.
    pub async fn act(&self, ask: Ask) -> Result<Answer> {
        match ask {
            Ask::Init { household } => self.init(&household).await,
            Ask::Pair { household } => {
                let household = self.store.household_named(household.as_deref()).await?;
                self.code_for(&household).await
            }
            Ask::Households {} => self.list_households().await.map(Answer::Households),
            Ask::Devices { household } => self.list_devices(household.as_deref()).await.map(Answer::Devices),
            Ask::Revoke { device } => self.revoke_named(&device).await,
            Ask::Backup { file } => self.backup(&file).await.map(Answer::BackedUp),
            Ask::Collect {} => self.collect().await.map(Answer::Collected),
        }
    }

    async fn init(&self, name: &str) -> Result<Answer> {
        let name = checked_name(name).map_err(|error| Error::invalid(error.to_string(), "give it a shorter name"))?;
        if self.store.households().await?.iter().any(|household| household.name == name) {
            return Err(Error::refused(
                format!("there is a household \"{name}\" already"),
                "`altair-server pair` makes another code for it; --household names another one",
            ));
        }
        let (now_ms, environment) = (self.environment.now(), &self.environment);
        let household = HouseholdRecord {
            id: HouseholdId::v7(now_ms, environment.random()),
            name,
            incarnation: Incarnation::v7(now_ms, environment.random()),
            created_ms: now_ms,
        };
        self.store.put_household(&household).await?;
        self.code_for(&household).await
    }

    async fn code_for(&self, household: &HouseholdRecord) -> Result<Answer> {
        let code = self.make_code(household.id).await?;
        Ok(Answer::Code(MadeCode {
            household: household.name.clone(),
            id: household.id,
            code: code.to_string(),
            until: time(self.environment.now().saturating_add(CODE_LIFE_MS)),
        }))
    }

    async fn list_households(&self) -> Result<Vec<HouseholdView>> {
        let mut views = Vec::new();
        for household in self.store.households().await? {
            let devices = self.store.devices(household.id).await?;
            views.push(HouseholdView {
                id: household.id,
                name: household.name,
                created_at: time(household.created_ms),
                devices: devices.iter().filter(|device| device.revoked_ms.is_none()).count(),
                head: self.store.head(household.id).await?.sync_id.get(),
            });
        }
        Ok(views)
    }

    async fn list_devices(&self, household: Option<&str>) -> Result<Vec<DeviceView>> {
        let households = match household {
            Some(name) => vec![self.store.household_named(Some(name)).await?],
            None => self.store.households().await?,
        };
        let mut views = Vec::new();
        for household in households {
            for device in self.store.devices(household.id).await? {
                views.push(DeviceView {
                    id: device.id,
                    name: device.name,
                    household: household.name.clone(),
                    paired_at: time(device.paired_ms),
                    seen_at: time(device.seen_ms),
                    cursor: device.cursor.get(),
                    revoked_at: device.revoked_ms.map(time),
                });
            }
        }
        Ok(views)
    }

    async fn revoke_named(&self, named: &str) -> Result<Answer> {
        let mut found: Vec<(HouseholdId, DeviceId)> = Vec::new();
        let ending = named.trim().to_ascii_lowercase();
        for household in self.store.households().await? {
            let devices = self.store.devices(household.id).await?;
            let named = devices.iter().filter(|device| device.id.to_string().ends_with(&ending));
            found.extend(named.map(|device| (household.id, device.id)));
        }
        let hint = "`altair-server device list` lists them";
        if ending.len() < ENDING {
            return Err(Error::invalid(format!("\"{named}\" is too short for a device's id"), hint));
        }
        match found.as_slice() {
            [] => Err(Error::new(ErrorKind::NotFound, format!("there is no device {named}"), hint)),
            [(household, device)] => {
                let revoked = self.revoke(*household, *device).await?;
                Ok(Answer::Revoked(Revoked { revoked }))
            }
            several => Err(Error::invalid(format!("{} devices' ids end in {named}", several.len()), hint)),
        }
    }

    async fn collect(&self) -> Result<Collected> {
        let now_ms = self.environment.now();
        let before_ms = now_ms.saturating_sub(EXPIRY_DAYS * DAY_MS);
        self.store.drop_old_codes(now_ms).await?;
        let mut collected = Collected { uploads: self.store.blobs().sweep(), ..Collected::default() };
        for household in self.store.households().await? {
            collected.erased += self.store.drop_erased(household.id, before_ms).await?;
            collected.devices += self.store.drop_revoked(household.id, before_ms).await?;
        }
        Ok(collected)
    }
}

pub(super) fn time(ms: u64) -> Time {
    Time::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}
