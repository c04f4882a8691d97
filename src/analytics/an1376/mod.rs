//! AN1376: a channel that worked was disrupted, and then the same process, or one that belongs to
//! it, used another port, protocol or remote that is unusual.
//!
//! Key: the host, so that processes of one host can be held against each other. `state` remembers
//! (`relation`, `names`, `lineage`, `image`, `outage`, `awake`, `sight`, `heard`), `waiting` finds the broken channel
//! that a new one is held against, `signs` says what disrupted it (`trouble`, `rules`, `silence`), `excuse` and `ordinary` what is no fallback,
//! `speech` what belongs on a port, `zones` which names have one owner, `unusual` how much it weighs (`echo`, `habit`, and `habits` against what), `failover` what speaks for a service of
//! the program's own, `judge` decides, `grade` says how bad it is, `telling` and `panel` put it into words, `holding` answers whether a stated containment held.

mod afterwards;
mod awake;
mod echo;
mod excuse;
mod failover;
mod grade;
mod habit;
mod habits;
mod heard;
mod holding;
mod image;
mod judge;
mod lineage;
mod mute;
mod names;
mod novelty;
mod ordinary;
mod outage;
mod panel;
mod relation;
mod relations;
mod rhythm;
mod rules;
mod settings;
mod severity;
mod sight;
mod sighting;
mod signs;
mod silence;
mod speech;
mod state;
mod steps;
mod telling;
mod title;
mod trouble;
mod unusual;
mod waiting;
mod who;
mod zones;

pub use settings::FallbackSettings;

use super::about::{About, Need, Source};
use super::contract::Analytic;
use super::found::Found;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::NearMiss;
use crate::model::net::is_private;
use crate::model::{Event, Span, What};
use judge::{Judged, Verdict, judge};
use state::State;
use waiting::Candidates;

/// The analytic.
pub struct FallbackChannel {
    settings: FallbackSettings,
}

/// Fallbacks held per host until it is closed.
const HELD: usize = 256;

impl Analytic for FallbackChannel {
    type Params = FallbackSettings;
    type Key = Place;
    type State = State;

    const ABOUT: About = About {
        id: "AN1376",
        version: "0.1.0",
        name: "Fallback channel after a disruption",
        technique: &[("T1008", "Fallback Channels")],
        strategy: "DET0499",
        summary: "A channel of a process that worked is blocked, reset or falls silent. Afterwards the same \
                  process, or one that belongs to it, goes on over another port, protocol or remote that is \
                  unusual for it and for the environment. Without a disruption it never fires.",
        steps: &[
            "a process (or, in packets alone, the host) has an established channel to a remote: MinPrior \
             connections with payload both ways, MinBeacon contacts in a steady rhythm, or one connection of \
             LongConnection",
            "the channel is disrupted: blocked by the host's firewall (5157, or a rule that covers it), reset \
             while in use, MinFail failures in a row, its name gone or sinkholed, MissingBeats beats missing, or \
             containment stated with --containment; and it does not work again before the new channel comes",
            "within TimeWindow of the last sign something new for the program follows: remote, port or protocol",
            "its process is the same, started the other or was started by it, was reached into (Sysmon 8), runs \
             the same program, or goes to the same server; without known processes the host alone ties them. A \
             program that typically does not network needs no tie if port, protocol, sizes or rhythm tell",
            "the new channel is uncommon: a port outside CommonPorts and outside those learned here, a payload \
             that does not belong on its port, a program that typically does not network, or for a beacon a \
             common port that its program never used",
            "outages (on the host, OutageProcesses programs or more than half of the remotes fail in the same \
             minute; or OutageHosts hosts of the evidence, and more than half, lose all they reach for at once), \
             network changes, ordinary changes of software (QUIC and TCP, VPN, DNS, mail, RPC, calls, printing, \
             SQL Server, servers of one service) and scanners are near misses",
            "all terms add up to at least 20 decibans (a hundred to one); every term is shown",
            "high asks for one process, and for a rhythm of the new channel or a program that typically does not \
             network. What looks like a failover of the program's own service (it lies where only administrators \
             write; the new channel stays with its server) is held at medium or low, unless something speaks for \
             an implant: a file that lies where ordinary users can usually write or that is not signed, a process that another one \
             reached into, a protocol on the port of another one",
        ],
        needs: &[
            Need {
                name: "outgoing connections",
                essential: true,
                from: &[
                    Source::Packets,
                    Source::Events(Log::Security, &[5156]),
                    Source::Events(Log::Sysmon, &[3]),
                ],
                what: "a capture of the host's traffic, the audit subcategory \"Filtering Platform Connection\", \
                       or Sysmon with network connections",
            },
            Need {
                name: "disruptions",
                essential: true,
                from: &[Source::Packets, Source::Events(Log::Security, &[5157])],
                what: "a capture of the host's traffic, or the audit subcategory \"Filtering Platform \
                       Connection\" (failure); Sysmon does not log connections that fail",
            },
            Need {
                name: "processes of connections",
                essential: false,
                from: &[
                    Source::Events(Log::Security, &[5156]),
                    Source::Events(Log::Sysmon, &[3]),
                ],
                what: "the audit subcategory \"Filtering Platform Connection\", or Sysmon with network connections",
            },
            Need {
                name: "process starts",
                essential: false,
                from: &[
                    Source::Events(Log::Security, &[4688]),
                    Source::Events(Log::Sysmon, &[1]),
                ],
                what: "the audit subcategory \"Process Creation\", or Sysmon",
            },
        ],
        cannot_see: &[
            "a fallback whose first channel was disrupted before the evidence begins",
            "a channel that was in use beside the first one all along",
            "a move inside one connection, such as another host behind one content network, without a new name",
            "injection other than by a remote thread (Sysmon 8): process access (Sysmon 10) is not read",
            "channels of a host that packets alone show under a public address, unless `internal` in the settings file \
             names its network",
            "which process sent an ICMP packet",
            "protocols other than TCP, UDP and ICMP (GRE, ESP, SCTP): their packets are no attempts",
            "a tunnel through the host's own name resolver: the DNS client service asks, not the process",
            "an outage of the environment that shows in no packets: of other hosts only captures and Zeek's \
             conn.log tell what failed",
        ],
        benign: &[
            "a planned move or a failover of the program's own service: another server, port or protocol that \
             its maker or its administrator provided",
            "software that was built to try several ports, behind a firewall that was just changed",
            "an administrator or a developer who tests the block from the same machine",
            "an outage of one service while its client happens to begin something new",
        ],
        severities: severity::TABLE,
        same_chain: None,
        actions: &[
            "block the new channel too, and look for it on other hosts",
            "acquire the process and its memory before it moves again",
            "state the time of the block with --containment, so that what follows is held against it",
        ],
    };

    fn new(settings: FallbackSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
        let place = match &event.what {
            What::Attempt(attempt) => context
                .identity
                .place(attempt.initiator.address, event.time),
            What::Resolution(told) => context.identity.place(told.client.address, event.time),
            What::Host(host) => match context.identity.place_of(host) {
                Some(place) => place,
                None => return,
            },
            _ => return,
        };
        // Somebody out there who knocks on a host of ours has no channels to be watched.
        match place {
            Place::Host(_) => each(place),
            Place::Address(address)
                if is_private(address) || context.assets.is_internal(address) =>
            {
                each(place);
            }
            Place::Address(_) => {}
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
        let containments = context.containments.of_host(*key);
        if state.is_due(event.time) {
            for candidates in state.take_due(event.time) {
                self.judge(*key, state, candidates, context, found);
            }
        }
        state.hear(
            event,
            &containments,
            &self.settings,
            context,
            &mut found.dropped,
        );
    }

    fn weight(state: &State) -> usize {
        state.weight()
    }

    fn lighten(&self, state: &mut State, found: &mut Found) {
        state.lighten(&mut found.dropped);
    }

    fn horizon(&self) -> Span {
        // What is established, and what is new, looks back over all the evidence there is.
        Span(i64::MAX)
    }

    fn close(&self, key: &Place, mut state: State, context: &Context, found: &mut Found) {
        for candidates in std::mem::take(&mut state.waiting) {
            self.judge(*key, &mut state, candidates, context, found);
        }
        let containments = context.containments.of_host(*key);
        let judged = std::mem::take(&mut state.judged);
        let mut moved = Vec::new();
        for after in together(judged) {
            moved.extend(after.iter().flat_map(|one| one.stated.clone()));
            if let Some(finding) = telling::finding(*key, &after, &state, &self.settings, context) {
                found.finding(finding);
            }
        }
        for (number, at) in containments.into_iter().enumerate() {
            if moved.contains(&at) {
                continue;
            }
            let stated = (number, at);
            if let Some(finding) = holding::finding(*key, stated, &state, &self.settings, context) {
                found.finding(finding);
            }
        }
    }
}

impl FallbackChannel {
    /// Judges a new channel beside each broken one; the severest is told, else the nearest miss of the
    /// most telling pair.
    fn judge(
        &self,
        place: Place,
        state: &mut State,
        candidates: Candidates,
        context: &Context,
        found: &mut Found,
    ) {
        let containments = context.containments.of_host(place);
        let mut worst: Option<Box<Judged>> = None;
        let mut near = None;
        for pair in candidates.pairs {
            let (at, route) = (pair.at, pair.new.clone());
            match judge(place, state, pair, &containments, &self.settings, context) {
                Verdict::Fallback(judged) => {
                    let bad = |one: &Judged| (one.severity, one.sum());
                    if worst.as_ref().is_none_or(|held| bad(held) < bad(&judged)) {
                        worst = Some(judged);
                    }
                }
                Verdict::Near(missing, why) if near.is_none() => {
                    let host = super::kit::picture::host_words(place, context);
                    let miss = NearMiss {
                        analytic: Self::ABOUT.id,
                        missing,
                        time: at,
                        text: format!("{host}: {why}"),
                        references: state
                            .relations
                            .get(&route)
                            .map(|relation| relation.first.provenance)
                            .into_iter()
                            .collect(),
                    };
                    near = Some((route, miss));
                }
                Verdict::Near(..) | Verdict::Nothing => {}
            }
        }
        match (worst, near) {
            (Some(judged), _) => hold(*judged, &mut state.judged, &mut found.dropped),
            (None, Some((route, near))) => {
                // A channel that was tried in vain first may be told already.
                if !state.judged.iter().any(|one| one.waiting.new == route) {
                    found.near_miss(near);
                }
            }
            (None, None) => {}
        }
    }
}

/// Holds a fallback until the host is closed. One channel is told once: first tried, and later in use, it
/// is told as what it became.
fn hold(judged: Judged, held: &mut Vec<Judged>, dropped: &mut u64) {
    let bad = |one: &Judged| (one.severity, one.sum());
    let (old, new) = (&judged.waiting.old, &judged.waiting.new);
    let room = held.len() < HELD;
    let mut all = held.iter_mut();
    match all.find(|one| one.waiting.old == *old && one.waiting.new == *new) {
        Some(one) if bad(one) <= bad(&judged) => *one = judged,
        Some(_) => {}
        None if room => held.push(judged),
        None => *dropped += 1,
    }
}

/// Fallbacks of one process beside one broken channel belong into one finding, the severest first.
fn together(mut judged: Vec<Judged>) -> Vec<Vec<Judged>> {
    judged.sort_by(|a, b| {
        (
            &a.waiting.old,
            &a.waiting.new.who,
            b.severity,
            b.sum(),
            a.waiting.at,
            &a.waiting.new,
        )
            .cmp(&(
                &b.waiting.old,
                &b.waiting.new.who,
                a.severity,
                a.sum(),
                b.waiting.at,
                &b.waiting.new,
            ))
    });
    let mut groups: Vec<Vec<Judged>> = Vec::new();
    for one in judged {
        match groups.last_mut() {
            Some(group)
                if group.first().is_some_and(|first| {
                    first.waiting.old == one.waiting.old
                        && first.waiting.new.who == one.waiting.new.who
                }) =>
            {
                group.push(one);
            }
            _ => groups.push(vec![one]),
        }
    }
    groups
}
