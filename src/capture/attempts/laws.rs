//! What must hold for any traffic.

use super::tests::second_sensor;
use super::wire::{Listed, attempt, end, inner, run};
use super::*;
use crate::capture::merge::{Merge, Unopened};
use crate::capture::packet::EmbeddedHeader;
use crate::model::{Outcome, What};
use proptest::prelude::*;

type Stream = Vec<(EvidenceId, Packet)>;

/// Traffic of a few hosts with few ports and few sequence numbers, so that answers, repetitions,
/// port reuse and forgeries all happen. Times differ, and so do IP identifications.
fn traffic(network: &'static str) -> impl Strategy<Value = Stream> {
    let step = (
        0..8_u8,
        0..3_u8,
        0..2_u8,
        any::<bool>(),
        0..4_u32,
        0..4_u32,
        gap(),
    );
    prop::collection::vec(step, 1..120).prop_map(move |steps| {
        let mut now = 0;
        let packet = |(number, step): (usize, _)| {
            let (kind, client, server, reply, seq, ack, gap): (u8, u8, u8, bool, u32, u32, i64) =
                step;
            now += gap;
            let client = format!("{network}.{}:400{client}", client + 1);
            let server = format!("{network}.10{server}:80");
            let (from, to) = if reply {
                (&server, &client)
            } else {
                (&client, &server)
            };
            let mut packet = super::wire::at_ms(now, number as u64 + 1);
            (packet.source, packet.destination) = (end(from), end(to));
            packet.ip_id = number as u16 + 1;
            packet.transport = Transport::TCP;
            (packet.seq, packet.ack) = (1_000 + seq, 1_000 + ack);
            match kind {
                0 | 1 => packet.flags = 0x02,
                2 => packet.flags = 0x12,
                3 => (packet.flags, packet.payload) = (0x10, seq * ack),
                4 => packet.flags = if seq > 1 { 0x14 } else { 0x04 },
                5 => packet.flags = 0x11,
                6 => (packet.transport, packet.payload) = (Transport::UDP, 8),
                _ => {
                    let transport = if seq > 1 {
                        Transport::TCP
                    } else {
                        Transport::UDP
                    };
                    let about = inner(to, from, transport, Some(1_000 + ack));
                    let refusal = EmbeddedHeader {
                        kind: 3,
                        code: 1,
                        from: packet.source.address,
                        ..about
                    };
                    packet.transport = Transport::ICMP;
                    (packet.source.port, packet.destination.port) = (0, 0);
                    packet.extra = Some(Box::new(Extra::Refusal(refusal)));
                }
            }
            (EvidenceId(1), packet)
        };
        let mut stream: Stream = steps.into_iter().enumerate().map(packet).collect();
        // Long silence at the end: what was to become of everything has become of it.
        let mut last = super::wire::at_ms(now + 1_000_000, stream.len() as u64 + 1);
        last.transport = Transport(0);
        stream.push((EvidenceId(1), last));
        stream
    })
}

fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 4..60_i64, 2 => 100..4_000_i64, 1 => 9_000..90_000_i64]
}

fn through_merge(files: Vec<Stream>) -> Vec<Event> {
    let files = files.into_iter().map(|stream| Unopened {
        evidence: stream[0].0,
        first_time: stream[0].1.time,
        open: Box::new(move || {
            let evidence = stream[0].0.0;
            let packets = stream.into_iter().map(|(_, packet)| packet).collect();
            Box::new(Listed::new(evidence, packets, 5))
        }),
    });
    let mut merge = Merge::new(files.collect());
    let mut machine = Attempts::new(Settings::default());
    let mut events = Vec::new();
    while let Some((evidence, packet)) = merge.next() {
        machine.packet(evidence, packet, &mut |event| events.push(event));
    }
    machine.finish(&mut |event| events.push(event));
    events.sort_by_key(Event::order);
    events
}

/// The same events with every packet cited as of the first file.
fn as_one_file(events: Vec<Event>) -> Vec<Event> {
    let first = |at: Provenance| Provenance {
        evidence: EvidenceId(1),
        ..at
    };
    let retold = |mut event: Event| {
        event.provenance = first(event.provenance);
        if let What::Attempt(attempt) = &mut event.what {
            attempt.deciding = attempt.deciding.map(first);
            attempt.accepted = attempt.accepted.map(first);
            if let Some(payload) = &mut attempt.payload {
                payload.reset = payload.reset.map(first);
            }
        }
        event
    };
    let mut events: Vec<_> = events.into_iter().map(retold).collect();
    events.sort_by_key(Event::order);
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn disorder_within_the_window_changes_nothing(
        stream in traffic("10.0.0"),
        delays in prop::collection::vec(0..1_990_i64, 121),
    ) {
        let (expected, _) = run(Settings::default(), &stream);
        let mut shuffled: Vec<_> = stream.into_iter().zip(delays).collect();
        shuffled.sort_by_key(|((_, packet), delay)| packet.time.shifted(Span::millis(*delay)));
        let shuffled = shuffled.into_iter().map(|(packet, _)| packet).collect();
        prop_assert_eq!(through_merge(vec![shuffled]), expected);
    }

    #[test]
    fn the_division_into_files_changes_nothing_but_the_citations(
        stream in traffic("10.0.0"),
        cuts in prop::collection::btree_set(1..120_usize, 0..6),
    ) {
        let (expected, _) = run(Settings::default(), &stream);
        let (mut rest, mut files) = (stream, Vec::new());
        for cut in cuts.into_iter().rev() {
            if cut < rest.len() {
                files.push(rest.split_off(cut));
            }
        }
        files.push(rest);
        files.reverse();
        for (number, file) in (1..).zip(&mut files) {
            file.iter_mut().for_each(|(evidence, _)| *evidence = EvidenceId(number));
        }
        prop_assert_eq!(as_one_file(through_merge(files)), expected);
    }

    #[test]
    fn a_strangers_traffic_changes_nothing(
        stream in traffic("10.0.0"),
        strangers in traffic("192.168.7"),
    ) {
        let (expected, _) = run(Settings::default(), &stream);
        let until = stream.last().unwrap().1.time;
        let mut both = stream;
        both.extend(strangers.into_iter().map(|(_, packet)| (EvidenceId(2), packet)));
        both.retain(|(_, packet)| packet.time <= until);
        both.sort_by_key(|(evidence, packet)| (packet.time, *evidence));
        let (mut events, _) = run(Settings::default(), &both);
        events.retain(|event| event.provenance.evidence == EvidenceId(1));
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn a_second_sensor_changes_nothing_but_the_mark(stream in traffic("10.0.0")) {
        let (mut expected, _) = run(Settings::default(), &stream);
        let packets = stream.len() as u64 - 1; // the last has no protocol to compare by
        let (events, summary) = run(Settings::default(), &second_sensor(&stream, 3));
        prop_assert_eq!(summary.duplicates, packets);
        for event in &mut expected {
            if let What::Attempt(attempt) = &mut event.what {
                attempt.marks.set(Marks::TWO_SENSORS);
            }
        }
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn a_table_too_small_ends_counts_and_marks(stream in traffic("10.0.0"), live_flows in 1..4_usize) {
        let settings = Settings { live_flows, ..Settings::default() };
        let (events, summary) = run(settings, &stream);
        prop_assert!(summary.most_live <= live_flows);
        let marked = events.iter().filter(|event| attempt(event).marks.has(Marks::EVICTED)).count();
        prop_assert_eq!(marked as u64, summary.evicted);
        prop_assert_eq!(summary.problems().len(), usize::from(summary.evicted > 0));
        prop_assert_eq!(summary.attempts(), events.len() as u64);
        // Every packet of a conversation is counted in one attempt.
        let packets: u64 = events.iter().map(|event| attempt(event).packets).map(|[a, b]| u64::from(a + b)).sum();
        let sent = stream.iter().filter(|(_, packet)| packet.extra.is_none()).count() as u64 - 1;
        prop_assert_eq!(packets, sent);
    }

    #[test]
    fn packets_without_sense_or_order_do_no_harm(
        raw in prop::collection::vec((any::<[u32; 4]>(), any::<i64>(), any::<u8>(), any::<bool>()), 1..200),
    ) {
        let packet = |(number, ([seq, ack, payload, ends], time, flags, udp)): (usize, ([u32; 4], i64, u8, bool))| {
            let mut packet = super::wire::at_ms(0, number as u64 + 1);
            packet.time = Timestamp(time >> (ends >> 27));
            packet.source = end(&format!("10.0.0.{}:{}", ends & 1, ends >> 1 & 1));
            packet.destination = end(&format!("10.0.0.{}:{}", ends >> 2 & 1, ends >> 3 & 1));
            packet.transport = if udp { Transport::UDP } else { Transport::TCP };
            (packet.flags, packet.seq, packet.ack, packet.payload) = (flags, seq, ack, payload);
            (EvidenceId(1), packet)
        };
        let stream: Stream = raw.into_iter().enumerate().map(packet).collect();
        let settings = Settings { live_flows: 2, ..Settings::default() };
        let (events, summary) = run(settings, &stream);
        prop_assert_eq!(summary.attempts(), events.len() as u64);
        for event in &events {
            let attempt = attempt(event);
            prop_assert!(attempt.outcome != Outcome::Established || attempt.deciding.is_some());
        }
        prop_assert_eq!(run(settings, &stream), (events, summary));
    }
}
