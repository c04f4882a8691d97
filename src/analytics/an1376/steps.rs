//! The steps of a finding.

use super::judge::Judged;
use super::panel::moment;
use super::signs::{Sign, SignKind};
use super::state::State;
use super::telling::SHOWN;
use crate::model::finding::{Role, Step};
use crate::model::plural::counted;
use crate::model::{Event, Labels, Provenance, What};

/// First events of one sign that become steps, beside the last one before the new channel.
const SIGNS: usize = 3;

fn step(role: Role, event: &Event, remark: &str) -> Step {
    let also = match &event.what {
        What::Attempt(attempt) => attempt
            .actor
            .as_ref()
            .map(|actor| actor.told_by.clone())
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    Step {
        role,
        event: event.clone(),
        also,
        remark: remark.to_owned(),
    }
}

/// The steps of a finding: the old channel, the signs of its disruption, the new channels.
pub fn steps(after: &[Judged], state: &State, labels: &Labels) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let Some(told) = after.first() else {
        return steps;
    };
    for (who, remark) in [
        (
            &told.waiting.old.who,
            "the process of the old channel starts",
        ),
        (
            &told.waiting.new.who,
            "the process of the new channel starts",
        ),
    ] {
        if let Some(event) = state.lineage.start_of(who, told.waiting.at) {
            let told_by = state.images.of(who, told.waiting.at).map(|i| &i.told_by);
            let mut start = step(Role::Process, event, remark);
            start.also = told_by.into_iter().flatten().copied().collect();
            start.also.retain(|at| *at != event.provenance);
            steps.push(start);
        }
    }
    if let Some(event) = state.lineage.reach(
        &told.waiting.old.who,
        &told.waiting.new.who,
        told.waiting.at,
    ) {
        steps.push(step(
            Role::Process,
            event,
            "one process reaches into the other",
        ));
    }
    steps.push(step(
        Role::Connect,
        &told.old.first,
        "the old channel, first seen",
    ));
    if let Some((event, word)) = told.old.last_shown() {
        let remark = format!("the old channel, {word}");
        steps.push(step(Role::Connect, event, &remark));
    }
    for sign in &told.signs {
        let role = match sign.kind {
            SignKind::BlockedHost | SignKind::Rule => Role::Block,
            // It begins after the last that was heard.
            SignKind::Silence => Role::Connect,
            _ => Role::Failed,
        };
        let shown = sign.events.iter().take(SIGNS);
        for (event, n) in shown.chain(&sign.last).zip(1..) {
            steps.push(step(role, event, &remark(sign, event, n, labels)));
        }
    }
    for one in after.iter().take(SHOWN) {
        let first = match &one.waiting.tried {
            Some(tried) => format!(
                "a new channel, first use; {} in vain before",
                counted(u64::from(tried.tries), "contact")
            ),
            None => "a new channel, first use".to_owned(),
        };
        steps.push(step(Role::Fallback, &one.new.first, &first));
        if let Some((good, word)) = one.new.last_shown()
            && good.provenance != one.new.first.provenance
            && one.waiting.new == told.waiting.new
        {
            let remark = format!("the new channel, {word}");
            steps.push(step(Role::Fallback, good, &remark));
        }
    }
    steps.sort_by(|a, b| {
        (a.event.order(), std::cmp::Reverse(a.role))
            .cmp(&(b.event.order(), std::cmp::Reverse(b.role)))
    });
    // One event in two parts is told once, in the later part.
    steps.dedup_by(|b, a| a.event.provenance == b.event.provenance);
    steps
}

/// What is said of `event`, the `n`th of a sign: the whole with the first.
fn remark(sign: &Sign, event: &Event, n: usize, labels: &Labels) -> String {
    match (sign.kind, n) {
        (SignKind::Silence, _) => "the old channel, last heard".to_owned(),
        // The event began when the connection did.
        (SignKind::Reset, _) => {
            let by = reset_of(event).map(|at| format!(" ({})", labels.place(&at)));
            let (at, by) = (moment(sign.at), by.unwrap_or_default());
            format!("{}, at {at}{by}", sign.text)
        }
        (_, 1) => sign.text.clone(),
        _ => format!("{}, again", sign.kind.word()),
    }
}

/// The packet that reset a connection.
fn reset_of(event: &Event) -> Option<Provenance> {
    match &event.what {
        What::Attempt(attempt) => attempt.payload.as_ref()?.reset,
        _ => None,
    }
}
