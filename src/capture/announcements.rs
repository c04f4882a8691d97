//! Announcements of who has which address: the pairs of hardware and IP address that owners send.
//!
//! A pair becomes an event when it is new, and again when it is heard after a minute of silence.
//! Who is asked for is not an announcement and is not read here.

use super::packet::{Packet, SegmentTalk};
use super::wake_copies::provenance;
use crate::model::neighbour::Neighbour;
use crate::model::{Event, EvidenceId, Span, Timestamp, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Silence after which a pair is told again.
const SILENCE: Span = Span::seconds(60);
/// Pairs remembered; when there are more, all are forgotten and told anew.
const PAIRS: usize = 65_536;

/// The pairs heard so far.
#[derive(Default)]
pub struct Announcements {
    heard: BTreeMap<([u8; 6], IpAddr), Timestamp>,
}

impl Announcements {
    /// Takes in an announcement.
    pub fn hear(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        talk: &SegmentTalk,
        out: &mut impl FnMut(Event),
    ) {
        let (Some(mac), address) = (talk.mac, talk.address) else {
            return;
        };
        if self.heard.len() >= PAIRS {
            self.heard.clear();
        }
        let last = self.heard.insert((mac, address), packet.time);
        if last.is_some_and(|last| packet.time.since(last) < SILENCE) {
            return;
        }
        out(Event {
            time: packet.time,
            recorded: packet.time,
            provenance: provenance(evidence, packet),
            what: What::Neighbour(Box::new(Neighbour {
                mac,
                address,
                told_by: talk.told_by,
            })),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::packet::Speech;
    use crate::model::neighbour::ToldBy;
    use crate::model::{Endpoint, Transport};

    fn packet(seconds: i64) -> Packet {
        let nowhere = Endpoint::new("0.0.0.0".parse().unwrap(), 0);
        Packet {
            time: Timestamp(seconds * 1_000_000_000),
            number: 1,
            offset: 24,
            source: nowhere,
            destination: nowhere,
            transport: Transport(0),
            flags: 0,
            ttl: 0,
            ip_id: 0,
            interface: 0,
            vlan: None,
            seq: 0,
            ack: 0,
            payload: 0,
            pid: 0,
            first_fragment: false,
            cut: false,
            shape: crate::model::payload::Shape::None,
            extra: None,
        }
    }

    #[test]
    fn a_pair_is_told_when_new_and_after_a_minute_of_silence() {
        let mut announcements = Announcements::default();
        let mut told = Vec::new();
        let address = "10.0.0.5".parse().unwrap();
        for second in [0, 30, 80, 139, 200] {
            let mut out = |event: Event| told.push(event.time.0 / 1_000_000_000);
            let talk = SegmentTalk {
                mac: Some([2, 0, 0, 0, 0, 1]),
                address,
                told_by: ToldBy::Arp,
                speech: Speech::Announces,
            };
            announcements.hear(EvidenceId(1), &packet(second), &talk, &mut out);
        }
        assert_eq!(told, [0, 200]);
    }
}
