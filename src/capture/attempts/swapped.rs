//! Answers that a capture shows before their questions: two queues of one device, two files of equal
//! times and two directions of one mirror do that.

use super::tests::{CLIENT, SERVER, ms, told, told_all};
use super::wire::{Wire, at_ms, attempt, end, inner};
use super::{Attempts, Settings};
use crate::capture::packet::{Extra, Packet, SegmentTalk, Speech};
use crate::model::attempt::Marks;
use crate::model::neighbour::{Heard, ToldBy};
use crate::model::payload::Shape;
use crate::model::{EvidenceId, FlowEnd, Outcome, Transport, What};

/// Of another file, which was read from before the last packet and after it.
fn by_another_sensor(wire: &mut Wire, tell: impl FnOnce(&mut Wire)) {
    wire.udp("10.9.9.9:9", "10.9.9.8:9", 1);
    let stranger = wire.packets.len() - 1;
    let from = wire.packets.len();
    tell(wire);
    for (evidence, _) in &mut wire.packets[from..] {
        *evidence = EvidenceId(2);
    }
    wire.packets[stranger].0 = EvidenceId(2);
    wire.packets.swap(stranger, 0);
    let early = wire.packets[1].1.time;
    wire.packets[0].1.time = early;
}

fn outcomes(tell: impl FnOnce(&mut Wire)) -> Vec<Outcome> {
    let all = told_all(tell);
    let both_ends = all.iter().filter(|a| a.initiator != end("10.9.9.9:9"));
    both_ends.map(|a| a.outcome).collect()
}

#[test]
fn a_reset_seen_shortly_before_its_syn_rejects_it() {
    for (client, server) in [(CLIENT, SERVER), ("10.0.0.1:80", "10.0.0.2:4000")] {
        let after = |gap, ack| {
            told_all(|wire| {
                wire.tcp(server, client).rst_ack(0, ack);
                wire.wait(gap).tcp(client, server).syn(1000);
            })
        };
        let [a] = <[_; 1]>::try_from(after(50, 1001)).expect("one attempt");
        assert_eq!((a.outcome, a.initiator), (Outcome::Rejected, end(client)));
        assert_eq!((a.isn, a.tries, a.last_try), (Some(1000), 1, ms(50)));
        assert_eq!((a.deciding.unwrap().item, a.decided), (1, ms(50)));
        assert_eq!(after(51, 1001).len(), 2, "too early");
        assert_eq!(after(1, 1002).len(), 2, "of something else");
    }
    let with_data = told(|wire| {
        wire.tcp(SERVER, CLIENT).rst_ack(0, 1101);
        wire.tcp(CLIENT, SERVER).syn_with_data(1000, 100);
    });
    assert_eq!(with_data.outcome, Outcome::Rejected);
}

#[test]
fn another_sensors_reset_may_seem_two_seconds_before_its_syn() {
    let after = |gap| {
        outcomes(|wire| {
            wire.tcp(SERVER, CLIENT).rst_ack(0, 1001);
            by_another_sensor(wire, |wire| wire.wait(gap).tcp(CLIENT, SERVER).syn(1000));
        })
    };
    assert_eq!(after(2_000), [Outcome::Rejected]);
    assert_eq!(after(2_001).len(), 2);
}

#[test]
fn a_handshake_of_one_moment_is_one_attempt_in_any_order() {
    let mut wire = Wire::default();
    wire.tcp(CLIENT, SERVER).syn(1000);
    wire.tcp(SERVER, CLIENT).syn_ack(5000, 1001);
    wire.tcp(CLIENT, SERVER).ack(1001, 5001, 0);
    wire.tcp(CLIENT, SERVER).ack(1001, 5001, 10);
    wire.tcp(SERVER, CLIENT).ack(5001, 1011, 20);
    for order in 0..120_usize {
        let (mut left, mut rest) = (wire.packets.clone(), order);
        let mut turned = Wire::default();
        while !left.is_empty() {
            let next = left.remove(rest % left.len());
            rest /= left.len() + 1;
            turned.packets.push(next);
        }
        let items: Vec<u64> = turned.packets.iter().map(|(_, p)| p.number).collect();
        let all = turned.attempts();
        assert_eq!(all.len(), 1, "{items:?}");
        let a = &all[0];
        assert_eq!(a.outcome, Outcome::Established, "{items:?}");
        assert_eq!((a.initiator, a.isn), (end(CLIENT), Some(1000)), "{items:?}");
        assert_eq!((a.bytes, a.tries), ([10, 20], 1), "{items:?}");
    }
}

#[test]
fn what_does_not_fit_a_syn_is_of_another_connection() {
    let before = |tell: &dyn Fn(&mut Wire)| {
        outcomes(|wire| {
            tell(wire);
            wire.wait(1).tcp(CLIENT, SERVER).syn(1000);
        })
    };
    let other = [Outcome::Midstream, Outcome::Unanswered];
    // The end of the connection that had the ports before.
    assert_eq!(before(&|w| w.tcp(CLIENT, SERVER).ack(900, 5001, 0)), other);
    assert_eq!(before(&|w| w.tcp(SERVER, CLIENT).rst(1001)), other);
    let mixed = before(&|wire| {
        wire.tcp(CLIENT, SERVER).fin(900, 5001);
        wire.tcp(SERVER, CLIENT).rst_ack(0, 1001);
    });
    assert_eq!(mixed, other);
}

#[test]
fn an_icmp_error_seen_shortly_before_its_question_refuses_it() {
    let after = |gap: i64, transport: Transport, elsewhere: bool| {
        outcomes(|wire| {
            let seq = (transport == Transport::TCP).then_some(1000);
            let about = inner(CLIENT, SERVER, transport, seq);
            wire.icmp("10.0.0.254", "10.0.0.1", (3, 1), about);
            let ask = |wire: &mut Wire| {
                wire.wait(gap);
                if transport == Transport::TCP {
                    wire.tcp(CLIENT, SERVER).syn(1000);
                } else {
                    wire.udp(CLIENT, SERVER, 1);
                }
            };
            if elsewhere {
                by_another_sensor(wire, ask);
            } else {
                ask(wire);
            }
        })
    };
    for transport in [Transport::TCP, Transport::UDP] {
        for (gap, elsewhere) in [(50, false), (2_000, true)] {
            let [outcome] = after(gap, transport, elsewhere)[..] else {
                panic!("one attempt")
            };
            assert!(matches!(outcome, Outcome::Unreachable(_)), "{outcome:?}");
            let late = after(gap + 1, transport, elsewhere);
            assert_eq!(late, [Outcome::Unanswered], "{gap}");
        }
    }
    // What was counted as about nothing has found its attempt.
    let mut wire = Wire::default();
    let about = inner(CLIENT, SERVER, Transport::UDP, None);
    wire.icmp("10.0.0.254", "10.0.0.1", (3, 1), about);
    wire.wait(1).udp(CLIENT, SERVER, 1);
    let (_, summary) = wire.run();
    assert_eq!((summary.icmp_matched, summary.icmp_unmatched), (1, 0));
}

#[test]
fn an_icmp_error_without_ports_is_about_the_packet_with_its_identification() {
    let outcomes = |id: u16, port: u16, early: bool| {
        outcomes(|wire| {
            let ask = |wire: &mut Wire| {
                for (port, id) in [(4_000, 71), (4_001, 72)] {
                    wire.tcp(&format!("10.0.0.1:{port}"), SERVER).syn(1000);
                    wire.packets.last_mut().expect("a packet").1.ip_id = id;
                }
            };
            if !early {
                ask(wire);
            }
            let mut about = inner("10.0.0.1:0", "10.0.0.2:0", Transport::TCP, None);
            (about.id, about.source.port) = (id, port);
            wire.icmp("10.0.0.254", "10.0.0.1", (3, 1), about);
            if early {
                ask(wire);
            }
        })
    };
    let which = |id, port, early| {
        let all = outcomes(id, port, early);
        assert_eq!(all.len(), 2);
        let place = all.iter().position(|o| *o != Outcome::Unanswered);
        assert!(place.is_none_or(|n| matches!(all[n], Outcome::Unreachable(_))));
        place
    };
    for early in [false, true] {
        assert_eq!(which(72, 0, early), Some(1));
        assert_eq!(which(71, 4_000, early), Some(0));
        assert_eq!(which(71, 4_001, early), None, "of two packets");
        assert_eq!(which(73, 0, early), None, "another packet's");
        assert_eq!(which(0, 0, early), None, "any of them");
    }
    assert_eq!(which(0, 4_001, false), Some(1), "the only one of its port");
}

fn shaped(wire: &mut Wire, shape: Shape) {
    let last = wire.packets.last_mut().expect("a packet");
    last.1 = Packet {
        shape,
        ..last.1.clone()
    };
}

#[test]
fn the_form_of_a_payload_is_that_of_its_first_byte() {
    let told = |order: &[usize]| {
        let a = told(|wire| {
            wire.handshake(CLIENT, SERVER);
            for part in order {
                let (seq, size, shape) = [
                    (1001, 10, Shape::Tls),
                    (1011, 20, Shape::Binary),
                    (1031, 30, Shape::Text),
                ][*part];
                wire.wait(1).tcp(CLIENT, SERVER).ack(seq, 5001, size);
                shaped(wire, shape);
            }
        });
        let payload = a.payload.expect("payload");
        (payload.shapes[0], payload.first_sizes[0])
    };
    assert_eq!(told(&[0, 1, 2]), (Shape::Tls, [10, 20, 30, 0]));
    assert_eq!(told(&[1, 0, 2]), (Shape::Tls, [10, 20, 30, 0]));
    assert_eq!(told(&[1, 2]), (Shape::None, [0; 4]), "it was not captured");
    assert_eq!(told(&[0, 2]), (Shape::Tls, [10, 0, 0, 0]));
}

#[test]
fn a_reset_seen_before_the_fin_it_answers_is_no_interruption() {
    let end_of = |ack, fin_after: Option<i64>| {
        let a = told(|wire| {
            wire.handshake(CLIENT, SERVER);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 10);
            wire.wait(1).tcp(SERVER, CLIENT).ack(5001, 1011, 20);
            wire.wait(1).tcp(SERVER, CLIENT).rst_ack(5021, ack);
            if let Some(after) = fin_after {
                wire.wait(after).tcp(CLIENT, SERVER).fin(1011, 5021);
            }
        });
        assert_eq!(a.end, FlowEnd::ResetByResponder);
        a.marks.has(Marks::RESET_AFTER_FIN)
    };
    assert!(end_of(1012, None), "it acknowledges the FIN");
    assert!(end_of(1011, Some(50)));
    assert!(!end_of(1011, Some(51)), "too late to be what it answers");
    assert!(!end_of(1011, None));
}

#[test]
fn an_excerpt_beside_the_whole_capture_does_not_end_the_waiting() {
    let mut wire = Wire::default();
    wire.wait(9_000).tcp(CLIENT, SERVER).syn(1000);
    let syn = wire.packets[0].1.clone();
    wire.wait(60_000).udp("10.9.9.9:9", "10.9.9.8:9", 1);
    let later = wire.packets[1].1.clone();
    // Whichever file comes first, and whichever of two excerpts.
    for (whole, excerpts) in [(1, vec![2]), (2, vec![1]), (2, vec![1, 3]), (3, vec![1, 2])] {
        let mut machine = Attempts::new(Settings::default());
        let mut out = |_| {};
        let before = Packet {
            time: ms(0),
            ip_id: 9,
            number: 9,
            ..later.clone()
        };
        machine.packet(EvidenceId(whole), &before, &mut out);
        let mut files = excerpts.clone();
        files.push(whole);
        files.sort_unstable();
        for file in files {
            machine.packet(EvidenceId(file), &syn, &mut out);
        }
        for file in excerpts {
            machine.ended(EvidenceId(file), None);
        }
        let mut all = Vec::new();
        machine.packet(EvidenceId(whole), &later, &mut |event| all.push(event));
        machine.finish(&mut |event| all.push(event));
        let silent = all.iter().map(attempt).find(|a| a.initiator == end(CLIENT));
        let silent = silent.expect("the attempt");
        assert_eq!(silent.decided, ms(30_000), "{whole}");
        assert!(silent.marks.has(Marks::ABANDONED));
    }
}

#[test]
fn questions_to_the_segment_are_heard_out_where_each_direction_has_a_file_of_its_own() {
    let heard = |both_hold_it: bool| {
        let mut wire = Wire::default();
        wire.udp("10.9.9.9:9", "10.9.9.8:9", 1);
        let talk = SegmentTalk {
            mac: None,
            address: end(CLIENT).address,
            told_by: ToldBy::Arp,
            speech: Speech::Asks("10.0.0.7".parse().unwrap()),
        };
        wire.push(Packet {
            extra: Some(Box::new(Extra::Segment(None, Some(talk)))),
            ..at_ms(0, 2)
        });
        wire.tcp(CLIENT, SERVER).syn(1000);
        wire.tcp(SERVER, CLIENT).syn_ack(5000, 1001);
        wire.wait(60_000).udp("10.9.9.9:9", "10.9.9.8:9", 1);
        let elsewhere = EvidenceId(2);
        (wire.packets[0].0, wire.packets[3].0) = (elsewhere, elsewhere);
        if both_hold_it {
            let copy = wire.packets[2].1.clone();
            wire.packets.insert(3, (elsewhere, copy));
        }
        let (events, _) = wire.run();
        let asked = events.iter().find_map(|event| match &event.what {
            What::Solicitation(asked) => Some(asked.outcome),
            _ => None,
        });
        asked.expect("a question")
    };
    assert_eq!(heard(false), Heard::Unanswered);
    assert_eq!(heard(true), Heard::ReplyNotVisible, "a sensor elsewhere");
}

#[test]
fn the_try_that_was_answered_may_be_seen_after_its_answer() {
    let last_try = |after| {
        let a = told(|wire| {
            wire.tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1_000).tcp(CLIENT, SERVER).syn(1000);
            wire.wait(2_000).tcp(SERVER, CLIENT).syn_ack(5000, 1001);
            wire.wait(after).tcp(CLIENT, SERVER).syn(1000);
            wire.wait(1).tcp(CLIENT, SERVER).ack(1001, 5001, 0);
        });
        assert_eq!((a.outcome, a.tries), (Outcome::Established, 3));
        a.last_try
    };
    assert_eq!(last_try(0), ms(3_000));
    assert_eq!(last_try(50), ms(3_000));
    assert_eq!(last_try(51), ms(1_000));
}
