//! Which halves of the evidence carry a finding, in words.
//!
//! A finding that packets carry may cite records beside them, and the other way round: "no host log shows
//! it" is said only where none is cited. Rows of a log of connections are no packets. Of a scan, packets
//! and host logs agree only where both show its contacts.

use super::about::places;
use super::json::refs::Ref;
use super::json::shape;
use crate::model::What;
use crate::model::finding::{FURTHER, Finding, JOINED_BY_TARGET, Role};
use crate::model::provenance::Item;

/// What a step cites.
#[derive(Clone, Copy)]
struct Cited<'a> {
    role: &'a str,
    remark: &'a str,
    /// Its event is a host's record, in whatever form.
    own: bool,
    /// A record beside its event.
    record: bool,
    packet: bool,
    /// A row of a log of connections.
    row: bool,
}

/// The basis of a finding.
pub fn of_finding(finding: &Finding) -> String {
    let cited = finding.steps.iter().map(|step| {
        let own = step.event.provenance;
        let host = matches!(step.event.what, What::Host(_));
        let record = step.also.iter().any(|p| match p.kind {
            Item::Packet => false,
            Item::Record => true,
            // A log of connections is a text too, and has no other file's lines beside its own.
            Item::Line => p.evidence != own.evidence,
        });
        let mut all = places(&step.event, &step.also).into_iter();
        Cited {
            role: step.role.word(),
            remark: &step.remark,
            own: host,
            record,
            packet: all.any(|p| p.kind == Item::Packet),
            row: !host && own.kind == Item::Line,
        }
    });
    words(finding.tier.word(), &cited.collect::<Vec<_>>())
}

/// The basis of a finding as a report has it.
pub fn of_record(finding: &shape::Finding) -> String {
    let cited = finding.steps.iter().map(|step| {
        let own = step.refs.first().map(evidence);
        // Every record has an event id, and nothing else has one.
        let host = step.fields.contains_key("event_id");
        let record = step.refs.iter().skip(1).any(|r| match r {
            Ref::Packet(_) => false,
            Ref::Record(_) => true,
            Ref::Line(line) => own != Some(line.evidence.0.as_str()),
        });
        let mut all = step.refs.iter();
        Cited {
            role: &step.role,
            remark: &step.remark,
            own: host,
            record,
            packet: all.any(|r| matches!(r, Ref::Packet(_))),
            row: !host && matches!(step.refs.first(), Some(Ref::Line(_))),
        }
    });
    words(&finding.tier, &cited.collect::<Vec<_>>())
}

fn evidence(r: &Ref) -> &str {
    match r {
        Ref::Packet(packet) => &packet.evidence.0,
        Ref::Record(record) => &record.evidence.0,
        Ref::Line(line) => &line.evidence.0,
    }
}

fn words(tier: &str, cited: &[Cited<'_>]) -> String {
    let records = cited.iter().any(|step| step.record);
    let packets = cited.iter().any(|step| step.packet);
    let rows = cited.iter().any(|step| step.row);
    let (wire, and) = match (packets, rows) {
        (false, true) => ("a log of connections", "a log of connections"),
        (true, true) => (
            "packets and a log of connections",
            "packets, a log of connections",
        ),
        _ => ("packets", "packets"),
    };
    let (show, do_not) = match (packets, rows) {
        (false, true) => ("shows", "does"),
        _ => ("show", "do"),
    };
    match tier {
        "both" => {
            of_contacts((wire, show), cited).unwrap_or_else(|| format!("{and} and host logs agree"))
        }
        "host-only" if packets || rows => match failures(cited) {
            Some([all, _, seen]) => {
                format!("host logs; {wire} {show} {seen} of the {all} failures cited")
            }
            None => {
                format!("host logs; {wire} {show} single steps of it, and {do_not} not carry it")
            }
        },
        "host-only" => "host logs alone; no packets show it".to_owned(),
        "network-only" if records => match failures(cited) {
            Some([all, logged, _]) => {
                format!("{wire}; host logs show {logged} of the {all} failures cited")
            }
            None => format!("{wire}; host logs show single steps of it, and do not carry it"),
        },
        "network-only" => format!("{wire} alone; no host log shows it"),
        _ => "a part of the pattern".to_owned(),
    }
}

/// Failures that are cited, and how many of them host logs and packets show; `None` where there are none, or
/// where more are cited with one step.
fn failures(cited: &[Cited<'_>]) -> Option<[usize; 3]> {
    let failed = |step: &&Cited<'_>| step.role == Role::Failed.word();
    let of = |which: &dyn Fn(&Cited<'_>) -> bool| {
        cited
            .iter()
            .filter(failed)
            .filter(|step| which(step))
            .count()
    };
    let more = cited.iter().any(|step| step.remark.contains(FURTHER));
    let counts = [
        of(&|_| true),
        of(&|step| step.own || step.record),
        of(&|step| step.packet || step.row),
    ];
    (counts[0] > 0 && !more).then_some(counts)
}

/// What is said of a scan where host logs, or packets, show fewer than four fifths of the contacts that are
/// cited, or target and time alone join the two; `None` for any other.
fn of_contacts((wire, show): (&str, &str), cited: &[Cited<'_>]) -> Option<String> {
    let is = |step: &Cited<'_>, role: Role| step.role == role.word();
    let contact = |step: &&Cited<'_>| is(step, Role::Scan) || is(step, Role::Connect);
    let process = |step: &&Cited<'_>| is(step, Role::Process);
    let scan = cited.iter().any(|step| is(step, Role::Scan));
    // What else a pattern holds, a change of the firewall for one, is what its logs show.
    let other = cited
        .iter()
        .any(|step| !contact(&step) && !process(&step) && !is(step, Role::Context));
    if !scan || other {
        return None;
    }
    let all = cited.iter().filter(contact).count();
    let logged = cited.iter().filter(contact).filter(|s| s.own || s.record);
    let (logged, joined) = logged.fold((0, 0), |(logged, joined), step| {
        let weak = step.remark.contains(JOINED_BY_TARGET);
        (logged + 1, joined + usize::from(weak))
    });
    let seen = cited
        .iter()
        .filter(contact)
        .filter(|step| step.packet || step.row)
        .count();
    match logged {
        0 if cited.iter().any(|step| process(&step)) => Some(format!(
            "{wire}; host logs show programs near in time, and none of the contacts cited"
        )),
        0 => Some(format!("{wire}; host logs show none of the contacts cited")),
        _ if logged * 5 < all * 4 => Some(format!(
            "{wire}; host logs show {logged} of the {all} contacts cited"
        )),
        _ if seen * 5 < all * 4 => Some(format!(
            "host logs; {wire} {show} {seen} of the {all} contacts cited"
        )),
        _ if joined == logged => Some(format!(
            "{wire} and host logs, joined by target and time alone"
        )),
        _ => None,
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
            both[0].clone()
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

    /// What both ways say of three contacts of a scan, as `shape` leaves them.
    fn of_scan(tier: Tier, shape: impl Fn(usize, &mut Step)) -> String {
        let mut case = samples::case();
        let finding = &mut case.incidents[0].finding;
        finding.tier = tier;
        let packets = |step: &&Step| step.event.provenance.kind == Item::Packet;
        let packet = finding.steps.iter().find(packets).expect("one").clone();
        finding.steps = vec![packet; 3];
        for (n, step) in finding.steps.iter_mut().enumerate() {
            step.role = Role::Scan;
            step.remark.clear();
            step.also.clear();
            step.event.provenance = samples::place(2, Item::Packet, 9);
            shape(n, step);
        }
        let told = of_finding(&case.incidents[0].finding);
        let report = json::shaped(&case);
        assert_eq!(told, of_record(&report.findings[0]));
        told
    }

    #[test]
    fn packets_and_logs_agree_on_a_scan_only_where_both_show_its_contacts() {
        let record = || vec![samples::place(1, Item::Record, 7)];
        let logged = |least: usize| {
            move |n: usize, step: &mut Step| {
                if n >= least {
                    step.also = record();
                }
            }
        };
        let told = |least| of_scan(Tier::Both, logged(least));
        assert_eq!(told(0), "packets and host logs agree");
        // Contacts that only a record tells, beside one that packets show.
        let case = samples::case();
        let mut events = case.incidents[0].finding.steps.iter().map(|s| &s.event);
        let host = events.find(|e| matches!(e.what, What::Host(_)));
        let host = host.expect("a record is among them");
        let records = |n: usize, step: &mut Step| {
            if n > 0 {
                step.event = host.clone();
            } else {
                step.also = record();
            }
        };
        assert_eq!(
            of_scan(Tier::Both, records),
            "host logs; packets show 1 of the 3 contacts cited"
        );
        assert_eq!(told(2), "packets; host logs show 1 of the 3 contacts cited");
        assert_eq!(
            told(3),
            "packets; host logs show none of the contacts cited"
        );
        let beside = of_scan(Tier::Both, |n, step| {
            if n == 0 {
                (step.role, step.also) = (Role::Process, record());
            }
        });
        assert!(beside.ends_with("programs near in time, and none of the contacts cited"));
        let translated = of_scan(Tier::Both, |_, step| {
            (step.also, step.remark) = (record(), JOINED_BY_TARGET.to_owned());
        });
        assert!(translated.ends_with("joined by target and time alone"));
        // A change of the firewall is what the logs of that pattern show.
        let other = of_scan(Tier::Both, |n, step| {
            if n == 0 {
                (step.role, step.also) = (Role::Change, record());
            }
        });
        assert_eq!(other, "packets and host logs agree");
    }

    #[test]
    fn a_log_of_connections_is_no_host_log_beside_its_own_lines() {
        let mut case = samples::case();
        let finding = &mut case.incidents[0].finding;
        finding.tier = Tier::NetworkOnly;
        for step in &mut finding.steps {
            step.event.provenance = samples::place(1, Item::Line, 7);
            step.also = vec![samples::place(1, Item::Line, 8)];
        }
        let told = |case: &crate::case::Case| {
            let both = of_finding(&case.incidents[0].finding);
            assert_eq!(both, of_record(&json::shaped(case).findings[0]));
            both
        };
        assert_eq!(
            told(&case),
            "packets and a log of connections alone; no host log shows it"
        );
        case.incidents[0].finding.steps[0].also[0] = samples::place(2, Item::Line, 8);
        assert!(told(&case).starts_with("packets and a log of connections; host logs"));
    }

    #[test]
    fn a_packet_beside_records_is_not_denied() {
        let mut case = samples::case();
        let finding = &mut case.incidents[0].finding;
        finding.tier = Tier::HostOnly;
        let logged = |step: &Step| step.event.provenance.kind == Item::Record;
        finding.steps.retain(logged);
        for step in &mut finding.steps {
            step.also = vec![samples::place(2, Item::Record, 8)];
        }
        let told = |case: &crate::case::Case| {
            let both = of_finding(&case.incidents[0].finding);
            assert_eq!(both, of_record(&json::shaped(case).findings[0]));
            both
        };
        assert_eq!(told(&case), "host logs alone; no packets show it");
        case.incidents[0].finding.steps[0].also[0] = samples::place(1, Item::Packet, 8);
        assert!(told(&case).starts_with("host logs; packets show single steps"));
    }
}
