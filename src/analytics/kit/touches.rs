//! The touches of one host's closed ports, by source, and the sequences they form.
//!
//! Retries of one attempt are one touch, and so is what a packet and a log tell of the same one.

use super::knock::{KNOCK_TOUCHES, Knock, KnockRules};
use super::touch::{Answer, Touch};
use crate::model::{Endpoint, Event, HostWhat, Span, Timestamp, Transport, What};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// Sources remembered per host.
const SOURCES: usize = 512;
/// Distinct ports of one source whose times are kept for the period test.
const PERIOD_PORTS: usize = 32;
/// Times kept per port for the period test.
const PERIOD_TIMES: usize = 8;
/// Touches kept that do not count.
const ASIDE: usize = 16;
/// How far apart two logs may tell of one touch: the client's retries end after 21 s.
const SAME_TOUCH: Span = Span::seconds(25);
/// Clients wait this long at least before they send a SYN again: Windows half a second after a reset.
const SENT_AGAIN: Span = Span::millis(400);

type PortTimes = ((Transport, u16), VecDeque<Timestamp>);

#[derive(Clone, Debug, Default)]
struct Source {
    // The current sequence: within gap and span of each other.
    recent: VecDeque<Touch>,
    // Datagrams that do not count: they stand beside a sequence, and none of it is measured by them.
    aside: VecDeque<Touch>,
    // The current sequence has reached the minimum, and waits among the open ones to be judged.
    armed: bool,
    // Distinct ports in order with their latest touches, for the scan test. In a row: most sources
    // touch one, and a tree takes the room of eleven.
    ports: Vec<PortTimes>,
    last: Option<Timestamp>,
}

/// The touches of one host, by source.
#[derive(Clone, Debug, Default)]
pub struct Touches {
    // Never walked in its own order.
    sources: HashMap<IpAddr, Box<Source>, RandomState>,
    // Every source by its last touch: in a flood of made-up senders each new one makes another go.
    by_last: BTreeSet<(Timestamp, IpAddr)>,
}

/// What a new touch did.
#[derive(Debug)]
pub enum Heard {
    /// It shows a touch that was already known.
    Known,
    /// It was taken in.
    Taken,
    /// It armed a sequence.
    Armed(Box<Knock>),
}

impl Touches {
    /// Takes in a touch. `open` are the knocks of all sources that are still waiting to be judged: a
    /// further touch of the sequence that armed the source's last one is added to it.
    pub fn hear(
        &mut self,
        touch: Touch,
        rules: &KnockRules,
        open: &mut [Knock],
        dropped: &mut u64,
    ) -> Heard {
        if !self.sources.contains_key(&touch.source)
            && self.sources.len() >= SOURCES
            && let Some((_, longest_silent)) = self.by_last.pop_first()
        {
            self.sources.remove(&longest_silent);
            *dropped += 1;
        }
        let now = touch.event.time;
        let source = self.sources.entry(touch.source).or_default();
        if let Some(before) = source.last.replace(now) {
            self.by_last.remove(&(before, touch.source));
        }
        self.by_last.insert((now, touch.source));
        if source.corroborates(&touch, open) {
            return Heard::Known;
        }
        let counted = touch.transport == Transport::TCP || rules.udp_counts || touch.explicit();
        if counted {
            source.note_port(&touch, now);
        }
        if touch.transport != Transport::TCP && !rules.udp_counts {
            source.set_aside(touch, rules, open);
            return Heard::Taken;
        }
        let fits = source
            .recent
            .back()
            .is_none_or(|last| now.since(last.event.time) <= rules.gap);
        if !fits {
            source.recent.clear();
            source.armed = false;
        }
        while source
            .recent
            .front()
            .is_some_and(|first| now.since(first.event.time) > rules.span)
        {
            if source.armed {
                // The sequence that armed has ended; what follows is a new one, and its first touches may have
                // been the last of the old one.
                source.armed = false;
                while distinct(source.recent.iter(), rules) >= rules.min_ports {
                    source.recent.pop_front();
                }
            } else {
                source.recent.pop_front();
            }
        }
        if source.armed
            && let Some(knock) = open.iter_mut().rev().find(|k| k.source == touch.source)
        {
            if !knock.scan && source.ports_since(knock.first()) > rules.max_ports {
                knock.scan = true;
                knock.scan_since = Some(now);
            }
            if knock.touches.len() < KNOCK_TOUCHES {
                knock.touches.push(touch.clone());
            } else if !knock.scan {
                // Of a scan no more is needed: it is none of the sequences that are looked for.
                *dropped += 1;
            }
        }
        if source.recent.len() >= KNOCK_TOUCHES {
            let oldest = source.recent.pop_front();
            let scan = oldest.is_some_and(|t| source.ports_since(t.event.time) > rules.max_ports);
            *dropped += u64::from(!scan);
        }
        if source.recent.is_empty() {
            // Most senders of a flood touch once.
            source.recent.reserve_exact(1);
        }
        source.recent.push_back(touch);
        let too_few = source.recent.len() < rules.min_ports;
        if source.armed || too_few || distinct(source.recent.iter(), rules) < rules.min_ports {
            return Heard::Taken;
        }
        source.armed = true;
        Heard::Armed(Box::new(source.knock(source.recent.len() - 1, rules)))
    }

    /// The current sequence of `source`, if it is one.
    pub fn sequence(&self, source: IpAddr, rules: &KnockRules) -> Option<Knock> {
        let held = self.sources.get(&source).filter(|held| held.armed)?;
        let armed_by = (0..held.recent.len())
            .find(|i| distinct(held.recent.range(..=*i), rules) >= rules.min_ports)?;
        Some(held.knock(armed_by, rules))
    }

    /// True if the current touches of `source` are a sequence, and the last of them came in this time.
    pub fn knocked(&self, source: IpAddr, from: Timestamp, to: Timestamp) -> bool {
        let held = self.sources.get(&source).filter(|held| held.armed);
        held.and_then(|held| held.last)
            .is_some_and(|last| (from..=to).contains(&last))
    }

    /// Takes back a touch that was no more than silence: the host's log shows that it let in the
    /// connection from `remote` to `port` at that time, so the capture lacks the answer.
    pub fn refute(
        &mut self,
        remote: Endpoint,
        port: (Transport, u16),
        at: Timestamp,
        rules: &KnockRules,
        open: &mut Vec<Knock>,
    ) {
        let refuted = |touch: &Touch| silent_at(touch, remote, port, at);
        self.take_back(remote.address, refuted, rules, open);
    }

    /// Takes back a touch of which a row alone tells, where packets show at about that time what is left of a
    /// connection of these endpoints.
    pub fn drop_left_over(
        &mut self,
        remote: Endpoint,
        port: (Transport, u16),
        at: Timestamp,
        rules: &KnockRules,
        open: &mut Vec<Knock>,
    ) {
        let of_a_row = |touch: &Touch| !touch.on_the_wire() && is_of(touch, remote, port, at);
        self.take_back(remote.address, of_a_row, rules, open);
    }

    fn take_back(
        &mut self,
        source: IpAddr,
        refuted: impl Fn(&Touch) -> bool,
        rules: &KnockRules,
        open: &mut Vec<Knock>,
    ) {
        let Some(source) = self.sources.get_mut(&source) else {
            return;
        };
        source.recent.retain(|touch| !refuted(touch));
        source.armed &= distinct(source.recent.iter(), rules) >= rules.min_ports;
        open.retain_mut(|knock| {
            if !knock.touches.iter().any(&refuted) {
                return true;
            }
            knock.touches.retain(|touch| !refuted(touch));
            let armed = (0..knock.touches.len())
                .find(|i| distinct(knock.touches[..=*i].iter(), rules) >= rules.min_ports);
            knock.armed_by = armed.unwrap_or_default();
            armed.is_some()
        });
    }

    /// When `source` last touched a port.
    pub fn last_of(&self, source: IpAddr) -> Option<Timestamp> {
        self.sources.get(&source).and_then(|held| held.last)
    }

    /// When `source` first touched a port, as far as that is remembered.
    pub fn first_of(&self, source: IpAddr) -> Option<Timestamp> {
        let ports = self.sources.get(&source)?.ports.iter();
        ports.filter_map(|(_, times)| times.front().copied()).min()
    }

    /// How many sources are remembered.
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// The touches of `source` that are not (yet) a sequence, for near misses.
    pub fn loose(&self, source: IpAddr) -> impl Iterator<Item = &Touch> {
        self.sources
            .get(&source)
            .filter(|s| !s.armed)
            .into_iter()
            .flat_map(|s| s.recent.iter())
    }

    /// When `source` was turned away at this port before `before`, the latest first.
    pub fn turned_away(
        &self,
        source: IpAddr,
        (transport, port): (Transport, u16),
        before: Timestamp,
    ) -> impl Iterator<Item = Timestamp> {
        let held = self.sources.get(&source);
        let times = held.and_then(|held| held.times((transport, port)));
        let times = times.into_iter().flatten().rev().copied();
        times.filter(move |time| *time < before)
    }

    /// True if `source` touched this port at a steady period after `after`.
    pub fn goes_on(&self, source: IpAddr, port: (Transport, u16), after: Timestamp) -> bool {
        let held = self.sources.get(&source);
        let times = held.and_then(|held| held.times(port));
        let later = times.into_iter().flatten().copied();
        is_steady(later.filter(|time| *time > after))
    }

    /// True if a touch that was no more than silence is held of these endpoints, from about that time.
    pub fn was_silent(
        &self,
        remote: Endpoint,
        (transport, port): (Transport, u16),
        at: Timestamp,
    ) -> bool {
        let held = self.sources.get(&remote.address);
        held.is_some_and(|held| {
            let silent = |touch: &Touch| silent_at(touch, remote, (transport, port), at);
            held.recent.iter().any(silent)
        })
    }
}

/// True if a touch of these endpoints, at about that time, met silence and nothing else is told of it.
fn silent_at(touch: &Touch, remote: Endpoint, port: (Transport, u16), at: Timestamp) -> bool {
    touch.answer == Answer::Silence && !touch.logged && is_of(touch, remote, port, at)
}

/// True for a touch of these endpoints at about that time.
fn is_of(touch: &Touch, remote: Endpoint, port: (Transport, u16), at: Timestamp) -> bool {
    touch.source == remote.address
        && touch.source_port == remote.port
        && (touch.transport, touch.port) == port
        && touch.event.time.since(at).abs() <= SAME_TOUCH
}

/// The initial sequence number of the SYN, from the packet or from the firewall's text log.
fn isn(event: &Event) -> Option<u32> {
    match &event.what {
        What::Attempt(attempt) => attempt.isn,
        What::Host(host) => match &host.what {
            HostWhat::Filtered { isn, .. } => *isn,
            _ => None,
        },
        _ => None,
    }
}

/// True if the same log tells of the same touch for a second time, later than it would of one SYN.
fn tells_again(held: &Event, next: &Event) -> bool {
    let (What::Host(one), What::Host(other)) = (&held.what, &next.what) else {
        return false;
    };
    (&one.channel, one.event_id) == (&other.channel, other.event_id)
        && next.time.since(held.time).abs() >= SENT_AGAIN
}

impl Source {
    /// The sequence that its touches are.
    fn knock(&self, armed_by: usize, rules: &KnockRules) -> Knock {
        let touches: Vec<Touch> = self.recent.iter().cloned().collect();
        let now = touches[armed_by].event.time;
        let before = Timestamp(now.0.saturating_sub(Span::seconds(300).0));
        let scan = self.ports_since(before) > rules.max_ports;
        Knock {
            source: touches[0].source,
            armed_by,
            scan,
            scan_since: scan.then_some(now),
            periodic: self.periodic(&touches),
            aside: self
                .aside
                .iter()
                .filter(|touch| touch.event.time >= touches[0].event.time)
                .cloned()
                .collect(),
            touches,
            afterwards: Vec::new(),
        }
    }

    /// Keeps a touch that does not count, and shows it beside the sequence that waits.
    fn set_aside(&mut self, touch: Touch, rules: &KnockRules, open: &mut [Knock]) {
        let now = touch.event.time;
        let of_the_sequence = |knock: &Knock| now.since(knock.first()) <= rules.span;
        let waiting = open.iter_mut().rev().find(|k| k.source == touch.source);
        if let Some(knock) = waiting.filter(|k| self.armed && of_the_sequence(k))
            && knock.aside.len() < ASIDE
        {
            knock.aside.push(touch.clone());
        }
        let old = |held: &Touch| now.since(held.event.time) > rules.span;
        while self.aside.len() >= ASIDE || self.aside.front().is_some_and(old) {
            self.aside.pop_front();
        }
        self.aside.push_back(touch);
    }

    /// True if `touch` tells of a touch that is already held, told by another log or again by the
    /// same one: the same ports and the same SYN, or at about the same time where a SYN is not known.
    fn corroborates(&mut self, touch: &Touch, open: &mut [Knock]) -> bool {
        let same = |held: &Touch| {
            held.source == touch.source
                && held.source_port == touch.source_port
                && held.port == touch.port
                && held.transport == touch.transport
                && match (isn(&held.event), isn(&touch.event)) {
                    // The very SYN, however late a firewall wrote it down.
                    (Some(held), Some(new)) => held == new,
                    _ => touch.event.time.since(held.event.time).abs() <= SAME_TOUCH,
                }
                && (held.on_the_wire() != touch.on_the_wire() || !touch.on_the_wire())
        };
        let mut known = false;
        let in_knocks = open
            .iter_mut()
            .flat_map(|k| k.touches.iter_mut().chain(&mut k.aside));
        let own = self.recent.iter_mut().chain(&mut self.aside);
        for held in in_knocks.chain(own).filter(|h| same(h)) {
            known = true;
            if touch.on_the_wire() && !held.on_the_wire() {
                // The packet is the better witness; the row becomes its corroboration.
                let mut also = std::mem::take(&mut held.also);
                also.push(held.event.provenance);
                let retried = held.retried;
                *held = touch.clone();
                held.also.extend(also);
                held.logged = true;
                held.retried |= retried;
            } else {
                held.logged |= !touch.on_the_wire();
                held.retried |= tells_again(&held.event, &touch.event);
                if held.also.len() < 8 {
                    held.also.push(touch.event.provenance);
                }
            }
        }
        known
    }

    /// Notes when a port was touched. Of a source that touches more ports than are held it is known that it
    /// scans; which port it touched long ago no finding needs.
    fn note_port(&mut self, touch: &Touch, now: Timestamp) {
        let key = (touch.transport, touch.port);
        let mut place = self.ports.binary_search_by_key(&key, |(port, _)| *port);
        if place.is_err() && self.ports.len() >= PERIOD_PORTS * 4 {
            let oldest = (0..self.ports.len()).min_by_key(|at| {
                let (port, times) = &self.ports[*at];
                (times.back().copied(), *port)
            });
            if let Some(oldest) = oldest {
                self.ports.remove(oldest);
            }
            place = self.ports.binary_search_by_key(&key, |(port, _)| *port);
        }
        let at = place.unwrap_or_else(|at| {
            if self.ports.is_empty() {
                self.ports.reserve_exact(1);
            }
            self.ports.insert(at, (key, VecDeque::with_capacity(1)));
            at
        });
        let times = &mut self.ports[at].1;
        if times.len() >= PERIOD_TIMES {
            times.pop_front();
        }
        times.push_back(now);
    }

    /// The latest touches of a port.
    fn times(&self, port: (Transport, u16)) -> Option<&VecDeque<Timestamp>> {
        let at = self.ports.binary_search_by_key(&port, |(port, _)| *port);
        Some(&self.ports[at.ok()?].1)
    }

    fn ports_since(&self, since: Timestamp) -> usize {
        self.ports
            .iter()
            .filter(|(_, t)| t.back().is_some_and(|last| *last >= since))
            .count()
    }

    /// True if most of these ports were touched at least four times at a steady period, up to the sequence's
    /// first touch: median absolute deviation of the intervals below a tenth of their median. What the
    /// sequence itself repeats is no period of it.
    fn periodic(&self, touches: &[Touch]) -> bool {
        let ports: BTreeSet<_> = touches.iter().map(|t| (t.transport, t.port)).collect();
        let steady = ports
            .iter()
            .filter(|port| {
                let times = self.times(**port);
                times.is_some_and(|times| steady(times, touches[0].event.time))
            })
            .count();
        steady * 2 > ports.len()
    }
}

/// How many different ports count as touched.
fn distinct<'t>(touches: impl Iterator<Item = &'t Touch> + Clone, rules: &KnockRules) -> usize {
    let explicit_udp = touches
        .clone()
        .any(|t| t.transport == Transport::UDP && t.explicit());
    touches
        .filter(|t| t.transport == Transport::TCP || rules.udp_counts && explicit_udp)
        .map(|t| (t.transport, t.port))
        .collect::<BTreeSet<_>>()
        .len()
}

fn steady(times: &VecDeque<Timestamp>, first: Timestamp) -> bool {
    // Of the sequence, the first time the port was touched ends the last period.
    let until = times.iter().find(|time| **time >= first);
    let times = times.iter().take_while(|time| **time < first).chain(until);
    is_steady(times.copied())
}

/// True for at least four times at a steady period.
fn is_steady(times: impl Iterator<Item = Timestamp>) -> bool {
    let times: Vec<Timestamp> = times.collect();
    let mut intervals: Vec<i64> = times.windows(2).map(|w| w[1].since(w[0]).0).collect();
    if intervals.len() < 3 {
        return false;
    }
    intervals.sort_unstable();
    let median = intervals[intervals.len() / 2];
    let mut deviations: Vec<i64> = intervals.iter().map(|i| (i - median).abs()).collect();
    deviations.sort_unstable();
    median > 0 && deviations[deviations.len() / 2].saturating_mul(10) < median
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::kit::touch::Answer;
    use crate::model::firewall::Layer;
    use crate::model::host_event::{Process, Verdict};
    use crate::model::samples::record;
    use crate::model::{Direction, Endpoint};

    /// A row of a firewall's text log about one port and one source port.
    fn row(second: i64, isn: Option<u32>) -> Touch {
        let ends = ["198.51.100.7:40000", "10.0.0.5:7000"].map(|end| {
            let end: std::net::SocketAddr = end.parse().unwrap();
            Endpoint::new(end.ip(), end.port())
        });
        let dropped = HostWhat::Filtered {
            verdict: Verdict::Dropped,
            layer: Layer::FirewallLog,
            isn,
            opens: None,
            direction: Some(Direction::Inbound),
            process: Process::default(),
            transport: Transport::TCP,
            source: ends[0],
            destination: ends[1],
        };
        Touch {
            event: record(second, "WS01", dropped),
            source: ends[0].address,
            source_port: ends[0].port,
            port: ends[1].port,
            transport: Transport::TCP,
            answer: Answer::Silence,
            also: Vec::new(),
            logged: true,
            retried: false,
            abandoned: false,
        }
    }

    fn known(first: Touch, then: &Touch) -> bool {
        let mut source = Source::default();
        source.recent.push_back(first);
        source.corroborates(then, &mut [])
    }

    #[test]
    fn a_log_that_tells_of_a_touch_for_a_second_time_shows_another_try() {
        let retried = |then: Touch| {
            let mut source = Source::default();
            source.recent.push_back(row(0, None));
            assert!(source.corroborates(&then, &mut []));
            source.recent[0].retried
        };
        assert!(retried(row(1, None)));
        assert!(!retried(row(0, None)), "two rows of one SYN");
        let mut of_another_log = row(1, None);
        if let What::Host(host) = &mut of_another_log.event.what {
            host.event_id = 5157;
        }
        assert!(!retried(of_another_log));
    }

    #[test]
    fn one_syn_is_one_touch_however_late_and_another_syn_is_another() {
        assert!(known(row(0, Some(7)), &row(63, Some(7))));
        assert!(!known(row(0, Some(7)), &row(3, Some(8))));
        assert!(known(row(0, None), &row(25, Some(8))));
        assert!(!known(row(0, None), &row(26, Some(8))));
    }
}
