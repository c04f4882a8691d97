//! What its findings are graded by: the table on the page of severities.

use crate::analytics::about::{Grade, SEEN, grade};
use crate::model::finding::{Severity, Tier};

/// Most severe first.
pub(super) const TABLE: &[Grade] = &[
    grade(
        &[Tier::Both, Tier::HostOnly],
        Severity::High,
        "the same process instance fell back, by a rhythm of the new channel or as a program that \
         does not use the network, with a port or protocol that is new and works, in an order the \
         clocks prove",
    ),
    grade(
        &[Tier::Both, Tier::HostOnly],
        Severity::Medium,
        "the same instance without those signs; or an injected process, a relative or the \
         same program; or one of these held at medium, as the finding says: a thin baseline, \
         a disruption told by silence or by no sign that stands alone, only a new remote, a \
         new channel not seen to work, an unproven order, an old channel not seen to work, \
         all that was tried beside it failed too, what looks like a failover of the program's own \
         service",
    ),
    grade(
        SEEN,
        Severity::Medium,
        "only the server or the host ties old and new channel, the new one is very unusual \
         there, and server, sizes or rhythm are the same",
    ),
    grade(
        SEEN,
        Severity::Low,
        "only the server or the host ties old and new channel; or the old channel worked \
         again later; or the program talked to ManyRemotes remotes before; or what looks like a \
         failover of the program's own service, to its own server or inside, as the finding says",
    ),
    grade(
        SEEN,
        Severity::Info,
        "the program was installed within the hour before, or is on ProcessName; or no \
         channel was seen to move after a stated containment",
    ),
];
