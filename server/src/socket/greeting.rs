//! Greeting: who the device is, which version both speak, and whether it can go on from its cursor.

use std::time::Duration;

use altair_protocol::sync::{
    CloseCode, DeviceFrame, EXPIRY_DAYS, GREETING_MS, Hello, Household as Named, MAX_HELLO, OURS, Reset, ResetReason,
    ServerFrame, SyncId, Welcome,
};
use altair_protocol::view::Time;
use axum::extract::ws::{Message, WebSocket};

use super::{Ending, Visit, reading, send};
use crate::household::Session;
use crate::store::DeviceRecord;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Greets a device. Its cursor, and its session from now on.
pub(super) async fn greet(visit: &Visit, socket: &mut WebSocket) -> Result<(SyncId, Session), Ending> {
    let hello = tokio::time::timeout(Duration::from_millis(GREETING_MS), hello(socket)).await;
    let hello = hello.map_err(|_| Ending::close(CloseCode::Timeout, "no hello came within ten seconds"))??;
    if hello.device != visit.account.device {
        return Err(Ending::close(CloseCode::WrongDevice, "the token is another device's"));
    }
    let Some(protocol) = OURS.common(hello.protocol) else {
        let older = if hello.protocol.max < OURS.min { "the device" } else { "the server" };
        let reason = format!("no version of the protocol is spoken by both: {older} is older, and has to be updated");
        return Err(Ending::close(CloseCode::Unsupported, reason));
    };
    tracing::info!(version = printable(&hello.version), "greeted");

    let (store, household) = (&visit.site.server.store, &visit.household);
    let failed = |error: altair_core::Error| {
        tracing::error!(%error, "a device can't be greeted");
        Ending::close(CloseCode::Internal, "the server has a fault of its own")
    };
    let device = store.device(household.id(), visit.account.device).await.map_err(failed)?;
    let unauthorized = || Ending::close(CloseCode::Unauthorized, "this device's token isn't good any more");
    let device = device.filter(|device| device.revoked_ms.is_none()).ok_or_else(unauthorized)?;
    let now_ms = visit.site.server.environment.now();
    let incarnation = household.record().incarnation;
    if let Some(reason) = reset(visit, &hello, &device, now_ms) {
        // From here on it may bring states, if it is another log that it knows.
        let meets = matches!(reason, ResetReason::Incarnation | ResetReason::Ahead);
        let met = if meets { None } else { device.met };
        let device = DeviceRecord { met, seen_ms: now_ms, ..device };
        store.put_device(household.id(), &device).await.map_err(failed)?;
        send(socket, &ServerFrame::Reset(Reset { reason })).await?;
        return Err(Ending::close(CloseCode::Reset, "the device can't go on from its cursor"));
    }
    if device.met != Some(incarnation) {
        let device = DeviceRecord { met: Some(incarnation), seen_ms: now_ms, ..device };
        store.put_device(household.id(), &device).await.map_err(failed)?;
    }
    household.note_cursor(visit.account.device, hello.cursor);
    // Before it is welcome, so that nobody can be revoked in between and not be told.
    let session = household.sessions().begin(visit.account.device);
    let device = store.device(household.id(), visit.account.device).await.map_err(failed)?;
    if device.is_none_or(|device| device.revoked_ms.is_some()) {
        household.sessions().forget(&session);
        return Err(unauthorized());
    }
    let welcome = Welcome {
        protocol,
        head: household.head(),
        server_time: Time::from_millis(now_ms.cast_signed()),
        incarnation,
        household: Named { id: household.id(), name: household.record().name.clone() },
    };
    if let Err(ending) = send(socket, &ServerFrame::Welcome(welcome)).await {
        household.sessions().forget(&session);
        return Err(ending);
    }
    Ok((hello.cursor, session))
}

/// Why a device can't go on from its cursor; `None`: it can.
fn reset(visit: &Visit, hello: &Hello, device: &DeviceRecord, now_ms: u64) -> Option<ResetReason> {
    let household = &visit.household;
    let knows = hello.incarnation == Some(household.record().incarnation);
    if !knows && (hello.incarnation.is_some() || hello.cursor != SyncId::ZERO) {
        Some(ResetReason::Incarnation)
    } else if hello.cursor > household.head() {
        Some(ResetReason::Ahead)
    } else if now_ms.saturating_sub(device.seen_ms) > EXPIRY_DAYS * DAY_MS {
        Some(ResetReason::Expired)
    } else if hello.cursor < household.horizon() {
        Some(ResetReason::Horizon)
    } else {
        None
    }
}

async fn hello(socket: &mut WebSocket) -> Result<Hello, Ending> {
    loop {
        let text = match socket.recv().await {
            None => return Err(Ending::Gone),
            Some(Err(error)) => return Err(reading::broken(error)),
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_))) => return Err(Ending::Gone),
            Some(Ok(Message::Binary(_))) => {
                return Err(Ending::close(CloseCode::Malformed, "frames are text, and this one is binary"));
            }
        };
        if text.len() > MAX_HELLO {
            return Err(Ending::close(CloseCode::TooLarge, format!("a hello may have {MAX_HELLO} bytes at most")));
        }
        return match DeviceFrame::parse(&text) {
            Ok(DeviceFrame::Hello(hello)) => Ok(hello),
            Ok(_) => Err(Ending::close(CloseCode::Malformed, "a connection begins with hello")),
            Err(error) => Err(reading::unreadable(&error)),
        };
    }
}

/// What a device says of itself, fit for a log.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
