//! XDR-FC: a host fails to reach an abnormal number or mixture of hosts that are missing.
//!
//! Key: the source. State: its targets of the test period (`targets`) and the finding it is in (`alarm`).
//! Whether the count is abnormal is decided in `judge`, from the frozen context for what other days
//! and other sources show; `telling` makes the finding.

mod alarm;
mod judge;
mod nearest;
mod notes;
mod otherwise;
mod reasons;
mod settings;
mod severity;
mod silence;
mod steps;
mod tables;
mod target;
mod targets;
mod telling;
mod tries;
mod unclear;
mod witness;

pub use settings::FailedConnectionsSettings;

use super::about::{About, Need, Source};
use super::contract::Analytic;
use super::found::Found;
use super::kit::contact::contact_of;
use super::kit::lookup::addresses_named;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::{Event, HostWhat, Span, Timestamp, What};
use alarm::{Alarm, SOON};
use judge::{Measured, Ruling};
use nearest::Nearest;
use std::net::IpAddr;
use target::Target;
use targets::{Change, Targets, distinct, fared};

/// The analytic.
pub struct FailedConnections {
    settings: FailedConnectionsSettings,
}

/// What is remembered of one source.
#[derive(Default)]
pub struct State {
    targets: Targets,
    /// The findings that are open: about its own network, about the Internet.
    alarms: [Option<Alarm>; 2],
    /// When it was last judged and how many were missing then.
    judged: [Option<(Timestamp, u32)>; 2],
    /// The most that came to nothing.
    nearest: Option<Nearest>,
}

/// The places in `State::alarms`.
const SLOTS: [usize; 2] = [0, 1];
/// Between two judgements of a source whose many failures were found usual.
const PAUSE: Span = Span::seconds(600);

impl Analytic for FailedConnections {
    type Params = FailedConnectionsSettings;
    type Key = Place;
    type State = State;

    const ABOUT: About = About {
        id: "XDR-FC",
        version: "0.1.1",
        name: "Failed connections to missing hosts",
        technique: &[("T1018", "Remote System Discovery")],
        strategy: "",
        summary: "A host fails to reach an abnormally large number, or an abnormal mixture, of hosts of its \
                  network that have shown no sign of life for more than 24 hours, or never.",
        steps: &[
            "a failed connection is a TCP connection that nobody answered, a contact over any protocol (datagrams \
             and pings, too) whose host or network a router calls unreachable, an address that nobody answers for \
             on its segment (ARP), or a TCP attempt the host logged (5156) without a Sysmon 3, where Sysmon logged \
             other connections of that program to that port before and after, minutes away; a reset means that \
             the target is alive",
            "a target is missing if it showed no sign of life in the 24 hours before (inactive), or never; a sign \
             of life is what it did itself, never what was sent to it; targets lie inside the network and are no \
             multicast, broadcast or own address",
            "the count is abnormal from MinTargets missing targets within TestPeriod, if it lies DeviationMilli \
             robust deviations above the source's own days, or is rarer than RarityExponent allows after \
             Benjamini and Hochberg over all sources; an earlier day of the same weekday with about as many makes \
             it usual",
            "the mixture is abnormal if so many missing among so many targets are rarer than RarityExponent allows \
             at the rate of all other sources",
            "with ActivationPeriod of own days it is low; with fewer, it is held against other sources of its role \
             on that day or, without them, against ShortHistoryTargets, and is informational",
            "a source with MinTargets on each of ScannerDays days before is a long-running scanner and is not \
             told; its first days are",
            "in the first WarmUp of evidence without a gap nothing is told: whom nobody has seen yet may have been \
             there",
            "one finding for DeduplicationPeriod; what fails meanwhile is added to it",
            "a pair of causality owner and process that was on at most one host and day before is named as rare, \
             with its counts, where at least ActivationPeriod of processes is known; such a finding is for \
             information, with more confidence",
        ],
        needs: &[
            Need {
                name: "outgoing attempts",
                essential: true,
                from: &[Source::Packets, Source::Events(Log::Security, &[5156])],
                what: "a capture of the host's segment, or the audit subcategory \"Filtering Platform Connection\" \
                      (success); Sysmon alone logs no failed connection",
            },
            Need {
                name: "what became of them",
                essential: true,
                from: &[Source::Packets, Source::Outcomes],
                what: "a capture of the host's segment; in part Sysmon event 3 beside Security 5156, where it logs \
                      the program and port: an attempt without a connection has failed",
            },
            Need {
                name: "a day of activity before",
                essential: false,
                from: &[Source::History(Span::seconds(86_400))],
                what: "evidence of the day before: without it, no host can be called inactive",
            },
            Need {
                name: "14 days of activity before",
                essential: false,
                from: &[Source::History(Span::seconds(14 * 86_400))],
                what: "evidence of the weeks before, or a baseline of them ('casewire baseline build'): without it \
                      there is nothing usual to compare with",
            },
        ],
        cannot_see: &[
            "who is missing on a segment whose traffic the sensor does not pass by: such targets are marked and \
             cannot make a finding more than informational",
            "failures over UDP and unanswered pings that no router tells of: default Windows answers neither, and \
             silence proves nothing",
            "whether a silent target is there, behind a firewall that drops without a word: it looks missing until it does \
             something that is seen",
            "sources behind address translation: they count as one",
            "failed connections where Sysmon is the only log: it logs none",
            "failures that only the host's logs could tell, of a program of which Sysmon logged no connection to \
             that port within minutes: it may be configured not to log them",
        ],
        benign: otherwise::BENIGN,
        severities: severity::TABLE,
        same_chain: None,
        actions: otherwise::ACTIONS,
    };

    fn new(settings: FailedConnectionsSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
        if let Some(contact) = contact_of(event, context) {
            each(contact.from);
        } else if let Some(asker) = asker(event, context) {
            each(asker);
        } else if let (true, What::Host(host)) = (witness::is_connection(event), &event.what)
            && let Some(place) = context.identity.place_of(host)
        {
            // It stands for no contact of its own, as the packets do; it tells what Sysmon logs.
            each(place);
        }
    }

    fn step(
        &self,
        key: &Place,
        state: &mut State,
        event: &Event,
        context: &Context,
        found: &mut Found,
    ) {
        for slot in SLOTS {
            let over = |a: &Alarm| event.time.since(a.measured.at) > self.settings.dedup;
            if state.alarms[slot].as_ref().is_some_and(over) {
                self.end(*key, state, slot, context, found);
            }
        }
        if asker(event, context).is_some() {
            let named = addresses_named(&event.what);
            state.targets.name(&named, event.time);
            return;
        }
        state.targets.witnesses.hear(event);
        let Some(contact) = contact_of(event, context) else {
            return;
        };
        match state
            .targets
            .hear(&contact, &self.settings, context, &mut found.dropped)
        {
            Change::None => {}
            Change::Reached(address) => {
                let slot = usize::from(!context.assets.is_internal(address));
                self.answered(*key, state, (slot, address), event, context);
            }
            // Outside, what was active a moment ago and is silent now counts neither way.
            Change::There(address) if context.assets.is_internal(address) => {
                if let Some(alarm) = &mut state.alarms[0] {
                    alarm.contact(address, event.time);
                }
            }
            Change::There(_) => {}
            Change::LeftOut(address) => {
                let slot = usize::from(!context.assets.is_internal(address));
                if let Some(alarm) = &mut state.alarms[slot] {
                    alarm.leave_out(event.time);
                }
            }
            Change::Again(address) => {
                let internal = context.assets.is_internal(address);
                let slot = usize::from(!internal);
                if let Some(alarm) = &mut state.alarms[slot] {
                    alarm.add(address, event.time, &state.targets);
                } else if state.judged[slot].is_none_or(|(at, _)| event.time.since(at) >= PAUSE) {
                    // What was told yesterday goes on today.
                    self.grown(*key, state, address, internal, event, context);
                }
            }
            Change::Missing(address) => self.grown(*key, state, address, true, event, context),
            Change::Outside(address) => self.grown(*key, state, address, false, event, context),
        }
    }

    fn weight(state: &State) -> usize {
        let alarms = state.alarms.iter().flatten();
        state.targets.weight() + alarms.map(Alarm::weight).sum::<usize>()
    }

    fn horizon(&self) -> Span {
        // What is known of targets expires by itself; nothing else is held.
        self.settings.test.plus(self.settings.dedup)
    }

    fn close(&self, key: &Place, mut state: State, context: &Context, found: &mut Found) {
        let told = SLOTS.map(|slot| self.end(*key, &mut state, slot, context, found));
        if told.contains(&true) {
            return;
        }
        let least = self.settings.min_targets;
        let unclear = &state.targets.unclear;
        if let Some(near_miss) = unclear.near_miss(Self::ABOUT.id, *key, least, context) {
            found.near_miss(near_miss);
        }
        if let Some(nearest) = state.nearest {
            found.near_miss(nearest.told(Self::ABOUT.id, *key, context));
        }
    }
}

/// Who asked, if it is an answered lookup, in the packets or in the host's log.
fn asker(event: &Event, context: &Context) -> Option<Place> {
    let asker = match &event.what {
        What::Resolution(told) => context.identity.place(told.client.address, event.time),
        What::Host(host) if matches!(host.what, HostWhat::NameQueried { .. }) => {
            context.identity.place_of(host)?
        }
        _ => return None,
    };
    (!addresses_named(&event.what).is_empty()).then_some(asker)
}

impl FailedConnections {
    /// One more target is missing: judges, unless that is settled.
    fn grown(
        &self,
        place: Place,
        state: &mut State,
        address: IpAddr,
        internal: bool,
        event: &Event,
        context: &Context,
    ) {
        let slot = usize::from(!internal);
        if let Some(alarm) = &mut state.alarms[slot] {
            alarm.add(address, event.time, &state.targets);
            if alarm.low {
                return;
            }
        }
        let missing = state.targets.count(internal);
        if missing < judge::MIXTURE.0 {
            return;
        }
        if self.settled(state.judged[slot], missing, event.time) {
            // What held it back a moment ago stands; how many there are goes on.
            let nearest = state.nearest.as_mut();
            let fewer = |n: &&mut Nearest| n.internal == internal && n.missing < missing;
            if let Some(nearest) = nearest.filter(fewer) {
                (nearest.missing, nearest.time) = (missing, event.time);
            }
            return;
        }
        state.judged[slot] = Some((event.time, missing));
        let targets = &state.targets;
        let failing: Vec<(IpAddr, &Target)> = targets.failing(internal).collect();
        let measured = judge::measure(
            place,
            &failing,
            (internal, targets.reached_for(internal)),
            event.time,
            &self.settings,
            context,
        );
        match judge::rule(&measured, place, &failing, &self.settings, context) {
            Ruling::Tell { low } => match &mut state.alarms[slot] {
                // It was for information, or a mixture, and is more by now; its time stays.
                Some(alarm) if low || alarm.is_less_than(&measured) => {
                    let at = alarm.measured.at;
                    alarm.measured = Measured { at, ..measured };
                    alarm.counted = failing.iter().map(|(address, _)| *address).collect();
                    // What is told as measured is this; later is what comes after it.
                    alarm.later = 0;
                    alarm.low = low;
                }
                Some(_) => {}
                None => state.alarms[slot] = Some(Alarm::new(measured, low, targets)),
            },
            Ruling::Quiet { blind, why } => {
                if state.nearest.as_ref().is_none_or(|n| n.missing < missing) {
                    let why = (blind, why);
                    state.nearest = Some(Nearest::of(&measured, &failing, why, &self.settings));
                }
            }
        }
    }

    /// A target answered. What answers soon after it failed leaves the finding; one that loses a quarter
    /// of what it was measured by is judged again.
    fn answered(
        &self,
        place: Place,
        state: &mut State,
        (slot, address): (usize, IpAddr),
        event: &Event,
        context: &Context,
    ) {
        let Some(alarm) = &mut state.alarms[slot] else {
            return;
        };
        if alarm.reached(address, event)
            && distinct(alarm.counted.iter().copied()) * 4 <= alarm.measured.missing * 3
        {
            self.again(place, state, slot, context);
        }
    }

    /// Judges an open finding by what remains of it: the most that fail within one test period.
    fn again(&self, place: Place, state: &mut State, slot: usize, context: &Context) {
        let Some(alarm) = &mut state.alarms[slot] else {
            return;
        };
        let (failing, at) = alarm.densest(self.settings.test);
        let internal = alarm.measured.internal;
        let at = at.unwrap_or(alarm.measured.at);
        // Who has answered since was a target of that period, too.
        let begin = at.shifted(self.settings.test.negated());
        let tried = alarm.tried(begin, at.max(alarm.measured.at));
        let n = tried.max(distinct(failing.iter().map(|(address, _)| *address)));
        let measured = judge::measure(place, &failing, (internal, n), at, &self.settings, context);
        match judge::rule(&measured, place, &failing, &self.settings, context) {
            Ruling::Tell { low } => {
                alarm.counted = failing.iter().map(|(address, _)| *address).collect();
                let at = alarm.measured.at;
                alarm.measured = Measured { at, ..measured };
                alarm.low = low;
                alarm.judged_again = true;
            }
            Ruling::Quiet { .. } => {
                let all = alarm.answered + distinct(alarm.targets.keys().copied());
                let cited = alarm.lost.take().into_iter();
                let cited = cited.chain(alarm.targets.values().filter_map(|t| t.cited));
                let nearest = Nearest {
                    internal,
                    missing: all,
                    needed: all + 1,
                    fared: fared(alarm.targets.values()),
                    whom: match internal {
                        true => "hosts",
                        false => otherwise::outside_words(alarm.targets.keys()),
                    },
                    time: alarm.measured.at,
                    why: format!(
                        "at least {} of them answered or refused less than {SOON} later, and so are not called missing",
                        alarm.answered
                    ),
                    references: cited.take(4).collect(),
                };
                if state.nearest.as_ref().is_none_or(|n| n.missing < all) {
                    state.nearest = Some(nearest);
                }
                state.alarms[slot] = None;
                state.judged[slot] = None;
            }
        }
    }

    /// Ends a finding; true if it was told.
    fn end(
        &self,
        place: Place,
        state: &mut State,
        slot: usize,
        context: &Context,
        found: &mut Found,
    ) -> bool {
        let less = |alarm: &Alarm| distinct(alarm.counted.iter().copied()) < alarm.measured.missing;
        if state.alarms[slot].as_ref().is_some_and(less) {
            self.again(place, state, slot, context);
        }
        let Some(alarm) = state.alarms[slot].take() else {
            return false;
        };
        found.finding(telling::tell(
            place,
            alarm,
            &state.targets,
            &self.settings,
            context,
        ));
        true
    }

    /// True if a source with many failures was judged a moment ago: it is asked again after ten
    /// minutes, or when a quarter more are missing.
    fn settled(&self, judged: Option<(Timestamp, u32)>, missing: u32, now: Timestamp) -> bool {
        let many = 2 * self.settings.min_targets.max(self.settings.short_targets);
        judged.is_some_and(|(at, count)| {
            missing > many && now.since(at) < PAUSE && missing < count.saturating_add(count / 4)
        })
    }
}
