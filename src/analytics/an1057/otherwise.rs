//! What else a scan could be, and what to do next: only what fits the detectors that fired and what
//! is known of the process.

use super::detect::Detector;
use super::excuse::Excuse;
use super::judge::Doer;
use super::scan::Scan;

pub(super) const APPROVED: &str = "an approved vulnerability scanner, inventory or monitoring system: name it in KnownScannerExeList, \
     or give its host the role scanner in the settings file";
pub(super) const MANY_CLIENTS: &str =
    "software distribution, backup or printing servers that reach many clients";
pub(super) const GONE: &str = "a client that looks for servers that were moved or switched off";
pub(super) const ONE_SERVER: &str = "a client that tries the ports of one server: a range of dynamic ports, data connections of FTP, a \
     program that looks for the port its server uses";
pub(super) const SERVICES: &str =
    "a host that uses several services of one server: logon, files, remote management";
pub(super) const SEGMENT: &str =
    "a router, a cache of addresses or an inventory that asks for everyone on its segment";
pub(super) const OUTSIDE: &str =
    "a peer-to-peer or measuring program, whose list of peers holds many that are gone";
pub(super) const UPLINK: &str = "a host whose VPN, uplink or name resolution is down: its programs go on trying servers that they cannot \
     reach from there";

pub(super) const FORGED: &str = "another host that sent in its name, as decoys of a scanner are: compare the hardware address of the packets \
     with the one it answers for by ARP";

/// What else it could be; `tied` is true where a process of the source is known to have made it.
pub(super) fn alternatives(scan: &Scan, excuse: Option<&Excuse>, tied: bool) -> Vec<String> {
    let has = |of: &[Detector]| scan.hits.iter().any(|h| of.contains(&h.detector));
    let many = scan.addresses.len() > 1;
    let sums = scan.sums();
    let fitting = [
        (APPROVED, true),
        (
            MANY_CLIENTS,
            many && scan.internal > 0
                && !has(&[Detector::Segment])
                && (has(&[Detector::Sweep, Detector::Sequence, Detector::Tool])
                    || has(&[Detector::Horizontal]) && sums.answered > 0),
        ),
        (
            GONE,
            many && scan.internal > 0 && has(&[Detector::Horizontal, Detector::Walk]),
        ),
        (
            UPLINK,
            many && scan.internal > 0 && has(&[Detector::Walk]) && sums.answered < sums.failed,
        ),
        (ONE_SERVER, has(&[Detector::Vertical, Detector::Ports])),
        (SERVICES, has(&[Detector::Sensitive])),
        (SEGMENT, has(&[Detector::Segment])),
        (OUTSIDE, many && scan.internal < scan.contacts),
        // Whoever forges a source address gets no answers, and makes no connections.
        (FORGED, !tied && 2 * sums.answered < sums.failed),
    ];
    let fitting = fitting.into_iter().filter(|(_, fits)| *fits);
    excuse
        .map(|excuse| excuse.otherwise)
        .into_iter()
        .chain(fitting.map(|(text, _)| text))
        .map(str::to_owned)
        .collect()
}

/// What to do next.
pub(super) fn actions(scan: &Scan, program: bool, doer: &Doer<'_>) -> Vec<String> {
    let account = doer.instance.is_some_and(|i| !i.user.is_empty());
    let owners = if account {
        "the host and of the account"
    } else {
        "the host"
    };
    let mut actions = vec![format!(
        "ask the owner of {owners} whether a scan was planned, and by which program"
    )];
    actions.push(
        if program {
            "acquire the program, its parent and its command line, and look at what the process did next"
        } else if scan.tied_all() == 0 {
            "find the program that made the contacts: no record ties one to them"
        } else if scan.main_image().is_some() {
            "acquire the program, and find what started so many of its processes"
        } else {
            "find the program that made the contacts: records tie several programs to them, or one to few"
        }
        .to_owned(),
    );
    if !scan.open.is_empty() {
        actions.push(
            "look at the targets that answered: log-ons and connections from this host afterwards"
                .to_owned(),
        );
    }
    actions
}
