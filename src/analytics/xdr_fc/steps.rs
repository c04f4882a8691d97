//! The steps of a finding: the first failure of each target, and what was known of it then.

use super::targets::Target;
use crate::context::activity::State as Life;
use crate::model::finding::{Role, Step};
use crate::model::{Event, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Failures shown as steps.
const STEPS: usize = 24;

/// The earliest failures, in time order.
pub(super) fn steps(targets: &BTreeMap<IpAddr, Target>) -> Vec<Step> {
    let mut steps: Vec<Step> = targets
        .values()
        .filter_map(|target| {
            let event = target.event.clone()?;
            Some(Step {
                role: Role::Failed,
                remark: remark(target, &event),
                event,
                also: Vec::new(),
            })
        })
        .collect();
    steps.sort_by_key(|step| step.event.order());
    steps.truncate(STEPS);
    steps
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
