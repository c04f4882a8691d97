//! What else a scan could be, and what to do next: only what fits the detectors that fired and what
//! is known of the process.

use super::detect::Detector;
use super::excuse::Excuse;
use super::judge::Doer;
use super::scan::Scan;
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::host_event::Process;
use crate::model::plural::counted;
use crate::model::{Event, HostWhat, What};
use std::collections::BTreeSet;

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

pub(super) const TRANSLATED: &str = "another host behind the same translated address, which reached for the same targets at the same \
     time";

/// Programs named in what to do next.
const NAMED: usize = 4;
/// Process ids named of one program.
const PIDS: usize = 3;

/// What else it could be; `tied` is true where a process of the source is known to have made it, and
/// `translated` where only target and time tie it.
pub(super) fn alternatives(
    scan: &Scan,
    excuse: Option<&Excuse>,
    tied: bool,
    translated: bool,
) -> Vec<String> {
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
        (TRANSLATED, translated),
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
    actions.push(if program {
        format!(
            "acquire {}, and look at what {} did next",
            listed(&wanted(scan, doer)),
            if scan.pids().len() > 1 {
                "its processes"
            } else {
                "the process"
            }
        )
    } else if !doer.near.is_empty() {
        format!(
            "acquire {}, near in time, and find the program that made the contacts: {}",
            near(doer.near),
            tied(scan)
        )
    } else if let Some(image) = scan.main_image() {
        format!(
            "acquire {}, and find what started so many of its processes",
            image_name(image)
        )
    } else {
        format!("find the program that made the contacts: {}", tied(scan))
    });
    if !scan.open.is_empty() {
        actions.push(
            "look at the targets that answered: log-ons and connections from this host afterwards"
                .to_owned(),
        );
    }
    actions
}

/// The program, and what of its start no record tells.
fn wanted(scan: &Scan, doer: &Doer<'_>) -> Vec<String> {
    let pids: Vec<String> = scan.pids().iter().map(u32::to_string).collect();
    let name = match (image_name(doer.image), pids.as_slice()) {
        ("", []) => "the program".to_owned(),
        ("", [pid]) => format!("the program of process {pid}"),
        ("", _) => "the program of these processes".to_owned(),
        (name, []) => name.to_owned(),
        (name, few) if few.len() <= PIDS => format!("{name} ({})", few.join(", ")),
        (name, many) => format!("{name} ({} process ids)", many.len()),
    };
    let command_line = doer.instance.is_some_and(|i| !i.command_line.is_empty());
    let lacking = [
        ("its parent", doer.parent_known),
        ("its command line", command_line),
    ];
    let lacking = lacking.iter().filter(|(_, known)| !known);
    std::iter::once(name)
        .chain(lacking.map(|(what, _)| (*what).to_owned()))
        .collect()
}

/// `a`, `a and b`, `a, b and c`.
fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The programs whose records are near in time, each once.
fn near(signs: &[&Event]) -> String {
    let process = |event: &&Event| -> Option<Process> {
        let What::Host(host) = &event.what else {
            return None;
        };
        match &host.what {
            HostWhat::LibraryLoaded { process, .. } | HostWhat::ProcessStarted { process, .. } => {
                Some(process.clone())
            }
            _ => None,
        }
    };
    let named: BTreeSet<String> = signs
        .iter()
        .filter_map(process)
        .map(|process| match process.pid {
            Some(pid) => format!("{} ({pid})", image_name(&process.image)),
            None => image_name(&process.image).to_owned(),
        })
        .collect();
    cut(named.into_iter().collect(), "program")
}

/// To how many of the contacts records tie which programs.
fn tied(scan: &Scan) -> String {
    let mut programs: Vec<(&String, &u64)> = scan.programs.iter().collect();
    if programs.is_empty() {
        return "no record ties one to them".to_owned();
    }
    programs.sort_by_key(|(image, contacts)| (u64::MAX - **contacts, *image));
    let named = programs.iter().map(|(image, contacts)| {
        // As its records write it: what counts them spells all of it small.
        let written = scan.processes.values();
        let written = written
            .map(|share| &share.actor.process.image)
            .find(|written| image_key(written) == **image);
        match image_name(written.map_or(image.as_str(), |written| written)) {
            "" => format!("a program that is not named to {contacts}"),
            name => format!("{name} to {contacts}"),
        }
    });
    format!(
        "records tie {} of {}",
        cut(named.collect(), "program"),
        scan.contacts
    )
}

/// The first few of a list, and how many more there are.
fn cut(mut all: Vec<String>, what: &str) -> String {
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(counted(more as u64, &format!("further {what}")));
    }
    listed(&all)
}
