//! Findings of different analytics that tell the same chain become one.
//!
//! Which analytic tells the chain of which other says [`SameChain`]: when the source that signalled is the
//! source that came in, one finding is kept, with both ids.

use crate::analytics::about::SameChain;
use crate::analytics::register;
use crate::model::Provenance;
use crate::model::finding::{Finding, Role};
use std::collections::BTreeSet;

/// Merges what tells the same chain; the finding of the more specific analytic is kept.
pub fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    register::all().iter().fold(findings, |findings, entry| {
        let about = entry.about();
        match about.same_chain {
            Some(chain) => merge_into(findings, about.id, chain),
            None => findings,
        }
    })
}

fn merge_into(findings: Vec<Finding>, id: &str, chain: SameChain) -> Vec<Finding> {
    let (mut kept, others): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|f| f.analytic != id);
    // Those that another can be the same as stand first: there may be thousands of others.
    kept.sort_by_key(|f| f.analytic != chain.with);
    let fuller = kept.partition_point(|f| f.analytic == chain.with);
    for other in others {
        let mut came = core(&other);
        came.retain(|(role, _)| *role == Role::Connect);
        let same = kept[..fuller].iter_mut().find(|f| {
            !came.is_empty()
                && f.entities.remote == other.entities.remote
                && came.is_subset(&core(f))
        });
        match same {
            Some(held) if !held.also_satisfies.contains(&other.analytic) => {
                let more = other.conditions.iter().any(|c| c.text == chain.adds);
                if more && other.severity > held.severity {
                    held.severity = other.severity;
                    if other.confidence > held.confidence {
                        held.confidence = other.confidence;
                        held.score = other.score;
                    }
                }
                held.also_satisfies.push(other.analytic);
                let extra: Vec<_> = other
                    .conditions
                    .into_iter()
                    .filter(|c| !held.conditions.iter().any(|h| h.text == c.text))
                    .collect();
                held.conditions.extend(extra);
                let steps: Vec<_> = other
                    .steps
                    .into_iter()
                    .filter(|s| {
                        !held
                            .steps
                            .iter()
                            .any(|h| h.event.provenance == s.event.provenance)
                    })
                    .collect();
                held.steps.extend(steps);
                held.steps.sort_by_key(|s| s.event.order());
                held.notes.extend(other.notes);
            }
            _ => kept.push(other),
        }
    }
    kept
}

fn core(finding: &Finding) -> BTreeSet<(Role, Provenance)> {
    finding
        .steps
        .iter()
        .filter(|s| matches!(s.role, Role::Probe | Role::Connect))
        .map(|s| (s.role, s.event.provenance))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::kit::sniffing::CONDITION;
    use crate::case::incident::tests::step;
    use crate::model::finding::{Condition, Severity};

    fn finding(analytic: &'static str, severity: Severity, connects: u64) -> Finding {
        Finding {
            steps: vec![step(1, 3, Role::Probe), step(1, connects, Role::Connect)],
            ..Finding::blank(analytic, severity)
        }
    }

    fn with_sniffer(finding: Finding) -> Finding {
        let seen = Condition {
            text: CONDITION.to_owned(),
            setting: String::new(),
            measured: String::new(),
        };
        Finding {
            conditions: vec![seen],
            ..finding
        }
    }

    #[test]
    fn what_the_knock_was_held_down_for_stays_unless_a_sniffer_was_seen() {
        let both = |other| merge(vec![finding("AN0842", Severity::Low, 9), other]);

        let plain = both(finding("AN1448", Severity::High, 9));
        assert_eq!(plain.len(), 1, "the same chain is told once");
        assert_eq!(plain[0].also_satisfies, ["AN1448"]);
        assert_eq!(plain[0].severity, Severity::Low);

        let seen = both(with_sniffer(finding("AN1448", Severity::High, 9)));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].severity, Severity::High);

        let lower = merge(vec![
            finding("AN0842", Severity::High, 9),
            with_sniffer(finding("AN1448", Severity::Low, 9)),
        ]);
        assert_eq!(lower[0].severity, Severity::High, "never lowered");

        let elsewhere = both(finding("AN1448", Severity::High, 10));
        assert_eq!(elsewhere.len(), 2, "another connection is another chain");
    }

    #[test]
    fn a_chain_is_merged_into_the_analytic_that_tells_it_and_into_no_other() {
        let findings = ["AN1376", "AN0842", "AN1448"].map(|id| finding(id, Severity::Low, 9));
        let told = merge(findings.to_vec());
        let told: Vec<_> = told
            .iter()
            .map(|f| (f.analytic, f.also_satisfies.as_slice()))
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.contains(&("AN0842", &["AN1448"])), "{told:?}");
        assert!(told.contains(&("AN1376", &[])), "{told:?}");

        let without = ["AN1376", "AN1448"].map(|id| finding(id, Severity::Low, 9));
        let told = merge(without.to_vec());
        assert_eq!(told.len(), 2, "nobody else tells the chain");
        assert!(told.iter().all(|f| f.also_satisfies.is_empty()));
    }

    #[test]
    fn a_chain_that_two_tell_is_merged_once_and_another_source_is_another_chain() {
        let of = |remote: [u8; 4]| {
            let mut found = finding("AN1448", Severity::Low, 9);
            found.entities.remote = Some(remote.into());
            found
        };
        let mut held = finding("AN0842", Severity::Low, 9);
        held.entities.remote = Some([198, 51, 100, 7].into());
        let told = merge(vec![held, of([198, 51, 100, 8]), of([198, 51, 100, 7])]);
        assert_eq!(told.len(), 2);
        let apart = told.iter().find(|f| f.analytic == "AN1448").unwrap();
        assert_eq!(apart.entities.remote, Some([198, 51, 100, 8].into()));
        let merged = told.iter().find(|f| f.analytic == "AN0842").unwrap();
        assert_eq!(merged.also_satisfies, ["AN1448"]);
        let connects = merged.steps.iter().filter(|s| s.role == Role::Connect);
        assert_eq!(connects.count(), 1, "what both cite stands once");
    }
}
