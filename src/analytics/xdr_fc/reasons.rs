//! Why it is reported: the conditions with what was measured, and the points.

use super::alarm::Alarm;
use super::judge::{Ground, Mixture, whole_days};
use super::otherwise::outside_words;
use super::settings::FailedConnectionsSettings;
use super::tables::{RARE_DAYS, RARE_FROM, Relation, floor};
use super::target::Target;
use super::targets::distinct;
use crate::analytics::kit::standing::Standing;
use crate::analytics::kit::statistics::{LEAST_MAD, LEAST_MEAN, shown};
use crate::context::activity::INACTIVE_AFTER;
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{Condition, ScoreItem};
use crate::model::plural::counted;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// True if packets and the host's log both show four fifths of the targets.
fn agree(targets: &BTreeMap<IpAddr, Target>) -> bool {
    let both = targets.values().filter(|t| t.shown_by == [true, true]);
    both.count() * 5 >= targets.len() * 4
}

/// Points for and against.
pub(super) fn score(alarm: &Alarm, rare: bool, standing: &Standing) -> Vec<ScoreItem> {
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
    add(!inside, 20, "many failing addresses outside");
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

/// The conditions that hold, each with what was measured. `relation` is the one that carries the finding.
pub(super) fn conditions(
    alarm: &Alarm,
    relation: Option<&Relation>,
    settings: &FailedConnectionsSettings,
) -> Vec<Condition> {
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
        all if alarm.left_out.is_some() => {
            format!("{} at first, at least {all} in all", measured.missing)
        }
        all if all > measured.missing => format!("{} at first, {all} in all", measured.missing),
        _ => measured.missing.to_string(),
    };
    if !measured.internal {
        add(
            match outside_words(alarm.targets.keys()) {
                "addresses of the Internet" => {
                    "many addresses of the Internet failed, none of them named by a lookup"
                }
                _ => "many addresses outside failed, none of them named by a lookup",
            },
            format!("at least {} within {window}", settings.outside_targets),
            at_first.clone(),
        );
        add(
            "at least four in five of those tried failed",
            format!("chance at most {}", shown(settings.rarity())),
            format!(
                "{} of {} failed, {}",
                mixture.k,
                mixture.n,
                chance(mixture, "inside the network")
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
                    match count.ground {
                        Ground::Peers { .. } => {
                            "that is far above the count of other sources that day, or rarer than chance allows"
                        }
                        _ => "that is far above the usual count, or rarer than chance allows",
                    },
                    format!(
                        "z at least {:?}, or p at most {}",
                        settings.z(),
                        shown(settings.rarity())
                    ),
                    format!(
                        "z {:.1}{}, p {}{} (adjusted {}, rank {} of {})",
                        count.z,
                        floor("MAD", count.moments.mad, LEAST_MAD),
                        shown(count.p),
                        floor("mean", count.moments.mean, LEAST_MEAN),
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
                "{} of {} missing, {}{}",
                mixture.k,
                mixture.n,
                chance(mixture, ""),
                diluted(alarm)
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
    if let Some((relation, (owner, _))) = relation
        .filter(|r| r.rare)
        .and_then(|r| Some((r, r.causality.as_ref()?)))
    {
        let before = &relation.before;
        add(
            "its process rarely has that causality owner",
            format!(
                "at most {RARE_DAYS} host-day before, or 1 in 100 of at least {RARE_FROM} instances, with at least \
                 {} days of processes",
                whole_days(settings.activation)
            ),
            format!(
                "{} of {}: {} and {} of {} before, in {} days",
                image_name(&relation.actor.0),
                image_name(owner),
                counted(before.host_days, "host-day"),
                before.pair,
                counted(before.of_causality, "instance"),
                relation.days
            ),
        );
    }
    conditions
}

/// What is said of a mixture that became more usual by what was reached for later.
fn diluted(alarm: &Alarm) -> String {
    let (first, all) = (&alarm.measured.mixture, alarm.tried_in_all());
    let missing = distinct(alarm.targets.keys().copied());
    let less = u64::from(missing) * u64::from(first.n) < u64::from(first.k) * u64::from(all);
    match less && all > first.n {
        true => format!("; {missing} of {all} to its end"),
        false => String::new(),
    }
}

/// How rare a mixture is, and by which rate: what the other sources miss, drawn towards 1 in 10, so that it is
/// none that anybody has.
fn chance(mixture: &Mixture, wherever: &str) -> String {
    let others = match mixture.others {
        (_, 0) => "assumed, for no other source has targets to compare with".to_owned(),
        (missing, all) => format!(
            "from {missing} missing of {} of the other sources{}{wherever}, drawn towards 1 in 10",
            counted(all, "target"),
            if wherever.is_empty() { "" } else { " " }
        ),
    };
    format!(
        "p {} at a rate of {:.3}, {others}",
        shown(mixture.p),
        mixture.rate
    )
}
