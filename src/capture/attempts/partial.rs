//! Captures that leave packets out or show them a little out of order: what is proven all the same, and
//! what is not.

use super::tests::{CLIENT, SERVER, told, told_all};
use super::wire::{Wire, end, inner};
use crate::model::attempt::Marks;
use crate::model::{FlowEnd, Outcome, Transport};

#[test]
fn the_fins_of_a_capture_without_acks_prove_the_handshake_and_what_was_sent() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(90).tcp(SERVER, CLIENT).fin(9001, 1301);
        wire.wait(1).tcp(CLIENT, SERVER).fin(1301, 9002);
    });
    assert_eq!((a.outcome, a.end), (Outcome::Established, FlowEnd::Closed));
    assert_eq!((a.bytes, a.conn_state()), ([300, 4000], "SF"));
    // The initiator's alone does as well; one that closes before it heard anything proves nothing.
    for (seq, ack, outcome) in [
        (1001, 5001, Outcome::Established),
        (1301, 9001, Outcome::Established),
        (1001, 4000, Outcome::HalfOpen),
    ] {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
            wire.wait(90).tcp(CLIENT, SERVER).fin(seq, ack);
        });
        assert_eq!(a.outcome, outcome, "{seq} {ack}");
    }
    // So does what the responder acknowledges, if it is more than the SYN and was sent.
    for (sent, ack, outcome) in [
        (300, 1301, Outcome::Established),
        (0, 1301, Outcome::HalfOpen),
        (300, 1001, Outcome::HalfOpen),
    ] {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 7, sent);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
            wire.wait(1).tcp(SERVER, CLIENT).ack(5001, ack, 0);
        });
        assert_eq!(a.outcome, outcome, "{sent} {ack}");
    }
}

#[test]
fn an_ack_that_comes_before_its_syn_ack_completes_the_handshake() {
    let with = |ack| {
        told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, ack, 0);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        })
    };
    assert_eq!(with(5001).outcome, Outcome::Established);
    assert_eq!(with(5002).outcome, Outcome::HalfOpen, "of something else");
}

#[test]
fn what_only_one_side_closed_says_which() {
    for (from, to, mark, state) in [
        (CLIENT, SERVER, Marks::CLOSED_BY_INITIATOR, "S2"),
        (SERVER, CLIENT, Marks::CLOSED_BY_RESPONDER, "S3"),
    ] {
        let all = told_all(|wire| {
            wire.handshake(CLIENT, SERVER);
            let (seq, ack) = if from == CLIENT {
                (1001, 5001)
            } else {
                (5001, 1001)
            };
            wire.wait(1).tcp(from, to).fin(seq, ack);
            // Long enough for the sweep.
            for _ in 0..9 {
                wire.wait(100_000).udp("10.9.9.9:9", "10.9.9.8:9", 1);
            }
        });
        let a = all.iter().find(|a| a.responder == end(SERVER)).unwrap();
        assert_eq!((a.end, a.conn_state()), (FlowEnd::Closed, state));
        assert!(a.marks.has(mark), "{from}");
    }
}

#[test]
fn a_question_that_comes_too_late_after_an_answer_is_another_one() {
    let outcomes = |ms: i64, other_sensor: bool| {
        let mut wire = Wire::default();
        wire.udp_answer("10.0.0.2:123", "10.0.0.1:123", 48);
        wire.wait(ms).udp("10.0.0.1:123", "10.0.0.2:123", 48);
        if other_sensor {
            wire.packets.last_mut().unwrap().0 = crate::model::EvidenceId(2);
        }
        let all = wire.attempts();
        all.iter().map(|a| a.outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(50, false), [Outcome::Established]);
    assert_eq!(
        outcomes(51, false),
        [Outcome::OneSided, Outcome::Unanswered]
    );
    assert_eq!(outcomes(2_000, true), [Outcome::Established]);
    assert_eq!(
        outcomes(2_001, true),
        [Outcome::OneSided, Outcome::Unanswered]
    );
}

#[test]
fn a_refusal_from_inside_a_tunnel_marks_what_it_refuses() {
    let marks = |inside| {
        let mut wire = Wire::default();
        wire.tcp(CLIENT, SERVER).syn(1000);
        let syn = inner(CLIENT, SERVER, Transport::TCP, Some(1000));
        wire.wait(3).icmp("10.0.0.254", "10.0.0.1", (3, 1), syn);
        wire.packets.last_mut().unwrap().1.inside = inside;
        wire.attempt().marks
    };
    assert_eq!(
        (marks(true), marks(false)),
        (Marks::TUNNELLED, Marks::default())
    );
}
