//! Which halves of the evidence carry a finding, in words.
//!
//! A finding that packets carry may cite records beside them, and the other way round: "no host log shows
//! it" is said only where none is cited.

use super::about::places;
use super::json::refs::Ref;
use super::json::shape;
use crate::model::finding::Finding;
use crate::model::provenance::Item;

/// The basis of a finding.
pub fn of_finding(finding: &Finding) -> &'static str {
    let cited = finding.steps.iter().map(|step| {
        let own = step.event.provenance;
        let record = step.also.iter().any(|p| match p.kind {
            Item::Packet => false,
            Item::Record => true,
            // A log of connections is a text too, and has no other file's lines beside its own.
            Item::Line => p.evidence != own.evidence,
        });
        let mut all = places(&step.event, &step.also).into_iter();
        (record, all.any(|p| p.kind == Item::Packet))
    });
    words(finding.tier.word(), cited)
}

/// The basis of a finding as a report has it.
pub fn of_record(finding: &shape::Finding) -> &'static str {
    let cited = finding.steps.iter().map(|step| {
        let own = step.refs.first().map(evidence);
        let record = step.refs.iter().skip(1).any(|r| match r {
            Ref::Packet(_) => false,
            Ref::Record(_) => true,
            Ref::Line(line) => own != Some(line.evidence.0.as_str()),
        });
        let mut all = step.refs.iter();
        (record, all.any(|r| matches!(r, Ref::Packet(_))))
    });
    words(&finding.tier, cited)
}

fn evidence(r: &Ref) -> &str {
    match r {
        Ref::Packet(packet) => &packet.evidence.0,
        Ref::Record(record) => &record.evidence.0,
        Ref::Line(line) => &line.evidence.0,
    }
}

/// Of each step: whether it cites a record beside its event, and whether it cites a packet.
fn words(tier: &str, cited: impl Iterator<Item = (bool, bool)>) -> &'static str {
    let (records, packets) =
        cited.fold((false, false), |all, one| (all.0 || one.0, all.1 || one.1));
    match tier {
        "both" => "packets and host logs agree",
        "host-only" if packets => "host logs; packets show single steps of it, and do not carry it",
        "host-only" => "host logs alone; no packets show it",
        "network-only" if records => {
            "packets; host logs show single steps of it, and do not carry it"
        }
        "network-only" => "packets alone; no host log shows it",
        _ => "a part of the pattern",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Step, Tier};
    use crate::report::{json, samples};

    #[test]
    fn a_record_beside_packets_is_not_denied() {
        let mut case = samples::case();
        let told = |case: &crate::case::Case| {
            let report = json::shaped(case);
            let both: Vec<_> = case
                .incidents
                .iter()
                .map(|i| of_finding(&i.finding))
                .collect();
            let read: Vec<_> = report.findings.iter().map(of_record).collect();
            assert_eq!(both, read, "text and report say the same");
            both[0]
        };
        assert_eq!(told(&case), "packets and host logs agree");
        let finding = &mut case.incidents[0].finding;
        finding.tier = Tier::NetworkOnly;
        finding
            .steps
            .retain(|step| step.event.provenance.kind == Item::Packet);
        let step = finding.steps.last_mut().expect("a step");
        step.also = vec![samples::place(2, Item::Packet, 9)];
        for step in &mut finding.steps {
            step.also.retain(|p| p.kind == Item::Packet);
        }
        assert_eq!(told(&case), "packets alone; no host log shows it");
        let beside = [
            samples::place(1, Item::Record, 7),
            samples::place(3, Item::Line, 7),
        ];
        for record in beside {
            let step = case.incidents[0].finding.steps.last_mut().expect("a step");
            step.also = vec![record];
            assert!(told(&case).starts_with("packets; host logs show single steps"));
        }
        let finding = &mut case.incidents[0].finding;
        finding.tier = Tier::HostOnly;
        assert!(told(&case).starts_with("host logs; packets show single steps"));
        let shows = |step: &Step| {
            places(&step.event, &step.also)
                .iter()
                .any(|p| p.kind == Item::Packet)
        };
        let mut whole = samples::case();
        let finding = &mut whole.incidents[0].finding;
        finding.tier = Tier::HostOnly;
        finding.steps.retain(|step| !shows(step));
        let case = whole;
        assert_eq!(told(&case), "host logs alone; no packets show it");
    }
}
