//! The score of AN0842, item by item.

use super::settings::PortKnockSettings;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::{made_by, only_for, program_words};
use crate::analytics::kit::exposure::{STORM, Tie};
use crate::analytics::kit::picture::{Picture, closes_again};
use crate::context::Context;
use crate::model::finding::ScoreItem;

/// What speaks for and against a knock, in points.
pub(super) fn score(
    picture: &Picture<'_>,
    settings: &PortKnockSettings,
    tie: Tie,
    context: &Context,
) -> Vec<ScoreItem> {
    let knock = picture.knock;
    let mut items = Vec::new();
    match tie {
        Tie::Exact => items.push(item("a change names the port", 20)),
        Tie::Program => {
            let words = picture.strongest().map(|t| program_words(t.change));
            items.push(item(words.unwrap_or_default(), 15));
        }
        Tie::Covers => items.push(item("a change covers the port among others", 10)),
        Tie::Weak | Tie::None => {}
    }
    if picture
        .tied
        .iter()
        .any(|t| only_for(t.change, knock.source))
    {
        items.push(item("the rule lets in this source and nobody else", 15));
    }
    if knock.was_single() {
        items.push(item(
            "every touch was a single SYN that was not retried",
            10,
        ));
    }
    let ports = knock.ports();
    if ports.iter().all(|p| *p >= 1024) {
        items.push(item("no touched port is a well-known one", 5));
    }
    if ports.len() > 2 && ports.windows(2).any(|w| w[0] > w[1]) {
        items.push(item("the ports are not in rising order", 5));
    }
    if picture
        .arrival
        .is_some_and(|a| settings.watched_ports.contains(&a.port))
    {
        items.push(item("the port reached is one of WatchedPorts", 5));
    }
    if picture
        .tied
        .iter()
        .any(|t| made_by(t.change, &settings.suspicious_processes))
    {
        items.push(item(
            "the change was made by one of SuspiciousProcesses",
            10,
        ));
    }
    if let Some(arrival) = picture.arrival
        && closes_again(picture, arrival)
    {
        items.push(item(
            "the door was closed again within 300 s of the connection",
            10,
        ));
    }
    if wiped(picture) {
        items.push(item("a log was cleared or auditing changed around it", 10));
    }
    let storm = picture
        .tied
        .iter()
        .map(|t| picture.door.changes.storm_around(t.change))
        .max()
        .unwrap_or(0);
    if storm >= STORM {
        items.push(item(
            &format!("{storm} rule changes by the same hand within a minute: a deployment"),
            -30,
        ));
    }
    if let Some(reason) = picture.plain(context) {
        items.push(item(reason, -15));
    }
    if knock.scan {
        items.push(item("the source touched more ports than a knock has", -25));
    }
    items
}

/// True if somebody wiped logs or changed auditing around the sequence.
fn wiped(picture: &Picture<'_>) -> bool {
    let end = picture
        .arrival
        .map_or(picture.knock.last().event.time, Arrival::time);
    !picture
        .door
        .surroundings
        .wiped(picture.knock.first(), end)
        .is_empty()
}

pub(super) fn item(reason: &str, points: i32) -> ScoreItem {
    ScoreItem {
        reason: reason.to_owned(),
        points,
    }
}
