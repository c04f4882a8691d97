//! The titles of findings about magic packets: who signalled to whom, who came up, and who came.

use super::followed::Followed;
use super::settings::SignallingSettings;
use super::wake_telling::Targets;
use crate::model::net::mac_text;

/// Hosts named in a title.
const NAMED: usize = 4;

/// The title.
pub(super) fn title(
    sender: &str,
    targets: &Targets<'_>,
    after: &[Followed<'_>],
    (busiest, beyond): (usize, u64),
    settings: &SignallingSettings,
) -> String {
    let least = at_least(beyond);
    let mut macs = targets.keys();
    if let (Some(mac), None) = (macs.next(), macs.next()) {
        let one = after.iter().find(|w| w.mac == *mac);
        return match one {
            Some(w) if w.visits().next().is_some() => followed_words(sender, w, settings),
            Some(w) if w.start.is_some() => up_words(sender, w),
            _ => format!("{sender} sent a magic packet to wake {}", mac_text(*mac)),
        };
    }
    let (count, window) = (targets.len(), settings.mass_wake_window);
    let sent = match busiest == count {
        true => format!("{sender} sent magic packets to wake {least}{count} hosts within {window}"),
        false => format!(
            "{sender} sent magic packets to wake {least}{count} hosts, {least}{busiest} of them within {window}"
        ),
    };
    format!("{sent}{}", several_words(sender, after))
}

/// What became of several targets, with a semicolon before it.
fn several_words(sender: &str, after: &[Followed<'_>]) -> String {
    let woken = after.iter().filter(|w| w.woke()).count();
    let mut entered: Vec<&Followed<'_>> = after.iter().filter(|w| w.is_entered()).collect();
    entered.sort_by_key(|w| w.visit.map(|v| v.entry().order()));
    let mut came: Vec<&Followed<'_>> = after
        .iter()
        .filter(|w| !w.is_entered() && w.visits().next().is_some())
        .collect();
    came.sort_by_key(|w| w.visits().next().map(|v| v.entry().order()));
    let mut text = match woken {
        0 => String::new(),
        1 => "; 1 of them was up afterwards".to_owned(),
        woken => format!("; {woken} of them were up afterwards"),
    };
    if !entered.is_empty() {
        let completed = entered.iter().all(|w| w.visit.is_some_and(|v| v.completed));
        let certain = entered.iter().all(|w| w.certain);
        let names = named(&entered);
        text.push_str(&match completed {
            true => format!(", and {sender} then connected to {names}"),
            false => format!(", and {names} then let in a connection of {sender}"),
        });
        if !certain {
            text.push_str(", whether in this order the clocks do not tell");
        }
    }
    if !came.is_empty() {
        let how = if came.len() == 1 { "was" } else { "were" };
        text.push_str(&format!(
            "; it came to {}, which {how} not seen to start before",
            named(&came)
        ));
    } else if woken > 0 && entered.is_empty() {
        text.push_str("; it was not seen to connect to them");
    }
    text
}

/// Hosts by name, address or hardware address.
fn named(hosts: &[&Followed<'_>]) -> String {
    let shown: Vec<String> = hosts.iter().take(NAMED).map(|w| called(w)).collect();
    let more = hosts.len().saturating_sub(NAMED);
    match (shown.split_last(), more) {
        (Some((last, [])), 0) => last.clone(),
        (Some((last, first)), 0) => format!("{} and {last}", first.join(", ")),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A target by its name, else its address, else its hardware address.
pub(super) fn called(w: &Followed<'_>) -> String {
    match (w.name.is_empty(), w.address) {
        (false, _) => w.name.to_string(),
        (true, Some(address)) => address.to_string(),
        (true, None) => mac_text(w.mac),
    }
}

/// `WS02 was up 28 s later`.
fn up_later(w: &Followed<'_>) -> String {
    let host = w.words();
    let (count, first, last) = w.sent;
    let Some(start) = &w.start else {
        return host;
    };
    let how = match (start.resumed(), w.up_before) {
        (true, _) => "was back from sleep",
        (false, true) => "started",
        (false, false) => "was up",
    };
    let later = start.at.time.since(last);
    match count {
        0 | 1 => format!("{host} {how} {later} later"),
        _ => format!(
            "{host} {how} {later} after the last of {count}, {} after the first",
            start.at.time.since(first)
        ),
    }
}

fn sent_words(sender: &str, w: &Followed<'_>) -> String {
    let packet = match w.sent.0 {
        0 | 1 => "a magic packet",
        _ => "magic packets",
    };
    format!("{sender} sent {packet} for {}", mac_text(w.mac))
}

/// The title where the one target came up and its sender was not seen to come.
fn up_words(sender: &str, w: &Followed<'_>) -> String {
    let sent = sent_words(sender, w);
    if let Some(up) = &w.up {
        return format!(
            "{sent}; the target was {}, {}",
            w.words(),
            up.which(w.signal)
        );
    }
    let other = match (w.half_open, w.other) {
        (Some(port), _) => format!("{sender} left a connection to its port {port} half open"),
        (None, Some(other)) => {
            format!("{sender} was not seen to connect to it, {other} was")
        }
        (None, None) => format!("{sender} was not seen to connect to it"),
    };
    format!("{sent}; {}; {other}", up_later(w))
}

/// The title where the sender came to the one target.
fn followed_words(sender: &str, w: &Followed<'_>, settings: &SignallingSettings) -> String {
    let sent = sent_words(sender, w);
    let host = w.words();
    let completed = w.visits().any(|v| v.completed);
    if w.is_entered() {
        let up = format!("{sent}; {}", up_later(w));
        return match (completed, w.certain) {
            (true, true) => format!("{up}, and {sender} then connected to it"),
            (false, true) => format!("{up}, and then let in a connection of {sender}"),
            (true, false) => format!(
                "{up}, and {sender} connected to it, whether in this order the clocks do not tell"
            ),
            (false, false) => format!(
                "{up}, and let in a connection of {sender}, whether in this order the clocks do not tell"
            ),
        };
    }
    let seen = if let Some(up) = &w.up {
        up.which(w.signal)
    } else if w.late.is_some() {
        format!(
            "which was not seen to start within {}",
            settings.wake_within
        )
    } else {
        "which was not seen to start".to_owned()
    };
    match completed {
        true => format!("{sent} and then connected to {host}, {seen}"),
        false => format!("{sent}; {host}, {seen}, then let in a connection of {sender}"),
    }
}

fn at_least(beyond: u64) -> &'static str {
    if beyond > 0 { "at least " } else { "" }
}
