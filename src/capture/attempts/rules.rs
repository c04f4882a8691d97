//! One test for each rule that decides correctness, told as traffic on a wire.

use super::tests::{CLIENT, SERVER, ms, second_sensor, told, told_all};
use super::wire::{Wire, attempt, end, inner, run};
use super::*;
use crate::model::attempt::{IcmpRun, RefusalMeaning};
use crate::model::{Attempt, FlowEnd, Outcome};

#[test]
fn five_syns_with_one_number_are_one_attempt() {
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
fn linux_repeats_a_syn_after_32_seconds_and_it_is_still_one_attempt() {
    let a = told(|wire| {
        for gap in [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000] {
            wire.wait(gap).tcp(CLIENT, SERVER).syn(1000);
        }
    });
    assert_eq!((a.outcome, a.tries), (Outcome::Unanswered, 7));
}

#[test]
fn windows_tries_again_after_a_reset_and_it_is_still_one_attempt() {
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
fn a_port_that_opens_between_two_tries_was_reached() {
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
fn another_number_after_the_end_is_another_attempt() {
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
fn another_number_while_unanswered_ends_the_old_attempt() {
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
fn a_reset_of_an_established_connection_is_not_a_rejection() {
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
    let reset = a.payload.and_then(|payload| payload.reset);
    assert_eq!(reset.map(|at| at.item), Some(5), "the packet that says so");
}

#[test]
fn a_reset_of_something_unseen_is_not_a_rejection() {
    let a = told(|wire| wire.tcp(SERVER, CLIENT).rst_ack(0, 1001));
    assert_eq!(
        (a.outcome, a.end),
        (Outcome::Midstream, FlowEnd::ResetByResponder)
    );
}

#[test]
fn a_reset_with_a_wrong_acknowledgement_is_not_a_rejection() {
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
fn a_reset_without_acknowledgement_needs_a_number_that_fits() {
    let with_seq = |seq| {
        told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).rst(seq);
        })
    };
    // In SYN-SENT nothing of the peer is known that it could fit: RFC 9293, 3.10.7.3, drops it.
    for seq in [0, 77] {
        let a = with_seq(seq);
        assert_eq!(
            (a.outcome, a.marks),
            (Outcome::Unanswered, Marks::RESET_MISMATCH)
        );
    }
    // Both ends sent a SYN: then the peer's number is known.
    let crossed = |seq| {
        told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(SERVER, CLIENT).syn(5000);
            wire.wait(1).tcp(SERVER, CLIENT).rst(seq);
        })
    };
    assert_eq!(crossed(5001).outcome, Outcome::Rejected);
    assert_eq!(crossed(0).outcome, Outcome::Unanswered);
}

#[test]
fn a_reset_without_acknowledgement_does_not_hide_what_follows() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.wait(1).tcp(SERVER, CLIENT).rst(0);
        wire.wait(1).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    });
    assert_eq!(
        (a.outcome, a.end, a.marks),
        (Outcome::Established, FlowEnd::Open, Marks::RESET_MISMATCH)
    );
}

#[test]
fn a_stale_syn_ack_is_not_an_answer() {
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
    assert_eq!(a.payload.and_then(|payload| payload.reset), None);
}

#[test]
fn data_in_the_syn_may_be_acknowledged_or_not() {
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
fn a_reset_may_acknowledge_the_data_in_the_syn() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn_with_data(1000, 100);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(0, 1101);
    });
    assert_eq!(a.outcome, Outcome::Rejected);
}

#[test]
fn simultaneous_open_is_one_attempt_of_the_earlier_side() {
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
fn a_handshake_closed_within_a_second_without_a_byte_is_marked_empty() {
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
fn an_icmp_error_with_the_attempts_own_header_refuses_it() {
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
fn an_icmp_error_about_another_syn_or_of_another_type_refuses_nothing() {
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
fn a_translated_address_makes_the_match_weak() {
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
fn an_answer_outweighs_an_earlier_icmp_error() {
    let a = told(|wire| {
        wire.tcp(CLIENT, SERVER).syn(1000);
        let syn = inner(CLIENT, SERVER, Transport::TCP, Some(1000));
        wire.wait(3).icmp("10.0.0.254", "10.0.0.1", (3, 1), syn);
        wire.wait(1_000).handshake(CLIENT, SERVER);
    });
    assert_eq!((a.outcome, a.tries), (Outcome::Established, 2));
}

#[test]
fn ipv6_refuses_with_type_1_only() {
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
fn a_second_sensors_copies_are_marked_and_not_counted() {
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
fn a_mirror_ports_copies_are_dropped_but_not_a_syn_sent_again() {
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
fn a_quiet_connection_is_not_split() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        for _ in 0..3_000 {
            wire.wait(1).udp("10.9.9.9:9", "224.0.0.1:9", 1);
        }
        wire.wait(86_400_000).tcp(CLIENT, SERVER).ack(1001, 5001, 1);
    });
    assert_eq!((a.outcome, a.bytes), (Outcome::Established, [1, 0]));
}

#[test]
fn a_ping_and_its_answers_are_one_attempt() {
    let a = told(|wire| {
        for n in 0..3 {
            wire.wait(1_000).echo("10.0.0.1", "10.0.0.2", (8, 7, n), 32);
            wire.wait(2).echo("10.0.0.2", "10.0.0.1", (0, 7, n), 32);
        }
    });
    assert_eq!(
        (a.outcome, a.tries, a.decided),
        (Outcome::Established, 3, ms(1_002))
    );
    assert_eq!(
        (a.initiator.to_string(), a.responder.port),
        ("10.0.0.1:0".into(), 0)
    );
    assert_eq!((a.bytes, a.packets), ([96, 96], [3, 3]));
    assert_eq!(a.icmp, Some(IcmpRun { kind: 8, id: 7 }));
}

#[test]
fn pings_with_another_identifier_or_after_half_a_minute_of_silence_are_another_attempt() {
    let tries = |gap, second_id| {
        let all = told_all(|wire| {
            wire.echo("10.0.0.1", "10.0.0.2", (8, 7, 1), 32);
            wire.wait(gap)
                .echo("10.0.0.1", "10.0.0.2", (8, second_id, 2), 32);
        });
        all.iter().map(|a| (a.tries, a.outcome)).collect::<Vec<_>>()
    };
    let silent = Outcome::Unanswered;
    assert_eq!(tries(30_000, 7), [(2, silent)]);
    assert_eq!(tries(30_001, 7), [(1, silent), (1, silent)]);
    assert_eq!(tries(1_000, 8), [(1, silent), (1, silent)]);
}

#[test]
fn an_unsolicited_reply_is_one_sided_and_its_initiator_is_whom_it_answers() {
    let a = told(|wire| wire.echo("10.0.0.2", "10.0.0.1", (0, 7, 1), 900));
    assert_eq!(
        (a.outcome, a.initiator.address.to_string(), a.bytes),
        (Outcome::OneSided, "10.0.0.1".into(), [0, 900])
    );
}

#[test]
fn a_datagram_that_answers_by_its_form_is_no_attempt_of_the_answerer() {
    let a = told(|wire| wire.udp_answer("10.0.0.53:53", "10.0.0.7:51000", 90));
    assert_eq!(
        (a.outcome, a.initiator, a.bytes),
        (Outcome::OneSided, end("10.0.0.7:51000"), [0, 90])
    );
    // Both ends of a relay's exchange have the server's port.
    let a = told(|wire| wire.udp_answer("10.0.0.67:67", "10.0.0.1:67", 300));
    assert_eq!(
        (a.outcome, a.initiator),
        (Outcome::OneSided, end("10.0.0.1:67"))
    );
    let a = told(|wire| {
        wire.udp("10.0.0.1:67", "10.0.0.67:67", 300);
        wire.udp_answer("10.0.0.67:67", "10.0.0.1:67", 300);
    });
    assert_eq!(
        (a.outcome, a.initiator),
        (Outcome::Established, end("10.0.0.1:67"))
    );
    // The question may have been captured after it, by another sensor; by itself it is an attempt.
    let a = told(|wire| {
        wire.udp_answer("10.0.0.53:53", "10.0.0.7:51000", 90);
        wire.udp("10.0.0.7:51000", "10.0.0.53:53", 30);
    });
    assert_eq!(
        (a.outcome, a.initiator),
        (Outcome::Established, end("10.0.0.7:51000"))
    );
    let a = told(|wire| wire.udp("10.0.0.53:53", "10.0.0.7:51000", 90));
    assert_eq!(
        (a.outcome, a.initiator),
        (Outcome::Unanswered, end("10.0.0.53:53"))
    );
}

#[test]
fn an_icmp_error_refuses_the_ping_it_embeds() {
    let a = told(|wire| {
        wire.echo("10.0.0.1", "10.0.0.2", (8, 7, 1), 32);
        let ping = inner("10.0.0.1:7", "10.0.0.2:8", Transport::ICMP, None);
        wire.wait(3).icmp("10.0.0.254", "10.0.0.1", (3, 1), ping);
    });
    assert!(matches!(a.outcome, Outcome::Unreachable(_)), "{a:?}");
}

#[test]
fn messages_of_the_network_itself_are_no_attempts() {
    for kind in [3, 5, 9, 11] {
        let all = told_all(|wire| wire.echo("10.0.0.1", "10.0.0.2", (kind, 7, 1), 32));
        assert_eq!(all, [], "type {kind}");
    }
    let tunnel = told(|wire| {
        wire.echo("10.0.0.1", "10.0.0.2", (40, 7, 1), 300);
        wire.wait(5).echo("10.0.0.2", "10.0.0.1", (40, 9, 1), 200);
    });
    assert_eq!(
        (tunnel.icmp, tunnel.bytes, tunnel.outcome),
        (
            Some(IcmpRun { kind: 40, id: 0 }),
            [300, 200],
            Outcome::Established
        )
    );
}

#[test]
fn first_sizes_leave_out_what_is_sent_again_and_plain_attempts_hold_none() {
    let a = told(|wire| {
        wire.handshake(CLIENT, SERVER);
        for (seq, size) in [(1001, 100), (1001, 100), (1101, 70_000), (71_101, 7)] {
            wire.wait(5).tcp(CLIENT, SERVER).ack(seq, 5001, size);
        }
        wire.wait(5).tcp(SERVER, CLIENT).ack(5001, 71_108, 9);
    });
    let payload = a.payload.expect("payload was seen");
    assert_eq!(payload.first_sizes, [[100, 65_535, 7, 0], [9, 0, 0, 0]]);
    let plain = told(|wire| wire.handshake(CLIENT, SERVER));
    assert_eq!(plain.payload, None);
}

#[test]
fn who_reset_a_connection_in_use_is_told_and_an_orderly_end_is_none() {
    let reset_by = |from: &str, to: &str, fin: bool, spoke: bool| {
        told(|wire| {
            wire.handshake(CLIENT, SERVER);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
            if spoke {
                wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1011, 10);
            }
            if fin {
                wire.wait(1).tcp(SERVER, CLIENT).fin(5011, 1011);
            }
            wire.wait(1)
                .tcp(from, to)
                .rst(if from == CLIENT { 1011 } else { 5011 });
        })
    };
    let by = |a: Attempt| a.reset_in_use().map(|end| end.to_string());
    assert_eq!(
        by(reset_by(SERVER, CLIENT, false, true)).as_deref(),
        Some(SERVER)
    );
    assert_eq!(
        by(reset_by(CLIENT, SERVER, false, true)).as_deref(),
        Some(CLIENT)
    );
    assert_eq!(by(reset_by(SERVER, CLIENT, false, false)), None, "one way");
    let after_fin = reset_by(CLIENT, SERVER, true, true);
    assert!(after_fin.marks.has(Marks::RESET_AFTER_FIN));
    assert_eq!(by(after_fin), None);
}

#[test]
fn a_reset_after_idleness_interrupts_nothing() {
    let idle = |ms| {
        told(|wire| {
            wire.handshake(CLIENT, SERVER);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
            wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1011, 10);
            wire.wait(ms).tcp(SERVER, CLIENT).rst(5011);
        })
    };
    let in_use = idle(10_000);
    assert!(in_use.reset_in_use().is_some() && !in_use.marks.has(Marks::RESET_IDLE));
    let after = idle(10_001);
    assert!(after.reset_in_use().is_none() && after.marks.has(Marks::RESET_IDLE));
    assert_eq!(after.end, FlowEnd::ResetByResponder);
}

#[test]
fn a_reset_with_another_ttl_is_marked_and_one_hop_of_difference_is_not() {
    let marks = |ttl: u8| {
        let mut wire = Wire::default();
        wire.handshake(CLIENT, SERVER);
        wire.wait(1).tcp(SERVER, CLIENT).rst_ack(5001, 1001);
        wire.packets.last_mut().unwrap().1.ttl = ttl;
        wire.attempt().marks.has(Marks::RESET_TTL)
    };
    assert!(!marks(64) && !marks(63) && !marks(65));
    assert!(marks(62) && marks(128));
}
