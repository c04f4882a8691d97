//! One test for each outcome and each mark, told as traffic on a wire.

use super::wire::{Wire, at_ms, attempt, end, inner};
use super::*;
use crate::model::attempt::RefusalMeaning;
use crate::model::{Attempt, FlowEnd, Outcome};

pub(super) const CLIENT: &str = "10.0.0.1:4000";
pub(super) const SERVER: &str = "10.0.0.2:80";

pub(super) fn told(tell: impl FnOnce(&mut Wire)) -> Attempt {
    told_all(tell)
        .try_into()
        .map(|[one]: [Attempt; 1]| one)
        .expect("one attempt")
}

pub(super) fn told_all(tell: impl FnOnce(&mut Wire)) -> Vec<Attempt> {
    let mut wire = Wire::default();
    tell(&mut wire);
    wire.attempts()
}

pub(super) fn ms(ms: i64) -> Timestamp {
    Timestamp(ms * 1_000_000)
}

/// A packet of a stranger, so that the capture goes on until then.
fn capture_goes_on(wire: &mut Wire, for_ms: i64) {
    wire.wait(for_ms).udp("10.9.9.9:9", "10.9.9.8:9", 1);
}

// Outcomes.

#[test]
fn packets_that_carry_others_are_counted() {
    let mut wire = Wire::default();
    for transport in [Transport::TCP, Transport(47), Transport(50), Transport(132)] {
        let ends = ("10.0.0.1:0", "10.0.0.2:0");
        let packet = Packet {
            transport,
            source: end(ends.0),
            destination: end(ends.1),
            ..at_ms(1, 1)
        };
        wire.wait(1).push(packet);
    }
    wire.wait(1).udp("10.0.0.1:50000", "10.0.0.2:4789", 90);
    wire.wait(1).udp("10.0.0.1:4789", "10.0.0.2:50000", 90);
    wire.wait(1).push(at_ms(1, 1));
    let summary = wire.run().1;
    assert_eq!(
        (summary.ip_packets, summary.tcp_segments, summary.tunnelled),
        (6, 1, 3)
    );
}

#[test]
fn syn_syn_ack_ack_is_established_and_cites_its_packets() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(5).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
        wire.wait(5).tcp(SERVER, CLIENT).ack(5001, 1011, 200);
    });
    assert_eq!(a.outcome, Outcome::Established);
    assert_eq!((a.initiator, a.responder), (end(CLIENT), end(SERVER)));
    assert_eq!((a.isn, a.tries), (Some(1000), 1));
    assert_eq!((a.accepted.unwrap().item, a.deciding.unwrap().item), (2, 3));
    assert_eq!((a.decided, a.ended), (ms(2), ms(12)));
    assert_eq!((a.bytes, a.packets), ([10, 200], [3, 2]));
    assert_eq!((a.end, a.marks), (FlowEnd::Open, Marks::default()));
}

#[test]
fn the_last_answer_is_the_last_new_payload_of_the_responder() {
    let answered = |tell: &dyn Fn(&mut Wire)| {
        let a = told(|wire| {
            wire.handshake(CLIENT, SERVER);
            wire.wait(5).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
            wire.wait(5).tcp(SERVER, CLIENT).ack(5001, 1011, 200);
            tell(wire);
        });
        (a.payload.expect("payload").answered, a.ended)
    };
    let nothing = answered(&|_| {});
    assert_eq!(nothing, (Some(ms(12)), ms(12)));
    // Sent again, kept alive, and more of the initiator.
    let kept_open = answered(&|wire| {
        wire.wait(9).tcp(SERVER, CLIENT).ack(5001, 1011, 200);
        wire.wait(9).tcp(SERVER, CLIENT).ack(5200, 1011, 1);
        wire.wait(9).tcp(CLIENT, SERVER).ack(1011, 5201, 10);
    });
    assert_eq!(kept_open, (Some(ms(12)), ms(39)));
    let more = answered(&|wire| {
        (0..9).for_each(|n| {
            let next = wire.wait(9).tcp(SERVER, CLIENT);
            next.ack(5201 + n * 100, 1011, 100);
        });
    });
    assert_eq!(more, (Some(ms(93)), ms(93)));
}

#[test]
fn what_a_responder_sends_on_its_own_after_a_pause_is_no_answer_until_something_follows() {
    let answered = |tell: &dyn Fn(&mut Wire)| {
        let a = told(|wire| {
            wire.handshake(CLIENT, SERVER);
            wire.wait(5).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
            wire.wait(5).tcp(SERVER, CLIENT).ack(5001, 1011, 200);
            wire.wait(60_000).tcp(SERVER, CLIENT).ack(5201, 1011, 31);
            tell(wire);
        });
        a.payload.expect("payload").answered
    };
    // The alert before a close, or a probe.
    let alert = answered(&|wire| {
        wire.wait(1).tcp(SERVER, CLIENT).fin(5232, 1011);
    });
    assert_eq!(alert, Some(ms(12)));
    let replied_to = answered(&|wire| {
        wire.wait(9).tcp(CLIENT, SERVER).ack(1011, 5232, 10);
    });
    assert_eq!(replied_to, Some(ms(60_012)));
    // Two segments of one close.
    let goodbye = answered(&|wire| {
        wire.wait(1).tcp(CLIENT, SERVER).ack(1011, 5232, 0);
        wire.wait(1).tcp(SERVER, CLIENT).ack(5232, 1011, 31);
        wire.tcp(SERVER, CLIENT).fin(5263, 1011);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1011, 5263, 31);
    });
    assert_eq!(goodbye, Some(ms(12)));
    let more = |acknowledged: bool| {
        answered(&|wire| {
            if acknowledged {
                wire.wait(1).tcp(CLIENT, SERVER).ack(1011, 5232, 0);
            }
            wire.wait(60_000).tcp(SERVER, CLIENT).ack(5232, 1011, 31);
        })
    };
    assert_eq!(more(true), Some(ms(60_012)));
    assert_eq!(more(false), Some(ms(12)), "to nobody");
    // A client that closes says so, and the server says so too.
    let closed = answered(&|wire| {
        wire.wait(60_000).tcp(CLIENT, SERVER).ack(1011, 5232, 24);
        wire.tcp(CLIENT, SERVER).fin(1035, 5232);
        wire.wait(1).tcp(SERVER, CLIENT).ack(5232, 1036, 24);
    });
    assert_eq!(closed, Some(ms(60_012)));
}

#[test]
fn initiator_payload_after_a_syn_ack_stands_for_the_ack_that_was_not_captured() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(9).tcp(CLIENT, SERVER).ack(1001, 5100, 10);
    });
    assert_eq!((a.outcome, a.decided), (Outcome::Established, ms(10)));
}

#[test]
fn an_ack_of_something_else_does_not_complete_a_handshake() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 7777, 0);
    });
    assert_eq!(a.outcome, Outcome::HalfOpen);
}

#[test]
fn a_syn_ack_that_was_not_captured_is_proven_by_what_its_sender_says_next() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(2).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
        wire.wait(2).tcp(SERVER, CLIENT).ack(5001, 1001, 30);
    });
    assert_eq!((a.outcome, a.accepted), (Outcome::Established, None));
}

#[test]
fn the_initiator_alone_cannot_make_an_attempt_look_established() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(2).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
        wire.wait(2).tcp(CLIENT, SERVER).ack(1001, 5001, 30);
    });
    assert_eq!(a.outcome, Outcome::Unanswered);
}

#[test]
fn syn_ack_then_a_reset_from_the_initiator_is_half_open() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).rst(1001);
    });
    assert_eq!(
        (a.outcome, a.deciding.unwrap().item),
        (Outcome::HalfOpen, 3)
    );
    assert_eq!(a.end, FlowEnd::ResetByInitiator);
}

#[test]
fn syn_ack_then_nothing_is_half_open() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1_000).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
    });
    assert_eq!((a.outcome, a.decided), (Outcome::HalfOpen, ms(1)));
}

#[test]
fn a_reset_that_acknowledges_the_syn_is_a_rejection() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1001);
    });
    assert_eq!((a.outcome, a.decided), (Outcome::Rejected, ms(1)));
    assert_eq!(a.deciding.unwrap().item, 2);
}

#[test]
fn the_last_try_is_the_last_before_the_answer() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1_000).tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        // The client did not get it.
        wire.wait(1_999).tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    });
    assert_eq!(
        (a.outcome, a.tries, a.last_try),
        (Outcome::Established, 3, ms(1_000))
    );
}

#[test]
fn no_answer_is_unanswered_21_seconds_after_the_last_syn() {
    let all = told_all(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1_000).tcp(CLIENT, SERVER).syn(1000);
        capture_goes_on(wire, 600_000);
    });
    assert_eq!(all[0].outcome, Outcome::Unanswered);
    assert_eq!(
        (all[0].tries, all[0].last_try, all[0].decided),
        (2, ms(1_000), ms(22_000))
    );
    assert_eq!((all[0].deciding, all[0].end), (None, FlowEnd::Idle));
}

#[test]
fn the_wait_for_an_answer_ends_with_the_evidence() {
    let all = told_all(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        capture_goes_on(wire, 4_000);
    });
    assert_eq!((all[0].decided, all[0].end), (ms(4_000), FlowEnd::Open));
}

#[test]
fn a_late_answer_is_still_the_answer() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(40_000).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    });
    assert_eq!(a.outcome, Outcome::Established);
}

#[test]
fn a_reset_of_ones_own_unanswered_syn_is_aborted() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(CLIENT, SERVER).rst(1001);
    });
    assert_eq!(
        (a.outcome, a.end),
        (Outcome::Aborted, FlowEnd::ResetByInitiator)
    );
}

#[test]
fn traffic_without_a_syn_is_one_midstream_flow_from_the_higher_port() {
    let a = told(|wire| {
        wire.tcp(SERVER, CLIENT).ack(5001, 1001, 100);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5101, 0);
        wire.wait(7_200_000)
            .tcp(SERVER, CLIENT)
            .ack(5101, 1001, 100);
    });
    assert_eq!(
        (a.outcome, a.initiator, a.isn),
        (Outcome::Midstream, end(CLIENT), None)
    );
    assert_eq!((a.bytes, a.packets), ([0, 200], [1, 2]));
}

#[test]
fn a_syn_ack_without_syn_is_one_sided_and_its_receiver_is_the_initiator() {
    let a = told(|wire| {
        wire.tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1101, 500);
        wire.wait(1).tcp(SERVER, CLIENT).fin(5501, 1101);
    });
    assert_eq!((a.outcome, a.initiator), (Outcome::OneSided, end(CLIENT)));
    assert_eq!((a.isn, a.tries, a.accepted.unwrap().item), (None, 0, 1));
}

#[test]
fn a_handshake_that_lacks_only_its_syn_is_established() {
    let a = told(|wire| {
        wire.tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    });
    assert_eq!(
        (a.outcome, a.isn, a.initiator),
        (Outcome::Established, None, end(CLIENT))
    );
}

// What qualifies an attempt.

#[test]
fn one_syn_and_three_and_a_half_seconds_of_silence_is_abandoned() {
    let after = |wait| {
        told_all(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            capture_goes_on(wire, wait);
        })[0]
            .marks
    };
    assert_eq!(after(3_500), Marks::ABANDONED);
    assert_eq!(after(3_499), Marks::default());
}

#[test]
fn a_syn_sent_again_or_answered_is_not_abandoned() {
    let all = told_all(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.tcp("10.0.0.1:4001", SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, "10.0.0.1:4001").rst_ack(0, 1001);
        wire.wait(1_000).tcp(CLIENT, SERVER).syn(1000);
        capture_goes_on(wire, 60_000);
    });
    assert!(all.iter().all(|a| a.marks == Marks::default()), "{all:?}");
}

#[test]
fn a_cut_syn_is_marked_and_a_segment_cut_before_its_flags_says_nothing() {
    let mut wire = Wire::default();
    wire.tcp(CLIENT, SERVER).cut().syn(1000);
    let mut stub = wire.packets[0].1.clone();
    (stub.flags, stub.source, stub.number) = (0, end("10.0.0.3:5"), 2);
    wire.push(stub);
    let (events, summary) = wire.run();
    assert_eq!((events.len(), summary.cut_segments), (1, 1));
    assert_eq!(attempt(&events[0]).marks, Marks::CUT);
}

#[test]
fn repeated_segments_count_once_and_small_holes_count() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(9).tcp(CLIENT, SERVER).ack(1001, 5001, 100);
        wire.wait(400).tcp(CLIENT, SERVER).ack(1001, 5001, 100);
        wire.wait(9).tcp(CLIENT, SERVER).ack(1201, 5001, 100); // 100 bytes not captured
        wire.wait(9)
            .tcp(SERVER, CLIENT)
            .ack(5001 + (1 << 30), 1301, 7); // not believed
    });
    assert_eq!(a.bytes, [300, 7]);
}

#[test]
fn fins_from_both_sides_close_and_one_fin_and_silence_closes_too() {
    let both = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(CLIENT, SERVER).fin(1001, 5001);
        wire.wait(1).tcp(SERVER, CLIENT).fin(5001, 1002);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1002, 5002, 0);
    });
    assert_eq!((both.end, both.ended), (FlowEnd::Closed, ms(4)));
    let one = told_all(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(CLIENT, SERVER).fin(1001, 5001);
        capture_goes_on(wire, 400_000);
    });
    assert_eq!((one[0].end, one[0].ended), (FlowEnd::Closed, ms(3)));
}

#[test]
fn the_process_id_and_the_vlan_of_the_capture_are_kept() {
    let mut wire = Wire::default();
    wire.handshake(CLIENT, SERVER);
    wire.packets[0].1.vlan = Some(12);
    wire.packets[2].1.pid = 4321;
    let one = wire.attempt();
    assert_eq!((one.vlan, one.pid), (Some(12), Some(4321)));
}

#[test]
fn a_syn_captured_after_its_syn_ack_joins_it() {
    let a = told(|wire| {
        wire.tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    });
    assert_eq!(
        (a.outcome, a.isn, a.tries),
        (Outcome::Established, Some(1000), 1)
    );
}

#[test]
fn a_changing_syn_cookie_may_be_acknowledged_in_either_form() {
    for number in [5001, 6001] {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(6000, 1001);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, number, 0);
        });
        assert_eq!(a.outcome, Outcome::Established, "acknowledging {number}");
    }
}

// UDP.

#[test]
fn a_datagram_that_comes_back_within_30_seconds_is_an_answer() {
    let a = told(|wire| {
        wire.udp(CLIENT, SERVER, 40);
        wire.wait(30_000).udp(SERVER, CLIENT, 100);
        wire.wait(1).udp(CLIENT, SERVER, 40);
    });
    assert_eq!((a.outcome, a.decided), (Outcome::Established, ms(30_000)));
    assert_eq!(
        (a.tries, a.bytes, a.deciding.unwrap().item),
        (2, [80, 100], 2)
    );
}

#[test]
fn a_datagram_that_comes_back_later_is_another_attempt() {
    let all = told_all(|wire| {
        wire.udp(CLIENT, SERVER, 40);
        wire.wait(30_001).udp(SERVER, CLIENT, 100);
    });
    assert_eq!(all[0].outcome, Outcome::Unanswered);
    assert_eq!(
        (all[0].decided, all[1].initiator),
        (ms(30_000), end(SERVER))
    );
}

#[test]
fn an_answered_udp_flow_ends_after_a_minute_of_silence() {
    let all = told_all(|wire| {
        wire.udp(CLIENT, SERVER, 40);
        wire.wait(1).udp(SERVER, CLIENT, 100);
        wire.wait(60_001).udp(CLIENT, SERVER, 40);
    });
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].end, all[0].ended), (FlowEnd::Idle, ms(1)));
}

#[test]
fn an_icmp_error_refuses_a_datagram() {
    let a = told(|wire| {
        wire.udp(CLIENT, SERVER, 1);
        wire.wait(1).icmp(
            "10.0.0.2",
            "10.0.0.1",
            (3, 3),
            inner(CLIENT, SERVER, Transport::UDP, None),
        );
    });
    assert!(
        matches!(a.outcome, Outcome::Unreachable(r) if r.meaning() == RefusalMeaning::ClosedPort)
    );
}

#[test]
fn an_icmp_error_about_the_answer_does_not_refuse_the_question() {
    let a = told(|wire| {
        wire.udp(CLIENT, SERVER, 1);
        wire.wait(1).udp(SERVER, CLIENT, 1);
        wire.wait(1).icmp(
            "10.0.0.1",
            "10.0.0.2",
            (3, 3),
            inner(SERVER, CLIENT, Transport::UDP, None),
        );
    });
    assert_eq!(a.outcome, Outcome::Established);
}

#[test]
fn a_datagram_to_a_group_is_not_an_attempt() {
    let mut wire = Wire::default();
    for group in [
        "239.255.255.250:1900",
        "255.255.255.255:67",
        "[ff02::fb]:5353",
    ] {
        let from = if group.starts_with('[') {
            "[fe80::1]:5353"
        } else {
            CLIENT
        };
        wire.udp(from, group, 10);
    }
    let (events, summary) = wire.run();
    assert_eq!((events.len(), summary.group_datagrams), (0, 3));
}

/// Each packet twice, the second time as seen by another file's sensor `late` ms later; in time
/// order.
pub(super) fn second_sensor(
    packets: &[(EvidenceId, Packet)],
    late: i64,
) -> Vec<(EvidenceId, Packet)> {
    let copy = |(_, packet): &(EvidenceId, Packet)| {
        let time = packet.time.shifted(Span::millis(late));
        (
            EvidenceId(2),
            Packet {
                time,
                ttl: 63,
                ..packet.clone()
            },
        )
    };
    let mut both: Vec<_> = packets
        .iter()
        .cloned()
        .chain(packets.iter().map(copy))
        .collect();
    both.sort_by_key(|(evidence, packet)| (packet.time, *evidence, packet.number));
    both
}
