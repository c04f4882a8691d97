//! The steps of a picture, in time order: touches, what is tied to them, who came in, and what stands
//! behind the changes.

use super::arrivals::Arrival;
use super::change::{Change, is_by_default};
use super::exposure::Tie;
use super::opening::{Opened, TiedChange, opened, tried_before};
use super::picture::{LINGER, Picture, closes, same_rule};
use crate::model::finding::{Role, Step};
use crate::model::{Event, Span, What};
use std::collections::BTreeSet;

fn remark_of(tied: &TiedChange<'_>) -> &'static str {
    match tied.tie {
        Tie::Weak => "names no port",
        Tie::Covers => "covers the port among others",
        Tie::Program if is_by_default(tied.change) => "it uses the port by default",
        Tie::Program => "for the program that holds the port",
        Tie::Exact | Tie::None => "",
    }
}

/// One step per change: the records that several logs hold of one change stand together, the most
/// telling of them in front.
fn grouped<'c>(changes: impl Iterator<Item = (&'c Change, &'static str)>) -> Vec<Step> {
    let mut groups: Vec<Vec<(&Change, &'static str)>> = Vec::new();
    for (change, remark) in changes {
        match groups
            .iter_mut()
            .find(|g| g.iter().any(|(c, _)| c.tells_the_same_as(change)))
        {
            Some(group) => group.push((change, remark)),
            None => groups.push(vec![(change, remark)]),
        }
    }
    groups
        .into_iter()
        .filter_map(|group| {
            let (first, remark) = *group
                .iter()
                .min_by_key(|(c, _)| (c.rank(), c.event.order()))?;
            let earlier: BTreeSet<_> = group.iter().filter_map(|(c, _)| c.rests_on()).collect();
            let also = group
                .iter()
                .map(|(c, _)| c.event.provenance)
                .filter(|p| *p != first.event.provenance)
                .chain(earlier.iter().copied())
                .collect();
            let mut remarks = vec![remark.to_owned()];
            if remark.is_empty() && !earlier.is_empty() {
                remarks = vec!["an earlier record says what it was".to_owned()];
            }
            // Times are told from the record that came first.
            let begun = group.iter().map(|(c, _)| c.event.time).min();
            let before = begun.map_or(Span::ZERO, |begun| first.event.time.since(begun));
            if before > Span::ZERO {
                remarks.push(format!("another record of it is {before} earlier"));
            }
            remarks.retain(|remark| !remark.is_empty());
            Some(Step {
                role: Role::Change,
                event: first.event.clone(),
                also,
                remark: remarks.join("; "),
            })
        })
        .collect()
}

/// What is said of a connection whose first SYNs were not answered: the step stands at the first of them.
pub fn waited(event: &Event) -> String {
    event
        .at_the_answered_try()
        .map_or_else(String::new, |entry| {
            let waited = entry.time.since(event.time);
            format!("; its SYN was sent again, and let in {waited} after the first")
        })
}

/// The steps, in time order.
pub fn steps(picture: &Picture<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let role = if picture.knock.scan {
        Role::Scan
    } else {
        Role::Probe
    };
    let knock = picture.knock;
    let led = knock.touches.iter().map(|touch| (touch, ""));
    let afterwards = knock.afterwards.iter().map(|t| (t, "after the connection"));
    for (touch, remark) in led.chain(afterwards) {
        steps.push(Step {
            role,
            event: touch.event.clone(),
            also: touch.also.clone(),
            remark: remark.to_owned(),
        });
    }
    steps.extend(knock.aside.iter().map(|touch| Step {
        role: Role::Context,
        event: touch.event.clone(),
        also: touch.also.clone(),
        remark: "a datagram, which does not count".to_owned(),
    }));
    steps.extend(grouped(
        picture.tied.iter().map(|t| (t.change, remark_of(t))),
    ));
    if let Some(arrival) = picture.arrival {
        if let Some(tried) = tried_before(picture.door, arrival, picture.knock) {
            steps.push(Step {
                role: Role::Context,
                event: tried.clone(),
                also: Vec::new(),
                remark: "the same source found the port open".to_owned(),
            });
        }
        let opened = opened(picture.door, arrival, picture.knock);
        if let Opened::ByAnother { event, .. } = opened {
            steps.push(Step {
                role: Role::Context,
                event: event.clone(),
                also: Vec::new(),
                remark: format!("another source is the first at the port{}", waited(event)),
            });
        }
        let mut also = arrival.also.clone();
        if let What::Attempt(attempt) = &arrival.event.what {
            also.extend(attempt.accepted);
            also.extend(attempt.deciding);
        }
        also.sort_unstable();
        also.dedup();
        also.retain(|p| *p != arrival.event.provenance);
        steps.push(Step {
            role: Role::Connect,
            event: arrival.event.clone(),
            also,
            remark: {
                let tried = tried_before(picture.door, arrival, picture.knock);
                let first = match (opened, tried) {
                    (Opened::ByIt(_), Some(_)) => "first completed in this evidence",
                    (Opened::ByIt(_), None) => "first in this evidence",
                    (Opened::ByAnother { .. }, _) => "first of this source after the change",
                    (Opened::Before, _) => "the port was open to others before",
                };
                format!("{first}{}", waited(&arrival.event))
            },
        });
        let after = picture
            .door
            .changes
            .between(arrival.time(), arrival.time().shifted(LINGER));
        let closing = after
            .filter(|c| {
                closes(c)
                    && picture
                        .tied
                        .iter()
                        .any(|t| same_rule(&t.change.event, &c.event))
            })
            .map(|c| (c, "the door closes again"));
        steps.extend(grouped(closing));
    }
    let tied = || {
        picture
            .tied
            .iter()
            .filter(|t| t.tie > Tie::Weak)
            .map(|t| t.change)
    };
    steps.extend(picture.door.surroundings.behind(tied()));
    let end = picture
        .arrival
        .map_or(picture.knock.last().event.time, Arrival::time);
    steps.extend(picture.door.surroundings.wiped(picture.knock.first(), end));
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by(|a, b| a.event.provenance == b.event.provenance);
    steps
}
