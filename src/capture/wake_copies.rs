//! Wake-on-LAN: the copies of one signal become one event.
//!
//! Tools send a magic packet three times and more, and two sensors see each of them. Recognising
//! the pattern in a frame is the decoder's work, not done here.

use super::packet::Packet;
use crate::model::provenance::Item;
use crate::model::wake::WakeSignal;
use crate::model::{Event, EvidenceId, Provenance, Span, Timestamp, What};
use std::collections::BTreeMap;

/// Copies come within this time of the first.
const COPIES_WITHIN: Span = Span::seconds(10);
/// They are let go by the second, for to look through them takes time.
const BATCH: Span = Span::seconds(1);
/// How many further packets an event cites.
const CITED: usize = 15;
/// Signals held back at a time; when there are more, all leave as they are.
const MOST_HELD: usize = 16_384;
/// Senders of signals to one target that are held apart.
const MOST_SENDERS: usize = 64;

struct Held {
    first: Timestamp,
    began: Provenance,
    signal: WakeSignal,
}

/// Signals that may still get copies, by the MAC address to be woken.
pub struct WakeCopies {
    held: BTreeMap<[u8; 6], Vec<Held>>,
    count: usize,
    // When the oldest of them began; `MAX` without any.
    oldest: Timestamp,
}

impl Default for WakeCopies {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            count: 0,
            oldest: Timestamp::MAX,
        }
    }
}

impl WakeCopies {
    /// Lets signals leave that can get no more copies at `now`: what is remembered of their targets depends
    /// on them.
    #[inline]
    pub fn pass(&mut self, now: Timestamp, out: &mut impl FnMut(Event)) {
        if self.oldest < now && now.since(self.oldest) > COPIES_WITHIN.plus(BATCH) {
            self.release(now, out);
        }
    }

    #[cold]
    fn release(&mut self, now: Timestamp, out: &mut impl FnMut(Event)) {
        let over = |held: &mut Held| now.since(held.first) > COPIES_WITHIN;
        self.held.retain(|_, same| {
            for held in same.extract_if(.., over) {
                self.count -= 1;
                out(held.into_event());
            }
            !same.is_empty()
        });
        let left = self.held.values().flatten().map(|held| held.first);
        self.oldest = left.min().unwrap_or(Timestamp::MAX);
    }

    /// Takes in the magic packet `signal`, found in `packet`. Signals that can get no more copies
    /// leave through `out`.
    ///
    /// A copy has the same target, the same sender (by hardware address or by IP address), the same
    /// carrier, IP destination and password, and comes within ten seconds of the first. The same target
    /// in another carrier, to another destination or with another password is another signal: somebody
    /// tried another way.
    pub fn signal(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        signal: &WakeSignal,
        out: &mut impl FnMut(Event),
    ) {
        let at = provenance(evidence, packet);
        let same = self.held.entry(signal.target).or_default();
        let over = |held: &mut Held| packet.time.since(held.first) > COPIES_WITHIN;
        let before = same.len();
        same.extract_if(.., over)
            .for_each(|held| out(held.into_event()));
        self.count -= before - same.len();
        if let Some(held) = same.iter_mut().find(|held| is_copy(&held.signal, signal)) {
            held.signal.copies = held.signal.copies.saturating_add(1);
            if held.signal.copy_packets.len() < CITED {
                held.signal.copy_packets.push(at);
            }
            return;
        }
        if same.len() >= MOST_SENDERS {
            out(same.remove(0).into_event());
            self.count -= 1;
        }
        same.push(Held {
            first: packet.time,
            began: at,
            signal: signal.clone(),
        });
        self.count += 1;
        self.oldest = self.oldest.min(packet.time);
        if self.count > MOST_HELD {
            self.finish(out);
        }
    }

    /// Lets all signals leave.
    pub fn finish(&mut self, out: &mut impl FnMut(Event)) {
        self.count = 0;
        self.oldest = Timestamp::MAX;
        for held in std::mem::take(&mut self.held).into_values().flatten() {
            out(held.into_event());
        }
    }
}

impl Held {
    fn into_event(self) -> Event {
        Event {
            time: self.first,
            recorded: self.first,
            provenance: self.began,
            what: What::Wake(Box::new(self.signal)),
        }
    }
}

fn is_copy(first: &WakeSignal, next: &WakeSignal) -> bool {
    let same_mac = first.sender_mac.is_some() && first.sender_mac == next.sender_mac;
    let address = |signal: &WakeSignal| signal.sender.map(|end| end.address);
    let same_ip = address(first).is_some() && address(first) == address(next);
    let nameless = |signal: &WakeSignal| signal.sender_mac.is_none() && signal.sender.is_none();
    let sent_to = |signal: &WakeSignal| signal.sent_to.map(|end| end.address);
    first.carrier == next.carrier
        && sent_to(first) == sent_to(next)
        && same_password(first, next)
        && (same_mac || same_ip || nameless(first) && nameless(next))
}

/// True if both carry the same SecureOn password, or none; of a pattern that was cut it is not known.
fn same_password(first: &WakeSignal, next: &WakeSignal) -> bool {
    let whole = |signal: &WakeSignal| signal.repetitions >= 16;
    let password = |signal: &WakeSignal| (signal.password_len, signal.password_digest);
    !whole(first) || !whole(next) || password(first) == password(next)
}

/// Where `packet` is written.
pub(super) fn provenance(evidence: EvidenceId, packet: &Packet) -> Provenance {
    Provenance {
        evidence,
        interface: packet.interface,
        kind: Item::Packet,
        item: packet.number,
        offset: packet.offset,
        inside: packet.inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::attempts::wire::at_ms;
    use crate::model::Endpoint;
    use crate::model::wake::WakeCarrier;

    fn magic(target: u8, mac: Option<u8>, ip: Option<&str>) -> WakeSignal {
        WakeSignal {
            target: [2, 0, 0, 0, 0, target],
            sender_mac: mac.map(|last| [2, 0, 0, 0, 1, last]),
            sender: ip.map(|ip| Endpoint::new(ip.parse().unwrap(), 40_000)),
            sent_to: None,
            mac_to: None,
            carrier: WakeCarrier::Udp(9),
            pattern_offset: 42,
            repetitions: 16,
            password_len: 0,
            password_digest: None,
            password: 0,
            vlan: None,
            copies: 1,
            copy_packets: Vec::new(),
        }
    }

    /// (first packet, copies, cited) of each event, in the order of the first packets.
    fn events(sent: &[(i64, WakeSignal)]) -> Vec<(u64, u32, usize)> {
        let (mut copies, mut seen) = (WakeCopies::default(), Vec::new());
        let mut out = |event: Event| {
            let What::Wake(signal) = event.what else {
                panic!("{event:?}")
            };
            seen.push((
                event.provenance.item,
                signal.copies,
                signal.copy_packets.len(),
            ));
        };
        for (number, (ms, signal)) in (1..).zip(sent) {
            copies.signal(EvidenceId(1), &at_ms(*ms, number), signal, &mut out);
        }
        copies.finish(&mut out);
        seen.sort_unstable();
        seen
    }

    #[test]
    fn copies_within_ten_seconds_of_the_first_are_one_signal() {
        let one = magic(1, Some(7), Some("10.0.0.7"));
        let sent = [0, 10, 20, 9_999, 10_001].map(|ms| (ms, one.clone()));
        assert_eq!(events(&sent), [(1, 4, 3), (5, 1, 0)]);
    }

    #[test]
    fn another_target_or_another_sender_is_another_signal() {
        let sent = [
            (0, magic(1, Some(7), Some("10.0.0.7"))),
            (1, magic(2, Some(7), Some("10.0.0.7"))),
            (2, magic(1, Some(8), Some("10.0.0.8"))),
        ];
        assert_eq!(events(&sent), [(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
    }

    #[test]
    fn another_password_or_another_destination_is_another_signal() {
        let to = |address: &str, password: Option<u8>| WakeSignal {
            sent_to: Some(Endpoint::new(address.parse().unwrap(), 9)),
            password_len: if password.is_some() { 6 } else { 0 },
            password_digest: password.map(|first| [first; 8]),
            password: 0,
            ..magic(1, Some(7), Some("10.0.0.7"))
        };
        let sent = [
            (0, to("10.0.0.255", None)),
            (1, to("10.0.0.9", None)),
            (2, to("10.0.0.255", Some(1))),
            (3, to("10.0.0.255", Some(2))),
            (4, to("10.0.0.255", Some(1))),
        ];
        let expected = [(1, 1, 0), (2, 1, 0), (3, 2, 1), (4, 1, 0)];
        assert_eq!(events(&sent), expected);
    }

    #[test]
    fn a_copy_that_was_cut_may_hold_the_password() {
        let whole = WakeSignal {
            password_len: 6,
            password_digest: Some([1; 8]),
            ..magic(1, Some(7), None)
        };
        let cut = WakeSignal {
            repetitions: 9,
            ..magic(1, Some(7), None)
        };
        assert_eq!(events(&[(0, whole), (1, cut)]), [(1, 2, 1)]);
    }

    #[test]
    fn a_relayed_copy_is_known_by_its_address_and_a_raw_one_by_its_mac() {
        let sent = [
            (0, magic(1, Some(7), Some("10.0.0.7"))),
            (3, magic(1, Some(99), Some("10.0.0.7"))), // behind a router
            (5, magic(1, Some(7), None)),              // EtherType 0x0842
        ];
        assert_eq!(events(&sent), [(1, 3, 2)]);
    }

    #[test]
    fn a_flood_is_counted_and_only_the_first_copies_are_cited() {
        let one = magic(1, Some(7), None);
        let sent: Vec<_> = (0..1_000).map(|ms| (ms, one.clone())).collect();
        assert_eq!(events(&sent), [(1, 1_000, 15)]);
    }

    #[test]
    fn no_number_of_senders_or_targets_makes_it_hold_without_bound() {
        let mut copies = WakeCopies::default();
        let (mut left, mut most) = (0_usize, 0);
        for number in 0..100_000_u32 {
            let mut signal = magic(0, None, None);
            signal.target = (number % 1_000).to_be_bytes().repeat(2)[..6]
                .try_into()
                .unwrap();
            signal.sender_mac = Some([
                2,
                0,
                0,
                (number >> 16) as u8,
                (number >> 8) as u8,
                number as u8,
            ]);
            copies.signal(EvidenceId(1), &at_ms(1, 1), &signal, &mut |_| left += 1);
            most = most.max(copies.count);
            assert_eq!(
                copies.count,
                copies.held.values().map(Vec::len).sum::<usize>()
            );
        }
        assert!(most <= MOST_HELD + 1, "{most}");
        copies.finish(&mut |_| left += 1);
        assert_eq!(left, 100_000, "every signal leaves");
    }
}
