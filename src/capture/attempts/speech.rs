//! What is noted of the payload of one live flow: what it looks like, and when the responder last
//! answered.

use crate::capture::packet::{Extra, Packet};
use crate::model::payload::{FIRST_SIZES, Payload};
use crate::model::{Span, Timestamp};

/// What the responder sends on its own counts as use of the connection this soon after what it sent before.
const IN_USE: Span = Span::seconds(10);

/// The payload of a flow so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Speech {
    told: Payload,
    /// How many first payloads of each side are noted.
    noted: [u8; 2],
    /// The last payload is the initiator's: what comes next answers it.
    asked: bool,
    /// What the responder sent on its own after a pause, as long as nothing followed.
    unasked: Option<Timestamp>,
}

impl Speech {
    /// Takes in a packet with new payload, sent by side `who`: 0 the initiator, 1 the responder. `closed`
    /// says that the initiator has closed its side.
    pub(super) fn hear(&mut self, packet: &Packet, who: usize, closed: bool) {
        let place = usize::from(self.noted[who]);
        if place < FIRST_SIZES {
            if place == 0 {
                self.told.shapes[who] = packet.shape;
            }
            let size = u16::try_from(packet.payload).unwrap_or(u16::MAX);
            self.told.first_sizes[who][place] = size;
            self.noted[who] += 1;
        }
        if who == 1 {
            self.answer(packet.time, closed);
            return;
        }
        self.asked = true;
        self.followed();
        if let Some(Extra::Named(name)) = packet.extra.as_deref()
            && self.told.name.is_none()
        {
            self.told.name = Some(name.clone());
        }
    }

    /// What there is to tell of it.
    pub(super) fn told(self) -> Payload {
        self.told
    }

    /// What a responder sends on its own after a pause (a probe whether the other side is there, the
    /// alert before it closes) shows no use until something follows; what it says to one that has closed
    /// answers nothing.
    fn answer(&mut self, time: Timestamp, closed: bool) {
        let asked = std::mem::take(&mut self.asked) && !closed;
        let last = self.unasked.or(self.told.answered);
        let in_use = last.is_none_or(|last| time.since(last) <= IN_USE);
        self.followed();
        if asked || in_use {
            self.told.answered = self.told.answered.max(Some(time));
        } else {
            self.unasked = Some(time);
        }
    }

    fn followed(&mut self) {
        self.told.answered = self.told.answered.max(self.unasked.take());
    }
}
