//! The steps of a finding: the first failure of each target, what was known of it then, and beside them
//! the records that what is said of it rests on.

use super::alarm::{Alarm, SOON};
use super::tables::Relation;
use super::target::Target;
use super::witness::Witnesses;
use crate::analytics::kit::contact::question_of;
use crate::analytics::kit::order;
use crate::context::Context;
use crate::context::activity::State as Life;
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{FURTHER, ORDER_NOT_NEEDED, OrderCheck, Role, Step};
use crate::model::plural::counted;
use crate::model::{Actor, Event, Provenance, Socket, Span, What};
use std::net::IpAddr;

/// Failures shown as steps.
pub(super) const STEPS: usize = 24;

/// The earliest failures in time order, the records around them, and the first target that answered later.
pub(super) fn steps(
    alarm: &Alarm,
    relation: Option<&Relation>,
    witnesses: &Witnesses,
    context: &Context,
) -> Vec<Step> {
    let mut shown: Vec<(IpAddr, &Target, &Event)> = alarm
        .targets
        .iter()
        .filter_map(|(address, target)| Some((*address, target, target.event.as_ref()?)))
        .collect();
    shown.sort_by_key(|(.., event)| event.order());
    shown.truncate(STEPS);
    let mut steps: Vec<Step> = Vec::with_capacity(shown.len() + 3);
    for (_, target, event) in &shown {
        steps.push(Step {
            role: Role::Failed,
            remark: remark(target, event),
            event: (*event).clone(),
            also: beside(event),
        });
    }
    tell_process(&mut steps, relation);
    tell_further(&mut steps, alarm, &shown);
    if let Some((_, _, first)) = shown.first() {
        steps.extend(witnesses.steps(first.time));
    }
    if let Some(answer) = &alarm.first_answer {
        steps.push(Step {
            role: Role::Context,
            event: answer.clone(),
            also: beside(answer),
            remark: format!(
                "the first target that answered or refused {} or more after it failed",
                SOON.roughly()
            ),
        });
    }
    steps.sort_by_key(|step| step.event.order());
    tell_clocks(&mut steps, context);
    steps
}

/// Times of two clocks have no gap between them that anybody measured.
fn tell_clocks(steps: &mut [Step], context: &Context) {
    for at in 1..steps.len() {
        let (before, step) = (&steps[at - 1].event, &steps[at].event);
        if context.clocks.between(before, step, &context.identity) > Span::ZERO {
            let remark = &mut steps[at].remark;
            remark.push_str("; timed by another clock than the step before");
        }
    }
}

/// Who made the contact of an event.
fn actor(event: &Event) -> Option<&Actor> {
    match &event.what {
        What::Attempt(attempt) => attempt.actor.as_deref(),
        What::Solicitation(asked) => asked.actor.as_deref(),
        What::Host(host) => match host.socket.as_deref()? {
            Socket::First { actor, .. } => Some(actor),
            _ => None,
        },
        _ => None,
    }
}

/// The records that tie a process to it, and the unanswered question to the segment.
fn beside(event: &Event) -> Vec<Provenance> {
    let told_by = actor(event).map_or(&[][..], |actor| &actor.told_by);
    let others = told_by.iter().copied().filter(|p| *p != event.provenance);
    others.chain(question_of(event)).collect()
}

/// With the first step of the process go the records of it and of what it goes back to.
fn tell_process(steps: &mut [Step], relation: Option<&Relation>) {
    let Some(relation) = relation.filter(|r| !r.records.is_empty()) else {
        return;
    };
    let of_it =
        |step: &&mut Step| actor(&step.event).is_some_and(|a| a.process.pid == relation.actor.1);
    if let Some(step) = steps.iter_mut().find(of_it) {
        step.also.extend(&relation.records);
        let mut whose = format!("of {}", image_name(&relation.actor.0));
        if let Some((owner, _)) = &relation.causality
            && image_name(owner) != image_name(&relation.actor.0)
        {
            whose.push_str(&format!(" and of {}", image_name(owner)));
        }
        step.remark
            .push_str(&format!("; the records {whose} stand beside it"));
    }
}

/// With the last step go the first failures of all further targets.
fn tell_further(steps: &mut [Step], alarm: &Alarm, shown: &[(IpAddr, &Target, &Event)]) {
    let others = alarm
        .targets
        .iter()
        .filter(|(address, _)| shown.iter().all(|(held, ..)| held != *address));
    let mut cited: Vec<Provenance> = others.filter_map(|(_, target)| target.cited).collect();
    cited.sort_unstable();
    if let Some(last) = steps.last_mut().filter(|_| !cited.is_empty()) {
        last.remark.push_str(&format!(
            "; the first failures of {} {FURTHER}",
            counted(cited.len() as u64, "further target")
        ));
        last.also.extend(cited);
    }
}

/// What the times of the failures shown rest on. A count rests on no order, but whoever reads the times
/// must know whose they are.
pub(super) fn order(steps: &[Step], context: &Context) -> OrderCheck {
    let failed: Vec<&Step> = steps.iter().filter(|s| s.role == Role::Failed).collect();
    let doubt = |(a, b): &(&Event, &Event)| context.clocks.between(a, b, &context.identity);
    let pairs: Vec<(&Event, &Event)> = failed
        .windows(2)
        .map(|two| (&two[0].event, &two[1].event))
        .filter(|pair| doubt(pair) > Span::ZERO)
        .collect();
    let Some(uncertainty) = pairs.iter().map(doubt).max() else {
        return OrderCheck::of_one_clock();
    };
    let mut notes = order::clock_notes(&pairs, context);
    notes.push(
        "The failures are timed by more than one clock: what lies between two of them, and how long all of it \
         took, is known no better than these clocks are."
            .to_owned(),
    );
    notes.push(ORDER_NOT_NEEDED.to_owned());
    OrderCheck {
        uncertainty,
        notes,
        ..OrderCheck::of_one_clock()
    }
}

/// What was known of a target, and how it failed where the event itself does not tell all of it.
fn remark(target: &Target, event: &Event) -> String {
    let known = match target.missing {
        Some(Life::Inactive(last)) => {
            format!("inactive since {} {}", last.date(), last.clock(0))
        }
        Some(Life::Listed) => "listed, no sign of life in this evidence".to_owned(),
        _ => "not seen before".to_owned(),
    };
    // Packets show how they ended; a record of the host does not.
    let told = target.failures.len() == 1 && !matches!(event.what, What::Host(_));
    if told {
        return known;
    }
    let ways: Vec<&str> = target.failures.iter().map(|f| f.words()).collect();
    format!("{known}; {}", ways.join(", "))
}
