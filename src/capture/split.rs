//! TCP headers that are split over two fragments. No stack cuts that small by itself: scanners do, to pass by
//! filters that look for ports and flags in one packet (RFC 1858).
//!
//! Only the header is put together, of fragments in their order; what else they carry is not read.

use super::decode::tcp_header;
use super::frame::Seen;
use super::packet::Packet;
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::EvidenceId;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

/// Ports, numbers and flags (RFC 9293 3.1).
pub(super) const NEEDED: usize = 14;
/// Beginnings that wait for their rest; then the oldest is given up.
const MOST: usize = 1024;

/// Sender, receiver and number of the packet that was split.
pub(super) type Key = (Ipv4Addr, Ipv4Addr, u16);

struct Begun {
    header: [u8; NEEDED],
    have: usize,
    offset: u64,
}

/// Beginnings of TCP headers, and how many there were.
#[derive(Default)]
pub(super) struct Split {
    begun: BTreeMap<Key, Begun>,
    order: VecDeque<Key>,
    // How many, and where the first was.
    joined: (u64, u64),
    lost: (u64, u64),
}

fn bump(count: &mut (u64, u64), offset: u64) {
    if count.0 == 0 {
        count.1 = offset;
    }
    count.0 += 1;
}

impl Split {
    /// True if something waits for a fragment at this place.
    #[inline]
    pub(super) fn waits_at(&self, place: usize) -> bool {
        place < NEEDED && !self.begun.is_empty()
    }

    /// Keeps the beginning of a header, in a first fragment at `offset` of the file.
    #[cold]
    pub(super) fn begin(&mut self, key: Key, body: &[u8], offset: u64) {
        let mut header = [0; NEEDED];
        let have = body.len().min(NEEDED);
        header[..have].copy_from_slice(&body[..have]);
        let begun = Begun {
            header,
            have,
            offset,
        };
        match self.begun.insert(key, begun) {
            // Another sensor's copy.
            Some(before) if before.header[..have] == header[..have] => {}
            // The number was used again.
            Some(before) => bump(&mut self.lost, before.offset),
            None => self.order.push_back(key),
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
            && let Some(given_up) = self.begun.remove(&oldest)
        {
            bump(&mut self.lost, given_up.offset);
        }
    }

    /// Adds a fragment that lies at `place` of what was split; `packet` is it, without ports. Hands it out as
    /// the segment if that makes the header whole.
    #[cold]
    pub(super) fn go_on(
        &mut self,
        key: Key,
        place: usize,
        body: &[u8],
        mut packet: Packet,
        out: &mut Vec<Packet>,
    ) -> Seen {
        let Some(begun) = self.begun.get_mut(&key).filter(|begun| begun.have == place) else {
            return Seen::LaterFragment;
        };
        let end = (place + body.len()).min(NEEDED);
        begun.header[place..end].copy_from_slice(&body[..end - place]);
        begun.have = end;
        if end < NEEDED {
            return Seen::LaterFragment;
        }
        let (header, offset) = (begun.header, begun.offset);
        self.begun.remove(&key);
        self.order.retain(|waiting| *waiting != key);
        bump(&mut self.joined, offset);
        packet.first_fragment = true;
        if tcp_header(&mut packet, &header, 0).is_none() {
            return Seen::Malformed;
        }
        out.push(packet);
        Seen::Ip { snapped: false }
    }

    /// What is to be said of them, at the end of the file.
    pub(super) fn told(&mut self, evidence: EvidenceId) -> Vec<Problem> {
        for begun in std::mem::take(&mut self.begun).into_values() {
            bump(&mut self.lost, begun.offset);
        }
        self.order.clear();
        let problem = |weight, (count, offset), message: &str, effect: &str| Problem {
            evidence: Some(evidence),
            kind: ProblemKind::PacketHeader,
            weight,
            count,
            first_offset: Some(offset),
            message: message.to_owned(),
            effect: effect.to_owned(),
        };
        let mut told = Vec::new();
        if self.joined.0 > 0 {
            told.push(problem(
                Weight::Note,
                std::mem::take(&mut self.joined),
                "TCP headers that were split over fragments, as scanners do to pass by filters",
                "they were put together and stand at the fragment that made them whole; what else the fragments carry \
                 was not read",
            ));
        }
        if self.lost.0 > 0 {
            told.push(problem(
                Weight::Loss,
                std::mem::take(&mut self.lost),
                "first fragments with less than a TCP header, whose rest did not follow",
                "they are missing from the attempts",
            ));
        }
        told
    }
}
