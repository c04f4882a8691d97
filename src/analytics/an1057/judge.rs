//! How bad a scan is and how sure: tier, severity, score.

use super::detect::Detector;
use super::excuse::{self, Control, Excuse};
use super::folder::Folder;
use super::scan::Scan;
use super::settings::EnumerationSettings;
use crate::analytics::kit::standing::Standing;
use crate::context::processes::Instance;
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{ScoreItem, Severity, Tier};
use crate::model::{Event, Span};

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
    /// The service it runs for, where it is an `svchost.exe` and that is logged.
    pub service: Option<&'a str>,
    /// What about it is a scanner's.
    pub tool: Option<String>,
    /// It is on KnownScannerExeList.
    pub known: bool,
    /// How long before the scan it had opened no connection on this host yet; `None` if it had. What came
    /// nearer cannot be told from records of the scan itself.
    pub new_since: Option<Span>,
    /// What started it is told.
    pub parent_known: bool,
    /// Records of processes that loaded a capture driver, or of scanners that were started, while packets
    /// passed no socket.
    pub near: &'a [&'a Event],
    /// What the settings file says of its host and of the targets.
    pub standing: Standing,
    /// Its control connections of FTP.
    pub controls: &'a [Control],
}

/// The judgement.
pub(super) struct Judged {
    pub tier: Tier,
    pub severity: Severity,
    pub score: Vec<ScoreItem>,
    pub confidence: u8,
    /// What held the severity down, in sentences.
    pub held: Vec<String>,
    /// What it probably is instead of a scan.
    pub excuse: Option<Excuse>,
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
    let bypass = !doer.near.is_empty();
    let agreed = scan.agreed * 5 >= scan.contacts * 4;
    let tier = match (program, scan.on_wire) {
        (true, 0) => Tier::HostOnly,
        (true, _) => Tier::Both,
        (false, 0) => Tier::HostOnly,
        // Records of several programs, or of what sent the packets past them.
        (false, _) if bypass || scan.tied_all() > 0 => Tier::Both,
        (false, _) => Tier::NetworkOnly,
    };
    let folder = Folder::of(doer.image);
    let foreign = doer.tool.is_some() || folder == Folder::Anyones;
    let internal = scan.is_internal(settings);
    let excuse = excuse::of(scan, program, doer);
    let mut severity = match (program, agreed) {
        (true, true) if foreign => Severity::High,
        (true, _) => Severity::Medium,
        (false, _) if scan.hits.iter().any(|h| h.detector.by_failures()) || bypass => {
            Severity::Medium
        }
        (false, _) => Severity::Low,
    };
    let sums = scan.sums();
    let mostly_answered = sums.answered > sums.failed && sums.answered * 2 >= scan.contacts;
    let walk_alone = only(&[Detector::Walk]);
    let few = sums.failed < u64::from(settings.walk_targets);
    let of_system = program && doer.image.eq_ignore_ascii_case("System");
    let mut held = Vec::new();
    let mut hold = |at: Severity, condition: bool, why: &dyn Fn() -> String| {
        if condition && severity > at {
            severity = at;
            held.push(format!("held at {}: {}", at.word(), why()));
        }
    };
    let known = || "the program is on KnownScannerExeList".to_owned();
    hold(Severity::Info, doer.known, &known);
    hold(Severity::Info, walk_alone && few, &|| {
        format!(
            "only the random walk tells of it, and fewer than {} addresses failed",
            settings.walk_targets
        )
    });
    hold(
        Severity::Low,
        only(&[Detector::Tool, Detector::Sensitive]),
        &|| {
            "only the name of a tool or only ports of services that are worth finding carry it"
                .to_owned()
        },
    );
    hold(Severity::Low, walk_alone && !program, &|| {
        "only the random walk tells of it, and of no program".to_owned()
    });
    hold(Severity::Low, walk_alone && of_system, &|| {
        "only the random walk tells of it, and System opens files on servers for every program of its host"
            .to_owned()
    });
    hold(Severity::Low, mostly_answered, &|| {
        "most targets answered".to_owned()
    });
    hold(Severity::Low, !internal, &|| outside(scan));
    hold(
        Severity::Low,
        has(Detector::Segment) && sums.failed == 0,
        &|| "no question to the segment is known to have stayed without answer".to_owned(),
    );
    if let Some(excuse) = &excuse {
        hold(Severity::Low, true, &|| excuse.why.clone());
    }
    hold(Severity::Medium, walk_alone, &|| {
        "only the random walk tells of it".to_owned()
    });

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
        program && folder == Folder::Anyones,
        10,
        "the program lies where users can write",
    );
    add(
        program && folder == Folder::OwnPrograms,
        5,
        "the program is installed for one user, who can write there",
    );
    let ahead = doer
        .new_since
        .filter(|_| program && doer.instance.is_some());
    add(
        ahead.is_some(),
        5,
        &format!(
            "the evidence holds no connection of the program on this host from more than {} before the first contact",
            ahead.unwrap_or_default()
        ),
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
        &format!(
            "{} and socket records agree on four of five contacts or more",
            scan.wire()
        ),
    );
    add(!internal, -20, &outside(scan));
    add(
        walk_alone && of_system,
        -20,
        "System opens files on servers for every program of its host",
    );
    add(
        excuse.is_some(),
        -30,
        "what the program does fits a harmless one, as the notes say",
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
        held,
        excuse,
    }
}

/// How many targets are outside, where those inside would not be told alone.
fn outside(scan: &Scan) -> String {
    match scan.internal {
        0 => "all targets are outside the own network".to_owned(),
        inside => format!(
            "{inside} of {} targets {} inside the own network, too few to be told alone",
            scan.contacts,
            if inside == 1 { "is" } else { "are" }
        ),
    }
}
