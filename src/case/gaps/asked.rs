//! The time asked for lies beside the evidence: of captures and of the logs of a host nothing is left for
//! it, also where one end of it was left open.

use super::logs::COLLECTED_BEFORE;
use super::packets::NOT_RUNNING;
use super::{Gap, GapKind, Lessens, Search, when};
use crate::context::HostId;
use crate::model::{Span, Timestamp};

impl Search<'_> {
    /// The time asked for that lies after `end`, if all of it does by more than `doubt`: when it begins.
    fn asked_after(&self, end: Timestamp, doubt: Span) -> Option<Timestamp> {
        self.asked.from.filter(|from| from.since(end) > doubt)
    }

    /// The time asked for that lies before `start`, if all of it does by more than `doubt`: when it ends.
    pub(super) fn asked_before(&self, start: Timestamp, doubt: Span) -> Option<Timestamp> {
        self.asked.to.filter(|to| start.since(*to) > doubt)
    }

    /// The time asked for, as what to collect names it.
    fn asked_words(&self) -> String {
        match (self.asked.from, self.asked.to) {
            (Some(from), Some(to)) => {
                format!("from {} to {}", when(from, None), when(to, Some(from)))
            }
            (Some(from), None) => format!("from {} on", when(from, None)),
            (None, Some(to)) => format!("until {}", when(to, None)),
            (None, None) => String::new(),
        }
    }
}

/// Not one packet of the captures lies in the time asked for.
pub(super) fn beside_captures(
    search: &Search<'_>,
    start: Timestamp,
    end: Timestamp,
) -> Option<Gap> {
    let (what, from, to) = if let Some(from) = search.asked_after(end, Span::ZERO) {
        let far = from.since(end).roughly();
        let what = format!(
            "packets end {}, {far} before the time asked for begins",
            when(end, None)
        );
        (what, end, search.asked.to.unwrap_or(from))
    } else {
        let to = search.asked_before(start, Span::ZERO)?;
        let far = start.since(to).roughly();
        let what = format!(
            "packets start {}, {far} after the time asked for ends",
            when(start, None)
        );
        (what, search.asked.from.unwrap_or(to), start)
    };
    let mut gap = Gap::new(GapKind::CaptureShort, what, NOT_RUNNING);
    (gap.from, gap.to) = (Some(from), Some(to));
    (gap.lessens, gap.whole) = (Lessens::Packets, true);
    gap.remedy = format!("captures {}", search.asked_words());
    Some(gap)
}

/// Not one record of a host's logs lies in the time asked for, because all are older than it.
pub(super) fn after_logs(search: &Search<'_>, id: HostId, end: Timestamp) -> Option<Gap> {
    let from = search.asked_after(end, search.doubt(id))?;
    let mut gap = Gap::new(
        GapKind::LogsEndEarly,
        format!(
            "its last record of any log is of {}, {} before the time asked for begins",
            when(end, None),
            from.since(end).roughly()
        ),
        COLLECTED_BEFORE,
    );
    (gap.from, gap.to) = (Some(end), Some(search.asked.to.unwrap_or(from)));
    (gap.lessens, gap.whole) = (Lessens::Logs(id), true);
    gap.remedy = format!("its logs {}", search.asked_words());
    Some(gap)
}
