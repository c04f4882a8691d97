//! What else magic packets could be, and what to do next.

use super::followed::Followed;
use super::settings::SignallingSettings;
use super::starts::{Start, is_everyday};
use super::wake_telling::Targets;
use super::wake_titles::called;
use crate::model::net::mac_text;
use crate::model::{HostWhat, What};

/// Harmless senders.
const SENT: &str = "a wake-up by a management server (before updates or backups), by a user's own tool, or by an administrator";

/// What else it could be: a sender that may, and a target that came up for a reason of its own.
pub(super) fn alternatives(after: &[Followed<'_>]) -> Vec<String> {
    let mut told = vec![SENT.to_owned()];
    let starts = || after.iter().filter_map(|w| w.start.as_ref());
    if starts().any(is_boot) {
        told.push(
            "the target started by itself: its power button, a timer of its firmware, power that came back, or a \
             restart for updates"
                .to_owned(),
        );
    }
    if starts().any(Start::resumed) {
        told.push(
            "the target came back from sleep by itself: a timer, its power button, a keyboard; its record may name \
             the wake source"
                .to_owned(),
        );
    }
    if starts().any(|start| !start.is_logged()) {
        let lease = match starts().any(|start| is_everyday(&start.event)) {
            true => "its lease was renewed, ",
            false => "",
        };
        told.push(format!(
            "the target came up by itself, or was up and announced itself for another reason: {lease}its link came \
             back, its address was set anew"
        ));
    }
    told
}

fn is_boot(start: &Start) -> bool {
    matches!(&start.event.what, What::Host(host) if matches!(host.what, HostWhat::SystemStarted))
}

/// What to do next.
pub(super) fn actions(
    sender: &str,
    (targets, after): (&Targets<'_>, &[Followed<'_>]),
    routed: bool,
    settings: &SignallingSettings,
) -> Vec<String> {
    let mut told = vec![format!(
        "ask whether {sender} may wake hosts (if so: WoLAllowedSenders), and find the process on it that sent the \
         packets"
    )];
    let visited = after
        .iter()
        .filter_map(|w| w.visits().next().map(|v| (w, v)));
    let mut visited: Vec<_> = visited.collect();
    visited.sort_by_key(|(_, visit)| visit.entry().order());
    if let Some((w, visit)) = visited.first() {
        let others = match visited.len() {
            1 => String::new(),
            count => format!(" and {} other hosts", count - 1),
        };
        told.push(format!(
            "find what {sender} did on {}{others} by port {}: logons (Security 4624), shares (5140, 5145), services \
             (System 7045)",
            called(w),
            visit.port()
        ));
    }
    let unvisited = after
        .iter()
        .find(|w| w.start.is_some() && w.visits().next().is_none());
    if let (Some(w), true) = (unvisited, visited.is_empty()) {
        told.push(format!(
            "look for connections to {} after it came up, beyond {} after the signal as well",
            called(w),
            settings.admin_within
        ));
    }
    let resumed = after
        .iter()
        .filter(|w| w.start.as_ref().is_some_and(Start::resumed))
        .find(|w| w.start.as_ref().is_some_and(|s| s.source().is_none()));
    if let Some(w) = resumed {
        told.push(format!(
            "read the wake source in the record of {} (Power-Troubleshooter 1): a timer or a power button there is \
             no magic packet",
            called(w)
        ));
    }
    let silent: Vec<String> = targets
        .keys()
        .filter(|mac| !after.iter().any(|w| w.mac == **mac))
        .map(|mac| mac_text(*mac))
        .collect();
    if let Some(mac) = silent.first() {
        told.push(format!(
            "find whose hardware address {mac} is, and what it sent afterwards: tshark -Y 'eth.addr == {mac}'"
        ));
    }
    told.push(match routed {
        true => format!(
            "find the switch port of {sender} on its own segment: the hardware address in these packets is a router's"
        ),
        false => format!("find the switch port of {sender} by its hardware address"),
    });
    told
}
