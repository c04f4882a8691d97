//! The steps of a finding about magic packets. Many signals that are alike are one step.

use super::Sender;
use super::followed::Followed;
use super::settings::SignallingSettings;
use super::visits::Visit;
use super::waking::signal_of;
use crate::analytics::kit::steps::waited;
use crate::model::finding::{Role, Step};
use crate::model::wake::WakeSignal;
use crate::model::{Event, Provenance, Timestamp, What};

/// Signals alike that are told one by one.
const ALIKE: usize = 3;
/// Packets cited beside the first of signals that are alike.
const CITED: usize = 15;

fn context(event: &Event, remark: impl Into<String>) -> Step {
    Step {
        role: Role::Context,
        event: event.clone(),
        also: Vec::new(),
        remark: remark.into(),
    }
}

/// The steps in time order.
pub(super) fn steps(
    sender: Sender,
    signals: &[Event],
    after: &[Followed<'_>],
    settings: &SignallingSettings,
) -> Vec<Step> {
    let mut steps = sent(signals, after);
    for w in after {
        of_start(w, &mut steps);
        if let Some(late) = &w.late {
            let remark = format!("later than WakeWithin ({}) allows", settings.wake_within);
            steps.push(context(late, remark));
        }
        for turn in &w.turns {
            let remark = match turn.time < w.signal.time {
                true => "the last end of its event log before that",
                false => "a start, or a restart of that service",
            };
            steps.push(context(turn, remark));
        }
        for visit in w.visits() {
            steps.push(entered(sender, w, visit));
        }
    }
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by(|a, b| a.event.provenance == b.event.provenance);
    steps
}

fn of_start(w: &Followed<'_>, steps: &mut Vec<Step>) {
    if let Some(start) = &w.start {
        let remark = match (&w.up, w.up_before, start.resumed()) {
            (Some(_), ..) => "after the signal, but it was up before",
            (None, _, true) => "back from sleep after the signal",
            (None, true, false) => "after the signal; it had been heard shortly before that",
            (None, false, false) => "up after the signal",
        };
        steps.push(context(&start.event, remark));
    }
    if let Some((event, remark)) = w.up.as_ref().and_then(|up| up.step()) {
        steps.push(context(event, remark));
    }
    if let Some(logged) = &w.logged {
        let remark = match w.measured {
            true => "the same by its own log",
            false => "the same by its own log, whose clock was not measured",
        };
        steps.push(context(logged, remark));
    }
    if let Some(again) = &w.again {
        steps.push(context(again, "its own log tells of a start only then"));
    }
}

fn entered(sender: Sender, w: &Followed<'_>, visit: &Visit) -> Step {
    let whom = match w.woke() && !w.up_before {
        true => "the woken host",
        false => "the target",
    };
    let other = match sender {
        Sender::Address(address) if address != visit.remote.address => format!(
            "; {} is another address of its hardware address",
            visit.remote.address
        ),
        _ => String::new(),
    };
    let mut also = visit.also.clone();
    if let What::Attempt(attempt) = &visit.event.what {
        also.extend(attempt.accepted);
        also.extend(attempt.deciding);
        also.dedup();
    }
    Step {
        role: Role::Connect,
        // It stands where the sender came in: the first of its SYNs may have been before the start.
        event: visit.entry().clone(),
        also,
        remark: format!("from the sender to {whom}{other}{}", waited(&visit.event)),
    }
}

/// The signals: the first of those that are alike stands for them, and the last before the target came up by
/// itself.
fn sent(signals: &[Event], after: &[Followed<'_>]) -> Vec<Step> {
    let mut groups: Vec<Vec<&Event>> = Vec::new();
    for event in signals {
        let alike = groups.iter_mut().find(|group| is_alike(group[0], event));
        match alike {
            Some(group) => group.push(event),
            None => groups.push(vec![event]),
        }
    }
    let last_before: Vec<Timestamp> = after
        .iter()
        .filter(|w| w.start.is_some())
        .map(|w| w.sent.2)
        .collect();
    let mut steps = Vec::new();
    for group in groups {
        if group.len() <= ALIKE {
            steps.extend(
                group
                    .into_iter()
                    .map(|event| step(event, &[], String::new())),
            );
            continue;
        }
        let (first, rest) = (group[0], &group[1..]);
        let is_last = |event: &&Event| {
            let target = signal_of(event).map(|s| s.target);
            let of = |w: &Followed<'_>| Some(w.mac) == target && w.start.is_some();
            after.iter().any(of) && last_before.contains(&event.time)
        };
        let own = rest.iter().copied().find(|event| is_last(event));
        let folded: Vec<&Event> = rest
            .iter()
            .copied()
            .filter(|event| own.is_none_or(|own| own.provenance != event.provenance))
            .collect();
        let end = folded.last().map_or(first.time, |event| event.time);
        let further = folded.len();
        steps.push(step(
            first,
            &folded,
            format!(
                "the first, with {further} more like it until {}",
                end.clock(3)
            ),
        ));
        steps.extend(
            own.map(|event| step(event, &[], "the last before the target came up".to_owned())),
        );
    }
    steps
}

fn step(event: &Event, folded: &[&Event], remark: String) -> Step {
    let mut also: Vec<Provenance> = signal_of(event)
        .map(|s| s.copy_packets.clone())
        .unwrap_or_default();
    also.extend(folded.iter().take(CITED).map(|event| event.provenance));
    Step {
        role: Role::Wake,
        event: event.clone(),
        also,
        remark,
    }
}

/// True if two signals differ in nothing but their time.
fn is_alike(a: &Event, b: &Event) -> bool {
    let key = |s: &WakeSignal| {
        (
            (s.target, s.carrier, s.sent_to, s.mac_to),
            (s.sender, s.sender_mac, s.vlan),
            (s.password_len, s.password),
        )
    };
    match (signal_of(a), signal_of(b)) {
        (Some(a), Some(b)) => key(a) == key(b) && a.copies == b.copies,
        _ => false,
    }
}
