//! What a capture shows of a connection a moment before its SYN: two queues of one device, two directions
//! of one mirror and the clocks of two sensors turn neighbours round.
//!
//! The first packets of flows without a SYN are kept for a while, up to a bound. A SYN or SYN-ACK that
//! comes soon begins the flow anew if they fit its numbers, and what was early is told after it.

use super::flow::{Flow, Phase};
use super::key::Key;
use super::tcp;
use crate::capture::packet::Packet;
use crate::capture::packet::flags::{ACK, RST, SYN};
use crate::model::attempt::Marks;
use crate::model::{Provenance, Span};
use std::collections::VecDeque;

/// Packets kept, of all flows together.
const MOST: usize = 4_096;
/// Packets kept of one flow; more are no matter of a moment.
const OF_ONE: u32 = 8;
/// So far behind its begin a connection can come in that time.
const AHEAD: u32 = 1 << 16;

struct Kept {
    key: Key,
    packet: Packet,
    at: Provenance,
}

/// The first packets of flows whose SYN was not seen.
#[derive(Default)]
pub(super) struct Early {
    kept: VecDeque<Kept>,
}

impl Early {
    /// Keeps `packet`, the last that `flow` has counted, if the SYN to it may still come.
    #[inline]
    pub(super) fn keep(&mut self, flow: &Flow, key: &Key, packet: &Packet, at: Provenance) {
        if flow.isn.is_some() || counted(flow) > OF_ONE {
            return;
        }
        if self.kept.len() >= MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            key: *key,
            packet: packet.clone(),
            at,
        });
    }

    /// The flow that begins with `packet`, a SYN or SYN-ACK, and goes on with what `flow` holds: at most
    /// `within` old, and all of it fits. `None` if that is another connection.
    pub(super) fn turned(
        &self,
        flow: &Flow,
        key: &Key,
        (packet, at): (&Packet, Provenance),
        within: Span,
    ) -> Option<Flow> {
        let begins = packet.flags & SYN != 0 && packet.flags & RST == 0;
        let syn = packet.flags & ACK == 0;
        let waits = flow.isn.is_none() && (syn || flow.phase == Phase::Loose);
        let soon = packet.time.since(flow.first) <= within;
        if !begins || !waits || !soon || counted(flow) > OF_ONE {
            return None;
        }
        let count = counted(flow) as usize;
        let latest = self.kept.iter().rev().filter(|kept| kept.key == *key);
        let mut before: Vec<&Kept> = latest.take(count).collect();
        before.reverse();
        if before.len() < count || !before.iter().all(|kept| fits(packet, &kept.packet)) {
            return None;
        }
        let mut begun = tcp::begin(packet, at);
        let who = tcp::sender(&begun, packet.source);
        tcp::advance(&mut begun, packet, at, who);
        // An answer counts where it answers.
        before.sort_by_key(|kept| kept.packet.flags & SYN == 0);
        for kept in before {
            let who = tcp::sender(&begun, kept.packet.source);
            tcp::advance(&mut begun, &kept.packet, kept.at, who);
        }
        begun.decided = begun.decided.max(packet.time);
        begun.closed = begun.closed.max(packet.time);
        begun.also = flow.also;
        for mark in [Marks::TWO_SENSORS, Marks::CUT] {
            if flow.marks.has(mark) {
                begun.marks.set(mark);
            }
        }
        Some(begun)
    }
}

fn counted(flow: &Flow) -> u32 {
    flow.packets[0].saturating_add(flow.packets[1])
}

/// True if `packet` can be of the connection that `begin`, a SYN or SYN-ACK, belongs to, a moment after it. A
/// reset must answer it exactly.
fn fits(begin: &Packet, packet: &Packet) -> bool {
    let reset = packet.flags & RST != 0;
    let near = |number: u32, first: u32| {
        let place = number.wrapping_sub(first);
        place == 0 || !reset && place < AHEAD
    };
    let next = begin.seq.wrapping_add(1);
    let acknowledges = packet.flags & ACK != 0;
    if packet.source == begin.source {
        return near(packet.seq, next);
    }
    if begin.flags & ACK == 0 {
        let with_data = next.wrapping_add(begin.payload);
        return acknowledges && (near(packet.ack, next) || packet.ack == with_data);
    }
    near(packet.seq, begin.ack) && (!acknowledges || near(packet.ack, next))
}
