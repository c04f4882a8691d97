//! The threshold random walk over first contacts (Jung, Paxson, Berger, Balakrishnan, IEEE S&P
//! 2004), as a reflecting walk.
//!
//! Each address that is contacted for the first time moves the walk once: a failure up by
//! ln((1-θ1)/(1-θ0)), a success down by ln(θ1/θ0), with θ0 = 0.8 and θ1 = 0.2 the chances of success
//! of a harmless host and of a scanner. Above ln(P_D/P_F) = ln 99 a scanner is the better
//! explanation. The paper's walk ends at the lower barrier; this one is held there and goes on, so
//! that a host that turns bad later is seen. Contacts whose outcome is not told do not move it.
//!
//! It goes in the order of the contacts. A success is known at once and silence after twenty seconds:
//! in the order in which outcomes become known, the failures of a burst would all come last. So what
//! came after a contact waits until that one is decided.

use super::detect::Focus;
use super::recent::{Probe, Recent};
use crate::model::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// ln 4: one step, at θ0 = 0.8 and θ1 = 0.2 the same size both ways.
const STEP: f64 = 1.386_294_361_119_890_6;
/// ln 99, from P_D = 0.99 and P_F = 0.01.
const BARRIER: f64 = 4.595_119_850_134_59;
/// Addresses remembered as contacted before; beyond, the oldest count as new again.
const KNOWN: usize = 4096;
/// Outcomes that wait for their time, and steps kept to be shown.
const PENDING: usize = 64;
const SHOWN: usize = 48;

/// One step: the contact that made it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub probe: Probe,
    pub failed: bool,
}

/// The walk of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    height: f64,
    /// When each address was first contacted.
    known: BTreeMap<IpAddr, Timestamp>,
    order: VecDeque<IpAddr>,
    /// Contacts that are not decided yet, and those after them.
    pending: VecDeque<Step>,
    /// The latest steps.
    pub steps: VecDeque<Step>,
    /// True if there were more than are kept.
    cut: bool,
    /// Failures since the walk last stood at its lower barrier or was told.
    pub failures: u64,
    /// When the first of them was contacted.
    since: Option<Timestamp>,
}

impl Walk {
    /// Takes in a contact; true if the walk now stands above its barrier.
    pub fn hear(&mut self, probe: &Probe) -> bool {
        if let Some(failed) = probe.fate.failed()
            && self.is_new(probe)
        {
            self.pending.push_back(Step {
                probe: probe.clone(),
                failed,
            });
            if self.pending.len() > PENDING
                && let Some(step) = self.pending.pop_front()
            {
                self.go(step);
            }
        }
        self.until(probe.time)
    }

    /// When an address was first contacted, as far as is remembered.
    pub fn knows(&self, address: IpAddr) -> Option<Timestamp> {
        self.known.get(&address).copied()
    }

    /// True for an address that was not contacted before, as far as is remembered.
    fn is_new(&mut self, probe: &Probe) -> bool {
        let address = probe.remote.address;
        if self.known.contains_key(&address) {
            return false;
        }
        self.known.insert(address, probe.time);
        self.order.push_back(address);
        if self.order.len() > KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Takes the steps whose outcome was known by `now`, as were those of all before them; true if
    /// the walk stands above its barrier.
    pub fn until(&mut self, now: Timestamp) -> bool {
        let decided = |step: &Step| step.probe.decided <= now;
        while self.pending.front().is_some_and(decided) {
            if let Some(step) = self.pending.pop_front() {
                self.go(step);
            }
        }
        self.height > BARRIER
    }

    fn go(&mut self, step: Step) {
        let by = if step.failed { STEP } else { -STEP };
        self.height = (self.height + by).max(-BARRIER);
        if step.failed {
            self.failures += 1;
            let time = step.probe.time;
            self.since = Some(self.since.map_or(time, |since| since.min(time)));
        } else if self.height <= -BARRIER {
            (self.failures, self.since) = (0, None);
        }
        self.steps.push_back(step);
        if self.steps.len() > SHOWN {
            self.steps.pop_front();
            self.cut = true;
        }
    }

    /// Contacts that moved it, as far as they are kept, and those that will.
    fn contacts(&self) -> impl Iterator<Item = &Probe> {
        self.kept().map(|step| &step.probe)
    }

    /// From the first to the last of the failures that raised it.
    pub fn stretch(&self) -> Option<(Timestamp, Timestamp)> {
        let failed = self.kept().filter(|s| s.failed).map(|s| s.probe.time);
        let since = self.since?;
        Some((since, failed.max()?.max(since)))
    }

    /// First contacts from the first to the last failure that raised it, those that did not fail among
    /// them; not those with whom the key knew before.
    pub fn told<'s>(&'s self, recent: &'s Recent) -> Vec<&'s Probe> {
        let Some((from, to)) = self.stretch() else {
            return Vec::new();
        };
        let mut part: Vec<&Probe> = self
            .contacts()
            .chain(recent.all().filter(|p| Focus::Walked.holds(p)))
            .filter(|p| (from..=to).contains(&p.time))
            .filter(|p| p.known.is_none_or(|known| known >= from))
            .collect();
        part.sort_by_key(|p| p.event.order());
        part.dedup_by_key(|p| p.event.provenance);
        part
    }

    fn kept(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(&self.pending)
    }

    /// Begins again, after it was told.
    pub fn restart(&mut self) {
        (self.height, self.failures, self.since) = (0.0, 0, None);
        self.steps.clear();
        self.cut = false;
    }

    /// About how many bytes it takes. An address lies in a tree and in a queue, a step waits in a
    /// queue, and the first leaf of a tree is as large as for many; their events are those of the
    /// contacts, for the most part.
    pub fn weight(&self) -> usize {
        const LEAVES: usize = 512;
        usize::from(!self.known.is_empty()) * LEAVES
            + self.known.len() * (4 * size_of::<IpAddr>() + 2 * size_of::<Timestamp>())
            + self.pending.capacity() * size_of::<Step>()
            + self.steps.capacity() * size_of::<Step>()
    }

    /// How far apart the failures that raised it are.
    pub fn lasted(&self) -> Span {
        self.stretch()
            .map_or(Span::ZERO, |(from, to)| to.since(from))
    }

    /// `+++-+` with the height it came to, in steps; `…` before them where there were more.
    pub fn trajectory(&self) -> String {
        let signs: String = self
            .steps
            .iter()
            .map(|s| if s.failed { '+' } else { '-' })
            .collect();
        format!(
            "{}{signs} ({:+.1} steps; barrier +{:.1})",
            if self.cut { "…" } else { "" },
            self.height / STEP,
            BARRIER / STEP
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::an1057::samples::probe;
    use crate::analytics::kit::contact::Fate;

    fn walk(outcomes: &str) -> (Walk, Option<usize>) {
        let mut walk = Walk::default();
        let mut over = None;
        for (i, c) in outcomes.chars().enumerate() {
            let fate = if c == 'f' {
                Fate::Unanswered
            } else {
                Fate::Answered
            };
            if walk.hear(&probe(i as i64, i as u8 + 1, 445, fate)) && over.is_none() {
                over = Some(i + 1);
            }
        }
        (walk, over)
    }

    #[test]
    fn four_net_failures_cross_the_barrier_and_three_do_not() {
        assert_eq!(walk("fff").1, None);
        assert_eq!(walk("ffff").1, Some(4));
        assert_eq!(walk("ffafff").1, Some(6));
        assert_eq!(walk("fafafafa").1, None);
    }

    #[test]
    fn a_long_good_past_does_not_hide_what_comes_later() {
        let good = "a".repeat(100);
        let (_, over) = walk(&format!("{good}ffffffff"));
        assert_eq!(
            over,
            Some(107),
            "reflected at the lower barrier, seven failures away"
        );
    }

    #[test]
    fn it_goes_in_the_order_of_the_contacts() {
        let mut walk = Walk::default();
        // Every fifth fails, which is known twenty seconds later than that the others do not.
        for i in 0..60_u8 {
            let failed = i % 5 == 2;
            let fate = if failed {
                Fate::Unanswered
            } else {
                Fate::Answered
            };
            let mut one = probe(i64::from(i) / 10, i + 1, 445, fate);
            one.decided = one
                .decided
                .shifted(Span::seconds(if failed { 20 } else { 0 }));
            assert!(!walk.hear(&one));
        }
        assert!(!walk.until(Timestamp::MAX));
        assert!(
            walk.trajectory().contains("--+----+--"),
            "{}",
            walk.trajectory()
        );
    }

    #[test]
    fn an_address_moves_it_once() {
        let mut walk = Walk::default();
        for i in 0..50 {
            assert!(!walk.hear(&probe(i, 9, 445, Fate::Unanswered)));
        }
        assert_eq!(walk.failures, 1);
    }

    #[test]
    fn a_trajectory_that_is_cut_says_so() {
        let told = |steps: usize| walk(&"f".repeat(steps)).0.trajectory();
        assert!(told(SHOWN).starts_with('+'));
        assert!(told(SHOWN + 1).starts_with("…+"));
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut walk = Walk::default();
        for i in 0..100_000_i64 {
            let mut one = probe(i, 1, 445, Fate::Unanswered);
            one.remote.address = std::net::Ipv4Addr::from(0x0a00_0000 + i as u32).into();
            walk.hear(&one);
        }
        assert!(
            walk.known.len() <= KNOWN && walk.steps.len() <= SHOWN && walk.pending.len() <= PENDING
        );
    }
}
