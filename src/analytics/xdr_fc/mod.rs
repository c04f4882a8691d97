//! XDR-FC: a host fails to reach an abnormal number or mixture of hosts that are missing.
//!
//! Key: the source. State: its targets of the test period (`targets`) and the finding it is in (`alarm`).
//! Whether the count is abnormal is decided in `judge`, from the frozen context for what other days
//! and other sources show; `telling` makes the finding.

mod alarm;
mod judge;
mod settings;
mod severity;
mod steps;
mod tables;
mod targets;
mod telling;

pub use settings::FailedConnectionsSettings;

use super::about::{About, Need, Source};
use super::contract::Analytic;
use super::found::Found;
use super::kit::contact::contact_of;
use super::kit::lookup::addresses_named;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::NearMiss;
use crate::model::{Event, HostWhat, Provenance, Span, Timestamp, What};
use alarm::{Alarm, SOON};
use judge::{Measured, Ruling};
use std::net::IpAddr;
use targets::{Change, Target, Targets, distinct, fared};

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

struct Nearest {
    internal: bool,
    missing: u32,
    needed: u32,
    fared: [&'static str; 2],
    whom: &'static str,
    time: Timestamp,
    why: String,
    references: Vec<Provenance>,
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
        version: "0.1.0",
        name: "Failed connections to missing hosts",
        technique: &[("T1018", "Remote System Discovery")],
        strategy: "",
        summary: "A host fails to reach an abnormally large number, or an abnormal mixture, of hosts of its \
                  network that have shown no sign of life for more than 24 hours, or never.",
        steps: &[
            "a failed connection is a TCP connection that nobody answered, that a router calls unreachable, an \
             address that nobody answers for on its segment (ARP), or an attempt the host logged (5156) without a \
             Sysmon 3, where Sysmon logged other connections of that program to that port before and after, \
             minutes away; a reset means that the target is alive",
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
            "failures over UDP and unanswered pings: default Windows answers neither, and silence proves nothing",
            "sources behind address translation: they count as one",
            "failed connections where Sysmon is the only log: it logs none",
            "failures that only the host's logs could tell, of a program of which Sysmon logged no connection to \
             that port within minutes: it may be configured not to log them",
        ],
        benign: &[
            "a new scanner or inventory tool",
            "a server that keeps a list of hosts that were taken away",
            "a laptop that looks for the shares and printers of another site",
            "an outage: other sources fail to reach the same targets",
            "where logs alone tell it: Sysmon is configured not to log connections of this program to these \
             addresses or ports",
        ],
        severities: severity::TABLE,
        same_chain: None,
        actions: &[
            "confirm that the source is no sanctioned scanner",
            "look at the process and its parents on the source, and for other discovery by it at the same time",
            "look for connections of the source that did succeed to hosts it had not reached before",
        ],
    };

    fn new(settings: FailedConnectionsSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
        if let Some(contact) = contact_of(event, context) {
            each(contact.from);
        } else if let Some(asker) = asker(event, context) {
            each(asker);
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
        let Some(contact) = contact_of(event, context) else {
            return;
        };
        match state
            .targets
            .hear(&contact, &self.settings, context, &mut found.dropped)
        {
            Change::None => {}
            Change::Reached(address) => {
                for slot in SLOTS {
                    self.answered(*key, state, (slot, address), event.time, context);
                }
            }
            Change::Again(address) => {
                let internal = context.assets.is_internal(address);
                let slot = usize::from(!internal);
                if let Some(alarm) = &mut state.alarms[slot] {
                    alarm.add(event, address, &state.targets);
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
        state.targets.weight() + alarms.map(|a| a.targets.len() * 1_024).sum::<usize>()
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
        let unclear = state.targets.unclear();
        if let Some((count, event)) = unclear.filter(|(n, _)| *n >= self.settings.min_targets) {
            found.near_miss(NearMiss {
                analytic: Self::ABOUT.id,
                missing: count,
                time: event.time,
                text: format!(
                    "{} tried {count} hosts that may be missing, and no evidence tells what became of it: no \
                     packets of them, and no sign that Sysmon logged connections (event 3) of that program and \
                     port then",
                    super::kit::picture::host_words(*key, context),
                ),
                references: vec![event.provenance],
            });
        }
        if let Some(nearest) = state.nearest {
            found.near_miss(NearMiss {
                analytic: Self::ABOUT.id,
                missing: nearest.needed.saturating_sub(nearest.missing).max(1),
                time: nearest.time,
                text: format!(
                    "{} {} {} {}{}; {}",
                    super::kit::picture::host_words(*key, context),
                    nearest.fared[0],
                    nearest.missing,
                    nearest.whom,
                    nearest.fared[1],
                    nearest.why
                ),
                references: nearest.references,
            });
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
            alarm.add(event, address, &state.targets);
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
            if let Some(nearest) = state.nearest.as_mut().filter(|n| n.internal == internal) {
                nearest.missing = nearest.missing.max(missing);
            }
            return;
        }
        state.judged[slot] = Some((event.time, missing));
        let targets = &state.targets;
        let failing: Vec<(IpAddr, &Target)> = targets.failing(internal).collect();
        let measured = judge::measure(
            place,
            &failing,
            (internal, targets.reached_for(internal) as u32),
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
            Ruling::Quiet(why) => {
                if state.nearest.as_ref().is_none_or(|n| n.missing < missing) {
                    let cited = targets
                        .failing(internal)
                        .filter_map(|(_, t)| t.event.as_ref());
                    state.nearest = Some(Nearest {
                        internal,
                        missing,
                        needed: if internal {
                            self.settings.min_targets
                        } else {
                            self.settings.outside_targets
                        },
                        fared: fared(failing.iter().map(|(_, target)| *target)),
                        whom: match internal {
                            true if measured.listening < self.settings.warm_up => "hosts",
                            true => "missing hosts",
                            false => "addresses of the Internet",
                        },
                        time: event.time,
                        why,
                        references: cited.take(4).map(|e| e.provenance).collect(),
                    });
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
        time: Timestamp,
        context: &Context,
    ) {
        let Some(alarm) = &mut state.alarms[slot] else {
            return;
        };
        if alarm.lose(address, time)
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
        let (internal, n) = (alarm.measured.internal, alarm.measured.mixture.n);
        let n = n.max(distinct(failing.iter().map(|(address, _)| *address)));
        let measured = judge::measure(
            place,
            &failing,
            (internal, n),
            at.unwrap_or(alarm.measured.at),
            &self.settings,
            context,
        );
        match judge::rule(&measured, place, &failing, &self.settings, context) {
            Ruling::Tell { low } => {
                alarm.counted = failing.iter().map(|(address, _)| *address).collect();
                let at = alarm.measured.at;
                alarm.measured = Measured { at, ..measured };
                alarm.low = low;
            }
            Ruling::Quiet(_) => {
                let all = alarm.answered + distinct(alarm.targets.keys().copied());
                let cited = alarm.lost.take().into_iter();
                let left = alarm.targets.values().filter_map(|t| t.event.as_ref());
                let cited = cited.chain(left.map(|event| event.provenance));
                let nearest = Nearest {
                    internal,
                    missing: all,
                    needed: all + 1,
                    fared: fared(alarm.targets.values()),
                    whom: if internal {
                        "hosts"
                    } else {
                        "addresses of the Internet"
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
        found.finding(telling::tell(place, alarm, &self.settings, context));
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
