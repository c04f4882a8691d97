//! What AN0842 says of a picture: title, tier, severity, conditions, steps.
//!
//! Says what the evidence shows and no more: "was first to connect" is always "in this evidence".

use super::score::{item, score};
use super::settings::PortKnockSettings;
use super::unentered::nearest;
use crate::analytics::Analytic;
use crate::analytics::kit::actions::of_sequence;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::program_words;
use crate::analytics::kit::exposure::Tie;
use crate::analytics::kit::opening::{Opened, tried_before};
use crate::analytics::kit::picture::{
    LINGER, NOT_UP, Picture, afterwards_note, check_order, entities, host_words, opened_by_listed,
    opened_port, was_up,
};
use crate::analytics::kit::steps::steps;
use crate::analytics::kit::unseen;
use crate::context::Context;
use crate::model::attempt::Marks;
use crate::model::finding::{Condition, Finding, OrderCheck, ScoreItem, Severity, Tier, Unseen};
use crate::model::plural::counted;
use crate::model::{Span, What};
use std::net::IpAddr;

/// The whole chain: touches, a tied change, the first success.
pub(super) fn full(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    context: &Context,
) -> Finding {
    let arrival = picture.arrival;
    let tie = picture
        .tied
        .iter()
        .map(|t| t.tie)
        .max()
        .unwrap_or(Tie::None);
    let check = check_order(picture, context);
    let wire = picture
        .knock
        .touches
        .iter()
        .any(crate::analytics::kit::touch::Touch::on_the_wire)
        || arrival.is_some_and(Arrival::on_the_wire);
    let tier = if wire { Tier::Both } else { Tier::HostOnly };
    let doubts = picture.doubts(settings.min_sequence_len as usize, context);
    let allowed = opened_by_listed(&picture.tied, &settings.rule_change_allow_list);
    let severity = if allowed {
        Severity::Info
    } else if picture.knock.scan {
        Severity::Low
    } else if picture.plain(context).is_some()
        || tier == Tier::HostOnly
        || !check.certain
        || tie == Tie::Program
    {
        Severity::Medium
    } else {
        Severity::High
    };
    let severity = severity.min(doubts.ceiling());
    let mut score = score(picture, settings, tie, context);
    score.insert(0, item("the whole chain was seen", 40));
    if allowed {
        score.push(item(
            "the change was made by a program or account on RuleChangeAllowList",
            -40,
        ));
    }
    score.extend(doubts.score());
    let cap = if !check.certain || picture.knock.scan {
        39
    } else {
        doubts.cap()
    };
    assemble(
        picture, settings, context, tier, severity, score, cap, check,
    )
}

/// Packets alone: touches, then the first success at a port that was closed (or not seen) before.
pub(super) fn network_only(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    context: &Context,
) -> Finding {
    let mut score = score(picture, settings, Tie::None, context);
    score.insert(0, item("touches and first success, no tied change", 25));
    let (severity, cap) = if picture.proven && was_up(picture.place, picture.knock, context) {
        score.push(item(
            "the same source had been turned away at the port it then reached",
            20,
        ));
        (Severity::Medium, 69)
    } else {
        (Severity::Low, 39)
    };
    let doubts = picture.doubts(settings.min_sequence_len as usize, context);
    score.extend(doubts.score());
    let check = check_order(picture, context);
    assemble(
        picture,
        settings,
        context,
        Tier::NetworkOnly,
        // What leaves no more than medium of a full chain leaves less of packets alone.
        match doubts.ceiling() {
            Severity::High if picture.plain(context).is_none() => severity,
            _ => Severity::Low,
        },
        score,
        cap.min(doubts.cap()),
        check,
    )
}

/// Touches and a change, and nobody seen to come in.
pub(super) fn door_only(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    context: &Context,
) -> Finding {
    let mut score = score(picture, settings, Tie::Exact, context);
    score.insert(0, item("touches and a change, no connection seen", 15));
    let allowed = opened_by_listed(&picture.tied, &settings.rule_change_allow_list);
    let severity = match allowed {
        true => Severity::Info,
        false => Severity::Low,
    };
    let check = check_order(picture, context);
    let mut finding = assemble(
        picture,
        settings,
        context,
        Tier::Partial,
        severity,
        score,
        39,
        check,
    );
    finding.steps.extend(nearest(picture, settings).step());
    finding.steps.sort_by_key(|step| step.event.order());
    finding
}

#[allow(clippy::too_many_arguments)] // one call each from three tellings, all different
fn assemble(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    context: &Context,
    tier: Tier,
    severity: Severity,
    score: Vec<ScoreItem>,
    cap: i32,
    order: OrderCheck,
) -> Finding {
    let about = &super::PortKnock::ABOUT;
    let knock = picture.knock;
    let confidence = score
        .iter()
        .map(|i| i.points)
        .sum::<i32>()
        .clamp(0, 100)
        .min(cap) as u8;
    let (first, last) = (
        knock.first(),
        picture
            .arrival
            .map_or(knock.last().event.time, Arrival::time),
    );
    let mut unseen = unseen::of_exposure(picture.place, first, last, context);
    if picture.arrival.is_none() {
        unseen.push(Unseen {
            telemetry: "a connection to the opened port".to_owned(),
            host: context.identity.name(picture.place).cloned(),
            effect: nearest(picture, settings).leaves_open(picture, context),
        });
    }
    let mut notes = notes(picture, context);
    let up = was_up(picture.place, knock, context);
    notes.extend((tier == Tier::NetworkOnly && !up).then(|| NOT_UP.to_owned()));
    let (who, steps) = (entities(picture, context), steps(picture));
    Finding {
        analytic: about.id,
        span: picture.span(),
        also_satisfies: Vec::new(),
        title: title(picture, settings, tier, context),
        severity,
        tier,
        confidence,
        actions: of_sequence(&who, &steps, None),
        entities: who,
        steps,
        conditions: conditions(picture, settings, context),
        tables: Vec::new(),
        score,
        order,
        unseen,
        alternatives: about.benign.iter().map(|s| (*s).to_owned()).collect(),
        notes,
    }
}

fn title(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    tier: Tier,
    context: &Context,
) -> String {
    let knock = picture.knock;
    let (source, host) = (knock.source, host_words(picture.place, context));
    let count = match knock.is_cut() {
        true => format!("at least {}", knock.ports().len()),
        false => knock.ports().len().to_string(),
    };
    let port = opened_port(picture).unwrap_or_default();
    // Of a source that had scanned before, the few ports of this sequence are no scan.
    let few = knock.ports().len() <= settings.max_sequence_len as usize;
    let verb = match knock.scan {
        true if few => "scanned the host and touched",
        true => "scanned",
        false => "touched",
    };
    let up = was_up(picture.place, knock, context);
    match (picture.arrival, tier) {
        (None, _) => {
            let after = picture
                .tied
                .first()
                .map(|t| t.change.event.time.since(knock.last().event.time));
            format!(
                "{source} {verb} {count} closed ports of {host}; port {port}/tcp was opened{}; {}",
                after
                    .map(|a| {
                        let side = if a < Span::ZERO { "before" } else { "after" };
                        format!(" {} {side} the last of them", a.abs())
                    })
                    .unwrap_or_default(),
                nearest(picture, settings).title(picture, settings)
            )
        }
        (Some(arrival), Tier::NetworkOnly) => format!(
            "{source} {verb} {count} {} ports of {host} and {} later made the first completed connection to \
             port {port}/tcp{}",
            if up { "closed" } else { "silent" },
            arrival.time().since(knock.last().event.time),
            match (picture.proven, up) {
                (true, true) => ", which had been closed to it",
                (true, false) => ", which had been silent before",
                (false, _) => " in this evidence",
            }
        ),
        (Some(_), _) => {
            let after = picture
                .strongest()
                .map(|t| t.change.event.time.since(knock.last().event.time));
            let gap = match after {
                Some(after) if after >= Span::ZERO => format!("{after} after the last touch"),
                Some(after) => format!("{} before the last touch", after.abs()),
                None => String::new(),
            };
            format!(
                "{source} {verb} {count} closed ports of {host}; port {port}/tcp opened {}{gap}; {source} {}",
                match picture.opened() {
                    Some(Opened::Before) => "to it, while others had it open, ",
                    _ => "",
                },
                match picture.opened() {
                    Some(Opened::ByAnother { address, .. }) =>
                        format!("connected to it, after {address} had"),
                    Some(Opened::Before) => "then connected to it".to_owned(),
                    _ => "was the first to connect to it".to_owned(),
                }
            )
        }
    }
}

fn conditions(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    context: &Context,
) -> Vec<Condition> {
    let knock = picture.knock;
    let mut conditions = vec![Condition {
        text: "distinct closed ports touched by one source".to_owned(),
        setting: format!(
            "at least {} within {}",
            settings.min_sequence_len, settings.knock_span
        ),
        measured: match knock.is_cut() {
            true => format!(
                "at least {}; the first {} of them in {}",
                knock.ports().len(),
                knock.touches.len(),
                knock.length()
            ),
            false => format!("{} in {}", knock.ports().len(), knock.length()),
        },
    }];
    let change = picture.strongest();
    if let Some(tied) = change {
        conditions.push(Condition {
            text: match tied.tie {
                Tie::Exact => "a change of exposure names the port".to_owned(),
                Tie::Program => program_words(tied.change).to_owned(),
                _ => "a change of exposure covers the port".to_owned(),
            },
            setting: format!("within {} of the first touch", settings.time_window),
            measured: tied.change.event.time.since(knock.first()).to_string(),
        });
    }
    if let Some(arrival) = picture.arrival {
        conditions.push(Condition {
            text: match (arrival.completed, picture.opened()) {
                (true, Some(Opened::ByAnother { .. } | Opened::Before)) => {
                    "the same source completed a handshake to the port after the change"
                }
                (false, Some(Opened::ByAnother { .. } | Opened::Before)) => {
                    "the host let in the same source's connection to the port after the change; its log does not \
                     tell whether the handshake was completed"
                }
                (true, _) => "the same source made the first completed handshake to the port in this evidence",
                (false, _) => {
                    "the host let in the same source's connection to the port, the first in this evidence; its log \
                     does not tell whether the handshake was completed"
                }
            }
            .to_owned(),
            setting: format!("within {} of the first touch", settings.time_window),
            measured: arrival.time().since(knock.first()).to_string(),
        });
        let tried = [120, 60].map(Span::seconds);
        let tried = tried.into_iter().filter(|t| *t < settings.time_window);
        let tried: Vec<Span> = tried.collect();
        let mut held = tried.iter().rev();
        let tightest = held.find(|t| arrival.time().since(knock.first()) <= **t);
        if let Some(tightest) = tightest {
            let tried: Vec<String> = tried.iter().rev().map(Span::to_string).collect();
            conditions.push(Condition {
                text: "the chain also holds in a tighter window".to_owned(),
                setting: format!("{} tried", tried.join(" and ")),
                measured: tightest.to_string(),
            });
        }
    }
    if picture.proven && change.is_none() {
        conditions.push(Condition {
            text: "the port had been closed to the same source before".to_owned(),
            setting: "a reset, a refusal or no answer, of a host that is up".to_owned(),
            measured: if was_up(picture.place, knock, context) {
                "seen"
            } else {
                "no answer; the host may have been down"
            }
            .to_owned(),
        });
    }
    conditions
}

/// What shows that the port was not open before, and since when it is known to be.
fn what_first_means(picture: &Picture<'_>, arrival: &Arrival, context: &Context) -> String {
    let port = arrival.port;
    let Some(since) = picture.door.arrivals.open_since(arrival.transport, port) else {
        return format!("port {port}/tcp: more ports were open than are remembered");
    };
    let shown = context.labels.place(&since.provenance);
    match picture.opened() {
        Some(Opened::Before) => format!(
            "port {port}/tcp was open to others before ({shown}); one of the touches shows that the source was turned \
             away there, and the rule lets in this source and nobody else"
        ),
        Some(Opened::ByAnother { address, .. }) => format!(
            "nothing shows port {port}/tcp of this host open before the change; the earliest sign is {shown}, a \
             connection of {address}"
        ),
        _ if tried_before(picture.door, arrival, picture.knock).is_some() => format!(
            "\"first\" means: in all evidence before the touches (from --from on, where that was given), nothing \
             shows port {port}/tcp of this host open; the earliest sign is {shown}, an attempt of the same source \
             after the touches whose handshake was not completed"
        ),
        _ => format!(
            "\"first\" means: in all evidence before it (from --from on, where that was given), nothing shows port \
             {port}/tcp of this host open; the earliest sign is {shown}"
        ),
    }
}

fn notes(picture: &Picture<'_>, context: &Context) -> Vec<String> {
    let mut notes: Vec<String> = afterwards_note(picture.knock).into_iter().collect();
    if let Some(arrival) = picture.arrival {
        notes.push(what_first_means(picture, arrival, context));
        let others: Vec<_> = picture
            .door
            .others_at(
                arrival.transport,
                arrival.port,
                picture.knock.source,
                arrival.time(),
            )
            .filter(|other| other.time().since(arrival.time()) <= LINGER)
            .collect();
        if !others.is_empty() {
            let mut addresses: Vec<IpAddr> = others.iter().map(|a| a.remote.address).collect();
            addresses.sort_unstable();
            addresses.dedup();
            let shown: Vec<String> = addresses.iter().take(5).map(IpAddr::to_string).collect();
            notes.push(format!(
                "{} reached the port in the {} that follow: {}{}",
                counted(addresses.len() as u64, "other source"),
                LINGER,
                shown.join(", "),
                if addresses.len() > 5 { ", ..." } else { "" }
            ));
        }
        if let What::Attempt(attempt) = &arrival.event.what
            && attempt.marks.has(Marks::TWO_SENSORS)
        {
            notes.push("the connection was seen by two sensors and counted once".to_owned());
        }
    }
    notes
}
