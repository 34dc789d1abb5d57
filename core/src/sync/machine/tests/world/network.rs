//! Connections that delay, repeat, lose and are cut; and everything else that happens by itself.

use std::collections::VecDeque;

use altair_protocol::DeviceId;
use altair_protocol::sync::{CloseCode, Closing, DeviceFrame, Pong, ServerFrame};
use altair_protocol::view::Time;

use super::World;
use super::device::Outbound;
use super::server::Session;
use crate::sync::machine::{ConnectionId, Event, Trouble};

pub(super) struct Link {
    pub(super) device: usize,
    pub(super) connection: ConnectionId,
    pub(super) up: VecDeque<DeviceFrame>,
    pub(super) down: VecDeque<ServerFrame>,
    /// The device hears it.
    pub(super) heard: bool,
    /// And reads it just now.
    pub(super) read: bool,
    pub(super) session: Option<Session>,
    /// The server has hung up.
    pub(super) closed: bool,
    /// Something on it was lost, so it can't last.
    pub(super) lossy: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Up(usize),
    Down(usize),
    News(usize),
    Connect(usize),
    Work(usize),
    Upload(usize),
    Name(usize),
    Move(usize),
}

impl World {
    /// Takes what a device does on the network to its links.
    pub(super) fn carry(&mut self, device: usize) {
        for out in std::mem::take(&mut self.devices[device].out) {
            let (connection, of) = match &out {
                Outbound::Say(connection, _) | Outbound::Read(connection, _) | Outbound::HangUp(connection) => {
                    (*connection, device)
                }
            };
            let here = |link: &&mut Link| link.device == of && link.connection == connection && link.heard;
            let Some(link) = self.links.iter_mut().find(here) else { continue };
            match out {
                Outbound::Say(_, frame) => link.up.push_back(frame),
                Outbound::Read(_, on) => link.read = on,
                // What was said before may still arrive, and long after something newer.
                Outbound::HangUp(_) => {
                    link.heard = false;
                    link.down.clear();
                }
            }
        }
    }

    /// What can happen without anything being broken.
    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            if !link.up.is_empty() && !link.closed {
                actions.push(Action::Up(at));
            }
            if link.heard && link.read && (!link.down.is_empty() || link.closed) {
                actions.push(Action::Down(at));
            }
            if link.session.as_ref().is_some_and(|session| link.heard && self.server.has_news(session)) {
                actions.push(Action::News(at));
            }
        }
        for (at, device) in self.devices.iter().enumerate() {
            if device.connecting.is_some() {
                actions.push(Action::Connect(at));
            }
            if !device.todo.is_empty() {
                actions.push(Action::Work(at));
            } else if device.moving.is_some() {
                actions.push(Action::Move(at));
            }
            if !device.uploads.is_empty() {
                actions.push(Action::Upload(at));
            }
            if device.naming {
                actions.push(Action::Name(at));
            }
        }
        actions
    }

    /// One thing happens. `broken`: as badly as it can.
    pub(super) fn act(&mut self, action: Action, broken: bool) {
        match action {
            Action::Up(link) => self.up(link),
            Action::Down(link) => self.down(link, broken),
            Action::News(at) => {
                let at_most = 1 + self.dice.below(5);
                let link = &mut self.links[at];
                let Some(session) = &mut link.session else { return };
                let frame = self.server.news(session, at_most);
                if matches!(frame, ServerFrame::Reset(_)) {
                    link.session = None;
                }
                link.down.push_back(frame);
            }
            Action::Connect(device) => {
                let Some(connection) = self.devices[device].connecting.take() else { return };
                if broken && self.dice.one_in(3) {
                    let trouble = if self.dice.one_in(3) {
                        Trouble::Unauthorized
                    } else {
                        Trouble::Unreachable("the model's network is broken".to_owned())
                    };
                    return self.tell(device, Event::Failed { connection, trouble });
                }
                let (up, down) = (VecDeque::new(), VecDeque::new());
                let link = Link {
                    device,
                    connection,
                    up,
                    down,
                    heard: true,
                    read: true,
                    session: None,
                    closed: false,
                    lossy: false,
                };
                self.links.push(link);
                self.tell(device, Event::Opened { connection });
            }
            Action::Work(device) => {
                let now = self.moment();
                self.devices[device].work(now, &mut self.mint);
                self.carry(device);
            }
            Action::Upload(device) => {
                let at = self.dice.below(self.devices[device].uploads.len());
                let (entity, change, blobs) = self.devices[device].uploads.swap_remove(at);
                if broken && self.dice.one_in(3) {
                    return self.tell(device, Event::BlobsFailed { entity, change });
                }
                self.server.blobs.extend(blobs);
                self.tell(device, Event::BlobsEnsured { entity, change });
            }
            Action::Name(device) => {
                self.devices[device].naming = false;
                if broken && self.dice.one_in(3) {
                    let trouble = Trouble::Unreachable("the model's network is broken".to_owned());
                    return self.tell(device, Event::NewDeviceFailed { trouble });
                }
                let id = self.mint.device();
                self.server.devices.insert(id);
                self.tell(device, Event::NewDevice { device: id });
            }
            Action::Move(device) => {
                if broken && self.dice.one_in(8) {
                    return self.fail_move(device);
                }
                self.advance(device);
            }
        }
    }

    fn up(&mut self, at: usize) {
        let now = self.wall();
        let Some(frame) = self.links[at].up.pop_front() else { return };
        match frame {
            DeviceFrame::Hello(hello) => {
                let (frame, session) = if self.server.devices.contains(&hello.device) {
                    self.server.greet(&hello, now)
                } else {
                    panic!("{} was never paired", hello.device)
                };
                if session.is_some() {
                    self.replace(hello.device);
                }
                let link = &mut self.links[at];
                link.closed = session.is_none();
                link.session = session;
                link.down.push_back(frame);
            }
            DeviceFrame::Push(push) => {
                let Some(session) = &mut self.links[at].session else { return };
                let (frames, gone) = self.server.push(session, push.changes, &self.poison, now);
                self.gone.extend(gone);
                self.links[at].down.extend(frames);
            }
            DeviceFrame::Applied(applied) => {
                let known = self.devices[self.links[at].device].store.cursor;
                let same = self.devices[self.links[at].device].store.incarnation == Some(self.server.incarnation);
                assert!(!same || applied.cursor <= known, "more is said to be applied than is");
            }
            DeviceFrame::Ping(ping) => {
                let pong = Pong { n: ping.n, server_time: Time::from_millis(now) };
                self.links[at].down.push_back(ServerFrame::Pong(pong));
            }
        }
    }

    /// Hangs up on a device's earlier connections.
    fn replace(&mut self, device: DeviceId) {
        for link in &mut self.links {
            if link.session.take_if(|session| session.device == device).is_some() {
                let (code, reason) = (CloseCode::Replaced, "the same device has connected again".to_owned());
                link.down.push_back(ServerFrame::Closing(Closing { code, reason, retry_after_ms: None }));
                link.closed = true;
            }
        }
    }

    fn down(&mut self, at: usize, broken: bool) {
        let (device, connection) = (self.links[at].device, self.links[at].connection);
        let Some(frame) = self.links[at].down.pop_front() else {
            self.links[at].heard = false;
            return self.tell(device, Event::Closed { connection, code: None, message: String::new() });
        };
        if broken {
            let lost = matches!(frame, ServerFrame::Changes(_) | ServerFrame::Ack(_) | ServerFrame::Pong(_));
            if lost && self.dice.one_in(20) {
                self.links[at].lossy = true;
                return;
            }
            let repeated = !matches!(frame, ServerFrame::Welcome(_) | ServerFrame::Reset(_));
            if repeated && self.dice.one_in(10) {
                self.links[at].down.push_front(frame.clone());
            }
        }
        self.tell(device, Event::Received { connection, frame });
    }

    /// A connection ends somewhere in between: each side has heard some of what the other has said, or nothing of it.
    pub(super) fn cut(&mut self, at: usize) {
        let (device, connection, heard) = (self.links[at].device, self.links[at].connection, self.links[at].heard);
        while !self.links[at].up.is_empty() && !self.links[at].closed && self.dice.one_in(2) {
            self.up(at);
        }
        let link = &mut self.links[at];
        (link.heard, link.closed, link.session) = (false, true, None);
        link.up.clear();
        link.down.clear();
        if heard {
            self.tell(device, Event::Closed { connection, code: None, message: "cut".to_owned() });
        }
    }

    /// Links that nobody uses any more.
    pub(super) fn tidy(&mut self) {
        self.links.retain(|link| link.heard || (!link.up.is_empty() && !link.closed));
    }
}
