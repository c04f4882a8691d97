//! Claims of who has which address, from packets to events.
//!
//! A claim becomes an event when it is new, and again when it is heard after a minute of silence.
//! A DHCP request tells the name and its acknowledgement the address: they meet here. Who is asked
//! for is not an announcement and is not read.

use super::packet::{Announcement, LeaseMessage, Packet};
use super::wake_copies::provenance;
use crate::model::neighbour::{Neighbour, ToldBy};
use crate::model::{Event, EvidenceId, Span, Text, Timestamp, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Silence after which a claim is told again.
const SILENCE: Span = Span::seconds(60);
/// Claims remembered; when there are more, all are let go, with the periods in which they were heard, and told
/// anew.
const CLAIMS: usize = 65_536;
/// DHCP requests that wait for their acknowledgement; when there are more, all are forgotten.
const REQUESTS: usize = 4_096;
/// An acknowledgement comes within this time of its request.
const ACKNOWLEDGED_WITHIN: Span = Span::seconds(60);
/// The longest lease that is believed: a year, also for one without end.
const LONGEST_LEASE: i64 = 365 * 86_400;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    address: IpAddr,
    mac: Option<[u8; 6]>,
    told_by: ToldBy,
    name: Option<Text>,
}

/// The claims heard so far.
#[derive(Default)]
pub struct Announcements {
    /// First and last time of the period in which a claim was last heard.
    heard: BTreeMap<Claim, (Timestamp, Timestamp)>,
    /// Claims that were let go.
    gone: Vec<(Neighbour, Timestamp, Timestamp)>,
    requests: BTreeMap<([u8; 6], u32), (Timestamp, Text)>,
}

impl Announcements {
    /// Takes in an announcement.
    pub fn hear(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        announcement: &Announcement,
        out: &mut impl FnMut(Event),
    ) {
        self.tell(evidence, packet, announcement, None, out);
    }

    /// Takes in a DHCP message. A name alone waits for the address.
    pub fn lease(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        message: &LeaseMessage,
        out: &mut impl FnMut(Event),
    ) {
        let key = (message.mac, message.exchange);
        let mut name = message.name.clone();
        if message.granted {
            // What the client calls itself goes before what the server calls it.
            name = self
                .requests
                .get(&key)
                .filter(|(at, _)| packet.time.since(*at).abs() <= ACKNOWLEDGED_WITHIN)
                .map(|(_, name)| name.clone())
                .or(name);
        } else if let Some(name) = &name {
            if self.requests.len() >= REQUESTS {
                self.requests.clear();
            }
            self.requests.insert(key, (packet.time, name.clone()));
        }
        let Some(address) = message.address else {
            return;
        };
        let announcement = Announcement {
            mac: Some(message.mac),
            address: IpAddr::V4(address),
            name,
            told_by: ToldBy::Dhcp,
            answer: false,
            asks: false,
        };
        let lease = message
            .lease
            .map(|seconds| Span::seconds(i64::from(seconds).min(LONGEST_LEASE)));
        self.tell(evidence, packet, &announcement, lease, out);
    }

    fn tell(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        announcement: &Announcement,
        lease: Option<Span>,
        out: &mut impl FnMut(Event),
    ) {
        if self.heard.len() >= CLAIMS {
            let held: Vec<_> = self.still_heard().collect();
            self.gone.extend(held);
            self.heard.clear();
        }
        let claim = Claim {
            address: announcement.address,
            mac: announcement.mac,
            told_by: announcement.told_by,
            name: announcement.name.clone(),
        };
        let now = packet.time;
        let before = match self.heard.get_mut(&claim) {
            Some((_, last)) if now.since(*last) < SILENCE => {
                *last = now.max(*last);
                return;
            }
            Some(period) => Some(std::mem::replace(period, (now, now))),
            None => {
                self.heard.insert(claim, (now, now));
                None
            }
        };
        out(Event {
            time: now,
            recorded: now,
            provenance: provenance(evidence, packet),
            what: What::Neighbour(Box::new(Neighbour {
                mac: announcement.mac,
                address: announcement.address,
                name: announcement.name.clone(),
                told_by: announcement.told_by,
                answer: announcement.answer,
                asks: announcement.asks,
                lease,
                before,
            })),
        });
    }

    /// Claims that were let go since the last call, with the period in which they were heard last.
    pub fn gone(&mut self) -> Vec<(Neighbour, Timestamp, Timestamp)> {
        std::mem::take(&mut self.gone)
    }

    /// Each claim with the period in which it was heard last: no event tells how long that went on.
    pub fn still_heard(&self) -> impl Iterator<Item = (Neighbour, Timestamp, Timestamp)> {
        self.heard.iter().map(|(claim, (first, last))| {
            let neighbour = Neighbour {
                mac: claim.mac,
                address: claim.address,
                name: claim.name.clone(),
                told_by: claim.told_by,
                answer: false,
                asks: false,
                lease: None,
                before: None,
            };
            (neighbour, *first, *last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::attempts::wire::at_ms;

    fn arp() -> Announcement {
        Announcement {
            mac: Some([2, 0, 0, 0, 0, 1]),
            address: "10.0.0.5".parse().unwrap(),
            name: None,
            told_by: ToldBy::Arp,
            answer: false,
            asks: false,
        }
    }

    fn neighbour(event: Event) -> Neighbour {
        match event.what {
            What::Neighbour(neighbour) => *neighbour,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pair_is_told_when_new_and_after_a_minute_of_silence() {
        let mut announcements = Announcements::default();
        let mut told = Vec::new();
        for second in [0, 30, 80, 139, 200] {
            let mut out = |event: Event| {
                let second = event.time.0 / 1_000_000_000;
                let before = neighbour(event).before;
                told.push((second, before.map(|(a, b)| (b.0 - a.0) / 1_000_000_000)));
            };
            let packet = at_seconds(second);
            announcements.hear(EvidenceId(1), &packet, &arp(), &mut out);
        }
        assert_eq!(told, [(0, None), (200, Some(139))]);
        let still: Vec<_> = announcements.still_heard().collect();
        let at = at_seconds(200).time;
        assert_eq!(still.len(), 1);
        assert_eq!((still[0].1, still[0].2), (at, at));
    }

    #[test]
    fn what_is_let_go_is_handed_out_with_its_period() {
        let mut announcements = Announcements::default();
        let of = |number: usize| Announcement {
            address: std::net::Ipv4Addr::from_bits(0x0a00_0000 + number as u32).into(),
            ..arp()
        };
        let mut hear = |number, second| {
            announcements.hear(EvidenceId(1), &at_seconds(second), &of(number), &mut |_| {});
            announcements.gone()
        };
        hear(0, 0);
        assert!(hear(0, 50).is_empty());
        assert!((1..CLAIMS).all(|number| hear(number, 50).is_empty()));
        let gone = hear(CLAIMS, 51);
        assert_eq!(gone.len(), CLAIMS);
        let first = &gone[0];
        assert_eq!(first.0.address, of(0).address);
        assert_eq!(
            (first.1, first.2),
            (at_seconds(0).time, at_seconds(50).time)
        );
        assert!(hear(0, 52).is_empty(), "handed out once");
    }

    fn at_seconds(second: i64) -> Packet {
        at_ms(second * 1_000, 1)
    }

    #[test]
    fn the_name_of_a_request_meets_the_address_of_its_acknowledgement() {
        let request = LeaseMessage {
            granted: false,
            exchange: 7,
            mac: [2, 0, 0, 0, 0, 1],
            address: None,
            name: Some("WS05".into()),
            lease: None,
        };
        let granted = |exchange| LeaseMessage {
            granted: true,
            exchange,
            address: Some("10.0.0.9".parse().unwrap()),
            name: None,
            lease: Some(u32::MAX),
            ..request.clone()
        };
        let mut announcements = Announcements::default();
        let mut told = Vec::new();
        let mut out = |event: Event| told.push(neighbour(event));
        announcements.lease(EvidenceId(1), &at_seconds(0), &request, &mut out);
        announcements.lease(EvidenceId(1), &at_seconds(1), &granted(7), &mut out);
        announcements.lease(EvidenceId(1), &at_seconds(2), &granted(8), &mut out);
        let names: Vec<Option<&str>> = told.iter().map(|n| n.name.as_deref()).collect();
        assert_eq!(names, [Some("WS05"), None], "another exchange has no name");
        assert_eq!(told[0].address.to_string(), "10.0.0.9");
        assert_eq!(told[0].lease, Some(Span::seconds(LONGEST_LEASE)));
    }
}
