//! Who is connected to a household: one session a device, each of which can be told to end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use altair_protocol::DeviceId;
use altair_protocol::sync::{CloseCode, Closing};
use tokio::sync::watch;

/// The sessions of a household's devices.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<DeviceId, Open>>,
}

#[derive(Debug)]
struct Open {
    /// Tells it from a later one of the same device.
    number: u64,
    end: watch::Sender<Option<Closing>>,
}

/// A session, as its connection has it.
#[derive(Debug)]
pub(crate) struct Session {
    device: DeviceId,
    number: u64,
    /// Why it is to end, once it is.
    pub(crate) end: watch::Receiver<Option<Closing>>,
}

impl Sessions {
    /// Begins a session. The device's earlier one ends.
    pub(crate) fn begin(&self, device: DeviceId) -> Session {
        let (tell, end) = watch::channel(None);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.get(&device).map_or(0, |earlier| earlier.number.wrapping_add(1));
        if let Some(earlier) = open.insert(device, Open { number, end: tell }) {
            earlier.end.send_replace(Some(Closing {
                code: CloseCode::Replaced,
                reason: "this device has connected again".to_owned(),
                retry_after_ms: None,
            }));
        }
        Session { device, number, end }
    }

    /// Ends a device's session.
    pub(crate) fn end(&self, device: DeviceId, closing: &Closing) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = open.get(&device) {
            session.end.send_replace(Some(closing.clone()));
        }
    }

    /// Ends all sessions.
    pub(crate) fn end_all(&self, closing: &Closing) {
        for session in self.open.lock().unwrap_or_else(PoisonError::into_inner).values() {
            session.end.send_replace(Some(closing.clone()));
        }
    }

    /// Forgets a session that has ended.
    pub(crate) fn forget(&self, session: &Session) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&session.device).is_some_and(|open| open.number == session.number) {
            open.remove(&session.device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_session_of_a_device_replaces_the_earlier() {
        let (sessions, device) = (Sessions::default(), DeviceId::v7(1, [0; 10]));
        let first = sessions.begin(device);
        let second = sessions.begin(device);
        assert_eq!(first.end.borrow().as_ref().map(|closing| closing.code), Some(CloseCode::Replaced));
        sessions.forget(&first);
        assert_eq!(sessions.open.lock().unwrap().len(), 1, "the later one stays");
        assert!(second.end.borrow().is_none());
        sessions.forget(&second);
        assert!(sessions.open.lock().unwrap().is_empty());
    }
}
