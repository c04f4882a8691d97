//! How bad a fallback is, and why it is not told as worse.
//!
//! What ties the two channels together says how bad it can be; whatever is weak about the evidence, or
//! speaks for a failover of the program's own service, holds it.

use super::judge::Judged;
use super::lineage::Link;
use super::relation::Established;
use super::rules;
use super::settings::FallbackSettings;
use super::signs::SignKind;
use crate::model::finding::Severity;

/// The sum from which a channel that only the host ties together is told as medium.
const STRONG: i32 = 40;

/// Sets severity, its reason and what holds it; `fresh` if the program was just installed.
pub fn grade(judged: &mut Judged, fresh: bool, settings: &FallbackSettings) {
    let (by_link, because) = of_link(judged);
    let mut severity = by_link;
    let mut caps = Vec::new();
    for (at_most, why) in weaknesses(judged, fresh, settings) {
        if severity > at_most {
            severity = at_most;
            caps.push(why);
        }
    }
    judged.reason = if caps.is_empty() {
        format!("severity {}: {because}", severity.word())
    } else {
        format!(
            "severity {}, held at {}: {because}",
            by_link.word(),
            severity.word()
        )
    };
    judged.severity = severity;
    judged.caps = caps;
}

/// How bad it is by what ties the channels together, and why.
fn of_link(judged: &Judged) -> (Severity, String) {
    let unusual = &judged.unusual;
    let link = judged.waiting.link;
    match link {
        Link::SameInstance if unusual.mute => (
            Severity::High,
            format!(
                "{}, and its program typically does not use the network",
                link.words()
            ),
        ),
        Link::SameInstance if unusual.steady => (
            Severity::High,
            format!("{}, and the new one keeps a rhythm", link.words()),
        ),
        Link::SameInstance => (
            Severity::Medium,
            format!("{}; the new one shows no rhythm", link.words()),
        ),
        Link::Injected | Link::Kin | Link::SameProgram => {
            (Severity::Medium, link.words().to_owned())
        }
        Link::SameServer | Link::Host | Link::Stranger
            if judged.sum() >= STRONG && unusual.same_implant =>
        {
            let why =
                "the new one is very unusual, with the server, sizes or rhythm of the old one";
            (Severity::Medium, format!("{}; {why}", link.words()))
        }
        Link::SameServer | Link::Host | Link::Stranger => {
            (Severity::Low, format!("no more than that {}", link.words()))
        }
    }
}

/// What holds the severity: at most what, and why.
fn weaknesses(
    judged: &Judged,
    fresh: bool,
    settings: &FallbackSettings,
) -> Vec<(Severity, String)> {
    let mut held = Vec::new();
    let mut hold = |is: bool, at_most: Severity, why: &str| {
        if is {
            held.push((at_most, why.to_owned()));
        }
    };
    if let Some(thin) = &judged.unusual.thin {
        hold(true, Severity::Medium, &format!("thin baseline: {thin}"));
    }
    hold(
        judged
            .signs
            .iter()
            .all(|sign| sign.kind == SignKind::Silence),
        Severity::Medium,
        "silence is the only sign of the disruption",
    );
    hold(
        judged.signs.iter().all(|sign| !sign.strong),
        Severity::Medium,
        "no sign of the disruption can stand alone",
    );
    let hardly = if judged
        .signs
        .iter()
        .all(|sign| sign.kind == SignKind::Silence)
    {
        "was hardly overdue"
    } else {
        "had hardly failed"
    };
    hold(
        judged.signs.iter().all(|sign| sign.hindsight) && judged.failover.implant.is_empty(),
        Severity::Low,
        &format!(
            "when the new channel came the old one {hardly}: a program that moves on by itself looks the same"
        ),
    );
    hold(
        judged.stated.is_empty() && judged.extent.in_doubt(),
        Severity::Medium,
        "all that was tried beside it failed too, which is too little to tell an outage",
    );
    hold(
        !judged.waiting.novel.beyond_remote(),
        Severity::Medium,
        "only the remote is new",
    );
    hold(
        judged.new.worked == 0,
        Severity::Medium,
        "the new channel was not seen to work",
    );
    hold(
        !judged.order.certain,
        Severity::Medium,
        "the clocks do not prove the order",
    );
    let named = judged.signs.iter().any(|sign| sign.kind == SignKind::Name);
    hold(
        !named
            && judged.waiting.open_before.used_until > judged.last_sign().shifted(rules::SETTLES),
        Severity::Medium,
        "a connection of the old channel begun before was still in use after the last sign",
    );
    hold(
        judged.waiting.open_before.untimed > judged.waiting.at,
        Severity::Medium,
        "a connection of the old channel was still open; whether it was in use is not told",
    );
    hold(
        judged.established == Established::Permitted,
        Severity::Medium,
        "that the old channel ever worked is not in the evidence",
    );
    if let Some((at_most, why)) = judged.failover.at_most() {
        hold(true, at_most, &why);
    }
    let at_most = if judged.unusual.same_habits {
        Severity::Medium
    } else {
        Severity::Low
    };
    hold(
        judged.waiting.remotes_before >= settings.many_remotes as usize,
        at_most,
        "the program talks to many remotes",
    );
    hold(
        judged.recovered.is_some(),
        Severity::Low,
        "the old channel worked again later",
    );
    hold(
        fresh,
        Severity::Info,
        "the program was installed within the hour before",
    );
    let name = judged.waiting.new.who.file_name();
    let mut allowed = settings.process_allow.iter();
    hold(
        !name.is_empty() && allowed.any(|allowed| allowed.eq_ignore_ascii_case(name)),
        Severity::Info,
        "the program is on ProcessName",
    );
    held
}
