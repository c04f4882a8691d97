//! One test for each rule and outcome, told as traffic on a wire.

use super::wire::{Wire, attempt, end, inner, run};
use super::*;
use crate::model::attempt::RefusalMeaning;
use crate::model::{Attempt, FlowEnd, Outcome};

const CLIENT: &str = "10.0.0.1:4000";
const SERVER: &str = "10.0.0.2:80";

fn told(tell: impl FnOnce(&mut Wire)) -> Attempt {
    told_all(tell)
        .try_into()
        .map(|[one]: [Attempt; 1]| one)
        .expect("one attempt")
}

fn told_all(tell: impl FnOnce(&mut Wire)) -> Vec<Attempt> {
    let mut wire = Wire::default();
    tell(&mut wire);
    wire.attempts()
}

fn ms(ms: i64) -> Timestamp {
    Timestamp(ms * 1_000_000)
}

/// A packet of a stranger, so that the capture goes on until then.
fn capture_goes_on(wire: &mut Wire, for_ms: i64) {
    wire.wait(for_ms).udp("10.9.9.9:9", "10.9.9.8:9", 1);
}

// Outcomes.

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

// Numbered rules of the reference.

#[test]
fn rule_1_five_syns_with_one_number_are_one_attempt() {
    let a = told(|wire| {
        for gap in [0, 1_000, 2_000, 4_000, 8_000] {
            wire.wait(gap).tcp(CLIENT, SERVER).syn(1000);
        }
    });
    assert_eq!(
        (a.outcome, a.tries, a.last_try),
        (Outcome::Unanswered, 5, ms(15_000))
    );
}

#[test]
fn rule_1_linux_repeats_a_syn_after_32_seconds_and_it_is_still_one_attempt() {
    let a = told(|wire| {
        for gap in [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000] {
            wire.wait(gap).tcp(CLIENT, SERVER).syn(1000);
        }
    });
    assert_eq!((a.outcome, a.tries), (Outcome::Unanswered, 7));
}

#[test]
fn rule_1_windows_tries_again_after_a_reset_and_it_is_still_one_attempt() {
    let a = told(|wire| {
        for gap in [0, 500, 500] {
            wire.wait(gap).tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1001);
        }
    });
    assert_eq!(
        (a.outcome, a.tries, a.decided),
        (Outcome::Rejected, 3, ms(1))
    );
    assert_eq!(a.packets, [3, 3]);
}

#[test]
fn rule_1_a_port_that_opens_between_two_tries_was_reached() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1001);
        wire.wait(500).handshake(CLIENT, SERVER);
    });
    assert_eq!(
        (a.outcome, a.tries, a.end),
        (Outcome::Established, 2, FlowEnd::Open)
    );
}

#[test]
fn rule_2_another_number_after_the_end_is_another_attempt() {
    let all = told_all(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1001);
        wire.wait(1_000).tcp(CLIENT, SERVER).syn(9000);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 9001);
    });
    let seen: Vec<_> = all.iter().map(|a| (a.isn, a.outcome)).collect();
    assert_eq!(
        seen,
        [
            (Some(1000), Outcome::Rejected),
            (Some(9000), Outcome::Rejected)
        ]
    );
}

#[test]
fn rule_2_another_number_while_unanswered_ends_the_old_attempt() {
    let all = told_all(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(2_000).handshake(CLIENT, SERVER);
        wire.packets[1].1.seq = 2000;
        wire.packets[2].1.ack = 2001;
        wire.packets[3].1.seq = 2001;
    });
    let seen: Vec<_> = all.iter().map(|a| (a.isn, a.outcome, a.decided)).collect();
    assert_eq!(
        seen,
        [
            (Some(1000), Outcome::Unanswered, ms(2_000)),
            (Some(2000), Outcome::Established, ms(2_002))
        ]
    );
}

#[test]
fn rule_3_a_reset_of_an_established_connection_is_not_a_rejection() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(5001, 1011);
    });
    assert_eq!(
        (a.outcome, a.end),
        (Outcome::Established, FlowEnd::ResetByResponder)
    );
    assert_eq!(a.ended, ms(4));
}

#[test]
fn rule_3_a_reset_of_something_unseen_is_not_a_rejection() {
    let a = told(|wire| wire.tcp(SERVER, CLIENT).rst_ack(0, 1001));
    assert_eq!(
        (a.outcome, a.end),
        (Outcome::Midstream, FlowEnd::ResetByResponder)
    );
}

#[test]
fn rule_4_a_reset_with_a_wrong_acknowledgement_is_not_a_rejection() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1000);
    });
    assert_eq!(
        (a.outcome, a.marks),
        (Outcome::Unanswered, Marks::RESET_MISMATCH)
    );
}

#[test]
fn rule_4_a_reset_without_acknowledgement_needs_a_number_that_fits() {
    let with_seq = |seq| {
        told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).rst(seq);
        })
    };
    assert_eq!(with_seq(0).outcome, Outcome::Rejected);
    assert_eq!(with_seq(77).outcome, Outcome::Unanswered);
    assert!(with_seq(77).marks.has(Marks::RESET_MISMATCH));
}

#[test]
fn rule_4_a_stale_syn_ack_is_not_an_answer() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 900);
        wire.wait(1).tcp(CLIENT, SERVER).rst(900);
    });
    assert_eq!((a.outcome, a.accepted), (Outcome::Unanswered, None));
}

#[test]
fn a_forged_reset_does_not_cut_a_connection_in_two() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(SERVER, CLIENT).rst(5001);
        wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1001, 100);
        wire.wait(60_000).tcp(SERVER, CLIENT).ack(5101, 1001, 100);
    });
    assert_eq!(
        (a.outcome, a.end, a.bytes),
        (Outcome::Established, FlowEnd::Open, [0, 200])
    );
    assert_eq!(a.marks, Marks::RESET_MISMATCH);
}

#[test]
fn rule_6_data_in_the_syn_may_be_acknowledged_or_not() {
    for ack in [1001, 1101] {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn_with_data(1000, 100);
            wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, ack);
            wire.wait(1)
                .tcp(CLIENT, SERVER)
                .ack(1001, 5001, if ack == 1001 { 100 } else { 0 });
        });
        assert_eq!(a.outcome, Outcome::Established, "acknowledging {ack}");
        assert_eq!((a.bytes, a.marks), ([100, 0], Marks::FAST_OPEN));
    }
}

#[test]
fn rule_6_a_reset_may_acknowledge_the_data_in_the_syn() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn_with_data(1000, 100);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1101);
    });
    assert_eq!(a.outcome, Outcome::Rejected);
}

#[test]
fn rule_7_simultaneous_open_is_one_attempt_of_the_earlier_side() {
    for swapped in [false, true] {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).syn(5000);
            if swapped {
                wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
                wire.wait(1).tcp(CLIENT, SERVER).syn_ack(1000, 5001);
            } else {
                wire.wait(1).tcp(CLIENT, SERVER).syn_ack(1000, 5001);
                wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
            }
        });
        assert_eq!(
            (a.outcome, a.initiator),
            (Outcome::Established, end(CLIENT))
        );
        assert_eq!((a.marks, a.decided), (Marks::SIMULTANEOUS, ms(3)));
    }
}

#[test]
fn rule_8_a_handshake_closed_within_a_second_without_a_byte_is_marked_empty() {
    let closed_after = |wait, reset: bool| {
        told(|wire| {
            wire.handshake(CLIENT, SERVER);
            let last = wire.wait(wait).tcp(CLIENT, SERVER);
            if reset {
                last.rst_ack(1001, 5001)
            } else {
                last.fin(1001, 5001)
            }
        })
    };
    assert_eq!(closed_after(1_000, true).marks, Marks::EMPTY);
    assert_eq!(closed_after(1_000, false).marks, Marks::EMPTY);
    assert_eq!(closed_after(1_001, true).marks, Marks::default());
    let spoke = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(CLIENT, SERVER).fin(1001, 5001);
        wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1002, 7);
    });
    assert_eq!(
        spoke.marks,
        Marks::default(),
        "the responder still had something to say"
    );
}

#[test]
fn rule_9_an_icmp_error_with_the_attempts_own_header_refuses_it() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        let syn = inner(CLIENT, SERVER, Transport::TCP, Some(1000));
        wire.wait(3).icmp("10.0.0.254", "10.0.0.1", (3, 13), syn);
        wire.wait(1_000).tcp(CLIENT, SERVER).syn(1000);
    });
    let Outcome::Unreachable(refusal) = a.outcome else {
        panic!("{a:?}")
    };
    assert_eq!(refusal.from.to_string(), "10.0.0.254");
    assert_eq!(refusal.meaning(), RefusalMeaning::Filtered);
    assert_eq!(
        (a.tries, a.decided, a.deciding.unwrap().item),
        (2, ms(3), 2)
    );
    assert_eq!(a.marks, Marks::default());
}

#[test]
fn rule_9_an_icmp_error_about_another_syn_or_of_another_type_refuses_nothing() {
    let about = |error, seq| {
        let mut wire = Wire::default();
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(3).icmp(
            "10.0.0.2",
            "10.0.0.1",
            error,
            inner(CLIENT, SERVER, Transport::TCP, Some(seq)),
        );
        let (events, summary) = wire.run();
        assert_eq!(attempt(&events[0]).outcome, Outcome::Unanswered);
        (summary.icmp_ignored, summary.icmp_unmatched)
    };
    assert_eq!(about((3, 3), 999), (0, 1), "another SYN");
    assert_eq!(about((3, 4), 1000), (1, 0), "path MTU discovery");
    assert_eq!(about((11, 0), 1000), (1, 0), "time exceeded");
}

#[test]
fn rule_9_a_translated_address_makes_the_match_weak() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        let translated = inner("203.0.113.9:4000", SERVER, Transport::TCP, Some(1000));
        wire.wait(3)
            .icmp("10.0.0.2", "10.0.0.1", (3, 1), translated);
    });
    assert!(matches!(a.outcome, Outcome::Unreachable(_)));
    assert_eq!(a.marks, Marks::ICMP_WEAK);
}

#[test]
fn rule_9_an_answer_outweighs_an_earlier_icmp_error() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        let syn = inner(CLIENT, SERVER, Transport::TCP, Some(1000));
        wire.wait(3).icmp("10.0.0.254", "10.0.0.1", (3, 1), syn);
        wire.wait(1_000).handshake(CLIENT, SERVER);
    });
    assert_eq!((a.outcome, a.tries), (Outcome::Established, 2));
}

#[test]
fn rule_9_ipv6_refuses_with_type_1_only() {
    let (client, server) = ("[fd00::1]:4000", "[fd00::2]:80");
    let after = |error| {
        told(|wire| {
            wire.tcp(client, server).syn(1000);
            wire.wait(3).icmp(
                "[fd00::2]",
                "[fd00::1]",
                error,
                inner(client, server, Transport::TCP, Some(1000)),
            );
        })
    };
    let Outcome::Unreachable(refusal) = after((1, 4)).outcome else {
        panic!()
    };
    assert_eq!(refusal.meaning(), RefusalMeaning::ClosedPort);
    assert_eq!(after((2, 0)).outcome, Outcome::Unanswered);
    assert_eq!(after((3, 0)).outcome, Outcome::Unanswered);
}

#[test]
fn rule_12_a_second_sensors_copies_are_marked_and_not_counted() {
    let mut wire = Wire::default();
    wire.handshake(CLIENT, SERVER);
    let alone = wire.attempt();
    let copies = second_sensor(&wire.packets, 3);
    let (events, summary) = run(Settings::default(), &copies);
    let mut both = attempt(&events[0]);
    assert_eq!((events.len(), summary.duplicates), (1, 3));
    assert_eq!(both.marks, Marks::TWO_SENSORS);
    both.marks = Marks::default();
    assert_eq!(both, alone);
}

#[test]
fn rule_12_a_mirror_ports_copies_are_dropped_but_not_a_syn_sent_again() {
    let mut wire = Wire::default();
    wire.tcp(CLIENT, SERVER).syn(1000);
    let copy = wire.packets[0].1.clone();
    wire.push(copy.clone());
    wire.push(Packet {
        time: ms(20),
        ip_id: 99,
        ..copy
    });
    let (events, summary) = wire.run();
    let one = attempt(&events[0]);
    assert_eq!(
        (one.tries, summary.duplicates, one.marks),
        (2, 1, Marks::default())
    );
}

#[test]
fn rule_14_a_quiet_connection_is_not_split() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        for _ in 0..3_000 {
            wire.wait(1).udp("10.9.9.9:9", "224.0.0.1:9", 1);
        }
        wire.wait(86_400_000).tcp(CLIENT, SERVER).ack(1001, 5001, 1);
    });
    assert_eq!((a.outcome, a.bytes), (Outcome::Established, [1, 0]));
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
