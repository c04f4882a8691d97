//! Findings say where what they cite was read from inside other packets.

use crate::model::finding::{Finding, Step};
use crate::model::plural::counted;

/// Adds a note to every finding with a step that was inside a mirror, an overlay or a tunnel.
pub fn note(findings: &mut [Finding]) {
    for finding in findings {
        let inside = finding.steps.iter().filter(|step| was_inside(step)).count();
        if inside > 0 {
            finding.notes.push(format!(
                "{inside} of {} {} read from inside other packets (of a mirror, an overlay or a \
                 tunnel): whoever can send to the end of a tunnel can make up what is inside",
                counted(finding.steps.len() as u64, "step"),
                if inside == 1 { "was" } else { "were" }
            ));
        }
    }
}

fn was_inside(step: &Step) -> bool {
    step.event.was_inside() || step.also.iter().any(|also| also.inside)
}
