//! What its findings are graded by: the table on the page of severities.

use crate::analytics::about::{Grade, SEEN, grade};
use crate::model::finding::{Severity, Tier};

/// Most severe first.
pub(super) const TABLE: &[Grade] = &[
    grade(
        &[Tier::Both],
        Severity::High,
        "a process is joined to the contacts, packets or a log of connections and socket records agree \
         on four fifths of them, and the process is a known scanner or lies where users can write",
    ),
    grade(
        &[Tier::Both, Tier::HostOnly],
        Severity::Medium,
        "a process is joined to the contacts, without that agreement or with a program in its \
         usual place, or the walk over addresses alone carries it; or no process is joined, \
         and failures carry it or the packets passed no socket beside a scanner or a capture driver",
    ),
    grade(
        &[Tier::NetworkOnly],
        Severity::Medium,
        "a source whose failures carry it",
    ),
    grade(
        SEEN,
        Severity::Low,
        "a source told by its questions to the segment, by addresses in order or by many targets \
         alone, or by the walk alone, as is System; or only the name of a tool or only sensitive ports \
         carry it; or most targets answered; or too few of them are internal to be told alone; or \
         what the program does fits a harmless one, as the notes say",
    ),
    grade(
        SEEN,
        Severity::Info,
        "the walk over addresses alone with fewer failed addresses than WalkTargets; or the \
         program is on KnownScannerExeList",
    ),
];
