//! A finding about a whole host that stands only as far as its programs do not tell the same.
//!
//! Keys do not see each other, so what a host did and what its programs did are found apart. Whether the
//! one says more than the others shows when all are there.

use crate::model::finding::Finding;
use std::net::IpAddr;

/// A finding that stands if enough of it is told by no program.
#[derive(Clone, Debug)]
pub struct Provisional {
    /// The finding of the host.
    pub finding: Finding,
    /// What it counts: address and port, 0 where there is none.
    pub targets: Vec<(IpAddr, u16)>,
    /// It stands if at least so many targets are told by nobody else.
    pub least: u64,
}

impl Provisional {
    /// True if it says what none of `findings` says, or says it more severely.
    pub fn stands(&self, findings: &[Finding]) -> bool {
        let of = &self.finding;
        let same_host = |told: &Finding| match of.entities.host_name.is_empty() {
            true => told.entities.host_address == of.entities.host_address,
            false => told.entities.host_name == of.entities.host_name,
        };
        let meanwhile = |told: &Finding| {
            told.first_time() <= of.last_time() && of.first_time() <= told.last_time()
        };
        let beside: Vec<&Finding> = findings
            .iter()
            .filter(|told| !told.entities.process.is_empty() && told.severity >= of.severity)
            .filter(|told| same_host(told) && meanwhile(told))
            .collect();
        let told = |(address, port): &(IpAddr, u16)| {
            let mut reaches = beside.iter().filter_map(|f| f.entities.reach.as_ref());
            reaches.any(|reach| {
                reach.addresses.contains(address) && (*port == 0 || reach.ports.contains(port))
            })
        };
        let untold = self.targets.iter().filter(|target| !told(target)).count() as u64;
        beside.is_empty() || untold >= self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Reach, Severity};
    use crate::model::{Text, Timestamp};

    fn target(last: u8) -> (IpAddr, u16) {
        (IpAddr::from([10, 0, 1, last]), 445)
    }

    fn finding(process: &str, severity: Severity, to: u8, second: i64) -> Finding {
        let at = Timestamp(second * 1_000_000_000);
        let mut finding = Finding {
            span: Some((at, at)),
            ..Finding::blank("AN1057", severity)
        };
        finding.entities.host_name = Text::from("WS01");
        finding.entities.process = Text::from(process);
        finding.entities.reach = Some(Reach {
            addresses: (0..to).map(|last| target(last).0).collect(),
            ports: [445].into(),
            more: false,
        });
        finding
    }

    #[test]
    fn a_host_is_told_for_what_its_programs_leave_untold() {
        let of = |targets: u8| Provisional {
            finding: finding("", Severity::Medium, targets, 0),
            targets: (0..targets).map(target).collect(),
            least: 8,
        };
        let told = finding("scan.exe", Severity::Medium, 20, 0);
        assert!(of(28).stands(&[]), "nobody tells it");
        assert!(!of(27).stands(std::slice::from_ref(&told)));
        assert!(of(28).stands(&[told]), "eight more");
        let lower = finding("scan.exe", Severity::Info, 20, 0);
        assert!(of(20).stands(&[lower]), "more severe");
        let later = finding("scan.exe", Severity::High, 20, 60);
        assert!(of(20).stands(&[later]), "another time");
        let mut elsewhere = finding("scan.exe", Severity::High, 20, 0);
        elsewhere.entities.host_name = Text::from("WS02");
        assert!(of(20).stands(&[elsewhere]), "another host");
    }
}
