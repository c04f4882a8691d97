//! What AN1448 notes beside magic packets: what could not be seen, what was heard of a target before
//! and after, passwords.

use super::followed::Followed;
use super::settings::SignallingSettings;
use super::wake_telling::Targets;
use super::waking::signal_of;
use crate::context::Context;
use crate::context::trail::Sign;
use crate::model::finding::Unseen;
use crate::model::hex::hex;
use crate::model::net::mac_text;
use crate::model::wake::WakeCarrier;
use crate::model::{Event, What};
use std::collections::BTreeMap;

/// Targets or passwords named at most.
const NAMED: usize = 4;

/// What could not be looked for.
pub(super) fn unseen(
    targets: &Targets<'_>,
    after: &[Followed<'_>],
    context: &Context,
) -> Vec<Unseen> {
    let mut unseen = vec![Unseen {
        telemetry: "other segments".to_owned(),
        host: None,
        effect: "magic packets are seen only where a sensor captures; others cannot be excluded"
            .to_owned(),
    }];
    let unheard: Vec<String> = targets
        .keys()
        .filter(|mac| context.identity.announcements(mac).is_empty())
        .filter(|mac| !after.iter().any(|w| w.mac == **mac))
        .map(|mac| mac_text(*mac))
        .collect();
    if !unheard.is_empty() {
        let shown: Vec<&str> = unheard.iter().take(NAMED).map(String::as_str).collect();
        let more = match unheard.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        unseen.push(Unseen {
            telemetry: format!("the address of {} of {} targets", unheard.len(), targets.len()),
            host: None,
            effect: format!(
                "no announcement (ARP, ND, DHCP) of {}{more} was captured, so whether it woke and what followed could \
                 not be looked for",
                shown.join(", ")
            ),
        });
    } else if !after.iter().any(|w| w.start.is_some()) {
        unseen.push(Unseen {
            telemetry: "a start of a target".to_owned(),
            host: None,
            effect: "no target was seen to start, or to announce itself after a silence, in time; it may have been up already".to_owned(),
        });
    }
    unseen
}

/// Further facts about the signals and their targets.
pub(super) fn notes(
    signals: &[Event],
    after: &[Followed<'_>],
    settings: &SignallingSettings,
) -> Vec<String> {
    let mut notes = Vec::new();
    for w in after {
        let mac = mac_text(w.mac);
        if w.was_up && w.up_before {
            notes.push(format!(
                "{mac} was up after its signal and before it was seen to start: the signal did not wake it"
            ));
        } else if w.was_up {
            notes.push(format!(
                "{mac} let the sender in before it was seen to start: when it came up is not shown"
            ));
        } else if let (true, Some(sign)) = (w.up_before && w.woke(), w.heard) {
            let most = if sign.earliest < sign.latest {
                "at most "
            } else {
                ""
            };
            notes.push(format!(
                "{mac} was heard {most}{} before its signal: it may have been up, and been started again for another \
                 reason",
                w.signal.time.since(sign.earliest)
            ));
        }
        notes.extend(w.late.as_ref().map(|late| late_words(w, late, settings)));
    }
    let before: Vec<String> = after
        .iter()
        .filter(|w| w.start.is_none())
        .filter_map(|w| heard(w, settings))
        .collect();
    let more = before.len().saturating_sub(NAMED);
    notes.extend(before.into_iter().take(NAMED));
    if more > 0 {
        notes.push(format!(
            "{more} further targets were not seen to start either; they may have been up all along"
        ));
    }
    notes.extend(passwords(signals));
    let routed = signals
        .iter()
        .filter_map(signal_of)
        .filter(|s| {
            matches!(s.carrier, WakeCarrier::Udp(_)) && s.mac_to.is_some_and(|m| m[0] & 1 == 0)
        })
        .count();
    if routed > 0 {
        notes.push(format!(
            "{routed} of {} signals were sent to a single hardware address by UDP: they may come from another segment",
            signals.len()
        ));
    }
    notes
}

/// What is known of a target before its signal, where it was not seen to start.
fn heard(w: &Followed<'_>, settings: &SignallingSettings) -> Option<String> {
    let mac = mac_text(w.mac);
    match w.heard {
        Some(sign) if sign.earliest < sign.latest => Some(format!(
            "{mac} was heard at most {} before its signal: it may have been up all along",
            w.signal.time.since(sign.earliest)
        )),
        Some(Sign { latest, .. }) => Some(format!(
            "{mac} was last heard {} {} before its signal: it may have been up all along",
            latest.date(),
            latest.clock(0)
        )),
        None if w.late.is_some() => None,
        None => Some(format!(
            "of {mac} nothing was heard before its signal, and no announcement of its own within {} after it: it may \
             have been up all along",
            settings.wake_within
        )),
    }
}

fn late_words(w: &Followed<'_>, late: &Event, settings: &SignallingSettings) -> String {
    let said = match &late.what {
        What::Host(_) => format!("{} started by its own log", w.words()),
        _ => format!("{} announced itself", mac_text(w.mac)),
    };
    format!(
        "{said} {} after the signal, later than WakeWithin ({}) allows",
        late.time.since(w.signal.time),
        settings.wake_within
    )
}

/// The SecureOn passwords, by length and digest; never what they are.
fn passwords(signals: &[Event]) -> Vec<String> {
    let mut kinds: BTreeMap<(u8, [u8; 8]), usize> = BTreeMap::new();
    for signal in signals.iter().filter_map(signal_of) {
        if let (length @ 1.., Some(digest)) = (signal.password_len, signal.password_digest) {
            *kinds.entry((length, digest)).or_default() += 1;
        }
    }
    let more = kinds.len().saturating_sub(NAMED);
    let mut told: Vec<String> = kinds
        .iter()
        .take(NAMED)
        .map(|((length, digest), count)| {
            let digest = hex(digest);
            format!(
                "{count} of {} signals carry a SecureOn password of {length} bytes; it is not printed (SHA-256 begins \
                 {digest})",
                signals.len()
            )
        })
        .collect();
    if more > 0 {
        told.push(format!(
            "{more} further SecureOn passwords are in the signals; they are not printed"
        ));
    }
    told
}
