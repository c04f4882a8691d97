//! What is noted of the payload of one live flow: what it looks like, and when the responder last
//! answered.

use crate::capture::packet::{Extra, Packet};
use crate::model::payload::{FIRST_SIZES, Payload};
use crate::model::{Provenance, Span, Timestamp};

/// What the responder sends on its own counts as use of the connection this soon after what it sent before.
const IN_USE: Span = Span::seconds(10);

/// The payload of a flow so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Speech {
    told: Payload,
    /// How many first payloads of each side are noted.
    noted: [u8; 2],
    /// What each side sent before the first payload of it that was seen.
    missing: [Option<Missing>; 2],
    /// The last payload is the initiator's: what comes next answers it.
    asked: bool,
    unasked: Option<Unasked>,
}

/// Sequence numbers before the first payload that was seen: not captured, or seen later.
#[derive(Clone, Copy, Debug)]
struct Missing {
    begin: u32,
    end: u32,
}

/// What the responder sent on its own after a pause, as long as nothing followed.
#[derive(Clone, Copy, Debug)]
struct Unasked {
    first: Timestamp,
    last: Timestamp,
    /// How many packets of the initiator had been seen then.
    heard: u32,
}

/// How far a flow had come when a packet of it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// Who has closed its side: the initiator, the responder.
    pub(super) closed: [bool; 2],
    /// Packets of the initiator so far.
    pub(super) heard: u32,
}

impl Speech {
    /// Takes in a packet with new payload, sent by side `who`: 0 the initiator, 1 the responder. `expected`
    /// is the sequence number behind what was seen before, if that leaves a hole.
    pub(super) fn hear(
        &mut self,
        packet: &Packet,
        who: usize,
        state: State,
        expected: Option<u32>,
    ) {
        match expected {
            Some(begin) if self.noted[who] == 0 => {
                let end = packet.seq;
                self.missing[who] = Some(Missing { begin, end });
                self.noted[who] = 1;
            }
            // What comes behind a hole is not the next.
            Some(_) => self.noted[who] = FIRST_SIZES as u8,
            None => {}
        }
        let place = usize::from(self.noted[who]);
        if place < FIRST_SIZES && !self.fill(packet, who) {
            if place == 0 {
                self.told.shapes[who] = packet.shape;
            }
            self.told.first_sizes[who][place] = size(packet);
            self.noted[who] += 1;
        }
        if who == 1 {
            self.answer(packet.time, state);
            return;
        }
        self.asked = true;
        let followed = self.unasked.take().filter(|_| !state.closed[1]);
        self.told.answered = self.told.answered.max(followed.map(|sent| sent.last));
        if let Some(Extra::Named(name)) = packet.extra.as_deref()
            && self.told.name.is_none()
        {
            self.told.name = Some(name.clone());
        }
    }

    /// Takes in a packet whose payload was seen, or lies behind what was seen: the first of its side may be
    /// among them. True if this is it.
    pub(super) fn fill(&mut self, packet: &Packet, who: usize) -> bool {
        let first = |missing: &Missing| missing.begin == packet.seq && packet.payload > 0;
        let Some(missing) = self.missing[who].filter(first) else {
            return false;
        };
        self.missing[who] = None;
        self.told.shapes[who] = packet.shape;
        self.told.first_sizes[who][0] = size(packet);
        if packet.seq.wrapping_add(packet.payload) != missing.end {
            self.told.first_sizes[who][1..].fill(0);
            self.noted[who] = FIRST_SIZES as u8;
        }
        true
    }

    /// Notes the packet that reset the connection, or that none did after all.
    pub(super) fn reset_by(&mut self, by: Option<Provenance>) {
        self.told.reset = by;
    }

    /// What there is to tell of it: nothing of the form of a side whose first payload was not seen.
    pub(super) fn told(mut self) -> Payload {
        for who in 0..2 {
            if self.missing[who].is_some() {
                self.told.first_sizes[who] = [0; FIRST_SIZES];
            }
        }
        self.told
    }

    /// What a responder sends on its own after a pause (a probe whether the other side is there, the
    /// alert before it closes) shows no use until the initiator says something to it, or acknowledges it
    /// and more comes after another pause. What it says to one that has closed answers nothing.
    fn answer(&mut self, time: Timestamp, state: State) {
        let asked = std::mem::take(&mut self.asked) && !state.closed[0];
        let last = self.told.answered;
        if asked || last.is_none_or(|last| time.since(last) <= IN_USE) {
            self.unasked = None;
            self.told.answered = last.max(Some(time));
            return;
        }
        let heard = state.heard;
        let (first, last) = (time, time);
        self.unasked = Some(match self.unasked {
            Some(sent) if time.since(sent.first) <= IN_USE => Unasked { last, ..sent },
            Some(sent) => {
                if heard > sent.heard {
                    self.told.answered = self.told.answered.max(Some(sent.last));
                }
                Unasked { first, last, heard }
            }
            None => Unasked { first, last, heard },
        });
    }
}

fn size(packet: &Packet) -> u16 {
    u16::try_from(packet.payload).unwrap_or(u16::MAX)
}
