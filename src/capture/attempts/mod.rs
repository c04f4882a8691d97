//! From packets in time order to connection attempts with what became of them, and the signals that
//! are no attempts: wake-up, neighbours, answers of name servers.
//!
//! One table over all files and sensors: a handshake that straddles two files of a rotation is one
//! attempt. What becomes of an attempt depends on its own packets alone, on the end of the
//! evidence, and, where more flows live at once than the table may hold, on the limit; that is
//! marked and counted. Payload is looked at before, in the decoder; nothing here judges.
//!
//! Not attempts: UDP and pings to group addresses (counted), and packets of other protocols.

mod duplicates;
mod early;
mod flow;
mod key;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod partial;
#[cfg(test)]
mod rules;
mod speech;
mod summary;
#[cfg(test)]
mod swapped;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod unplaced;
mod unreachable;
#[cfg(test)]
pub(crate) mod wire;

pub use summary::AttemptSummary;

use super::announcements::Announcements;
use super::icmp;
use super::listening::Listening;
use super::packet::{EmbeddedHeader, Extra, Packet, flags};
use super::solicitations::Solicitations;
use super::wake_copies::{WakeCopies, provenance};
use crate::model::attempt::Marks;
use crate::model::neighbour::Neighbour;
use crate::model::net::is_group_or_wildcard;
use crate::model::{Event, EvidenceId, Provenance, Span, Timestamp, Transport, What};
use duplicates::{RecentPackets, Seen};
use early::Early;
use flow::{AnotherFile, Flow, Phase};
use key::Key;
use table::FlowTable;
use unplaced::{Tries, Unplaced};
use unreachable::Matched;

/// What packets without IP have for a protocol.
const NO_IP: Transport = Transport(0);
/// The sweep looks for flows that are over once in so many packets.
const SWEEP_EVERY: u32 = if cfg!(test) { 4 } else { 1_024 };

/// What a user may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many flows may live at once. Beyond that the least needed are forgotten early.
    pub live_flows: usize,
    /// How far apart two sensors' copies of a packet may lie.
    pub duplicates_within: Span,
}

impl Default for Settings {
    /// 225,000 flows (about 70 MiB with the indexes; a few thousand more double an index), 50 ms. A
    /// scan that is followed to its end may send 9,000 SYNs a second before its first ones are let
    /// go early.
    fn default() -> Self {
        Self {
            live_flows: 225_000,
            duplicates_within: Span::millis(50),
        }
    }
}

/// The attempt machine.
pub struct Attempts {
    settings: Settings,
    table: FlowTable,
    recent: RecentPackets,
    early: Early,
    unplaced: Unplaced,
    tries: Tries,
    wakes: WakeCopies,
    announcements: Announcements,
    solicitations: Solicitations,
    listening: Listening,
    summary: AttemptSummary,
    /// Packets until the next sweep, and the earliest time among those since the last.
    until_sweep: u32,
    earliest: Timestamp,
    /// The clock of the sweep: the earliest time in the last full round. One packet with a garbled
    /// time in the future must not end all waiting.
    clock: Timestamp,
}

impl Attempts {
    /// An empty machine.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Settings {
                live_flows: settings.live_flows.max(1),
                ..settings
            },
            table: FlowTable::default(),
            recent: RecentPackets::new(settings.duplicates_within),
            early: Early::default(),
            unplaced: Unplaced::default(),
            tries: Tries::default(),
            wakes: WakeCopies::default(),
            announcements: Announcements::default(),
            solicitations: Solicitations::default(),
            listening: Listening::default(),
            summary: AttemptSummary::default(),
            until_sweep: SWEEP_EVERY,
            earliest: Timestamp::MAX,
            clock: Timestamp::MIN,
        }
    }

    /// Takes in the next packet, in time order over all files. Attempts that ended leave through
    /// `out`, in an order that is the same in every run but is not time order.
    pub fn packet(&mut self, evidence: EvidenceId, packet: &Packet, out: &mut impl FnMut(Event)) {
        self.summary.saw(packet.time);
        self.wakes.pass(packet.time, out);
        self.listening.packet(evidence, packet.time);
        self.earliest = self.earliest.min(packet.time);
        self.until_sweep -= 1;
        if self.until_sweep == 0 {
            self.until_sweep = SWEEP_EVERY;
            self.clock = std::mem::replace(&mut self.earliest, Timestamp::MAX);
            self.sweep(out);
        }
        if packet.transport != NO_IP {
            self.summary.ip_packets += 1;
            self.summary.tcp_segments += u64::from(packet.transport == Transport::TCP);
            self.summary.tunnelled += u64::from(is_tunnel(packet));
            let to = packet.destination.address;
            self.solicitations
                .addressed(to, evidence, packet.interface, out);
        }
        let key = Key::of(packet);
        match packet.transport {
            Transport::TCP | Transport::UDP | Transport::ICMP | Transport::ICMPV6 => {
                match self.recent.seen(evidence, packet, &key) {
                    Seen::New => {}
                    copy => return self.duplicate(&key, evidence, copy),
                }
            }
            _ => {}
        }
        let at = provenance(evidence, packet);
        match packet.extra.as_deref() {
            Some(Extra::Wake(signal)) => {
                self.summary.magic_packets += 1;
                self.wakes.signal(evidence, packet, signal, out);
            }
            Some(Extra::Refusal(embedded)) => {
                self.refusal(packet, embedded, at);
                return;
            }
            Some(Extra::Segment(announcement, talk)) => {
                if let Some(announcement) = announcement {
                    self.announcements.hear(evidence, packet, announcement, out);
                }
                if let Some(talk) = talk {
                    self.solicitations
                        .hear(evidence, packet, talk, &self.listening, out);
                }
            }
            Some(Extra::Announcements(announcements)) => {
                for announcement in announcements {
                    self.announcements.hear(evidence, packet, announcement, out);
                }
            }
            Some(Extra::Lease(message)) => {
                self.announcements.lease(evidence, packet, message, out);
            }
            Some(Extra::Resolution(told)) => out(Event {
                time: packet.time,
                recorded: packet.time,
                provenance: at,
                what: What::Resolution(Box::new(told.clone())),
            }),
            Some(Extra::FastOpen | Extra::Named(_)) | None => {}
        }
        match packet.transport {
            Transport::TCP => self.segment(&key, packet, at, out),
            Transport::UDP => self.datagram(&key, packet, at, out),
            Transport::ICMP | Transport::ICMPV6 if icmp::is_attempt(packet) => {
                self.datagram(&key, packet, at, out);
            }
            _ => {}
        }
    }

    /// Notes that a file has ended, at `last`, which may be the time of something that becomes no
    /// packet here: silence before it was listened to, silence after it was not.
    pub fn ended(&mut self, evidence: EvidenceId, last: Option<Timestamp>) {
        if let Some(last) = last {
            self.summary.saw(last);
        }
        self.listening.ended(evidence, last);
    }

    /// Claims about an address that were let go since the last call, with the first and last time of the
    /// period in which each was heard last.
    pub fn gone(&mut self) -> Vec<(Neighbour, Timestamp, Timestamp)> {
        self.announcements.gone()
    }

    /// The same of those that are held.
    pub fn still_heard(&self) -> impl Iterator<Item = (Neighbour, Timestamp, Timestamp)> {
        self.announcements.still_heard()
    }

    /// Ends all that is still open, with the last packet's time as the end of the evidence.
    pub fn finish(mut self, out: &mut impl FnMut(Event)) -> AttemptSummary {
        self.wakes.finish(out);
        let end = self.summary.last.unwrap_or(Timestamp::MIN);
        self.summary.early_solicitations = self.solicitations.early;
        self.solicitations.finish(end, &self.listening, out);
        for flow in self.table.into_flows() {
            let watched = flow.last.max(end.min(flow.deadline()));
            out(self.summary.count(ended(flow, watched, &self.listening)));
        }
        self.summary
    }

    fn refusal(&mut self, packet: &Packet, embedded: &EmbeddedHeader, at: Provenance) {
        let embedded = self.tries.whole(embedded);
        match unreachable::refuse(&mut self.table, packet, &embedded, at) {
            Matched::Refused => self.summary.icmp_matched += 1,
            Matched::Ignored => self.summary.icmp_ignored += 1,
            Matched::Unmatched => {
                self.summary.icmp_unmatched += 1;
                self.unplaced.keep(packet, at);
            }
        }
    }

    /// Notes that `packet` asks, and tries the errors that were seen before it if it `begins` a flow.
    fn asked(&mut self, packet: &Packet, at: Provenance, begins: bool) {
        self.tries.note(packet);
        if !begins || self.unplaced.is_empty() {
            return;
        }
        let since = packet.time.shifted(OTHER_CLOCK.negated());
        let within = |error| apart(&self.listening, self.settings, error, at);
        if let Some((error, embedded, from)) = self.unplaced.take(packet, since, within)
            && unreachable::refuse(&mut self.table, &error, &embedded, from) == Matched::Refused
        {
            self.summary.icmp_matched += 1;
            self.summary.icmp_unmatched -= 1;
        }
    }

    fn segment(&mut self, key: &Key, packet: &Packet, at: Provenance, out: &mut impl FnMut(Event)) {
        if packet.cut && packet.flags == 0 {
            // Ports and no flags: whatever this was, it must not pass for traffic of a connection.
            self.summary.cut_segments += 1;
            if let Some(flow) = self.table.find(key).and_then(|slot| self.table.flow(slot)) {
                flow.marks.set(Marks::CUT);
            }
            return;
        }
        let Some(slot) = self.table.find(key) else {
            let mut flow = tcp::begin(packet, at);
            begin_with(&mut flow, packet, at);
            self.early.keep(&flow, key, packet, at);
            self.insert(key, flow, packet.time, out);
            if tcp::asks(packet) {
                self.asked(packet, at, true);
            }
            return;
        };
        let Some(flow) = self.table.flow(slot) else {
            return;
        };
        let who = tcp::sender(flow, packet.source);
        if packet.time <= flow.deadline() && tcp::belongs(flow, packet, who) {
            tcp::advance(flow, packet, at, who);
            if let (0, true, Some(accepted)) = (who, tcp::asks(packet), flow.accepted) {
                let within = apart(&self.listening, self.settings, accepted, at);
                tcp::answered_before(flow, packet, within);
            }
            self.early.keep(flow, key, packet, at);
            if who == 1 && a_direction_each(flow, at, &self.listening) {
                self.solicitations
                    .answered_across(packet, at, flow.began, out);
            }
            let again = flow.deadline();
            self.table.look_again(slot, again);
            if tcp::asks(packet) {
                self.asked(packet, at, false);
            }
            return;
        }
        let within = apart(&self.listening, self.settings, flow.began, at);
        if let Some(turned) = self.early.turned(flow, key, (packet, at), within) {
            self.early.keep(&turned, key, packet, at);
            self.table.replace(slot, turned);
            return;
        }
        let mut flow = tcp::begin(packet, at);
        begin_with(&mut flow, packet, at);
        self.early.keep(&flow, key, packet, at);
        self.replace(slot, flow, packet.time, out);
        if tcp::asks(packet) {
            self.asked(packet, at, true);
        }
    }

    fn datagram(
        &mut self,
        key: &Key,
        packet: &Packet,
        at: Provenance,
        out: &mut impl FnMut(Event),
    ) {
        if is_group_or_wildcard(packet.destination.address) {
            self.summary.group_datagrams += 1;
            return;
        }
        let slot = self.table.find(key);
        if let Some(flow) = slot.and_then(|slot| self.table.flow(slot))
            && packet.time <= flow.deadline()
            && !asks_later(flow, packet, at, self.settings.duplicates_within)
        {
            let who = tcp::sender(flow, packet.source);
            flow.count(packet, who);
            if who == 1 && a_direction_each(flow, at, &self.listening) {
                self.solicitations
                    .answered_across(packet, at, flow.began, out);
            }
            if who == 0 {
                if flow.phase == Phase::Lone {
                    flow.decide(Phase::Open, packet.time, at);
                } else if flow.phase != Phase::Open {
                    flow.last_try = flow.last_try.max(packet.time);
                    self.tries.note(packet);
                }
            } else if !matches!(flow.phase, Phase::Open | Phase::Lone) {
                flow.refusal = None;
                flow.decide(Phase::Open, packet.time, at);
            }
            return;
        }
        let answers = match packet.transport {
            Transport::UDP => packet.flags & flags::ANSWERS != 0,
            _ => icmp::is_answer(packet),
        };
        let mut flow = if answers {
            let ends = [packet.destination, packet.source];
            Flow::new(ends, Phase::Lone, packet, at)
        } else {
            let ends = [packet.source, packet.destination];
            Flow::new(ends, Phase::Asked, packet, at)
        };
        flow.count(packet, usize::from(answers));
        match slot {
            Some(slot) => self.replace(slot, flow, packet.time, out),
            None => self.insert(key, flow, packet.time, out),
        }
        if !answers {
            self.asked(packet, at, true);
        }
    }

    fn insert(&mut self, key: &Key, flow: Flow, now: Timestamp, out: &mut impl FnMut(Event)) {
        if self.table.live() >= self.settings.live_flows {
            self.sweep(out);
        }
        if self.table.live() >= self.settings.live_flows {
            // Many at a time, because finding them takes a walk over the table.
            let many = (self.settings.live_flows / 16).max(1);
            for mut old in self.table.take_least_needed(many, now) {
                if old.deadline() >= now {
                    old.marks.set(Marks::EVICTED);
                    self.summary.evicted += 1;
                }
                let watched = old.last.max(now.min(old.deadline()));
                out(self.summary.count(ended(old, watched, &self.listening)));
            }
        }
        self.table.insert(key, flow);
        self.summary.most_live = self.summary.most_live.max(self.table.live());
    }

    fn replace(&mut self, slot: u32, flow: Flow, now: Timestamp, out: &mut impl FnMut(Event)) {
        if let Some(old) = self.table.replace(slot, flow) {
            let watched = old.last.max(now.min(old.deadline()));
            out(self.summary.count(ended(old, watched, &self.listening)));
        }
    }

    /// Lets flows leave whose time is over, only to free their memory: a flow met after its
    /// deadline becomes the same event.
    fn sweep(&mut self, out: &mut impl FnMut(Event)) {
        while let Some(flow) = self.table.take_expired(self.clock) {
            let watched = flow.deadline();
            out(self.summary.count(ended(flow, watched, &self.listening)));
        }
    }

    fn duplicate(&mut self, key: &Key, evidence: EvidenceId, copy: Seen) {
        self.summary.duplicates += 1;
        if copy == Seen::ByAnotherSensor
            && let Some(flow) = self.table.find(key).and_then(|slot| self.table.flow(slot))
        {
            flow.marks.set(Marks::TWO_SENSORS);
            if evidence != flow.began.evidence {
                let known = flow.also.file().unwrap_or(evidence);
                flow.also = AnotherFile::of(self.listening.begun_first(known, evidence));
            }
        }
    }
}

/// How much later than its answer a question may seem that another sensor captured.
const OTHER_CLOCK: Span = Span::seconds(2);

/// How much earlier than its question an answer may seem, by the clocks of who captured them.
fn apart(listening: &Listening, settings: Settings, one: Provenance, other: Provenance) -> Span {
    if listening.side_by_side(one.evidence, other.evidence) {
        OTHER_CLOCK
    } else {
        settings.duplicates_within
    }
}

/// True if the answer at `at` shows that it and the question were captured apart: on two interfaces of a file, or
/// in two files of one time of which no packet of the flow is in both. A sensor elsewhere would hold both.
fn a_direction_each(flow: &Flow, at: Provenance, listening: &Listening) -> bool {
    let began = flow.began;
    if began.evidence == at.evidence {
        return began.interface != at.interface;
    }
    !flow.marks.has(Marks::TWO_SENSORS) && listening.side_by_side(began.evidence, at.evidence)
}

/// True for a datagram that cannot be the question to the answer that `flow` begins with: it comes too late
/// after it.
fn asks_later(flow: &Flow, packet: &Packet, at: Provenance, nearly: Span) -> bool {
    let one = flow.began.evidence == at.evidence && flow.began.interface == at.interface;
    let within = if one { nearly } else { OTHER_CLOCK };
    flow.phase == Phase::Lone
        && tcp::sender(flow, packet.source) == 0
        && packet.time.since(flow.last) > within
}

/// True for a packet that may carry another one and was not opened: ESP (RFC 4303, in datagrams RFC 3948)
/// and L2TP (RFC 3931) never are, the others where what is inside makes no sense.
fn is_tunnel(packet: &Packet) -> bool {
    match packet.transport {
        Transport(4 | 41 | 47 | 50 | 97 | 115) => true,
        Transport::UDP => matches!(
            packet.destination.port,
            2_152 | 4_500 | 4_754 | 4_789 | 6_081 | 8_472 | 37_008
        ),
        _ => false,
    }
}

/// The event of a flow that was waited for until `watched`, by as much of that as was listened to.
fn ended(flow: Flow, watched: Timestamp, listening: &Listening) -> Event {
    let until = |evidence| listening.until(evidence, flow.last, watched);
    let mut heard = until(flow.began.evidence);
    // What another file holds too was listened to as long as by that one.
    if let Some(also) = flow.also.file() {
        heard = heard.max(until(also));
    }
    let watched = watched.min(flow.last.max(heard));
    flow.into_event(watched)
}

fn begin_with(flow: &mut Flow, packet: &Packet, at: Provenance) {
    let who = tcp::sender(flow, packet.source);
    tcp::advance(flow, packet, at, who);
}
