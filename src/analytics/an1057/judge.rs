//! How bad a scan is and how sure: tier, severity, score.

use super::detect::Detector;
use super::scan::Scan;
use super::settings::EnumerationSettings;
use super::tools;
use crate::analytics::kit::standing::Standing;
use crate::context::processes::Instance;
use crate::eventlog::normalise::image::image_name;
use crate::model::Span;
use crate::model::finding::{ScoreItem, Severity, Tier};

/// Ports by which hosts are administered.
const ADMIN: [u16; 5] = [22, 445, 1433, 3389, 5985];
/// Programs that seldom should start something that scans.
const PARENTS: [&str; 14] = [
    "winword.exe",
    "excel.exe",
    "powerpnt.exe",
    "outlook.exe",
    "wscript.exe",
    "cscript.exe",
    "mshta.exe",
    "rundll32.exe",
    "regsvr32.exe",
    "wmiprvse.exe",
    "powershell.exe",
    "pwsh.exe",
    "msbuild.exe",
    "installutil.exe",
];

/// What is known of the process behind a scan.
pub(super) struct Doer<'a> {
    /// Its image; empty where no process is tied.
    pub image: &'a str,
    /// Its start, where logged.
    pub instance: Option<&'a Instance>,
    /// What about it is a scanner's.
    pub tool: Option<String>,
    /// It is on KnownScannerExeList.
    pub known: bool,
    /// It opened connections on this host before.
    pub networked: bool,
    /// A process loaded a capture driver, or a scanner was started, while packets passed no socket.
    pub bypass: bool,
    /// What the settings file says of its host and of the targets.
    pub standing: Standing,
}

/// The judgement.
pub(super) struct Judged {
    pub tier: Tier,
    pub severity: Severity,
    pub score: Vec<ScoreItem>,
    pub confidence: u8,
}

/// Judges a scan.
pub(super) fn judge(
    scan: &Scan,
    program: bool,
    doer: &Doer<'_>,
    settings: &EnumerationSettings,
) -> Judged {
    let has = |d: Detector| scan.hits.iter().any(|h| h.detector == d);
    let only = |d: &[Detector]| scan.hits.iter().all(|h| d.contains(&h.detector));
    let agreed = scan.agreed * 5 >= scan.contacts * 4;
    let tier = match (program, scan.on_wire) {
        (true, 0) => Tier::HostOnly,
        (true, _) => Tier::Both,
        (false, 0) => Tier::HostOnly,
        // Records of several programs, or of what sent the packets past them.
        (false, _) if doer.bypass || scan.tied_all() > 0 => Tier::Both,
        (false, _) => Tier::NetworkOnly,
    };
    let foreign = doer.tool.is_some() || tools::odd_place(doer.image);
    let mut severity = match (program, agreed) {
        (true, true) if foreign => Severity::High,
        (true, _) => Severity::Medium,
        (false, _) if scan.hits.iter().any(|h| h.detector.by_failures()) || doer.bypass => {
            Severity::Medium
        }
        (false, _) => Severity::Low,
    };
    let sums = scan.sums();
    let mostly_answered = sums.answered > sums.failed && sums.answered * 2 >= scan.contacts;
    let hold = |severity: Severity, at: Severity, condition: bool| {
        if condition {
            severity.min(at)
        } else {
            severity
        }
    };
    let walk_alone = only(&[Detector::Walk]);
    let few = sums.failed < u64::from(settings.walk_targets);
    severity = hold(
        severity,
        Severity::Low,
        only(&[Detector::Tool, Detector::Sensitive]),
    );
    severity = hold(severity, Severity::Medium, walk_alone);
    severity = hold(severity, Severity::Low, walk_alone && !program);
    severity = hold(severity, Severity::Info, walk_alone && few);
    severity = hold(severity, Severity::Low, mostly_answered);
    severity = hold(severity, Severity::Low, scan.internal == 0);
    severity = hold(
        severity,
        Severity::Low,
        has(Detector::Segment) && sums.failed == 0,
    );
    severity = hold(severity, Severity::Info, doer.known);

    let mut score = Vec::new();
    let mut add = |condition: bool, points: i32, reason: &str| {
        if condition {
            score.push(ScoreItem {
                reason: reason.to_owned(),
                points,
            });
        }
    };
    let mut kinds: Vec<Detector> = scan.hits.iter().map(|h| h.detector).collect();
    kinds.sort_unstable();
    kinds.dedup();
    add(!kinds.is_empty(), 30, "one detector fired");
    add(kinds.len() > 1, 15, "another detector fired as well");
    add(kinds.len() > 2, 5, "a third detector fired as well");
    let known = sums.failed + sums.answered;
    add(
        known >= 4 && sums.failed * 10 >= known * 8,
        15,
        "four of five known outcomes or more are failures",
    );
    add(mostly_answered, -20, "most targets answered");
    add(
        doer.tool.is_some(),
        10,
        "the program or its command line is a scanner's",
    );
    add(
        program && tools::odd_place(doer.image),
        10,
        "the program lies where users can write",
    );
    add(
        program && doer.instance.is_some() && !doer.networked,
        5,
        "no earlier connection of the program on this host is in the evidence",
    );
    let soon = doer
        .instance
        .and_then(|i| i.started)
        .is_some_and(|started| {
            (Span::ZERO..=Span::seconds(60)).contains(&scan.first.since(started))
        });
    add(soon, 10, "the process had started at most 60 s before");
    let parent = doer.instance.map_or("", |i| image_name(&i.parent.image));
    add(
        PARENTS.iter().any(|p| p.eq_ignore_ascii_case(parent)),
        5,
        "its parent is an Office program, a script host or the like",
    );
    add(
        scan.networks.len() >= 3,
        5,
        "targets lie in three or more /24 networks",
    );
    add(
        doer.standing.crosses(),
        5,
        "targets lie in segments of the settings file that are not the source's own",
    );
    add(
        doer.standing.workstation,
        5,
        "the settings file calls the source a workstation",
    );
    add(
        doer.standing.workstation && doer.standing.crosses(),
        5,
        "a workstation that reaches into other segments",
    );
    add(
        scan.ports.iter().any(|(_, _, port)| ADMIN.contains(port)),
        5,
        "a port of administration is among them",
    );
    add(
        agreed && program,
        10,
        "packets and socket records agree on four of five contacts or more",
    );
    add(
        scan.internal == 0,
        -20,
        "all targets are outside the own network",
    );
    add(doer.known, -40, "the program is on KnownScannerExeList");
    let sum: i32 = score.iter().map(|i| i.points).sum();
    let cap = match (program, tier) {
        (true, Tier::Both) if agreed => 100,
        (true, _) => 80,
        (false, _) => 69,
    };
    Judged {
        tier,
        severity,
        score,
        confidence: sum.clamp(0, cap) as u8,
    }
}
