//! The words, steps and conditions of a finding.

use super::judge::{Judged, sign_weight};
use super::lineage::Link;
use super::outage::Extent;
use super::panel;
use super::settings::FallbackSettings;
use super::signs::SignKind;
use super::state::State;
use crate::analytics::contract::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::{Condition, Entities, Finding, Role, ScoreItem, Step, Tier, Unseen};
use crate::model::plural::counted;
use crate::model::{Event, Text, Timestamp, What};
use std::net::IpAddr;

/// New channels whose first use becomes a step.
const SHOWN: usize = 8;
/// Events of one sign that become steps.
const SIGNS: usize = 4;

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
        title: title(place, told, after.len(), context),
        severity: told.severity,
        tier: tier(told),
        confidence: told.sum().clamp(0, 100) as u8,
        entities: entities(place, told, after, context),
        steps: steps(after, state),
        conditions: conditions(told, settings),
        tables,
        score,
        order: told.order.clone(),
        unseen: unseen(place, told, context),
        alternatives: about.benign.iter().map(|s| (*s).to_owned()).collect(),
        actions: actions(context),
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

fn process_name(who: &super::who::Who) -> String {
    if who.known() {
        who.file_name().to_owned()
    } else {
        "an unknown process".to_owned()
    }
}

fn title(place: Place, told: &Judged, channels: usize, context: &Context) -> String {
    let host = host_words(place, context);
    let (old, new) = (&told.waiting.old, &told.waiting.new);
    use SignKind::{BlockedHost, Containment, Name, Reset, Rule, Silence, Unreachable};
    let disrupted = match told.signs.first().map(|sign| (sign.kind, sign.strong)) {
        Some((BlockedHost, _)) => "was blocked by the host's firewall",
        Some((Rule, true)) => "was blocked by a new rule",
        Some((Rule, false)) => "may have been blocked by a new rule",
        Some((Reset, _)) => "was reset while in use",
        Some((Unreachable, _)) => "stopped working",
        Some((Name, true)) => "lost its name",
        Some((Name, false)) => "had its name answered with a private address",
        Some((Containment, true)) => "stopped at the stated containment",
        Some((Containment, false)) => "was to stop at the stated containment",
        Some((Silence, _)) | None => "fell silent",
    };
    let who = match told.waiting.link {
        Link::SameInstance => format!("the same process ({})", process_name(&new.who)),
        Link::SameProgram => format!("another process of {}", process_name(&new.who)),
        Link::Kin => format!("a relative of the process ({})", process_name(&new.who)),
        Link::Injected => format!(
            "{}, into which the process had reached,",
            process_name(&new.who)
        ),
        Link::SameServer if new.who.known() => {
            format!(
                "another process ({}) for the same server",
                process_name(&new.who)
            )
        }
        Link::Stranger => format!(
            "another process ({}), which no record ties to it,",
            process_name(&new.who)
        ),
        Link::SameServer => "something on the host, for the same server,".to_owned(),
        Link::Host => "something on the host".to_owned(),
    };
    let did = match (told.new.worked > 0, told.waiting.link) {
        (true, Link::Stranger) => "used",
        (true, _) => "went on over",
        (false, _) => "tried",
    };
    let more = match channels {
        1 => String::new(),
        2 => " and one more channel".to_owned(),
        n => format!(" and {} more channels", n - 1),
    };
    format!(
        "{host}: the channel of {} to {} {disrupted}; {} later {who} {did} {}{more}",
        process_name(&old.who),
        old.words(),
        told.after,
        new.words()
    )
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

fn step(role: Role, event: &Event, remark: &str) -> Step {
    let also = match &event.what {
        What::Attempt(attempt) => attempt
            .actor
            .as_ref()
            .map(|actor| actor.told_by.clone())
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    Step {
        role,
        event: event.clone(),
        also,
        remark: remark.to_owned(),
    }
}

fn steps(after: &[Judged], state: &State) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let Some(told) = after.first() else {
        return steps;
    };
    for (who, remark) in [
        (
            &told.waiting.old.who,
            "the process of the old channel starts",
        ),
        (
            &told.waiting.new.who,
            "the process of the new channel starts",
        ),
    ] {
        if let Some(event) = state.lineage.start_of(who, told.waiting.at) {
            let told_by = state.images.of(who, told.waiting.at).map(|i| &i.told_by);
            let mut start = step(Role::Process, event, remark);
            start.also = told_by.into_iter().flatten().copied().collect();
            start.also.retain(|at| *at != event.provenance);
            steps.push(start);
        }
    }
    if let Some(event) = state.lineage.reach(
        &told.waiting.old.who,
        &told.waiting.new.who,
        told.waiting.at,
    ) {
        steps.push(step(
            Role::Process,
            event,
            "one process reaches into the other",
        ));
    }
    steps.push(step(
        Role::Connect,
        &told.old.first,
        "the old channel, first seen",
    ));
    if let Some((event, word)) = told.old.last_shown() {
        let remark = format!("the old channel, {word}");
        steps.push(step(Role::Connect, event, &remark));
    }
    for sign in &told.signs {
        let role = match sign.kind {
            SignKind::BlockedHost | SignKind::Rule => Role::Block,
            SignKind::Silence => continue,
            _ => Role::Failed,
        };
        for event in sign.events.iter().take(SIGNS) {
            steps.push(step(role, event, &sign.text));
        }
    }
    for one in after.iter().take(SHOWN) {
        steps.push(step(
            Role::Fallback,
            &one.new.first,
            "a new channel, first use",
        ));
        if let Some((good, word)) = one.new.last_shown()
            && good.provenance != one.new.first.provenance
            && one.waiting.new == told.waiting.new
        {
            let remark = format!("the new channel, {word}");
            steps.push(step(Role::Fallback, good, &remark));
        }
    }
    steps.sort_by(|a, b| {
        (a.event.order(), std::cmp::Reverse(a.role))
            .cmp(&(b.event.order(), std::cmp::Reverse(b.role)))
    });
    // One event in two parts is told once, in the later part.
    steps.dedup_by(|b, a| a.event.provenance == b.event.provenance);
    steps
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
                "{} contacts, {} worked, longest {}",
                told.old.contacts, told.old.worked, told.old.longest
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
                told.waiting.novel.words()
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
        let stated: Vec<String> = told.stated.iter().map(|time| time.rfc3339()).collect();
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
            tried.since.rfc3339()
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
        notes.push(format!(
            "the old channel worked again at {}",
            when.rfc3339()
        ));
    } else if let Some(when) = later {
        notes.push(format!(
            "the old channel worked again after it was judged, last at {}; that does not lower the severity",
            when.rfc3339()
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

/// What to do next; that a containment can be stated is said to those who stated none.
fn actions(context: &Context) -> Vec<String> {
    let about = &super::FallbackChannel::ABOUT;
    let stated = !context.containments.is_empty();
    let actions = about.actions.iter();
    actions
        .filter(|action| !(stated && action.contains("--containment")))
        .map(|action| (*action).to_owned())
        .collect()
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
        if !coverage.any(id, Log::Security, &[5157]) {
            add(
                "blocked connections (Security 5157)",
                "a block by the host's own firewall could not be seen",
            );
        }
    }
    unseen
}
