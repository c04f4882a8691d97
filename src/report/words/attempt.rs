//! The sentence for a connection attempt.

use super::{Ends, Form, count, name};
use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome, Refusal};
use crate::model::payload::Shape;
use crate::model::{Span, Timestamp, Transport};

/// `first` is the recorded time of the first packet.
pub(super) fn sentence(attempt: &Attempt, first: Timestamp, form: Form) -> String {
    match form {
        Form::Short => short(attempt, Ends::Neither),
        Form::Long => {
            let what = outcome(attempt);
            let mut text = match attempt.icmp {
                // There are no ports.
                Some(_) => format!(
                    "{} > {} {} {what}",
                    attempt.initiator.address, attempt.responder.address, attempt.transport
                ),
                None => format!(
                    "{} > {}/{} {what}",
                    attempt.initiator, attempt.responder, attempt.transport
                ),
            };
            // A log of connections does not say after how long.
            let after = attempt.decided.since(first);
            let unasked = attempt.succeeded() && without_syn(attempt);
            if answered(attempt.outcome) && !unasked && after > Span::ZERO {
                text.push_str(&format!(" after {after}"));
            }
            text.push_str(&tries(attempt));
            text.push_str(&traffic(attempt));
            text.push_str(&payload(attempt));
            for (mark, words) in MARKS {
                if attempt.marks.has(mark) {
                    text.push_str("; ");
                    text.push_str(words);
                }
            }
            if let Some(pid) = attempt.pid {
                text.push_str(&format!("; process id {pid} by a packet comment"));
            }
            text
        }
    }
}

/// `445/tcp SYN, no answer (S0)`, `10.0.0.5:445/tcp SYN ...`, `10.0.0.9 > 10.0.0.5:445/tcp SYN ...`.
pub(super) fn short(attempt: &Attempt, ends: Ends) -> String {
    let from = match ends {
        Ends::Both => format!("{} > ", attempt.initiator.address),
        Ends::Neither | Ends::Responder => String::new(),
    };
    let to = match (ends, attempt.icmp) {
        // There are no ports.
        (Ends::Neither, Some(_)) => attempt.transport.to_string(),
        (_, Some(_)) => format!("{} {}", attempt.responder.address, attempt.transport),
        (Ends::Neither, None) => format!("{}/{}", attempt.responder.port, attempt.transport),
        (_, None) => format!("{}/{}", attempt.responder, attempt.transport),
    };
    format!("{from}{to} {}{}", outcome(attempt), tries(attempt))
}

const MARKS: [(Marks, &str); 15] = [
    (
        Marks::RESET_MISMATCH,
        "a reset whose numbers do not fit the attempt was not counted",
    ),
    (Marks::ICMP_WEAK, "the ICMP error matches by ports only"),
    (Marks::EMPTY, "no payload either way"),
    (Marks::FAST_OPEN, "the SYN carried data"),
    (Marks::SIMULTANEOUS, "both ends sent a SYN"),
    (Marks::ABANDONED, "not tried again from its port"),
    (Marks::CUT, "a packet was cut by the snap length"),
    (Marks::TWO_SENSORS, "captured by more than one sensor"),
    (
        Marks::EVICTED,
        "followed no further because the table of live flows was full",
    ),
    (
        Marks::RESET_AFTER_FIN,
        "one side had closed before the reset",
    ),
    (
        Marks::RESET_IDLE,
        "it had been idle for more than 10 s before the reset",
    ),
    (
        Marks::RESET_TTL,
        "the reset's TTL is not that of its sender's other packets",
    ),
    (
        Marks::RESET_UNTIMED,
        "whether it was in use when it was reset is not told",
    ),
    (Marks::CLOSED_BY_INITIATOR, "only the initiator closed it"),
    (Marks::CLOSED_BY_RESPONDER, "only the responder closed it"),
];

fn outcome(attempt: &Attempt) -> String {
    let sent = match (attempt.icmp, attempt.transport) {
        (Some(icmp), transport) => asked(transport, icmp.kind),
        (None, Transport::TCP) => "SYN".to_owned(),
        (None, _) => "datagram".to_owned(),
    };
    match attempt.outcome {
        Outcome::Established if attempt.transport == Transport::TCP => {
            let unseen = without_syn(attempt) && attempt.accepted.is_some();
            let why = match unseen {
                true => ", its SYN is not in the capture",
                false => "",
            };
            format!("handshake completed{why}")
        }
        Outcome::Established => format!("{sent}, answered"),
        Outcome::HalfOpen => format!("{sent}, answered SYN-ACK, handshake not completed"),
        Outcome::Rejected => format!("{sent}, answered RST"),
        Outcome::Unreachable(refusal) => {
            format!("{sent}, {}", refused(&refusal, attempt))
        }
        Outcome::Unanswered if attempt.went_on() => {
            format!("{sent}, its sender went on as after an answer, but none was captured")
        }
        Outcome::Unanswered => format!("{sent}, no answer (S0)"),
        Outcome::Aborted if attempt.went_on() => format!(
            "{sent}, its sender went on as after an answer, then reset it; no answer was captured"
        ),
        Outcome::Aborted => format!("{sent}, reset by its sender before any answer was captured"),
        Outcome::Midstream => {
            "traffic without its start (not captured, or it had ended before)".to_owned()
        }
        Outcome::OneSided if attempt.transport != Transport::TCP => {
            "reply, no request between the two is in the capture".to_owned()
        }
        Outcome::OneSided => "SYN-ACK, its SYN is not in the capture".to_owned(),
    }
}

/// What a message of ICMP or ICMPv6 asks for, with its type but for a ping.
fn asked(transport: Transport, kind: u8) -> String {
    let what = match (transport, kind) {
        (Transport::ICMP, 8) | (Transport::ICMPV6, 128) => return "echo request".to_owned(),
        (Transport::ICMP, 13) => "timestamp request",
        (Transport::ICMP, 15) => "information request",
        (Transport::ICMP, 17) => "address mask request",
        (Transport::ICMP, 42) | (Transport::ICMPV6, 160) => "extended echo request",
        (Transport::ICMPV6, 139) => "node information query",
        _ => return format!("message of type {kind}"),
    };
    format!("{what} (type {kind})")
}

/// Of TCP, where the SYN was not captured: nobody knows when it was sent.
fn without_syn(attempt: &Attempt) -> bool {
    attempt.transport == Transport::TCP && attempt.isn.is_none()
}

fn answered(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Established | Outcome::HalfOpen | Outcome::Rejected | Outcome::Unreachable(_)
    )
}

/// RFC 792 and RFC 4443 names; the sender where it is not the host that was tried.
fn refused(refusal: &Refusal, attempt: &Attempt) -> String {
    let meaning = match (refusal.from.is_ipv6(), refusal.kind, refusal.code) {
        (false, 3, 0) => "net unreachable",
        (false, 3, 1) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => "prohibited",
        (true, 1, 0) => "no route",
        (true, 1, 3) => "address unreachable",
        (true, 1, 5) => "source address refused",
        (true, 1, 6) => "route rejected",
        _ => "error",
    };
    let mut text = format!("ICMP {meaning} ({}/{})", refusal.kind, refusal.code);
    if refusal.from != attempt.responder.address {
        text.push_str(&format!(" from {}", refusal.from));
    }
    text
}

fn tries(attempt: &Attempt) -> String {
    let talk = attempt.transport != Transport::TCP && attempt.outcome == Outcome::Established;
    match attempt.tries {
        0 | 1 => String::new(),
        // They are what was said, not tries to be heard.
        n if talk => format!(", {} packets sent", count(n.into())),
        n => format!(", {} tries", count(n.into())),
    }
}

fn traffic(attempt: &Attempt) -> String {
    if !matches!(attempt.outcome, Outcome::Established | Outcome::Midstream) {
        return String::new();
    }
    let end = match attempt.end {
        FlowEnd::Open => "not seen to end",
        FlowEnd::Closed => "closed",
        FlowEnd::ResetByInitiator => "reset by the initiator",
        FlowEnd::ResetByResponder => "reset by the responder",
        FlowEnd::Idle => "fell silent",
    };
    let [sent, received] = attempt.bytes;
    format!(
        ", {} bytes sent, {} received, {end}",
        count(sent),
        count(received)
    )
}

/// The shape of what was sent and received where it has a name, and the name asked for.
fn payload(attempt: &Attempt) -> String {
    let mut text = String::new();
    let telling = |shape| !matches!(shape, Shape::None | Shape::Binary);
    match attempt.shapes() {
        [sent, received] if sent == received && telling(sent) => {
            text.push_str(&format!(", {}", sent.word()));
        }
        shapes => {
            for (shape, way) in shapes.into_iter().zip(["sent", "received"]) {
                if telling(shape) {
                    text.push_str(&format!(", {} {way}", shape.word()));
                }
            }
        }
    }
    if let Some(asked) = attempt.name() {
        text.push_str(&format!(" for {}", name(&asked.text)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::attempt::IcmpRun;
    use crate::model::provenance::Item;
    use crate::model::samples::provenance;
    use crate::model::single_copy::Shared;
    use crate::model::{Endpoint, Event, What};

    fn attempt(transport: Transport, outcome: Outcome) -> Attempt {
        Attempt {
            transport,
            initiator: Endpoint::new("203.0.113.7".parse().unwrap(), 51514),
            responder: Endpoint::new("10.20.0.15".parse().unwrap(), 7000),
            isn: None,
            tries: 1,
            last_try: Timestamp(0),
            outcome,
            decided: Timestamp(0).shifted(Span::millis(2)),
            deciding: None,
            accepted: None,
            bytes: [0, 0],
            packets: [1, 1],
            end: FlowEnd::Open,
            ended: Timestamp(0),
            marks: Marks::default(),
            pid: None,
            vlan: None,
            icmp: None,
            payload: None,
            actor: None,
        }
    }

    #[test]
    fn every_outcome_has_its_own_words() {
        let refusal = |kind, code, from: &str| {
            Outcome::Unreachable(Refusal {
                kind,
                code,
                from: from.parse().unwrap(),
            })
        };
        let cases = [
            (
                Transport::TCP,
                Outcome::Established,
                "7000/tcp handshake completed",
            ),
            (
                Transport::UDP,
                Outcome::Established,
                "7000/udp datagram, answered",
            ),
            (
                Transport::TCP,
                Outcome::HalfOpen,
                "7000/tcp SYN, answered SYN-ACK, handshake not completed",
            ),
            (
                Transport::TCP,
                Outcome::Rejected,
                "7000/tcp SYN, answered RST",
            ),
            (
                Transport::TCP,
                Outcome::Unanswered,
                "7000/tcp SYN, no answer (S0)",
            ),
            (
                Transport::UDP,
                Outcome::Unanswered,
                "7000/udp datagram, no answer (S0)",
            ),
            (
                Transport::UDP,
                refusal(3, 3, "10.20.0.15"),
                "7000/udp datagram, ICMP port unreachable (3/3)",
            ),
            (
                Transport::TCP,
                refusal(3, 13, "10.20.0.1"),
                "7000/tcp SYN, ICMP prohibited (3/13) from 10.20.0.1",
            ),
            (
                Transport::TCP,
                Outcome::Aborted,
                "7000/tcp SYN, reset by its sender before any answer was captured",
            ),
            (
                Transport::TCP,
                Outcome::Midstream,
                "7000/tcp traffic without its start (not captured, or it had ended before)",
            ),
            (
                Transport::TCP,
                Outcome::OneSided,
                "7000/tcp SYN-ACK, its SYN is not in the capture",
            ),
            (
                Transport::UDP,
                Outcome::OneSided,
                "7000/udp reply, no request between the two is in the capture",
            ),
        ];
        for (transport, outcome, words) in cases {
            let text = sentence(&attempt(transport, outcome), Timestamp(0), Form::Short);
            assert_eq!(text, words);
        }
    }

    #[test]
    fn the_ends_in_which_steps_differ_are_said() {
        let at = provenance(Item::Packet, 1);
        let event = |from: u8, to: u8| {
            let mut told = attempt(Transport::TCP, Outcome::Rejected);
            told.initiator.address = [10, 0, 0, from].into();
            told.responder.address = [10, 0, 0, to].into();
            Event {
                time: Timestamp(0),
                recorded: Timestamp(0),
                provenance: at,
                what: What::Attempt(Shared::new(told)),
            }
        };
        let last = |events: &[Event]| {
            let ends = Ends::telling(events.iter());
            crate::report::words::short(&events[events.len() - 1], ends)
        };
        assert_eq!(
            last(&[event(1, 2), event(1, 2)]),
            "7000/tcp SYN, answered RST"
        );
        assert_eq!(
            last(&[event(1, 2), event(1, 3)]),
            "10.0.0.3:7000/tcp SYN, answered RST"
        );
        let back = "10.0.0.2 > 10.0.0.1:7000/tcp SYN, answered RST";
        assert_eq!(last(&[event(1, 2), event(2, 1)]), back);
        assert_eq!(last(&[event(1, 2), event(1, 3), event(2, 1)]), back);
    }

    #[test]
    fn a_message_of_icmp_says_what_it_asks_for() {
        for (transport, kind, words) in [
            (Transport::ICMP, 8, "echo request, answered"),
            (Transport::ICMPV6, 128, "echo request, answered"),
            // Unassigned in ICMP.
            (Transport::ICMP, 128, "message of type 128, answered"),
            (Transport::ICMP, 13, "timestamp request (type 13), answered"),
            (
                Transport::ICMP,
                17,
                "address mask request (type 17), answered",
            ),
            (
                Transport::ICMPV6,
                139,
                "node information query (type 139), answered",
            ),
        ] {
            let mut run = attempt(transport, Outcome::Established);
            run.icmp = Some(IcmpRun { kind, id: 7 });
            let (short, long) = (Form::Short, Form::Long);
            assert_eq!(
                sentence(&run, Timestamp(0), short),
                format!("{transport} {words}")
            );
            assert!(sentence(&run, Timestamp(0), long).contains(words));
        }
    }

    #[test]
    fn the_long_form_names_both_ends_and_what_qualifies_the_outcome() {
        let mut probe = attempt(Transport::TCP, Outcome::Rejected);
        probe.tries = 3;
        probe.marks.set(Marks::ABANDONED);
        assert_eq!(
            sentence(&probe, Timestamp(0), Form::Long),
            "203.0.113.7:51514 > 10.20.0.15:7000/tcp SYN, answered RST after 0.002 s, 3 tries; \
             not tried again from its port"
        );
    }

    #[test]
    fn what_the_packets_do_not_show_is_not_said() {
        let long = |attempt: &Attempt| sentence(attempt, Timestamp(0), Form::Long);
        let mut open = attempt(Transport::TCP, Outcome::Established);
        // A log of connections has no packets.
        let bytes = ", 0 bytes sent, 0 received, not seen to end";
        assert!(long(&open).ends_with(&format!("/tcp handshake completed{bytes}")));
        let at = provenance(Item::Packet, 1);
        open.accepted = Some(at);
        assert!(
            long(&open).contains("handshake completed, its SYN is not in the capture, 0 bytes")
        );
        open.isn = Some(1);
        assert!(long(&open).contains("handshake completed after 0.002 s, 0 bytes"));
        let mut silent = attempt(Transport::TCP, Outcome::Unanswered);
        (silent.isn, silent.packets) = (Some(1), [3, 0]);
        assert!(
            long(&silent)
                .ends_with("SYN, its sender went on as after an answer, but none was captured")
        );
        silent.tries = 3;
        assert!(long(&silent).ends_with("SYN, no answer (S0), 3 tries"));
        // SYN, ACK, RST; and without the ACK.
        let mut reset = attempt(Transport::TCP, Outcome::Aborted);
        (reset.isn, reset.packets) = (Some(1), [3, 0]);
        assert!(
            long(&reset)
                .ends_with("went on as after an answer, then reset it; no answer was captured")
        );
        reset.packets = [2, 0];
        assert!(long(&reset).ends_with("SYN, reset by its sender before any answer was captured"));
        let mut talk = attempt(Transport::UDP, Outcome::Established);
        talk.tries = 3;
        assert!(long(&talk).contains("answered after 0.002 s, 3 packets sent, 0 bytes"));
    }

    #[test]
    fn a_ping_has_an_address_and_no_port() {
        let event = crate::report::samples::attempt("02:00:00", 1, (0, 0), Outcome::Unanswered);
        let crate::model::What::Attempt(attempt) = event.what else {
            panic!("an attempt");
        };
        let mut ping = (*attempt).clone();
        ping.transport = Transport::ICMP;
        ping.icmp = Some(crate::model::attempt::IcmpRun { kind: 8, id: 1 });
        let told = |ends| short(&ping, ends);
        assert!(
            told(Ends::Neither).starts_with("icmp "),
            "{}",
            told(Ends::Neither)
        );
        let reached = told(Ends::Responder);
        assert!(reached.starts_with("10.20.0.15 icmp "), "{reached}");
        let both = told(Ends::Both);
        assert!(both.starts_with("203.0.113.7 > 10.20.0.15 icmp "), "{both}");
    }
}
