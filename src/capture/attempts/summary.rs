//! What the attempt machine counted.

use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::{Event, Outcome, Timestamp, Transport, What};

/// Totals over all files, each kept from the first packet to the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptSummary {
    /// Attempts that became established.
    pub established: u64,
    /// Attempts left half open.
    pub half_open: u64,
    /// Attempts rejected by a reset.
    pub rejected: u64,
    /// Attempts refused by an ICMP error.
    pub unreachable: u64,
    /// Attempts without any answer.
    pub unanswered: u64,
    /// Attempts the initiator took back.
    pub aborted: u64,
    /// Flows whose start is not in the evidence.
    pub midstream: u64,
    /// Flows of which only the responder was captured.
    pub one_sided: u64,
    /// TCP attempts with a captured SYN.
    pub syns: u64,
    /// Of those, the ones with any answer. Next to `syns` this shows whether the capture holds
    /// both directions: where almost nothing is answered, silence proves little.
    pub answered_syns: u64,
    /// IP packets, copies included.
    pub ip_packets: u64,
    /// Of those, TCP segments.
    pub tcp_segments: u64,
    /// Of those, packets of protocols that carry others' packets, which are not opened.
    pub tunnelled: u64,
    /// Packets with a magic pattern, copies included.
    pub magic_packets: u64,
    /// Packets not counted because they were copies of another.
    pub duplicates: u64,
    /// ICMP errors that decided an attempt.
    pub icmp_matched: u64,
    /// ICMP errors that refuse nothing, or came after an answer.
    pub icmp_ignored: u64,
    /// ICMP errors about something not captured.
    pub icmp_unmatched: u64,
    /// UDP datagrams and pings to group addresses: nobody in particular was tried.
    pub group_datagrams: u64,
    /// TCP segments cut before their flags: they say nothing.
    pub cut_segments: u64,
    /// Flows forgotten early because the table was full; their attempts are marked.
    pub evicted: u64,
    /// Questions on a segment told early because too many were open at once.
    pub early_solicitations: u64,
    /// Most flows alive at once.
    pub most_live: usize,
    /// Time of the earliest packet.
    pub first: Option<Timestamp>,
    /// Time of the latest packet: the end of what "no answer" can claim.
    pub last: Option<Timestamp>,
}

impl AttemptSummary {
    /// All attempts.
    pub fn attempts(&self) -> u64 {
        self.established
            + self.half_open
            + self.rejected
            + self.unreachable
            + self.unanswered
            + self.aborted
            + self.midstream
            + self.one_sided
    }

    /// The limit that was reached, if one was.
    pub fn problems(&self) -> Vec<Problem> {
        let limit = |count, message: &str, effect: &str| Problem {
            evidence: None,
            kind: ProblemKind::Limit,
            weight: Weight::Note,
            count,
            first_offset: None,
            message: message.into(),
            effect: effect.into(),
        };
        let flows = limit(
            self.evicted,
            "more connections alive at once than the limit; raise the limit of live flows",
            "their attempts are marked as evicted: later answers to them were not joined",
        );
        let solicitations = limit(
            self.early_solicitations,
            "more open ARP and neighbour questions at once than are followed",
            "they were told before their time: later repetitions count as new questions",
        );
        [flows, solicitations]
            .into_iter()
            .filter(|problem| problem.count > 0)
            .collect()
    }

    pub(super) fn saw(&mut self, time: Timestamp) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// Counts the attempt of `event` and hands it on.
    pub(super) fn count(&mut self, event: Event) -> Event {
        let What::Attempt(attempt) = &event.what else {
            return event;
        };
        let counter = match attempt.outcome {
            Outcome::Established => &mut self.established,
            Outcome::HalfOpen => &mut self.half_open,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Unreachable(_) => &mut self.unreachable,
            Outcome::Unanswered => &mut self.unanswered,
            Outcome::Aborted => &mut self.aborted,
            Outcome::Midstream => &mut self.midstream,
            Outcome::OneSided => &mut self.one_sided,
        };
        *counter += 1;
        if attempt.transport == Transport::TCP && attempt.isn.is_some() {
            self.syns += 1;
            let silent = matches!(attempt.outcome, Outcome::Unanswered | Outcome::Aborted);
            self.answered_syns += u64::from(!silent);
        }
        event
    }
}
