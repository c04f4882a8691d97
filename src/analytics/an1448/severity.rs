//! What its findings are graded by: the table on the page of severities.

use crate::analytics::about::{ANY, Grade, grade};
use crate::model::finding::{Severity, Tier};

/// Most severe first.
pub(super) const TABLE: &[Grade] = &[
    grade(
        &[Tier::Both],
        Severity::High,
        "touches, a change and the same source back, order certain, packets and logs agreeing; or a \
         connection back that was made, by a process that listens to the wire, under the same \
         conditions; or a woken host that the sender then entered by an administrative port, order \
         certain",
    ),
    grade(
        &[Tier::NetworkOnly],
        Severity::High,
        "a woken host that the sender then entered by an administrative port, order certain",
    ),
    grade(
        &[Tier::Both, Tier::HostOnly, Tier::NetworkOnly],
        Severity::Medium,
        "the sequence with a weaker tie, basis or order, or with a connection back of which only the \
         attempt is told, or by another program than the one that listens to the wire, or after touches of \
         ports that clients try; or a woken host that the sender entered, with the order uncertain, by a \
         permission alone, or heard so shortly before that it may have been up, or whose own log tells of no start then; or one sender that signalled to \
         many hosts within a short time",
    ),
    grade(
        ANY,
        Severity::Low,
        "no change was seen, or another source came, or a connection back is told as tried only and on a weaker basis, or one of the causes that AN0842 has for low; or a magic packet was sent and no target was seen to start after it and to be entered",
    ),
    grade(
        ANY,
        Severity::Info,
        "the change was made by a program on AllowedFirewallChangers, or the wake signal was approved",
    ),
];
