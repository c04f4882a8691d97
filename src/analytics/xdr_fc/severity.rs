//! What its findings are graded by: the table on the page of severities.

use crate::analytics::about::{Grade, SEEN, grade};
use crate::model::finding::Severity;

/// Most severe first.
pub(super) const TABLE: &[Grade] = &[
    grade(
        SEEN,
        Severity::Low,
        "an abnormal count against at least ActivationPeriod of own days, with MinTargets \
         targets vouched for that did not fail for several sources at once, and a day of \
         listening",
    ),
    grade(
        SEEN,
        Severity::Info,
        "anything less: the mixture alone, a short past, less than a day of listening without a \
         gap, segments nobody was heard on, an outage for several sources; or a rare relation of causality owner and process; or \
         addresses outside the network that no lookup named",
    ),
];
