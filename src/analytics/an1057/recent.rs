//! The first contacts of one key within the longest window, each target once.
//!
//! A target counts at its first contact in the window; a further contact can only make its fate
//! better known. The bound is above every threshold, so what falls out at it cannot hide a scan.
//!
//! Detectors ask for the contacts of one port or of one address. Each contact therefore knows the
//! one before it of its port and of its address, and what is held of each is counted: where the
//! count is too small for any window, nobody walks.

use super::EVENT;
use crate::analytics::kit::contact::{Contact, Fate, Form, answers_lacking};
use crate::context::Context;
use crate::model::{Endpoint, Event, Span, Strength, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Targets held; no setting that counts them can be larger.
const HELD: usize = 512;

/// What was reached for.
pub(super) type Target = (Form, Transport, Endpoint);

/// One contact, with what the detectors ask of it.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub event: Event,
    pub time: Timestamp,
    pub decided: Timestamp,
    pub form: Form,
    pub transport: Transport,
    pub remote: Endpoint,
    pub fate: Fate,
    pub internal: bool,
    pub on_wire: bool,
    pub strength: Option<Strength>,
    /// When its address was first contacted, as far as the walk remembers it from before.
    pub known: Option<Timestamp>,
}

impl Probe {
    pub fn of(contact: &Contact<'_>, context: &Context) -> Self {
        // Asked for silence alone: a refusal was heard.
        let silent = matches!(contact.fate, Fate::Unanswered | Fate::Aborted);
        let fate = match silent && answers_lacking(contact.from, context).is_some() {
            true => Fate::Untold,
            false => contact.fate,
        };
        Self {
            event: contact.event.clone(),
            time: contact.event.time,
            decided: contact.decided,
            form: contact.form,
            transport: contact.transport,
            remote: contact.remote,
            fate,
            internal: context.assets.is_internal(contact.remote.address),
            on_wire: contact.on_wire(),
            strength: contact.actor.map(|a| a.strength),
            known: None,
        }
    }

    pub fn target(&self) -> Target {
        (self.form, self.transport, self.remote)
    }

    fn same_target(&self, other: &Self) -> bool {
        self.target() == other.target()
    }

    /// Failed, and the failure means something: datagrams into the world fail all the time.
    pub fn failed(&self) -> bool {
        self.fate.failed() == Some(true) && (self.internal || self.transport != Transport::UDP)
    }
}

/// What contacts have in common that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shares {
    /// Form, transport and port.
    Port(Form, Transport, u16),
    /// The address, whatever the form.
    Address(IpAddr),
}

impl Shares {
    pub fn port(probe: &Probe) -> Self {
        Self::Port(probe.form, probe.transport, probe.remote.port)
    }

    pub fn address(probe: &Probe) -> Self {
        Self::Address(probe.remote.address)
    }

    fn of(probe: &Probe) -> [Self; 2] {
        [Self::port(probe), Self::address(probe)]
    }

    /// Its place in `Held::before`.
    fn link(self) -> usize {
        usize::from(matches!(self, Self::Address(_)))
    }
}

/// What is held of one port or address: at least as much as lies in any window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub contacts: usize,
    pub failed: usize,
    pub internal: usize,
}

#[derive(Clone, Debug, Default)]
struct Chain {
    /// The number of the latest.
    last: u64,
    counts: Counts,
}

#[derive(Clone, Debug)]
struct Held {
    probe: Probe,
    /// The numbers of the ones before it of its port and of its address; they may be gone.
    before: [Option<u64>; 2],
}

/// What a contact told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Its target is new.
    First,
    /// Its target is held, and what became of it is better known now.
    Better,
    /// Nothing.
    Nothing,
}

/// First contacts in the order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    held: VecDeque<Held>,
    /// The number of the first of `held`.
    first: u64,
    /// The latest contact that was let go for want of room, not because its time was over.
    lost: Option<Timestamp>,
    // Looked up, never walked.
    chains: HashMap<Shares, Chain, RandomState>,
}

impl Recent {
    /// Takes in a contact.
    pub fn hear(&mut self, probe: &Probe, longest: Span) -> Heard {
        while let Some(oldest) = self.held.front()
            && (probe.time.since(oldest.probe.time) > longest || self.held.len() >= HELD)
        {
            if probe.time.since(oldest.probe.time) <= longest {
                self.lost = Some(oldest.probe.time);
            }
            self.let_go();
        }
        if let Some(number) = self.number_of(probe) {
            return match self.learn(number, probe) {
                true => Heard::Better,
                false => Heard::Nothing,
            };
        }
        let number = self.first + self.held.len() as u64;
        let before = Shares::of(probe).map(|shared| {
            let chain = self.chains.entry(shared).or_default();
            let before = (chain.counts.contacts > 0).then_some(chain.last);
            chain.last = number;
            chain.counts.contacts += 1;
            chain.counts.failed += usize::from(probe.failed());
            chain.counts.internal += usize::from(probe.internal);
            before
        });
        self.held.push_back(Held {
            probe: probe.clone(),
            before,
        });
        Heard::First
    }

    /// Forgets the oldest.
    fn let_go(&mut self) {
        let Some(Held { probe, .. }) = self.held.pop_front() else {
            return;
        };
        self.first += 1;
        for shared in Shares::of(&probe) {
            let Some(chain) = self.chains.get_mut(&shared) else {
                continue;
            };
            chain.counts.contacts -= 1;
            chain.counts.failed -= usize::from(probe.failed());
            chain.counts.internal -= usize::from(probe.internal);
            if chain.counts.contacts == 0 {
                self.chains.remove(&shared);
            }
        }
    }

    /// The number of the contact with the same target: on the shorter of its two chains.
    fn number_of(&self, probe: &Probe) -> Option<u64> {
        let [port, address] = Shares::of(probe);
        let shorter = if self.counts(port).contacts < self.counts(address).contacts {
            port
        } else {
            address
        };
        self.chain(shorter)
            .find(|(_, held)| held.same_target(probe))
            .map(|(number, _)| number)
    }

    /// Takes over a fate that tells more.
    fn learn(&mut self, number: u64, probe: &Probe) -> bool {
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let Some(Held { probe: held, .. }) = self.held.get_mut(place) else {
            return false;
        };
        if !tells_more(probe.fate, held.fate) {
            return false;
        }
        let before = held.failed();
        held.fate = probe.fate;
        let (after, shared) = (held.failed(), Shares::of(held));
        for shared in shared {
            if let Some(chain) = self.chains.get_mut(&shared) {
                chain.counts.failed += usize::from(after);
                chain.counts.failed -= usize::from(before);
            }
        }
        true
    }

    /// True if more than is held was contacted at most `span` before `now`: counts are least ones.
    pub fn lost(&self, now: Timestamp, span: Span) -> bool {
        self.lost.is_some_and(|lost| now.since(lost) <= span)
    }

    /// How much is held of a port or an address.
    pub fn counts(&self, shared: Shares) -> Counts {
        self.chains
            .get(&shared)
            .map_or_else(Counts::default, |chain| chain.counts)
    }

    /// The contacts of a port or an address with their numbers, the latest first.
    fn chain(&self, shared: Shares) -> impl Iterator<Item = (u64, &Probe)> {
        let mut next = self.chains.get(&shared).map(|chain| chain.last);
        std::iter::from_fn(move || {
            let number = next?;
            let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
            let held = self.held.get(place)?;
            next = held.before[shared.link()];
            Some((number, &held.probe))
        })
    }

    /// The first contacts of a port or an address at most `span` before `now`, the latest first.
    pub fn sharing(
        &self,
        shared: Shares,
        now: Timestamp,
        span: Span,
    ) -> impl Iterator<Item = &Probe> {
        self.chain(shared)
            .map(|(_, probe)| probe)
            .take_while(move |probe| now.since(probe.time) <= span)
    }

    /// The first contacts at most `span` before `now`, the earliest first.
    pub fn within(&self, now: Timestamp, span: Span) -> impl ExactSizeIterator<Item = &Probe> {
        let begin = self
            .held
            .partition_point(|held| now.since(held.probe.time) > span);
        self.held.range(begin..).map(|held| &held.probe)
    }

    /// All that are held, the earliest first.
    pub fn all(&self) -> impl Iterator<Item = &Probe> {
        self.held.iter().map(|held| &held.probe)
    }

    /// About how many bytes it takes. Not what the table has allocated: that depends on where its
    /// keys happened to fall.
    pub fn weight(&self) -> usize {
        self.held.capacity() * size_of::<Held>()
            + self.held.len() * EVENT
            + self.chains.len() * 2 * size_of::<(Shares, Chain)>()
    }
}

/// True if a later fate of a target tells more than the one that is held.
pub(super) fn tells_more(later: Fate, held: Fate) -> bool {
    match (held, later) {
        (Fate::Answered, _) | (_, Fate::Untold) => false,
        (Fate::Untold, _) | (_, Fate::Answered) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::an1057::samples::probe;
    use proptest::prelude::*;

    const LONGEST: Span = Span::seconds(100);

    #[test]
    fn what_is_let_go_for_want_of_room_makes_counts_least_ones() {
        let mut recent = Recent::default();
        let mut now = Timestamp::MIN;
        for port in 1..=HELD as u16 + 1 {
            assert!(!recent.lost(now, LONGEST), "all are held yet");
            let one = probe(i64::from(port) / 100, 1, port, Fate::Unanswered);
            now = one.time;
            recent.hear(&one, LONGEST);
        }
        assert!(recent.lost(now, LONGEST));
        assert!(!recent.lost(now.shifted(Span(LONGEST.0 + 1_000_000_000)), LONGEST));
        // What is let go because its time is over was never counted in the window.
        let mut slow = Recent::default();
        let one = |second| probe(second, 1, second as u16, Fate::Unanswered);
        (1..2_000).for_each(|second| assert_eq!(slow.hear(&one(second), LONGEST), Heard::First));
        assert!(!slow.lost(one(1_999).time, LONGEST));
    }

    proptest! {
        #[test]
        fn chains_and_counts_say_what_a_walk_over_everything_says(
            contacts in proptest::collection::vec((0_i64..5, 1_u8..12, 1_u16..12, 0_u8..3), 1..900),
        ) {
            let mut recent = Recent::default();
            let mut now = 0;
            for (later, last, port, fate) in contacts {
                now += later;
                let fate = [Fate::Untold, Fate::Unanswered, Fate::Answered][usize::from(fate)];
                let one = probe(now, last, port, fate);
                recent.hear(&one, LONGEST);
                prop_assert!(recent.held.len() <= HELD);
                let targets: std::collections::BTreeSet<_> =
                    recent.all().map(|p| (p.form, p.transport, p.remote)).collect();
                prop_assert_eq!(targets.len(), recent.held.len(), "a target is held once");
                for shared in Shares::of(&one) {
                    let mut walked: Vec<_> = recent
                        .within(one.time, Span::seconds(30))
                        .filter(|p| Shares::of(p).contains(&shared))
                        .map(|p| (p.event.order(), p.fate))
                        .collect();
                    walked.reverse();
                    let chained: Vec<_> = recent
                        .sharing(shared, one.time, Span::seconds(30))
                        .map(|p| (p.event.order(), p.fate))
                        .collect();
                    prop_assert_eq!(walked, chained);
                    let all: Vec<_> =
                        recent.all().filter(|p| Shares::of(p).contains(&shared)).collect();
                    let counts = recent.counts(shared);
                    prop_assert_eq!(counts.contacts, all.len());
                    prop_assert_eq!(counts.failed, all.iter().filter(|p| p.failed()).count());
                    prop_assert_eq!(counts.internal, all.iter().filter(|p| p.internal).count());
                }
            }
        }
    }
}
