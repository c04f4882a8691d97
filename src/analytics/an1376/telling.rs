//! The words, steps and conditions of a finding.

use super::judge::{Judged, sign_weight};
use super::lineage::Link;
use super::outage::Extent;
use super::panel::{self, moment};
use super::settings::FallbackSettings;
use super::signs::{Sign, SignKind};
use super::state::State;
use super::steps::steps;
use super::title::title;
use crate::analytics::contract::Analytic;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::{Condition, Entities, Finding, ScoreItem, Tier, Unseen};
use crate::model::plural::counted;
use crate::model::{Event, Span, Text, Timestamp, What};
use std::net::IpAddr;

/// New channels whose first use becomes a step.
pub(super) const SHOWN: usize = 8;
/// Bytes that went out from which on it is worth asking what they were.
const SENT_MUCH: u64 = 100_000;

/// Tells the new channels of one process beside one broken channel, the severest first.
pub fn finding(
    place: Place,
    after: &[Judged],
    state: &State,
    settings: &FallbackSettings,
    context: &Context,
) -> Option<Finding> {
    let told = after.first()?;
    let about = &super::FallbackChannel::ABOUT;
    let mut score = vec![ScoreItem {
        reason: format!(
            "the old channel was disrupted ({})",
            told.signs.first().map_or("", |sign| sign.kind.word())
        ),
        points: sign_weight(&told.signs),
    }];
    score.extend(told.unusual.terms.iter().map(|term| ScoreItem {
        reason: format!("{}: {}", term.name, term.measured),
        points: term.weight,
    }));
    let mut tables = vec![
        panel::before_and_after(after, &state.images, settings),
        panel::disruption(told),
    ];
    tables.extend(panel::channels(after));
    tables.push(panel::terms(told));
    Some(Finding {
        analytic: about.id,
        span: None,
        also_satisfies: Vec::new(),
        title: title(place, told, after, context),
        severity: told.severity,
        tier: tier(told),
        confidence: told.sum().clamp(0, 100) as u8,
        entities: entities(place, told, after, context),
        steps: steps(after, state, &context.labels),
        conditions: conditions(told, settings),
        tables,
        score,
        order: told.order.clone(),
        unseen: unseen(place, told, context),
        alternatives: about.benign.iter().map(|s| (*s).to_owned()).collect(),
        actions: actions(told, context),
        notes: notes(told, after, later(told, state), context),
    })
}

fn tier(told: &Judged) -> Tier {
    let seen = |of: usize| told.old.seen[of] && told.new.seen[of];
    match (seen(0), seen(1)) {
        (true, true) => Tier::Both,
        (true, false) if !told.old.seen[1] && !told.new.seen[1] => Tier::NetworkOnly,
        (false, true) if !told.old.seen[0] && !told.new.seen[0] => Tier::HostOnly,
        // One half on the wire, the other in the log.
        _ => Tier::Both,
    }
}

fn entities(place: Place, told: &Judged, after: &[Judged], context: &Context) -> Entities {
    let mut ports: Vec<u16> = Vec::new();
    for one in after {
        let port = one.waiting.new.port;
        if port != 0 && !ports.contains(&port) && ports.len() < SHOWN {
            ports.push(port);
        }
    }
    let who = &told.waiting.new.who;
    Entities {
        remote: told.new.addresses.first().copied(),
        host_name: context
            .identity
            .name(place)
            .cloned()
            .unwrap_or_else(|| Text::from("")),
        host_address: match place {
            Place::Address(address) => Some(address),
            Place::Host(_) => Some(told.new.local).filter(|a| !a.is_unspecified()),
        },
        opened_ports: ports,
        process: image(&told.new.first).unwrap_or_else(|| who.program.clone()),
        pid: who.pid,
        ..Entities::default()
    }
}

/// The image as the evidence writes it.
fn image(event: &Event) -> Option<Text> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt.actor.as_ref()?.process.image.clone()),
        _ => None,
    }
}

fn conditions(told: &Judged, settings: &FallbackSettings) -> Vec<Condition> {
    vec![
        Condition {
            text: format!(
                "the old channel was established: {}",
                told.established.words()
            ),
            setting: format!(
                "{} connections, {} in rhythm, or one of {}",
                settings.min_prior, settings.min_beacon, settings.long_connection
            ),
            measured: format!(
                "{}, {} worked, longest {}",
                counted(u64::from(told.old.contacts), "contact"),
                told.old.worked,
                match told.old.longest {
                    Span::ZERO => "not told".to_owned(),
                    longest => longest.to_string(),
                }
            ),
        },
        Condition {
            text: "it was disrupted".to_owned(),
            setting: format!(
                "a block, a reset, {} failures in a row, a lost name, a stated time, or {} missing beats",
                settings.min_fail, settings.missing_beats
            ),
            measured: told
                .signs
                .iter()
                .map(|sign| sign.text.as_str())
                .collect::<Vec<_>>()
                .join("; "),
        },
        Condition {
            text: match told.extent.outage(settings) {
                Some(_) => "all failed at once, after a stated containment".to_owned(),
                None => "no outage of the network is seen".to_owned(),
            },
            setting: Extent::setting(settings),
            measured: told.extent.measured(settings),
        },
        Condition {
            text: "a new channel came after the last sign of the disruption".to_owned(),
            setting: format!("within {}", settings.time_window),
            measured: told.after.to_string(),
        },
        Condition {
            text: format!(
                "new for {}: {}",
                told.unusual.subject.words(),
                told.waiting.novel.words(told.waiting.new.transport)
            ),
            setting: "remote, port or protocol".to_owned(),
            measured: told.waiting.new.words(),
        },
        Condition {
            text: "the new channel is uncommon".to_owned(),
            setting: "port, protocol or program".to_owned(),
            measured: told.unusual.uncommon.join("; "),
        },
    ]
}

/// When the old channel worked last, if that was after it was judged.
fn later(told: &Judged, state: &State) -> Option<Timestamp> {
    let old = state.relations.get(&told.waiting.old)?;
    let last = old.last_good.as_ref()?.time;
    (last > told.until).then_some(last)
}

fn notes(
    told: &Judged,
    after: &[Judged],
    later: Option<Timestamp>,
    context: &Context,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !told.stated.is_empty() {
        let stated: Vec<String> = told.stated.iter().map(|time| moment(*time)).collect();
        notes.push(format!(
            "did the block hold? no: after the containment stated at {} {}",
            stated.join(" and "),
            if told.new.worked > 0 {
                "a new channel worked"
            } else {
                "a new channel was tried; none of it is known to have worked"
            }
        ));
    }
    if let Some(tried) = &told.waiting.tried {
        notes.push(format!(
            "the new channel had been tried {} from {} on, without success",
            counted(u64::from(tried.tries), "time"),
            moment(tried.since)
        ));
    }
    match &told.unusual.thin {
        Some(thin) => notes.push(format!(
            "thin baseline ({thin}): what is usual on this host is hardly known; an imported baseline (--baseline) helps"
        )),
        None => notes.push("the baseline is what this evidence and imported baselines show before the first use".to_owned()),
    }
    notes.push(told.reason.clone());
    if !told.failover.implant.is_empty() {
        notes.push(format!(
            "what speaks for an implant: {}",
            told.failover.implant.join("; ")
        ));
    }
    notes.extend(
        told.caps
            .iter()
            .map(|why| format!("not told as more severe: {why}")),
    );
    if let Some(when) = told.recovered {
        notes.push(format!("the old channel worked again at {}", moment(when)));
    } else if let Some(when) = later {
        notes.push(format!(
            "the old channel worked again after it was judged, last at {}; that does not lower the severity",
            moment(when)
        ));
    }
    let others = spread(told, context);
    if others > 0 {
        notes.push(format!(
            "{} went to the new remote too, by {}",
            counted(others as u64, "other host"),
            context.baseline.sources()
        ));
    }
    if after.len() > 1 {
        notes.push(format!(
            "{} new channels of this process are told in one finding; the score is that of the first",
            after.len()
        ));
    }
    notes
}

/// What to do next: with whom is known, and without what was done already.
fn actions(told: &Judged, context: &Context) -> Vec<String> {
    let blocked = told.signs.iter().any(|sign| sign.kind.is_block());
    let too = if blocked { " too" } else { "" };
    let who = &told.waiting.new.who;
    let mut actions = vec![
        format!("block the new channel{too}, and look for it on other hosts"),
        match (who.known(), who.pid) {
            (true, Some(pid)) => format!(
                "acquire {} ({pid}) and its memory before it moves again",
                who.file_name()
            ),
            (true, None) => format!(
                "acquire {} and its memory before it moves again",
                who.file_name()
            ),
            (false, _) => "find the process behind the new channel, which no record names, and acquire it before it \
                           moves again"
                .to_owned(),
        },
    ];
    let [out, back] = told.new.bytes;
    if out >= SENT_MUCH && out > back {
        actions.push(format!(
            "find out what went out over the new channel: {out} bytes of payload, {back} came back"
        ));
    }
    if context.containments.is_empty() {
        let about = &super::FallbackChannel::ABOUT;
        let stating = about.actions.iter().filter(|a| a.contains("--containment"));
        actions.extend(stating.map(|action| (*action).to_owned()));
    }
    actions
}

fn spread(told: &Judged, context: &Context) -> usize {
    context
        .baseline
        .hosts()
        .filter(|(_, usage)| {
            told.new
                .addresses
                .iter()
                .any(|address: &IpAddr| usage.peers.contains_key(address))
        })
        .count()
        .saturating_sub(1)
}

fn unseen(place: Place, told: &Judged, context: &Context) -> Vec<Unseen> {
    let mut unseen = Vec::new();
    let host = context.identity.name(place).cloned();
    let mut add = |telemetry: &str, effect: &str| {
        unseen.push(Unseen {
            telemetry: telemetry.to_owned(),
            host: host.clone(),
            effect: effect.to_owned(),
        });
    };
    if !told.old.seen[0] && !told.new.seen[0] {
        add(
            "packets of both channels",
            "whether and with how many bytes the remotes answered is not known",
        );
    }
    if !told.waiting.new.who.known() {
        add(
            "the process of the new channel (Security 5156, Sysmon 3)",
            "which process used it, and whether that one usually talks, could not be asked",
        );
    } else if let Some(before) = told.unusual.no_start_before {
        // Later ones may be in the logs: habits are counted before the channels.
        let (date, clock) = (before.date(), before.clock(3));
        add(
            &format!("process starts before {date} {clock} (Security 4688, Sysmon 1)"),
            "whether the program typically does not network could not be counted",
        );
    }
    if let Place::Host(id) = place {
        let coverage = &context.coverage;
        if told.waiting.link == Link::Stranger && !coverage.any(id, Log::Sysmon, &[8]) {
            add(
                "threads started in other processes (Sysmon 8)",
                "whether the process of the old channel reached into that of the new one could not be seen",
            );
        }
        if !coverage.any(id, Log::Security, &[5157]) && !told.signs.iter().all(left_the_host) {
            add(
                "blocked connections (Security 5157)",
                "a block by the host's own firewall could not be seen",
            );
        }
    }
    unseen
}

/// True if what a sign rests on had left the host, or came to it: then its own firewall did not block it.
fn left_the_host(sign: &Sign) -> bool {
    let passed = |event: &Event| matches!(event.what, What::Attempt(_) | What::Resolution(_));
    let kind = matches!(
        sign.kind,
        SignKind::Unreachable | SignKind::Reset | SignKind::Name
    );
    kind && sign.events.iter().all(passed)
}
