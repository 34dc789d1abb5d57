//! States as a whole: down (a bootstrap), or up first where the server's log isn't the one that this device knows (a meeting).
//!
//! A bootstrap that is cut off goes on where it was; a meeting begins anew, as nothing is joined twice. Neither touches the outbox, but that what a meeting brings
//! up has arrived. The log that a bootstrap is of has to be the one that is known or was just met: another one is met first, or what it lost would stay lost.

use altair_protocol::sync::{self, JoinRefused, Refusal, Start, SyncId};
use altair_protocol::view::Time;
use altair_protocol::{EntityId, Incarnation};

use super::step::Step;
use super::{
    Effect, Fault, How, Machine, Need, Phase, Position, Progress, Reason, Resume, TransferFailure, TransferId, Why,
};

/// A transfer that brings nothing for so long is given up, in milliseconds.
pub(super) const TRANSFER_MS: u64 = sync::DEAD_MS;
/// So many states that weren't taken are told.
const MAX_UNMET: usize = 100;

/// States on their way.
#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) id: TransferId,
    /// When it is given up unless something comes.
    pub(super) by: u64,
    pub(super) progress: Progress,
    /// How a bootstrap began.
    start: Option<(SyncId, Incarnation)>,
}

impl Machine {
    pub(super) fn transfer(&mut self, step: &mut Step) {
        let id = TransferId(self.mint());
        let by = step.after(TRANSFER_MS);
        self.phase = Phase::Transfer(Transfer { id, by, progress: Progress { done: 0, total: 0 }, start: None });
        step.push(match self.need {
            Need::Bootstrap { how, from, .. } => Effect::Bootstrap { transfer: id, how, from },
            Need::Meet | Need::Nothing => Effect::Meet { transfer: id },
        });
    }

    /// The transfer of an id, if it is the present one, which has shown that it is alive.
    fn present(&mut self, id: TransferId, step: &Step) -> Option<&mut Transfer> {
        match &mut self.phase {
            Phase::Transfer(transfer) if transfer.id == id => {
                transfer.by = step.after(TRANSFER_MS);
                Some(transfer)
            }
            _ => None,
        }
    }

    pub(super) fn transfer_started(&mut self, id: TransferId, start: Start, step: &mut Step) {
        let Need::Bootstrap { of, from, .. } = self.need else { return };
        let Some(transfer) = self.present(id, step) else { return };
        transfer.start = Some((start.head, start.incarnation));
        transfer.progress.total = start.entities;
        self.last_contact = Some(Time::from_millis(step.now.wall));
        self.clock_told(start.server_time, 0, step);
        if of.is_some_and(|of| of != start.incarnation) {
            self.need = Need::Meet;
            let message = "the server's log isn't the one that this device knows: it brings its own states first";
            self.wait(Why::new(Reason::Anew, message), step);
        } else if from.is_some_and(|from| (from.head, from.incarnation) != (start.head, start.incarnation)) {
            self.begin_anew("the server couldn't go on where a bootstrap was cut off", step);
        } else {
            self.head = start.head;
        }
    }

    fn begin_anew(&mut self, message: impl Into<String>, step: &mut Step) {
        if let Need::Bootstrap { from, .. } = &mut self.need {
            *from = None;
        }
        self.wait(Why::new(Reason::Anew, message), step);
    }

    pub(super) fn progressed(
        &mut self,
        id: TransferId,
        after: Option<EntityId>,
        done: u64,
        total: u64,
        step: &mut Step,
    ) {
        let Some(transfer) = self.present(id, step) else { return };
        transfer.progress = Progress { done, total };
        let start = transfer.start;
        if let (Need::Bootstrap { how, of, from }, Some(after), Some((head, incarnation))) =
            (&mut self.need, after, start)
        {
            // From here on the store has something of this log, which another one may lack.
            *of = Some(incarnation);
            *from = Some(Resume { after, head, incarnation, how: *how });
        }
    }

    pub(super) fn bootstrapped(&mut self, id: TransferId, cursor: SyncId, incarnation: Incarnation, step: &mut Step) {
        if self.present(id, step).is_none() {
            return;
        }
        if let Some(account) = &mut self.account {
            account.cursor = cursor;
            account.incarnation = Some(incarnation);
        }
        self.head = self.head.max(cursor);
        self.need = Need::Nothing;
        self.begin(step);
    }

    pub(super) fn met(&mut self, id: TransferId, incarnation: Incarnation, refused: Vec<JoinRefused>, step: &mut Step) {
        if self.present(id, step).is_none() {
            return;
        }
        self.unmet.clear();
        for JoinRefused { entity, code, message } in refused {
            if code == Refusal::Erased {
                self.recreate(entity, Position::ZERO, step);
            } else if self.unmet.len() < MAX_UNMET {
                self.unmet.push(Fault { change: None, entity, code, message, until: None });
            }
        }
        self.need = Need::Bootstrap { how: How::Join, of: Some(incarnation), from: None };
        self.begin(step);
    }

    pub(super) fn transfer_failed(&mut self, id: TransferId, failure: TransferFailure, step: &mut Step) {
        if self.present(id, step).is_none() {
            return;
        }
        self.phase = Phase::Off;
        match failure {
            TransferFailure::Trouble(trouble) => self.troubled(trouble, step),
            TransferFailure::Anew(message) => self.begin_anew(message, step),
            TransferFailure::Met => {
                self.need = Need::Bootstrap { how: How::Join, of: None, from: None };
                self.begin(step);
            }
            TransferFailure::Newer(message) => self.fault(Why::new(Reason::Unsupported, message), step),
        }
    }
}
