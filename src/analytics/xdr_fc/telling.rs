//! The finding: what failed, against what it was held, and how far that carries.

use super::judge::{Ground, Measured, whole_days};
use super::settings::FailedConnectionsSettings;
use super::steps::steps;
use super::tables::{Relation, relation, tables};
use super::targets::{Failure, PORTS, Target, Who, distinct, fared, segments};
use super::{Alarm, FailedConnections, SOON};
use crate::analytics::contract::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::analytics::kit::standing::Standing;
use crate::analytics::kit::statistics::shown;
use crate::context::activity::{INACTIVE_AFTER, State as Life, counted_as};
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{
    Condition, Entities, Finding, OrderCheck, Reach, ScoreItem, Severity, Tier, Unseen,
};
use crate::model::plural::counted;
use crate::model::{Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A hardware address that speaks for so many IPv4 or IPv6 addresses may be a router's.
const ROUTER: usize = 3;

/// The first and the last failure of all targets: the steps show some of them.
fn failures(alarm: &Alarm) -> Option<(Timestamp, Timestamp)> {
    let failed = || alarm.targets.values().filter_map(|t| t.failed);
    let first = failed().map(|(first, _)| first).min();
    first.zip(failed().map(|(_, last)| last).max())
}

/// Makes the finding of an alarm.
pub(super) fn tell(
    place: Place,
    alarm: Alarm,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Finding {
    let measured = &alarm.measured;
    let relation = relation(place, &alarm, settings, context);
    let carried = relation.as_ref().filter(|r| r.carries);
    let rare = carried.is_some_and(|r| r.rare);
    let tier = tier(&alarm.targets);
    let address = own_address(place, &alarm, context);
    let at = alarm.measured.at;
    let standing = Standing::of(place, address, at, alarm.targets.keys(), context);
    let score = score(&alarm, rare, &standing);
    let sum: i32 = score.iter().map(|item| item.points).sum();
    Finding {
        analytic: FailedConnections::ABOUT.id,
        span: failures(&alarm),
        also_satisfies: Vec::new(),
        title: title(place, &alarm, rare, context),
        // The vendor's variation with a rare relation is informational whatever the count.
        severity: if alarm.low && !rare {
            Severity::Low
        } else {
            Severity::Info
        },
        tier,
        confidence: sum.clamp(5, 95) as u8,
        entities: Entities {
            host_name: context.identity.name(place).cloned().unwrap_or_default(),
            host_address: address,
            process: carried.map_or_else(Text::default, |r| r.actor.0.as_str().into()),
            pid: carried.and_then(|r| r.actor.1),
            reach: Some(Reach {
                addresses: alarm.targets.keys().copied().collect(),
                ports: ports(&alarm.targets),
                more: alarm.more || alarm.targets.values().any(|t| t.ports.len() >= PORTS),
            }),
            ..Entities::default()
        },
        steps: steps(&alarm.targets),
        conditions: conditions(&alarm, settings),
        tables: tables(&alarm, relation.as_ref(), context),
        score,
        order: OrderCheck::of_one_clock(),
        unseen: unseen(place, measured, context),
        alternatives: FailedConnections::ABOUT
            .benign
            .iter()
            .map(|b| (*b).to_owned())
            .collect(),
        actions: actions(carried.map(|r| &r.actor)),
        notes: notes(place, &alarm, relation.as_ref(), settings, context)
            .into_iter()
            .chain(standing.sentence())
            .collect(),
    }
}

fn own_address(place: Place, alarm: &Alarm, context: &Context) -> Option<IpAddr> {
    match place {
        Place::Address(address) => Some(address),
        Place::Host(id) => context.identity.addresses_at(id, alarm.measured.at).next(),
    }
}

/// Ports of failed attempts.
fn ports(targets: &BTreeMap<IpAddr, Target>) -> BTreeSet<u16> {
    targets.values().flat_map(|t| &t.ports).copied().collect()
}

/// How many were never seen, inactive, listed without a sign; as many in all as count.
fn by_life(targets: &BTreeMap<IpAddr, Target>) -> [usize; 3] {
    let mut lives: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (address, target) in targets {
        let life = match target.missing {
            Some(Life::Inactive(_)) => 1,
            Some(Life::Listed) => 2,
            _ => 0,
        };
        // Of a network that counts as one, what is known best.
        let held = lives.entry(counted_as(*address)).or_insert(life);
        *held = life.max(*held);
    }
    [0, 1, 2].map(|life| lives.values().filter(|held| **held == life).count())
}

fn title(place: Place, alarm: &Alarm, rare: bool, context: &Context) -> String {
    let host = host_words(place, context);
    let n = distinct(alarm.targets.keys().copied());
    let [failed, and] = fared(alarm.targets.values());
    if !alarm.measured.internal {
        return format!("{host} {failed} {n} addresses of the Internet that no lookup named{and}");
    }
    let [never, inactive, listed] = by_life(&alarm.targets);
    let mut parts = Vec::new();
    for (count, words) in [
        (never, "not seen before"),
        (inactive, "inactive for more than 24 h"),
        (listed, "listed but silent"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    let relation = if rare {
        ", from a rare relation of causality owner and process"
    } else {
        ""
    };
    format!(
        "{host} {failed} {n} missing hosts ({}){and}{relation}",
        parts.join(", ")
    )
}

/// What shows four fifths of the targets; both, where neither does alone.
fn tier(targets: &BTreeMap<IpAddr, Target>) -> Tier {
    let most = |by: usize| {
        let shown = targets.values().filter(|t| t.shown_by[by]).count();
        shown * 5 >= targets.len() * 4
    };
    match (most(0), most(1)) {
        (false, true) => Tier::HostOnly,
        (true, false) => Tier::NetworkOnly,
        (true, true) | (false, false) => Tier::Both,
    }
}

/// True if packets and the host's log both show four fifths of the targets.
fn agree(targets: &BTreeMap<IpAddr, Target>) -> bool {
    let both = targets.values().filter(|t| t.shown_by == [true, true]);
    both.count() * 5 >= targets.len() * 4
}

fn score(alarm: &Alarm, rare: bool, standing: &Standing) -> Vec<ScoreItem> {
    let measured = &alarm.measured;
    let mut score = Vec::new();
    let mut add = |holds: bool, points: i32, reason: &str| {
        if holds {
            score.push(ScoreItem {
                reason: reason.to_owned(),
                points,
            });
        }
    };
    let own = matches!(measured.count.ground, Ground::Own { .. });
    let inside = measured.internal;
    add(inside && measured.count.abnormal, 30, "abnormal count");
    add(measured.mixture.abnormal, 15, "abnormal mixture");
    add(!inside, 20, "many failing Internet addresses");
    add(
        measured.internal && own,
        15,
        "held against the source's own days",
    );
    let agree = agree(&alarm.targets);
    add(agree, 15, "packets and the host's log agree");
    add(rare, 15, "rare relation of causality owner and process");
    let many = distinct(alarm.targets.keys().copied()) >= 100;
    add(many, 10, "a hundred targets or more");
    add(
        standing.crosses(),
        5,
        "targets lie in segments of the settings file that are not the source's own",
    );
    add(
        standing.workstation,
        5,
        "the settings file calls the source a workstation",
    );
    add(
        standing.workstation && standing.crosses(),
        5,
        "a workstation that reaches into other segments",
    );
    let short = measured.listening < INACTIVE_AFTER;
    add(
        measured.internal && short,
        -10,
        "less than a day of evidence before: \"inactive\" cannot be told",
    );
    let deaf = measured.vouched * 2 < measured.missing;
    add(
        measured.internal && deaf,
        -15,
        "the sensor was not seen to hear the targets' segment",
    );
    let shared = measured.shared * 2 > measured.missing;
    add(shared, -15, "other sources fail to reach the same targets");
    score
}

/// What to do next: the process that made the most of them is named where records tell it.
fn actions(actor: Option<&Who>) -> Vec<String> {
    let general = FailedConnections::ABOUT.actions.iter();
    let named = actor.map(|(image, pid)| match pid {
        Some(pid) => format!("{} ({pid})", image_name(image)),
        None => image_name(image).to_owned(),
    });
    let told = |action: &&str| match &named {
        Some(name) => action.replace("the process and its", &format!("{name} and its")),
        None => (*action).to_owned(),
    };
    general.map(told).collect()
}

fn conditions(alarm: &Alarm, settings: &FailedConnectionsSettings) -> Vec<Condition> {
    let measured = &alarm.measured;
    let mut conditions = Vec::new();
    let mut add = |text: &str, setting: String, value: String| {
        conditions.push(Condition {
            text: text.to_owned(),
            setting,
            measured: value,
        });
    };
    let (count, mixture) = (&measured.count, &measured.mixture);
    let window = settings.test;
    // The finding takes in what fails until it is told; its conditions were met earlier, by fewer.
    let at_first = match distinct(alarm.targets.keys().copied()) {
        all if all > measured.missing => format!("{} at first, {all} in all", measured.missing),
        _ => measured.missing.to_string(),
    };
    if !measured.internal {
        add(
            "many addresses of the Internet failed, none of them named by a lookup",
            format!("at least {} within {window}", settings.outside_targets),
            at_first.clone(),
        );
        add(
            "hardly any of those tried answered or refused",
            format!(
                "at least four in five failed, by a chance of at most {}",
                shown(settings.rarity())
            ),
            format!(
                "{} of {} failed, p {} at a rate of {:.3}, from {} missing of {} of the other sources \
                 inside the network, drawn towards 1 in 10",
                mixture.k,
                mixture.n,
                shown(mixture.p),
                mixture.rate,
                mixture.others.0,
                counted(mixture.others.1, "target")
            ),
        );
        return conditions;
    }
    if count.abnormal {
        match count.ground {
            Ground::Nothing { .. } => add(
                "many targets are missing, with nothing to compare with",
                format!("at least {} within {window}", settings.short_targets),
                at_first.clone(),
            ),
            _ => {
                add(
                    "many targets are missing",
                    format!("at least {} within {window}", settings.min_targets),
                    at_first.clone(),
                );
                add(
                    "that is far above the usual count, or rarer than chance allows",
                    format!(
                        "z at least {:?}, or p at most {}",
                        settings.z(),
                        shown(settings.rarity())
                    ),
                    format!(
                        "z {:.1}, p {} (adjusted {}, rank {} of {})",
                        count.z,
                        shown(count.p),
                        shown(count.adjusted.value),
                        count.adjusted.rank,
                        count.adjusted.of
                    ),
                );
            }
        }
    }
    if mixture.abnormal {
        add(
            "missing targets are an abnormal share of all targets",
            format!("chance at most {}", shown(settings.rarity())),
            format!(
                "{} of {} missing, where others have {:.3}; p {}",
                mixture.k,
                mixture.n,
                mixture.rate,
                shown(mixture.p)
            ),
        );
    }
    add(
        "it is no long-running scanner",
        format!(
            "fewer than {} days in a row with {} missing targets",
            settings.scanner_days, settings.min_targets
        ),
        format!("{} before", counted(measured.scanned_days as u64, "day")),
    );
    conditions
}

fn unseen(place: Place, measured: &Measured, context: &Context) -> Vec<Unseen> {
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
        add(
            format!(
                "more than {} of evidence before it",
                measured.listening.roughly()
            ),
            None,
            "a target that was alive before the evidence begins counts as not seen before",
        );
    }
    if measured.vouched < measured.missing && measured.internal {
        add(
            format!(
                "the segment of {} targets",
                measured.missing - measured.vouched
            ),
            Some(source.clone()),
            "nobody there was ever heard, so silence there may be the sensor's place and not absence",
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

fn notes(
    place: Place,
    alarm: &Alarm,
    relation: Option<&Relation>,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Vec<String> {
    let measured = &alarm.measured;
    let mut notes = Vec::new();
    let ports = ports(&alarm.targets);
    let attempts: u64 = alarm.targets.values().map(|t| u64::from(t.attempts)).sum();
    let last = alarm
        .targets
        .values()
        .filter_map(|t| t.failed.map(|(_, last)| last))
        .max();
    let inferred = alarm
        .targets
        .values()
        .any(|t| t.failures.contains(&Failure::LoggedOnly));
    let failed = match inferred {
        true => format!(
            "{} that failed or count as failed,",
            counted(attempts, "attempt")
        ),
        false => counted(attempts, "failed attempt"),
    };
    notes.push(format!(
        "{failed} to {} in {} (/24, /64) on {}{}; {} of them after the conditions were met",
        counted(alarm.targets.len() as u64, "target"),
        counted(segments(alarm.targets.keys()) as u64, "neighbourhood"),
        counted(ports.len() as u64, "port"),
        last.map(|t| format!(", the last at {} {}", t.date(), t.clock(3)))
            .unwrap_or_default(),
        alarm.later
    ));
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
    if let Some(relation) = relation.filter(|r| r.rare && !r.carries) {
        notes.push(format!(
            "{} of the {all} targets are due to {}, whose relation to its causality owner is rare; too few to say it \
             of the finding",
            relation.targets,
            image_name(&relation.actor.0)
        ));
    }
    if measured.internal {
        notes.push(format!(
            "activity is known from {} before it, by {}; a sign of life is what a host did itself",
            measured.history.roughly(),
            context.baseline.sources()
        ));
    } else {
        notes.push(
            "hosts of the Internet are never \"missing\": nobody sees all of it, so this is for information only"
                .to_owned(),
        );
    }
    let speaks_for = router_addresses(own_address(place, alarm, context), measured, context);
    if speaks_for >= ROUTER {
        notes.push(format!(
            "the source's hardware address speaks for {speaks_for} addresses: it may be a router or a proxy, and \
             whoever stands behind it counts as one"
        ));
    }
    if measured.shared > 0 {
        notes.push(format!(
            "{} of the targets failed for at least 3 sources on that day: an outage looks like this",
            measured.shared
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
