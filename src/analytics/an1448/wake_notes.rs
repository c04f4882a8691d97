//! What AN1448 notes beside magic packets: what could not be seen, what was heard of a target before
//! and after, passwords.

use super::followed::Followed;
use super::router::{Router, unicast_words};
use super::settings::SignallingSettings;
use super::starts::Start;
use super::wake_telling::Targets;
use super::waking::signal_of;
use crate::context::Context;
use crate::context::trail::Sign;
use crate::model::finding::Unseen;
use crate::model::net::mac_text;
use crate::model::plural::counted;
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
                "no announcement (ARP, ND, DHCP) of {}{more} was captured, and casewire ties hardware addresses to IP \
                 addresses by those alone: whether {} woke and what followed was not looked for in other packets",
                shown.join(", "),
                if unheard.len() == 1 { "it" } else { "they" }
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
    router: Option<Router>,
    (targets, settings): (&Targets<'_>, &SignallingSettings),
    context: &Context,
) -> Vec<String> {
    let mut notes = Vec::new();
    for w in after {
        let mac = mac_text(w.mac);
        let start = w.start.as_ref();
        if let Some(up) = &w.up {
            let known = (w.up_before, w.measured);
            notes.push(up.note((&mac, w.signal), start, known));
        } else if let Some(start) = start {
            notes.extend(of_start(w, start, &mac));
        }
        if w.untold {
            notes.push(format!(
                "{}: its System log, which is there, holds no start and no return from sleep {}, though it announced \
                 itself then",
                w.words(),
                match w.measured {
                    true => "after the signal".to_owned(),
                    false => format!(
                        "within {} after the signal (its clock was not measured)",
                        settings.wake_within
                    ),
                }
            ));
        }
        if let Some(again) = &w.again {
            notes.push(format!(
                "{}: by its own log it started {} after the signal, long after it announced itself: when it came up is \
                 not certain",
                w.words(),
                again.time.since(w.signal.time)
            ));
        }
        notes.extend(w.late.as_ref().map(|late| late_words(w, late, settings)));
        if !w.turns.is_empty() {
            notes.push(format!(
                "{}: its event log service began after the signal (System 6005): it started then, or that service was \
                 restarted; no other record tells of a start",
                w.words()
            ));
        }
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
    notes.extend(router.as_ref().map(|router| {
        format!(
            "the hardware address {} in the signals seems to be a router's ({}): then the sender is on another \
             segment, and its own hardware address is not in these packets",
            mac_text(router.mac),
            router.why
        )
    }));
    notes.extend(unicast_words(signals, router.is_some()));
    // With several targets, the table maps them.
    if let (1, Some((mac, of))) = (targets.len(), targets.iter().next())
        && after.is_empty()
        && let Some(at) = of.first().map(|e| e.time)
        && let Some(address) = context.identity.addresses_of(mac, at).first()
    {
        notes.push(format!("{} had the address {address}", mac_text(*mac)));
    }
    notes
}

/// What is known of a target that came up: when it had been heard before, and what its record says of its
/// sleep.
fn of_start(w: &Followed<'_>, start: &Start, mac: &str) -> Vec<String> {
    let mut told = Vec::new();
    let ago = |sign: Sign| {
        let most = if sign.earliest < sign.latest {
            "at most "
        } else {
            ""
        };
        format!(
            "{most}{} before its signal",
            w.signal.time.since(sign.earliest)
        )
    };
    if start.resumed() {
        let written = start.event.time.since(start.at.time);
        let slept = match start.slept() {
            Some(slept) => format!(
                ", and had slept since {} before the signal",
                w.signal.time.since(slept)
            ),
            None => "; since when it had slept is not told".to_owned(),
        };
        told.push(format!(
            "{}: by its own record it was back from sleep {} after the signal (written {written} later){slept}",
            w.words(),
            start.at.time.since(w.signal.time)
        ));
        if let Some(source) = start.source() {
            told.push(format!(
                "{}: its record names the wake source: {source}",
                w.words()
            ));
        }
    }
    match w.heard {
        Some(sign) if w.up_before && !start.resumed() => told.push(format!(
            "{mac} was heard {}: it may have been up, and been started again for another reason",
            ago(sign)
        )),
        Some(sign) => told.push(format!("{mac} was last heard {}", ago(sign))),
        None => {}
    }
    told.extend(by_own_log(w));
    told
}

/// When a log whose clock was not measured tells of the target last: it cannot be held against packets.
fn by_own_log(w: &Followed<'_>) -> Option<String> {
    let sign = w.heard_by_log?;
    (w.heard.is_none_or(|heard| heard.latest < sign.latest)).then(|| {
        format!(
            "by its own log, whose clock was not measured, {} was last active {} before the signal",
            w.words(),
            w.signal.time.since(sign.latest)
        )
    })
}

/// What is known of a target before its signal, where it was not seen to start.
fn heard(w: &Followed<'_>, settings: &SignallingSettings) -> Option<String> {
    let mac = mac_text(w.mac);
    let told = match w.heard {
        Some(sign) if sign.earliest < sign.latest => format!(
            "{mac} was heard at most {} before its signal: it may have been up all along",
            w.signal.time.since(sign.earliest)
        ),
        Some(Sign { latest, .. }) => format!(
            "before its signal, {mac} was last heard {} {}: it may have been up all along",
            latest.date(),
            latest.clock(0)
        ),
        None if w.late.is_some() => return by_own_log(w),
        None => format!(
            "of {mac} nothing was heard before its signal, and no announcement of its own (ARP, ND, DHCP) within {} \
             after it: it may have been up all along",
            settings.wake_within
        ),
    };
    Some(match by_own_log(w) {
        Some(own) => format!("{told}; {own}"),
        None => told,
    })
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

/// The SecureOn passwords, by number and length; never what they are.
fn passwords(signals: &[Event]) -> Vec<String> {
    let mut kinds: BTreeMap<(u32, u8, bool), usize> = BTreeMap::new();
    for signal in signals.iter().filter_map(signal_of) {
        if signal.password_len > 0 {
            *kinds
                .entry((
                    signal.password,
                    signal.password_len,
                    signal.password_len == 4 && signal.sender.is_none(),
                ))
                .or_default() += 1;
        }
    }
    let more = kinds.len().saturating_sub(NAMED);
    let mut told: Vec<String> = kinds
        .iter()
        .take(NAMED)
        .map(|((number, length, raw), count)| {
            let carry = if *count == 1 { "carries" } else { "carry" };
            // A frame check sequence that was damaged does not show by its value that it is one.
            let or = if *raw { " (or a frame check sequence)" } else { "" };
            format!(
                "{count} of {} {carry} a SecureOn password of {length} bytes{or}, password {number} of this run; it \
                 is not printed",
                counted(signals.len() as u64, "signal")
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
