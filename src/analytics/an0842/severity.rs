//! What its findings are graded by: the table on the page of severities.

use crate::analytics::about::{ANY, Grade, grade};
use crate::model::finding::{Severity, Tier};

/// Most severe first.
pub(super) const TABLE: &[Grade] = &[
    grade(
        &[Tier::Both],
        Severity::High,
        "the whole chain, its order certain, the change tied to the port and not merely to a program",
    ),
    grade(
        &[Tier::Both, Tier::HostOnly],
        Severity::Medium,
        "the whole chain from host logs alone, or with an uncertain order, plain touches, a tie by program or by the \
         default port of a service only, a connection without payload, another source that came in first, a list of \
         ports that the source works through, or a source that tried the same ports of many hosts",
    ),
    grade(
        &[Tier::NetworkOnly],
        Severity::Medium,
        "packets alone, and the source had been turned away at the port it then reached",
    ),
    grade(
        &[Tier::Both, Tier::HostOnly],
        Severity::Low,
        "the touches look like a scan or like a client that waits for services, the first success may \
         be an old connection logged again, the captures could not have shown an answer, or the rule \
         was not in force",
    ),
    grade(
        &[Tier::NetworkOnly, Tier::Partial],
        Severity::Low,
        "packets alone, or a change without a connection",
    ),
    grade(
        ANY,
        Severity::Info,
        "the change was made by a program or account on RuleChangeAllowList",
    ),
];
