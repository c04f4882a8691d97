//! What `conn_state` and `history` of a row say became of the connection.

use crate::model::attempt::{FlowEnd, Marks, Outcome};
use crate::model::{Span, Transport};

/// SYN and FIN of the originator, and no SYN-ACK: the answers passed by another way.
pub(super) const HALF_CLOSED: &str = "SH";

/// A reset this long after the first packet at most came soon after the last one before it, too.
const SURELY_IN_USE: Span = Span::seconds(10);

/// Zeek's `conn_state`, as its documentation of conn.log defines it, with `history` where one state
/// stands for two pictures.
pub(super) fn outcome(
    transport: Transport,
    state: &str,
    history: &str,
) -> Option<(Outcome, FlowEnd)> {
    if transport == Transport::TCP && !began(state, history) {
        let reset = first_reset(history);
        let closed = history.contains(['F', 'f']).then_some(FlowEnd::Closed);
        return Some((
            Outcome::Midstream,
            reset.or(closed).unwrap_or(FlowEnd::Open),
        ));
    }
    // Upper case is the originator's. Its ACK or data is the third part of the handshake.
    let finished = history.is_empty() || history.contains(['A', 'D']);
    let established = |end| match transport == Transport::TCP && !finished {
        true => (Outcome::HalfOpen, FlowEnd::Open),
        false => (Outcome::Established, end),
    };
    Some(match state {
        "S0" => (Outcome::Unanswered, FlowEnd::Open),
        "S1" => established(FlowEnd::Open),
        "S2" | "S3" => established(FlowEnd::Closed),
        "SF" if transport == Transport::TCP => established(FlowEnd::Closed),
        // Datagrams end by being silent.
        "SF" => established(FlowEnd::Idle),
        "RSTO" => established(FlowEnd::ResetByInitiator),
        // Zeek says so of every responder that sent a reset, also of one behind the other's.
        "RSTR" => established(first_reset(history).unwrap_or(FlowEnd::ResetByResponder)),
        // Zeek says so too where both reset what was accepted and carried nothing: no closed port.
        "REJ" if history.contains('h') => {
            established(first_reset(history).unwrap_or(FlowEnd::ResetByResponder))
        }
        "REJ" => (Outcome::Rejected, FlowEnd::Open),
        "RSTOS0" => (Outcome::Aborted, FlowEnd::Open),
        "RSTRH" => (Outcome::OneSided, FlowEnd::ResetByResponder),
        "SHR" => (Outcome::OneSided, FlowEnd::Open),
        HALF_CLOSED => (Outcome::Unanswered, FlowEnd::Closed),
        "OTH" => (Outcome::Midstream, FlowEnd::Open),
        _ => return None,
    })
}

/// False for a row of TCP whose history lacks the segment its state stands for. Zeek names a state by what
/// each side did last: the FIN or reset of a connection it had forgotten leaves a row like that of a SYN.
fn began(state: &str, history: &str) -> bool {
    let first = match state {
        "S0" | "REJ" | "RSTOS0" | HALF_CLOSED => 'S',
        "SHR" | "RSTRH" => 'h',
        _ => return true,
    };
    history.is_empty() || history.contains(first)
}

/// What a row of a TCP connection tells beyond its outcome: who closed it, whether it carried nothing
/// (`bytes` as far as the row has them), and what kind of end a reset was.
pub(super) fn marks(
    (outcome, end): (Outcome, FlowEnd),
    state: &str,
    history: &str,
    bytes: [Option<u64>; 2],
    lasted: Option<Span>,
) -> Marks {
    let mut marks = Marks::SUMMED_UP;
    marks.set(match state {
        "S2" => Marks::CLOSED_BY_INITIATOR,
        "S3" => Marks::CLOSED_BY_RESPONDER,
        _ => Marks::default(),
    });
    if outcome == Outcome::Established && bytes == [Some(0), Some(0)] {
        marks.set(Marks::EMPTY);
    }
    if matches!(end, FlowEnd::ResetByInitiator | FlowEnd::ResetByResponder) {
        let soon = lasted.is_some_and(|lasted| lasted <= SURELY_IN_USE);
        marks.set(match before_reset(history) {
            Some(before) if before.contains(['F', 'f']) => Marks::RESET_AFTER_FIN,
            Some(_) if soon => Marks::default(),
            _ => Marks::RESET_UNTIMED,
        });
    }
    marks
}

/// Who sent the first reset, as far as the history has one.
fn first_reset(history: &str) -> Option<FlowEnd> {
    Some(match history.chars().find(|c| matches!(c, 'R' | 'r'))? {
        'R' => FlowEnd::ResetByInitiator,
        _ => FlowEnd::ResetByResponder,
    })
}

/// What happened before the first reset; `None` if the history does not have it.
fn before_reset(history: &str) -> Option<&str> {
    history.find(['R', 'r']).map(|at| &history[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_behind_a_fin_interrupts_nothing() {
        let of = |history: &str, lasted: Option<i64>| {
            let end = (Outcome::Established, FlowEnd::ResetByResponder);
            let marks = marks(
                end,
                "RSTR",
                history,
                [Some(9), Some(9)],
                lasted.map(Span::seconds),
            );
            Marks(marks.0 & !Marks::SUMMED_UP.0)
        };
        for history in ["ShADadFr", "ShADadfr", "ShADadFRr"] {
            assert_eq!(of(history, Some(3)), Marks::RESET_AFTER_FIN, "{history}");
        }
        // Nothing was sent for ten seconds at most: what carried bytes both ways was in use.
        assert_eq!(of("ShADadr", Some(10)), Marks::default());
        // Behind the reset the other side closes what it does not know to be over.
        assert_eq!(of("ShADadrF", Some(3)), Marks::default());
        for (history, lasted) in [("ShADadr", Some(11)), ("ShADadr", None), ("", Some(3))] {
            assert_eq!(of(history, lasted), Marks::RESET_UNTIMED, "{history}");
        }
    }

    #[test]
    fn a_connection_is_empty_where_the_row_counts_no_byte() {
        let empty = |outcome, bytes| {
            let end = (outcome, FlowEnd::Closed);
            marks(end, "SF", "ShAFf", bytes, None).has(Marks::EMPTY)
        };
        assert!(empty(Outcome::Established, [Some(0), Some(0)]));
        assert!(!empty(Outcome::Established, [Some(0), Some(1)]));
        assert!(!empty(Outcome::Established, [None, None]));
        assert!(!empty(Outcome::HalfOpen, [Some(0), Some(0)]));
    }

    #[test]
    fn who_resets_first_ends_the_connection() {
        let end = |history| outcome(Transport::TCP, "RSTR", history).unwrap().1;
        assert_eq!(end("ShADadr"), FlowEnd::ResetByResponder);
        assert_eq!(end("ShADadRr"), FlowEnd::ResetByInitiator);
        assert_eq!(end(""), FlowEnd::ResetByResponder);
    }

    #[test]
    fn a_row_without_a_syn_tells_of_no_attempt() {
        for (state, history, end) in [
            ("SH", "F", FlowEnd::Closed),
            ("RSTOS0", "R", FlowEnd::ResetByInitiator),
            ("RSTOS0", "FR", FlowEnd::ResetByInitiator),
            ("REJ", "Rr", FlowEnd::ResetByInitiator),
            ("SHR", "f", FlowEnd::Closed),
            ("RSTRH", "^r", FlowEnd::ResetByResponder),
            ("S0", "A", FlowEnd::Open),
        ] {
            let of = outcome(Transport::TCP, state, history);
            assert_eq!(of, Some((Outcome::Midstream, end)), "{state} {history}");
        }
        let of = |transport, state, history| outcome(transport, state, history).unwrap().0;
        for (state, history, told) in [
            ("SH", "SF", Outcome::Unanswered),
            ("RSTOS0", "SR", Outcome::Aborted),
            ("RSTOS0", "", Outcome::Aborted),
            ("SHR", "^hf", Outcome::OneSided),
            ("RSTRH", "^hr", Outcome::OneSided),
        ] {
            assert_eq!(
                of(Transport::TCP, state, history),
                told,
                "{state} {history}"
            );
        }
        assert_eq!(of(Transport::UDP, "S0", "D"), Outcome::Unanswered);
    }

    #[test]
    fn what_was_accepted_was_not_rejected() {
        let of = |history| outcome(Transport::TCP, "REJ", history).unwrap().0;
        assert_eq!(of("Sr"), Outcome::Rejected);
        assert_eq!(of(""), Outcome::Rejected);
        assert_eq!(of("ShRr"), Outcome::HalfOpen);
        assert_eq!(of("ShARr"), Outcome::Established);
    }
}
