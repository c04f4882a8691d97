//! What is stated beside the reasons: counts, what came later, what carries how far, what was not there.

use super::alarm::{Alarm, SOON};
use super::judge::{Ground, Measured, whole_days};
use super::otherwise::{failing, outside_words, shared};
use super::settings::FailedConnectionsSettings;
use super::tables::Relation;
use super::target::{Failure, Target};
use super::targets::{distinct, segments};
use super::telling::{own_address, ports};
use crate::context::activity::INACTIVE_AFTER;
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::Unseen;
use crate::model::plural::counted;
use crate::model::{Span, Text};
use std::net::IpAddr;

/// A hardware address that speaks for so many IPv4 or IPv6 addresses may be a router's.
const ROUTER: usize = 3;

/// What was not there to see.
pub(super) fn unseen(place: Place, alarm: &Alarm, context: &Context) -> Vec<Unseen> {
    let measured = &alarm.measured;
    let source: Text = match (context.identity.name(place), place) {
        (None, Place::Address(address)) => address.to_string().into(),
        (name, _) => name.cloned().unwrap_or_default(),
    };
    let mut unseen = Vec::new();
    let mut add = |telemetry: String, host: Option<Text>, effect: &str| {
        unseen.push(Unseen {
            telemetry,
            host,
            effect: effect.to_owned(),
        });
    };
    if measured.internal && measured.listening < INACTIVE_AFTER {
        let heard = measured.listening.roughly();
        // What a gap swallowed is something else than what lies before all evidence.
        if measured.reach > measured.listening {
            add(
                format!("more than {heard} of evidence without a gap before it"),
                None,
                "a target that was alive only during the gap counts as missing",
            );
        } else {
            add(
                format!("more than {heard} of evidence before it"),
                None,
                "a target that was alive before the evidence begins counts as not seen before",
            );
        }
    }
    let unheard = alarm
        .targets
        .iter()
        .filter(|(_, t)| t.internal && !t.vouched);
    let unheard = distinct(unheard.map(|(address, _)| *address));
    if unheard > 0 {
        add(
            format!(
                "life in the neighbourhood of {}",
                counted(unheard.into(), "target")
            ),
            None,
            "nobody else there was ever heard, so silence there may be the sensor's place and not absence",
        );
    }
    if !context.identity.keeps_logs(place) {
        add(
            "event logs".to_owned(),
            Some(source),
            "which process made the attempts is not known",
        );
    }
    unseen
}

/// Addresses that the source's hardware address was announced for.
fn router_addresses(source: Option<IpAddr>, measured: &Measured, context: &Context) -> usize {
    source
        .and_then(|address| context.identity.mac_at(address, measured.at))
        .map_or(0, |mac| {
            context.identity.addresses_of(&mac, measured.at).len()
        })
}

/// Further facts worth stating.
pub(super) fn notes(
    place: Place,
    alarm: &Alarm,
    relation: Option<&Relation>,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Vec<String> {
    let measured = &alarm.measured;
    let mut notes = Vec::new();
    let ports = ports(&alarm.targets);
    let tries = alarm.targets.values().map(|t| u64::from(t.tries.count()));
    let attempts: u64 = tries.sum();
    let held = alarm.targets.values().filter_map(|t| t.failed);
    let last = held.map(|(_, last)| last).max();
    let inferred = failing(alarm, Failure::LoggedOnly) > 0;
    let failed = match inferred {
        true => format!(
            "{} that failed or count as failed,",
            counted(attempts, "attempt")
        ),
        false => counted(attempts, "failed attempt"),
    };
    notes.push(format!(
        "{failed} to {} in {} (/24, /64){}{}; {} of them after the conditions were met",
        counted(alarm.targets.len() as u64, "target"),
        counted(segments(alarm.targets.keys()) as u64, "neighbourhood"),
        match ports.len() as u64 {
            0 => ", none of a port".to_owned(),
            ports => format!(" on {}", counted(ports, "port")),
        },
        last.map(|t| format!(", the last at {} {}", t.date(), t.clock(3)))
            .unwrap_or_default(),
        alarm.later
    ));
    if let Some((more, last)) = alarm.left_out {
        notes.push(format!(
            "{} to further missing targets, the last at {} {}, {} not held: how many targets these are is not known",
            counted(more, "further failed attempt"),
            last.date(),
            last.clock(3),
            if more == 1 { "is" } else { "are" },
        ));
    }
    let (all, count) = (alarm.targets.len(), distinct(alarm.targets.keys().copied()));
    if all as u64 > u64::from(count) {
        notes.push(format!(
            "the {all} addresses count as {count}: random IPv6 addresses count by their /64"
        ));
    }
    if alarm.answered > 0 {
        notes.push(format!(
            "{} more failed, and answered or refused less than {SOON} later: they are not called missing",
            alarm.answered
        ));
    }
    notes.extend(later_life(alarm, settings, context));
    notes.extend(for_information(alarm, relation, settings));
    if let Some(relation) = relation.filter(|r| r.rare && !r.carries) {
        notes.push(format!(
            "{} of the {all} targets are due to {}, whose relation to its causality owner is rare; too few to say it \
             of the finding",
            relation.targets,
            image_name(&relation.actor.0)
        ));
    }
    if measured.internal {
        let history = measured.history.roughly();
        let known = match measured.reach.roughly() {
            reach if reach == history => format!("from {history} before it"),
            reach => format!("of {history} within the {reach} before it"),
        };
        notes.push(format!(
            "activity is known {known}, by {}; a sign of life is what a host did itself",
            context.baseline.sources()
        ));
    } else {
        notes.push(match outside_words(alarm.targets.keys()) {
            "addresses of the Internet" => {
                "hosts of the Internet are never \"missing\": nobody sees all of it, so this is for information only"
                    .to_owned()
            }
            _ => "addresses outside the internal networks are never \"missing\", so this is for information only"
                .to_owned(),
        });
    }
    let speaks_for = router_addresses(own_address(place, alarm, context), measured, context);
    if speaks_for >= ROUTER {
        notes.push(format!(
            "the source's hardware address speaks for {speaks_for} addresses: it may be a router or a proxy, and \
             whoever stands behind it counts as one"
        ));
    }
    let shared = shared(alarm);
    if shared > 0 {
        notes.push(format!(
            "{shared} of the targets failed for at least 3 sources on that day: an outage looks like this"
        ));
    }
    if inferred {
        notes.push(
            "what became of attempts without packets no record tells: they count as failed because Sysmon logged \
             other connections (event 3) of the program to that port before and after, and none for them; a target \
             that refused them, and one that Sysmon is configured to leave out, look the same there"
                .to_owned(),
        );
    }
    if alarm.untold > 0 {
        notes.push(format!(
            "{} further attempts were logged whose outcome no evidence tells; they are not counted",
            alarm.untold
        ));
    }
    if context.contacts.left_out > 0 {
        notes.push(
            "more contacts were seen than are remembered: usual counts may be too small".to_owned(),
        );
    }
    if let Some(relation) = relation
        && relation.causality.is_some()
        && (relation.days as i64) < whole_days(settings.activation)
    {
        notes.push(format!(
            "{} with the causality owner {}: whether that is rare cannot be told from {} days of processes",
            image_name(&relation.actor.0),
            relation
                .causality
                .as_ref()
                .map_or("", |(owner, _)| image_name(owner)),
            relation.days
        ));
    }
    notes
}

/// Signs that targets were there later: they were missing when they failed, and whoever judges the finding
/// should know.
fn later_life(
    alarm: &Alarm,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(first) = alarm.came.values().min() {
        notes.push(format!(
            "{} of the targets answered or refused this source {} or more after they failed, the first at {} {}: they \
             were missing only before",
            alarm.came.len(),
            SOON.roughly(),
            first.date(),
            first.clock(0)
        ));
    }
    let until = alarm.measured.at.shifted(settings.dedup);
    let lived = |(address, target): &(&IpAddr, &Target)| {
        let failed = target.failed.map(|(_, last)| last.shifted(Span(1)));
        !alarm.came.contains_key(*address)
            && failed.is_some_and(|from| context.activity.between(**address, from, until))
    };
    let lived: Vec<_> = alarm.targets.iter().filter(lived).collect();
    if let Some((first, _)) = lived.first() {
        notes.push(format!(
            "{} of the targets showed other signs of life later, within {} of the finding ({first}{}): they were \
             missing only before",
            lived.len(),
            settings.dedup.roughly(),
            if lived.len() > 1 { " and others" } else { "" }
        ));
    }
    notes
}

/// Why a finding about the own network is no more than information.
fn for_information(
    alarm: &Alarm,
    relation: Option<&Relation>,
    settings: &FailedConnectionsSettings,
) -> Option<String> {
    let measured = &alarm.measured;
    let rare = relation.is_some_and(|r| r.rare && r.carries);
    if !measured.internal || alarm.low && !rare {
        return None;
    }
    let mut why = Vec::new();
    if !measured.count.abnormal {
        why.push("the mixture alone is abnormal".to_owned());
    }
    if let Ground::Peers { days, .. } | Ground::Nothing { days } = measured.count.ground {
        why.push(format!(
            "{} of its own to compare with, of {} needed",
            counted(days as u64, "day"),
            whole_days(settings.activation)
        ));
    }
    if measured.listening < INACTIVE_AFTER {
        why.push(format!(
            "only {} of evidence without a gap before it",
            measured.listening.roughly()
        ));
    }
    let firm = measured.vouched.saturating_sub(measured.shared);
    if firm < settings.min_targets {
        why.push(format!(
            "{firm} targets count for more, of {} needed: of {} missing, {} have neighbours that were heard, and {} failed \
             for several sources",
            settings.min_targets, measured.missing, measured.vouched, measured.shared
        ));
    }
    if rare {
        why.push("a rare relation of causality owner and process".to_owned());
    }
    (!why.is_empty()).then(|| {
        format!(
            "for information only, when it was judged: {}",
            why.join("; ")
        )
    })
}
