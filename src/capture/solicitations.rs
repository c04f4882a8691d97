//! Who asks the segment for whom (ARP requests, IPv6 neighbour solicitations), and whether anyone
//! answers.
//!
//! A request goes to all, its answer to the asker alone, so a sensor may well see one and not the
//! other. "No answer" is told only where the same interface, or the one that holds the other
//! direction, also captured something sent to the asker alone; runs without an answer wait for that
//! until the end of the evidence. What an unanswered question means is not said here.

use super::listening::Listening;
use super::packet::{Packet, SegmentTalk, Speech};
use super::wake_copies::provenance;
use crate::model::neighbour::{Heard, Solicitation, ToldBy};
use crate::model::{Event, EvidenceId, Provenance, Span, Timestamp, What};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::IpAddr;

/// An answer to a request may take this long: hosts that sleep or roam are slow. Windows and Linux
/// ask three times, a second apart, before they give up.
const ANSWER_WAIT: Span = Span::seconds(3);
/// After this long without an answer, hosts themselves take a request for unanswered and repeat it
/// (RetransTimer, RFC 4861 10). Where the evidence ends sooner, nothing is known.
const SILENCE: Span = Span::seconds(1);
/// Requests with at most this much between them are one solicitation.
const RUN_GAP: Span = Span::seconds(60);
/// No host asks again this soon: a copy by another sensor or a mirror port.
const COPY_WITHIN: Span = Span::millis(50);
/// Runs followed at a time; when there are more, all are told as they are.
const MOST_RUNS: usize = 65_536;
/// Unanswered runs that wait to learn whether answers are visible; the rest is told as not visible.
const MOST_WAITING: usize = 65_536;
/// Askers whose traffic is known to be visible, or looked out for.
const MOST_ASKERS: usize = 65_536;
/// An answer may be seen so much earlier than its question, and by the clocks of two sensors.
const TURNED: Span = Span::millis(50);
const TURNED_BY_CLOCKS: Span = Span::seconds(2);
/// The latest answers that are kept for a question that is yet to be seen.
const MOST_ANSWERS: usize = 64;
/// How often runs that are over are looked for, in the evidence's time.
const SWEEP_EVERY: Span = Span::seconds(30);

/// An asker as one interface sees it.
type Seen = (IpAddr, EvidenceId, u16);

/// Requests for one address.
struct Asked {
    first: Timestamp,
    began: Provenance,
    tries: u32,
    last: Timestamp,
}

#[derive(Clone, Copy)]
struct Answer {
    time: Timestamp,
    at: Provenance,
    mac: Option<[u8; 6]>,
}

struct Run {
    asker_mac: Option<[u8; 6]>,
    told_by: ToldBy,
    vlan: Option<u16>,
    asked: Asked,
    answer: Option<Answer>,
    /// Requests after the answer, so far without one of their own.
    again: Option<Asked>,
}

/// The questions on all segments.
#[derive(Default)]
pub(super) struct Solicitations {
    runs: BTreeMap<(IpAddr, IpAddr), Run>,
    /// The latest answers, by asker and target.
    answers: VecDeque<((IpAddr, IpAddr), Answer)>,
    /// Unanswered, until their asker turns out to be visible.
    waiting: BTreeMap<Seen, Vec<Event>>,
    waiting_count: usize,
    /// Something sent to this asker alone was captured there.
    visible: HashSet<Seen, RandomState>,
    /// Askers of whom that is not known yet.
    unproven: HashSet<Seen, RandomState>,
    swept: Timestamp,
    /// Runs told early for want of room.
    pub(super) early: u64,
}

impl Run {
    fn last(&self) -> Timestamp {
        self.again
            .as_ref()
            .map_or(self.asked.last, |again| again.last)
    }

    fn settle(&mut self, answer: Answer) {
        if let Some(again) = self.again.take() {
            // Answered as before: all of it is one solicitation.
            self.asked.tries = self.asked.tries.saturating_add(again.tries);
            self.asked.last = again.last;
        }
        if self.answer.is_none() {
            self.answer = Some(answer);
        }
    }
}

impl Solicitations {
    /// Takes in what one neighbour said.
    pub(super) fn hear(
        &mut self,
        evidence: EvidenceId,
        packet: &Packet,
        talk: &SegmentTalk,
        listening: &Listening,
        out: &mut impl FnMut(Event),
    ) {
        let at = provenance(evidence, packet);
        match talk.speech {
            Speech::Announces => {}
            Speech::Asks(target) => self.ask(talk, target, packet, (at, listening), out),
            Speech::Answers(asker) => {
                self.addressed(asker, evidence, packet.interface, out);
                if let Some(began) = self.answer(asker, talk, packet, at) {
                    self.addressed(asker, began.evidence, began.interface, out);
                }
            }
        }
    }

    /// Notes that a packet to `address` alone was captured. Called for every IP packet.
    #[inline]
    pub(super) fn addressed(
        &mut self,
        address: IpAddr,
        evidence: EvidenceId,
        interface: u16,
        out: &mut impl FnMut(Event),
    ) {
        if self.unproven.is_empty() {
            return;
        }
        let seen = (address, evidence, interface);
        if self.unproven.remove(&seen) {
            self.visible.insert(seen);
            let waiting = self.waiting.remove(&seen).unwrap_or_default();
            self.waiting_count -= waiting.len();
            waiting.into_iter().for_each(out);
        }
    }

    /// Notes a packet of a conversation of which another interface or file holds the other direction, as
    /// `began` says: each end is visible where it asks, for what is sent to it lies in the other one.
    #[inline]
    pub(super) fn answered_across(
        &mut self,
        packet: &Packet,
        at: Provenance,
        began: Provenance,
        out: &mut impl FnMut(Event),
    ) {
        self.addressed(packet.source.address, at.evidence, at.interface, out);
        self.addressed(
            packet.destination.address,
            began.evidence,
            began.interface,
            out,
        );
    }

    fn ask(
        &mut self,
        talk: &SegmentTalk,
        target: IpAddr,
        packet: &Packet,
        (at, listening): (Provenance, &Listening),
        out: &mut impl FnMut(Event),
    ) {
        let now = packet.time;
        if now.since(self.swept) >= SWEEP_EVERY {
            self.swept = now;
            self.sweep(now, listening, out);
        }
        let seen = (talk.address, at.evidence, at.interface);
        if !self.visible.contains(&seen) && self.unproven.len() < MOST_ASKERS {
            self.unproven.insert(seen);
        }
        let asked = Asked {
            first: now,
            began: at,
            tries: 1,
            last: now,
        };
        let key = (talk.address, target);
        if let Some(run) = self.runs.get_mut(&key) {
            let since = now.since(run.last());
            if since <= RUN_GAP {
                if since <= COPY_WITHIN {
                    return;
                }
                let latest = match (&run.answer, &mut run.again) {
                    (None, _) => &mut run.asked,
                    (Some(_), Some(again)) => again,
                    (Some(_), None) => {
                        run.again = Some(asked);
                        self.settle_early(key, now, at, listening);
                        return;
                    }
                };
                latest.tries = latest.tries.saturating_add(1);
                latest.last = latest.last.max(now);
                return;
            }
            if let Some(run) = self.runs.remove(&key) {
                self.tell(key, run, (now, listening), out);
            }
        }
        if self.runs.len() >= MOST_RUNS {
            for (key, run) in std::mem::take(&mut self.runs) {
                self.early += u64::from(now.since(run.last()) <= RUN_GAP);
                self.tell(key, run, (now, listening), out);
            }
        }
        let run = Run {
            asker_mac: talk.mac,
            told_by: talk.told_by,
            vlan: packet.vlan,
            asked,
            answer: None,
            again: None,
        };
        self.runs.insert(key, run);
        self.settle_early(key, now, at, listening);
    }

    /// Gives a question of `now` the answer that was seen a moment before it.
    fn settle_early(
        &mut self,
        key: (IpAddr, IpAddr),
        now: Timestamp,
        at: Provenance,
        listening: &Listening,
    ) {
        let mut latest = self.answers.iter().rev().filter(|(to, _)| *to == key);
        let Some((_, answer)) = latest.next() else {
            return;
        };
        let within = if listening.side_by_side(answer.at.evidence, at.evidence) {
            TURNED_BY_CLOCKS
        } else {
            TURNED
        };
        if now.since(answer.time) <= within
            && let Some(run) = self.runs.get_mut(&key)
        {
            run.settle(*answer);
        }
    }

    /// Where the question began that this answers, if it was seen already.
    fn answer(
        &mut self,
        asker: IpAddr,
        talk: &SegmentTalk,
        packet: &Packet,
        at: Provenance,
    ) -> Option<Provenance> {
        let key = (asker, talk.address);
        let answer = Answer {
            time: packet.time,
            at,
            mac: talk.mac,
        };
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back((key, answer));
        let run = self.runs.get_mut(&key)?;
        if packet.time.since(run.last()) > ANSWER_WAIT {
            return None;
        }
        run.settle(answer);
        Some(run.asked.began)
    }

    fn sweep(&mut self, now: Timestamp, listening: &Listening, out: &mut impl FnMut(Event)) {
        let over: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, run)| now.since(run.last()) > RUN_GAP)
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            if let Some(run) = self.runs.remove(&key) {
                self.tell(key, run, (now, listening), out);
            }
        }
    }

    /// Ends a run; it was waited for until `watched`, as far as the capture went on.
    fn tell(
        &mut self,
        key: (IpAddr, IpAddr),
        run: Run,
        (watched, listening): (Timestamp, &Listening),
        out: &mut impl FnMut(Event),
    ) {
        let watched = listening.until(run.asked.began.evidence, run.last(), watched);
        let about = (run.asker_mac, run.told_by, run.vlan);
        let parts = [(Some(run.asked), run.answer), (run.again, None)];
        for (asked, answer) in parts {
            let Some(asked) = asked else { continue };
            let listened = watched.since(asked.first);
            let decided = asked.last.shifted(ANSWER_WAIT).min(watched);
            let (outcome, decided) = match &answer {
                Some(answer) => (Heard::Answered(answer.mac), answer.time.max(asked.first)),
                None if listened < SILENCE => (Heard::CutShort, decided),
                None => (Heard::Unanswered, decided),
            };
            let event = Event {
                time: asked.first,
                recorded: asked.first,
                provenance: asked.began,
                what: What::Solicitation(Box::new(Solicitation {
                    asker_mac: about.0,
                    asker: key.0,
                    target: key.1,
                    told_by: about.1,
                    tries: asked.tries,
                    last_try: asked.last,
                    outcome,
                    decided,
                    deciding: answer.map(|answer| answer.at),
                    vlan: about.2,
                    actor: None,
                })),
            };
            let seen = (key.0, asked.began.evidence, asked.began.interface);
            if outcome != Heard::Unanswered || self.visible.contains(&seen) {
                out(event);
            } else if self.waiting_count < MOST_WAITING {
                self.waiting_count += 1;
                self.waiting.entry(seen).or_default().push(event);
            } else {
                out(not_visible(event));
            }
        }
    }

    /// Ends all that is still open; the evidence ends at `end`.
    pub(super) fn finish(
        mut self,
        end: Timestamp,
        listening: &Listening,
        out: &mut impl FnMut(Event),
    ) {
        for (key, run) in std::mem::take(&mut self.runs) {
            self.tell(key, run, (end, listening), out);
        }
        for event in std::mem::take(&mut self.waiting).into_values().flatten() {
            out(not_visible(event));
        }
    }
}

fn not_visible(mut event: Event) -> Event {
    if let What::Solicitation(asked) = &mut event.what {
        asked.outcome = Heard::ReplyNotVisible;
    }
    event
}

#[cfg(test)]
mod tests;
