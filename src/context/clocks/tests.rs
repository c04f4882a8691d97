//! Clocks over whole events: collecting, measuring, correcting, ordering.

use super::*;
use crate::capture::packet::{Packet, flags};
use crate::context::identity::IdentityBuilder;
use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
use crate::model::firewall::Layer;
use crate::model::host_event::{Process, Verdict};
use crate::model::provenance::Item;
use crate::model::{Direction, Endpoint, EvidenceId, HostEvent, Provenance, Timestamp, Transport};

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn at(ms: i64) -> Timestamp {
    START.shifted(Span::millis(ms))
}

fn end(host: u8, port: u16) -> Endpoint {
    Endpoint::new([10, 0, 0, host].into(), port)
}

fn event(time: Timestamp, evidence: u32, item: u64, what: What) -> Event {
    let kind = if matches!(what, What::Host(_)) {
        Item::Record
    } else {
        Item::Packet
    };
    let provenance = Provenance {
        evidence: EvidenceId(evidence),
        interface: 0,
        kind,
        item,
        offset: item,
        inside: false,
    };
    Event {
        time,
        recorded: time,
        provenance,
        what,
    }
}

/// Connection `n` of host `from` to host `to`, as the sensor `evidence` saw it.
fn seen(ms: i64, evidence: u32, n: u16, from: u8, to: u8) -> Event {
    let attempt = Attempt {
        transport: Transport::TCP,
        initiator: end(from, 50_000 + n),
        responder: end(to, 445),
        isn: Some(u32::from(n)),
        tries: 1,
        last_try: at(ms),
        outcome: Outcome::Established,
        decided: at(ms + 1),
        deciding: None,
        accepted: None,
        bytes: [1, 1],
        packets: [3, 2],
        end: FlowEnd::Closed,
        ended: at(ms + 5),
        marks: Marks::default(),
        pid: None,
        vlan: None,
        icmp: None,
        payload: None,
        actor: None,
    };
    event(at(ms), evidence, u64::from(n), What::attempt(attempt))
}

fn logged(written: Timestamp, computer: &str, item: u64, what: HostWhat) -> Event {
    let (channel, event_id) = match what {
        HostWhat::Connected { .. } => ("Microsoft-Windows-Sysmon/Operational", 3),
        _ => ("Security", 5156),
    };
    let host = HostEvent {
        computer: computer.into(),
        channel: channel.into(),
        provider: "".into(),
        event_id,
        socket: None,
        timed: crate::model::Timed::Utc,
        written,
        what,
    };
    event(
        written,
        if event_id == 3 { 8 } else { 9 },
        item,
        What::host(host),
    )
}

fn row(ms: i64, computer: &str, n: u16, from: u8, to: u8, direction: Direction) -> Event {
    logged(
        at(ms),
        computer,
        u64::from(n),
        HostWhat::Filtered {
            verdict: Verdict::Permitted,
            layer: Layer::Connect,
            isn: None,
            opens: None,
            direction: Some(direction),
            process: Process::default(),
            transport: Transport::TCP,
            source: end(from, 50_000 + n),
            destination: end(to, 445),
        },
    )
}

fn sysmon(written: i64, utc: i64, computer: &str, n: u16, from: u8, to: u8) -> Event {
    logged(
        at(written),
        computer,
        u64::from(n),
        HostWhat::Connected {
            process: Process::default(),
            initiated: true,
            transport: Transport::TCP,
            source: end(from, 50_000 + n),
            destination: end(to, 445),
            user: "".into(),
            utc_time: Some(at(utc)),
        },
    )
}

fn clocks(events: &[Event], choice: &ClockChoice) -> (Clocks, Identity) {
    let (mut anchors, mut identity) = (AnchorBuilder::default(), IdentityBuilder::default());
    for event in events {
        anchors.observe(event);
        identity.observe(event);
    }
    let identity = identity.freeze();
    (
        Clocks::measure(anchors.freeze(), &identity, choice, Span::seconds(2)),
        identity,
    )
}

fn corrected(mut event: Event, clocks: &Clocks, identity: &Identity) -> Event {
    clocks.correct(&mut event, identity);
    event
}

/// Ten connections of A, whose clock is `ahead`, seen by a capture.
fn one_host(ahead: i64) -> Vec<Event> {
    (0..10u16)
        .flat_map(|n| {
            let ms = i64::from(n) * 7_013;
            [
                seen(ms, 1, n, 1, 2),
                row(ms + ahead + 1, "A", n, 1, 2, Direction::Outbound),
            ]
        })
        .collect()
}

#[test]
fn a_host_event_is_placed_on_the_captures_clock_and_keeps_its_recorded_time() {
    let (clocks, identity) = clocks(&one_host(3_600_000), &ClockChoice::default());
    let event = corrected(
        row(3_650_000, "A", 99, 1, 2, Direction::Outbound),
        &clocks,
        &identity,
    );
    assert_eq!(event.recorded, at(3_650_000));
    assert!(
        event.time.since(at(50_000)).abs() < Span::millis(5),
        "{}",
        event.time.rfc3339()
    );
    let report = clocks.report(identity.named("a").unwrap(), &identity);
    assert_eq!(
        (report.anchors, report.zone_error),
        (10, Some(Span::seconds(3_600)))
    );
    assert!(
        report.uncertainty <= Span::millis(10) && report.method.contains("zone error of +1 h"),
        "{report:?}"
    );
}

#[test]
fn an_offset_that_cannot_be_told_from_zero_moves_nothing_but_is_counted() {
    let (clocks, identity) = clocks(&one_host(0), &ClockChoice::default());
    assert!(!clocks.corrects());
    let host = row(10_100, "A", 99, 1, 2, Direction::Outbound);
    let wire = seen(10_000, 1, 98, 3, 2);
    assert_eq!(corrected(host.clone(), &clocks, &identity), host);
    assert!(clocks.between(&host, &wire, &identity) >= Span::millis(5));
    assert_eq!(clocks.order(&wire, &host, &identity), Order::Before);
    let near = row(10_004, "A", 97, 1, 2, Direction::Outbound);
    assert_eq!(clocks.order(&wire, &near, &identity), Order::Ambiguous);
}

#[test]
fn as_recorded_leaves_all_times_and_a_given_offset_wins() {
    let asked = ClockChoice {
        mode: ClockMode::AsRecorded,
        given: Vec::new(),
    };
    let (plain, _) = clocks(&one_host(5_000), &asked);
    assert!(!plain.corrects());
    let given = ClockChoice {
        given: vec![("A".to_owned(), Span::seconds(7))],
        ..ClockChoice::default()
    };
    let (clocks, identity) = clocks(&one_host(5_000), &given);
    let event = corrected(
        row(20_000, "A", 99, 1, 2, Direction::Outbound),
        &clocks,
        &identity,
    );
    assert_eq!(event.time, at(13_000));
    assert_eq!(
        clocks.uncertainty(Clock::Host(identity.named("A").unwrap())),
        Span::seconds(2)
    );
    let nobody = ClockChoice {
        given: vec![("B".to_owned(), Span::ZERO)],
        ..ClockChoice::default()
    };
    assert_eq!(Clocks::unknown_names(&nobody, &identity), ["B"]);
}

#[test]
fn sysmon_connections_are_placed_by_their_own_calibrated_clock() {
    let mut events = one_host(500);
    // The kernel's clock is 61.22 s behind; rows are written 1.0 to 1.9 s late.
    for n in 0..10u16 {
        let ms = i64::from(n) * 7_013;
        events.push(sysmon(
            ms + 500 + 1_000 + i64::from(n) * 100,
            ms - 61_220,
            "A",
            n,
            1,
            2,
        ));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let event = corrected(
        sysmon(42_000, 40_000 - 61_220, "A", 70, 1, 2),
        &clocks,
        &identity,
    );
    assert!(
        event.time.since(at(40_000)).abs() <= Span::millis(5),
        "{}",
        event.time.rfc3339()
    );
    // After a resume that clock has another offset: the calibration says this was two days ago.
    let stale = corrected(
        sysmon(42_000, -200_000_000, "A", 71, 1, 2),
        &clocks,
        &identity,
    );
    assert!(
        stale.time.since(at(42_000 - 500 - 1_500)).abs() <= Span::millis(5),
        "{}",
        stale.time.rfc3339()
    );
    assert!(clocks.between(&event, &stale, &identity) >= Span::seconds(1));
}

#[test]
fn without_a_capture_sysmon_is_calibrated_by_the_hosts_own_rows() {
    let mut events: Vec<Event> = one_host(0)
        .into_iter()
        .filter(|e| matches!(e.what, What::Host(_)))
        .collect();
    for n in 0..10u16 {
        events.push(sysmon(
            i64::from(n) * 7_013 + 1_500,
            i64::from(n) * 7_013 + 3_260,
            "A",
            n,
            1,
            2,
        ));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let event = corrected(
        sysmon(42_000, 40_000 + 3_260, "A", 70, 1, 2),
        &clocks,
        &identity,
    );
    assert!(
        event.time.since(at(40_000)).abs() <= Span::millis(5),
        "{}",
        event.time.rfc3339()
    );
    let own = row(40_100, "A", 80, 1, 2, Direction::Outbound);
    assert!(clocks.between(&event, &own, &identity) <= Span::millis(20));
    assert!(clocks.between(&event, &seen(0, 1, 1, 1, 2), &identity) >= Span::seconds(2));
}

#[test]
fn uncalibrated_sysmon_connections_are_placed_before_they_were_written() {
    let events = [
        sysmon(10_000, 0, "A", 1, 1, 2),
        row(0, "A", 7, 1, 2, Direction::Outbound),
    ];
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    assert!(clocks.corrects());
    let event = corrected(events[0].clone(), &clocks, &identity);
    assert_eq!((event.time, event.recorded), (at(8_500), at(10_000)));
    assert_eq!(
        clocks.between(&event, &events[1], &identity),
        Span::seconds(1)
    );
}

/// Some pipelines set the record's time to UtcTime and drop when it was written.
#[test]
fn a_sysmon_connection_whose_writing_is_not_told_stays_where_it_says() {
    let events = [
        sysmon(10_000, 10_000, "A", 1, 1, 2),
        row(0, "A", 7, 1, 2, Direction::Outbound),
    ];
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let event = corrected(events[0].clone(), &clocks, &identity);
    assert_eq!(event.time, at(10_000));
    assert_eq!(
        clocks.between(&event, &events[1], &identity),
        Span::seconds(2)
    );
    // Nothing was moved, and nothing says so; of another host it is said.
    let told = |clocks: &Clocks, identity: &Identity, computer: &str| {
        let host = identity.named(computer).unwrap();
        clocks.report(host, identity).network_assumed
    };
    assert!(!told(&clocks, &identity, "A"));
    let both = [events[0].clone(), sysmon(10_000, 8_000, "B", 2, 2, 1)];
    let (clocks, identity) = self::clocks(&both, &ClockChoice::default());
    assert!(!told(&clocks, &identity, "A") && told(&clocks, &identity, "B"));
}

#[test]
fn a_host_that_no_capture_saw_is_measured_through_one_that_is() {
    let mut events = one_host(5_000);
    for n in 0..10u16 {
        let ms = 1_000_000 + i64::from(n) * 3_017;
        events.push(row(ms + 5_000, "A", 500 + n, 1, 3, Direction::Outbound));
        events.push(row(ms - 20_000, "B", 500 + n, 1, 3, Direction::Inbound));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let event = corrected(
        row(990_000, "B", 90, 1, 3, Direction::Inbound),
        &clocks,
        &identity,
    );
    assert!(
        event.time.since(at(1_010_000)).abs() <= Span::millis(10),
        "{}",
        event.time.rfc3339()
    );
    let both = clocks.uncertainty(Clock::Host(identity.named("B").unwrap()));
    assert!(both > clocks.uncertainty(Clock::Host(identity.named("A").unwrap())));
}

#[test]
fn without_a_capture_hosts_are_put_on_one_hosts_clock() {
    let mut events = Vec::new();
    for n in 0..10u16 {
        let ms = i64::from(n) * 3_017;
        events.push(row(ms, "A", n, 1, 3, Direction::Outbound));
        events.push(row(ms + 90_000, "B", n, 1, 3, Direction::Inbound));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let event = corrected(
        row(100_000, "B", 90, 1, 3, Direction::Inbound),
        &clocks,
        &identity,
    );
    assert_eq!(event.time, at(10_000));
    assert!(
        clocks
            .report(identity.named("A").unwrap(), &identity)
            .method
            .contains("reference")
    );
}

#[test]
fn two_anchors_are_reported_and_correct_nothing() {
    let events: Vec<Event> = one_host(5_000).into_iter().take(4).collect();
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    assert!(!clocks.corrects());
    let report = clocks.report(identity.named("A").unwrap(), &identity);
    // No surer than what they say, and beyond that as sure as is assumed of any.
    let uncertainty = Span::seconds(2).plus(Span::millis(5_001));
    assert_eq!((report.offset, report.uncertainty), (None, uncertainty));
    assert!(
        report.method.contains("only 2 connections agree"),
        "{}",
        report.method
    );
}

#[test]
fn a_step_that_the_log_names_divides_its_records_by_number() {
    let mut events = Vec::new();
    for n in 0..20u16 {
        let ms = i64::from(n) * 10_003;
        events.push(seen(ms, 1, n, 1, 2));
        // At 95 s the clock is set back by 60 s.
        let ahead = if n < 10 { 60_000 } else { 0 };
        events.push(row(ms + ahead, "A", n, 1, 2, Direction::Outbound));
    }
    let mut step = logged(
        at(95_000),
        "A",
        10,
        HostWhat::ClockChanged {
            from: at(155_000),
            to: at(95_000),
            process: "".into(),
        },
    );
    if let What::Host(host) = &mut step.what {
        host.event_id = 4616;
    }
    // Connection 10 has record 10 too: it comes after the step in the file.
    events.push(step);
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let placed = |record: u16| {
        corrected(
            row(130_000, "A", record, 1, 2, Direction::Outbound),
            &clocks,
            &identity,
        )
        .time
    };
    assert!(placed(7).since(at(70_000)).abs() <= Span::millis(8));
    assert!(placed(13).since(at(130_000)).abs() <= Span::millis(8));
    let (before, after) = (
        corrected(
            row(130_000, "A", 7, 1, 2, Direction::Outbound),
            &clocks,
            &identity,
        ),
        corrected(
            row(120_000, "A", 12, 1, 2, Direction::Outbound),
            &clocks,
            &identity,
        ),
    );
    assert_eq!(clocks.order(&before, &after, &identity), Order::Before);
}

/// The record `item` of a log that tells that a clock was changed.
fn set(computer: &str, item: u64, from: i64, to: i64) -> Event {
    let what = HostWhat::ClockChanged {
        from: at(from),
        to: at(to),
        process: "evil.exe".into(),
    };
    logged(at(to), computer, item, what)
}

#[test]
fn a_night_of_sleep_moves_no_record_of_the_days_beside_it() {
    const NIGHT: i64 = 8 * 3_600_000;
    for (program, apart) in [("", 0), ("-", 0), ("System", 0), ("w32tm.exe", NIGHT)] {
        let mut events = Vec::new();
        for n in 0..20u16 {
            let ms = i64::from(n) * 10_003;
            events.push(seen(ms, 1, n, 1, 2));
            events.push(row(ms, "A", n + 100, 1, 2, Direction::Outbound));
            let What::Host(host) = &mut events.last_mut().unwrap().what else {
                unreachable!()
            };
            let HostWhat::Filtered { source, .. } = &mut host.what else {
                unreachable!()
            };
            source.port = 50_000 + n;
        }
        // It slept before the capture, and after it.
        for (item, from) in [(50, -NIGHT - 60_000), (150, 900_000)] {
            let mut step = set("A", item, from, from + NIGHT);
            if let What::Host(host) = &mut step.what
                && let HostWhat::ClockChanged { process, .. } = &mut host.what
            {
                *process = program.into();
            }
            events.push(step);
        }
        let (clocks, identity) = clocks(&events, &ClockChoice::default());
        for (ms, item) in [(-NIGHT - 3_600_000, 10), (900_000 + NIGHT + 3_600_000, 190)] {
            let event = row(ms, "A", item, 1, 2, Direction::Outbound);
            let moved = corrected(event, &clocks, &identity)
                .time
                .since(at(ms))
                .abs();
            let apart = Span::millis(apart);
            assert!(
                moved.plus(apart.negated()).abs() <= Span::seconds(1),
                "{program} {moved}"
            );
        }
    }
}

#[test]
fn what_a_log_tells_of_its_clock_holds_where_nothing_measures_it() {
    // At 660 s the clock is set back by 60 s.
    let of = |ms: i64, n: u16| row(ms, "A", n, 1, 2, Direction::Outbound);
    let events = [of(0, 1), of(650_000, 5), set("A", 10, 660_000, 600_000)];
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let placed = |ms, n| corrected(of(ms, n), &clocks, &identity);
    let (before, after) = (placed(650_000, 5), placed(605_000, 12));
    assert_eq!((before.time, after.time), (at(590_000), at(605_000)));
    assert_eq!(clocks.order(&before, &after, &identity), Order::Before);
    assert_eq!(clocks.order(&after, &before, &identity), Order::After);
    // Another log does not say on which side of the change it was written.
    let elsewhere = |ms| {
        let mut event = of(ms, 3);
        event.provenance.evidence = EvidenceId(7);
        corrected(event, &clocks, &identity)
    };
    let unclear = clocks.order(&after, &elsewhere(640_000), &identity);
    assert_eq!(unclear, Order::Ambiguous);
    let clear = clocks.order(&after, &elsewhere(700_000), &identity);
    assert_eq!(clear, Order::Before);
    // Whether it was right before or after is not known.
    let id = identity.named("A").unwrap();
    assert_eq!(clocks.uncertainty(Clock::Host(id)), Span::seconds(62));
    // And is no reason to bring together what lies a minute apart.
    assert!(clocks.doubt(Place::Host(id)) <= Span::seconds(4));
    assert!(clocks.corrects());
    let report = clocks.report(id, &identity);
    assert!(report.method.contains("set back"), "{report:?}");
    assert!(!report.method.contains("in a capture"), "{report:?}");
}

#[test]
fn what_the_examiner_says_of_a_clock_that_was_set_back_moves_it_as_said() {
    let of = |ms: i64, n: u16| row(ms, "A", n, 1, 2, Direction::Outbound);
    let events = [of(0, 1), set("A", 10, 660_000, 600_000)];
    let given = ClockChoice {
        given: vec![("A".to_owned(), Span::seconds(7))],
        ..ClockChoice::default()
    };
    let recorded = ClockChoice {
        mode: ClockMode::AsRecorded,
        given: Vec::new(),
    };
    for (choice, by) in [(given, 7_000), (recorded, 0)] {
        let (clocks, identity) = clocks(&events, &choice);
        let placed = |ms, n| corrected(of(ms, n), &clocks, &identity);
        let (before, after) = (placed(650_000, 5), placed(605_000, 12));
        assert_eq!(
            (before.time, after.time),
            (at(650_000 - by), at(605_000 - by))
        );
        // The numbers of the records are no matter of the clock.
        assert_eq!(clocks.order(&before, &after, &identity), Order::Before);
        assert_eq!(clocks.changes(identity.named("A").unwrap()).len(), 1);
    }
}

#[test]
fn a_small_correction_moves_nothing_and_one_log_keeps_its_order() {
    let of = |ms: i64, n: u16| row(ms, "A", n, 1, 2, Direction::Outbound);
    let events = [of(0, 1), set("A", 10, 660_000, 658_500)];
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let placed = |ms, n| corrected(of(ms, n), &clocks, &identity);
    let (before, after) = (placed(659_500, 5), placed(658_600, 12));
    assert_eq!((before.time, after.time), (at(659_500), at(658_600)));
    assert_eq!(clocks.order(&before, &after, &identity), Order::Before);
    assert_eq!(clocks.order(&after, &before, &identity), Order::After);
    let mut elsewhere = after.clone();
    elsewhere.provenance.evidence = EvidenceId(7);
    assert_eq!(
        clocks.order(&before, &elsewhere, &identity),
        Order::Ambiguous
    );
    assert!(!clocks.corrects());
    assert!(clocks.changes(identity.named("A").unwrap()).is_empty());
}

#[test]
fn the_reference_is_a_host_whose_clock_was_not_set() {
    let mut events = Vec::new();
    for n in 0..20u16 {
        let ms = i64::from(n) * 10_003;
        // At 95 s the clock of A is set back by 60 s.
        let ahead = if n < 10 { 60_000 } else { 0 };
        let step = u16::from(n >= 10);
        events.push(row(ms + ahead, "A", n + step, 1, 2, Direction::Outbound));
        let mut other = row(ms, "B", n + step, 1, 2, Direction::Inbound);
        other.provenance.evidence = EvidenceId(7);
        events.push(other);
    }
    events.push(set("A", 10, 155_000, 95_000));
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let system = |name| &clocks.of(identity.named(name).unwrap()).unwrap().system;
    assert_eq!(*system("B"), Known::Reference);
    assert!(matches!(system("A"), Known::Measured(_, Against::Hosts)));
    let changes = clocks.changes(identity.named("A").unwrap());
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].size, Span::seconds(-60));
    assert!(
        matches!(changes[0].taken, Taken::Measured(..)),
        "{changes:?}"
    );
}

/// A SYN of connection `n`.
fn syn(ms: i64, n: u16) -> Packet {
    Packet {
        time: at(ms),
        number: u64::from(n),
        offset: 0,
        source: end(1, 50_000 + n),
        destination: end(2, 445),
        flags: flags::SYN,
        seq: u32::from(n) * 7_919,
        transport: Transport::TCP,
        ttl: 64,
        ip_id: n,
        interface: 0,
        vlan: None,
        ack: 0,
        payload: 0,
        checksum: 0,
        pid: 0,
        first_fragment: false,
        cut: false,
        inside: false,
        shape: crate::model::payload::Shape::None,
        extra: None,
    }
}

/// What is measured of sensors that saw these SYNs.
fn sensors(saw: &[&[Packet]]) -> Clocks {
    let mut builder = AnchorBuilder::default();
    for (sensor, packets) in (1..).zip(saw) {
        for packet in *packets {
            builder.packet(EvidenceId(sensor), packet);
        }
    }
    Clocks::measure(
        builder.freeze(),
        &Identity::default(),
        &ClockChoice::default(),
        Span::seconds(2),
    )
}

#[test]
fn repeated_syns_in_the_next_file_of_a_sensor_are_no_offset() {
    let burst =
        |at: i64| -> Vec<Packet> { (0..12).map(|n| syn(at + i64::from(n) * 40, n)).collect() };
    let moves = |first: &[Packet], second: &[Packet]| {
        let still = seen(90_000, 2, 1, 1, 2);
        let clocks = sensors(&[first, second]);
        corrected(still.clone(), &clocks, &Identity::default()).time != still.time
    };
    // Whichever file comes first by name.
    assert!(!moves(&burst(0), &burst(1_000)));
    assert!(!moves(&burst(1_000), &burst(0)));
    // Nothing is repeated for so long.
    assert!(moves(&burst(0), &burst(80_000)));
    // Where both run, the later one is ahead: it would hold the first of them, too.
    let both = |by: i64| -> Vec<Packet> {
        let earlier = syn(by, 500);
        std::iter::once(earlier).chain(burst(10_000 + by)).collect()
    };
    assert!(moves(&both(0), &both(1_000)));
}

#[test]
fn a_syn_sent_again_over_another_link_is_no_offset() {
    let moves = |ms: i64, first_id: u16, second_id: u16| {
        let link = |by: i64, id: u16| -> Vec<Packet> {
            let held = |n: u16| Packet {
                ip_id: if id == 0 { 0 } else { id + n },
                ..syn(i64::from(n) * 2_011 + by, n)
            };
            let own = syn(0, 700 + id);
            std::iter::once(own).chain((0..12).map(held)).collect()
        };
        let still = seen(90_000, 2, 1, 1, 2);
        let clocks = sensors(&[&link(0, first_id), &link(ms, second_id)]);
        corrected(still.clone(), &clocks, &Identity::default()).time != still.time
    };
    assert!(!moves(3_000, 100, 200), "other packets");
    assert!(moves(3_000, 100, 100), "the same packets");
    // Without an identification, a repeat looks the same.
    for wait in [1_000, 3_001, 6_990] {
        assert!(!moves(wait, 0, 0), "{wait}");
    }
    assert!(moves(5_000, 0, 0), "nobody repeats a SYN then");
}

#[test]
fn a_sensor_that_was_put_right_began_when_it_truly_did() {
    let burst = |at: i64, from: u16| -> Vec<Packet> {
        (from..from + 12)
            .map(|n| syn(at + i64::from(n) * 400, n))
            .collect()
    };
    // The second is an hour ahead; the third shares nothing but later SYNs with it, and is two seconds
    // behind.
    let ahead: Vec<Packet> = burst(3_600_000, 0)
        .into_iter()
        .chain(burst(3_600_000, 50))
        .collect();
    let clocks = sensors(&[&burst(0, 0), &ahead, &burst(-2_000, 50)]);
    let moved = corrected(seen(20_000, 3, 1, 1, 2), &clocks, &Identity::default());
    assert_eq!(moved.time, at(22_000));
}

#[test]
fn a_sensor_that_is_ahead_is_put_beside_the_others() {
    let identity = Identity::default();
    let syns =
        |by: i64| -> Vec<Packet> { (0..10).map(|n| syn(i64::from(n) * 2_011 + by, n)).collect() };
    let clocks = sensors(&[&syns(0), &syns(4_000)]);
    let moved = corrected(seen(9_000, 2, 1, 1, 2), &clocks, &identity);
    assert_eq!((moved.time, moved.recorded), (at(5_000), at(9_000)));
    let What::Attempt(attempt) = &moved.what else {
        unreachable!()
    };
    assert_eq!((attempt.decided, attempt.ended), (at(5_001), at(5_005)));
    let still = seen(9_000, 1, 1, 1, 2);
    assert_eq!(corrected(still.clone(), &clocks, &identity), still);
    assert!(clocks.between(&moved, &still, &identity) >= Span::millis(5));
}

#[test]
fn records_whose_utc_time_escaped_a_zone_error_are_not_moved_by_the_zone() {
    let (clocks, identity) = clocks(&one_host(-18_000_000), &ClockChoice::default());
    let mut inside = row(-17_990_000, "A", 50, 1, 2, Direction::Outbound);
    inside.recorded = at(10_000);
    let moved = corrected(inside, &clocks, &identity);
    assert!(
        moved.time.since(at(10_000)).abs() <= Span::millis(5),
        "{}",
        moved.time.rfc3339()
    );
}

#[test]
fn records_of_one_log_at_one_time_are_ordered_by_number_and_those_of_two_logs_are_not() {
    let (clocks, identity) = clocks(&one_host(0), &ClockChoice::default());
    let of = |n| row(40_000, "A", n, 1, 2, Direction::Outbound);
    let (a, b) = (of(1), of(2));
    assert_eq!(clocks.order(&a, &b, &identity), Order::Before);
    assert_eq!(clocks.order(&b, &a, &identity), Order::After);
    let mut elsewhere = b;
    elsewhere.provenance.evidence = EvidenceId(7);
    assert_eq!(clocks.order(&a, &elsewhere, &identity), Order::Ambiguous);
    assert_eq!(clocks.order(&elsewhere, &a, &identity), Order::Ambiguous);
}

#[test]
fn after_a_restart_sysmons_clock_is_another_one() {
    let mut events = one_host(0);
    for n in 0..10u16 {
        let ms = i64::from(n) * 7_013;
        events.push(sysmon(ms + 1_500, ms - 61_220, "A", n, 1, 2));
    }
    events.push(logged(at(100_000), "A", 900, HostWhat::SystemStarted));
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    // By the clock of before the restart this would have been written 4.5 s late.
    let event = sysmon(200_000 + 1_500, 200_000 - 64_220, "A", 70, 1, 2);
    let placed = corrected(event, &clocks, &identity);
    assert_eq!(placed.time, at(200_000), "by when it was written");
    let event = sysmon(50_000 + 1_500, 50_000 - 64_220, "A", 71, 1, 2);
    let placed = corrected(event, &clocks, &identity);
    assert!(placed.time.since(at(47_000)).abs() <= Span::millis(5));
}

#[test]
fn a_clock_that_is_known_to_the_second_binds_no_other() {
    let floored = |ms: i64| ms.div_euclid(1_000) * 1_000;
    let of = |cut: bool| {
        let mut events = Vec::new();
        for n in 0..20u16 {
            let ms = i64::from(n) * 7_313;
            let shown = if cut { floored(ms) } else { ms };
            events.push(seen(ms, 1, n, 1, 2));
            events.push(row(shown, "A", n, 1, 2, Direction::Outbound));
            // Always at the same part of a second: what is cut off would look like an offset.
            let ms = 500_900 + i64::from(n) * 7_000;
            let shown = if cut { floored(ms) } else { ms };
            events.push(row(shown, "A", 100 + n, 1, 3, Direction::Outbound));
            events.push(row(ms + 90_000, "B", 100 + n, 1, 3, Direction::Inbound));
        }
        let (clocks, identity) = clocks(&events, &ClockChoice::default());
        let offset = |name| {
            let id = identity.named(name).unwrap();
            clocks.report(id, &identity).offset
        };
        (offset("A").is_some(), offset("B").is_some())
    };
    assert_eq!(of(false), (true, true));
    assert_eq!(of(true), (true, false));
}

#[test]
fn a_log_that_contradicts_the_capture_is_not_forced_onto_another_hosts_clock() {
    let mut events = one_host(0);
    for n in 0..12u16 {
        let ms = i64::from(n) * 7_013;
        // Seen by the capture, and logged by B at times that fit nothing.
        events.push(seen(ms, 1, 200 + n, 2, 4));
        let scattered = ms + i64::from(n * n) * 977_000;
        events.push(row(scattered, "B", 200 + n, 2, 4, Direction::Inbound));
        let ms = 900_000 + ms;
        events.push(row(ms, "A", 300 + n, 1, 4, Direction::Outbound));
        events.push(row(ms + 5_000, "B", 300 + n, 1, 4, Direction::Inbound));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let report = clocks.report(identity.named("B").unwrap(), &identity);
    assert_eq!(report.offset, None, "{report:?}");
    assert!(
        report.method.contains("may not be of the same run"),
        "{report:?}"
    );
}

#[test]
fn a_host_with_nobody_to_compare_it_with_is_no_reference() {
    let mut events = Vec::new();
    for n in 0..2u16 {
        let ms = i64::from(n) * 3_017;
        events.push(row(ms, "A", n, 1, 3, Direction::Outbound));
        events.push(row(ms + 90_000, "B", n, 1, 3, Direction::Inbound));
    }
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    for name in ["A", "B"] {
        let report = clocks.report(identity.named(name).unwrap(), &identity);
        assert_eq!(report.offset, None, "{name}: {report:?}");
    }
}

/// A row of a form with local times.
fn local(timed: Timed, event: Event) -> Event {
    let What::Host(host) = &event.what else {
        panic!("a record")
    };
    let mut host = HostEvent::clone(host);
    host.timed = timed;
    if let HostWhat::Filtered { source, isn, .. } = &mut host.what {
        *isn = Some(u32::from(source.port - 50_000));
    }
    Event {
        what: What::host(host),
        ..event
    }
}

#[test]
fn a_form_that_is_all_of_a_host_is_its_clock_however_that_is_named() {
    let ahead = Span::seconds(7_200);
    let rows = |n: u16| {
        let row = row(i64::from(n) * 7_000, "A", n, 1, 2, Direction::Outbound);
        local(Timed::FirewallLog, row)
    };
    let events: Vec<Event> = (0..10).map(rows).collect();
    for name in ["A@pfirewall", "A"] {
        let choice = ClockChoice {
            given: vec![(name.to_owned(), ahead)],
            ..ClockChoice::default()
        };
        let (clocks, identity) = clocks(&events, &choice);
        let placed = corrected(rows(3), &clocks, &identity);
        assert_eq!(placed.time, rows(3).time.shifted(ahead.negated()), "{name}");
    }
    // Of two such forms neither is the host's own.
    let other = local(
        Timed::Nxlog,
        row(90_000, "A", 90, 1, 2, Direction::Outbound),
    );
    let both: Vec<Event> = events.into_iter().chain([other.clone()]).collect();
    let (clocks, identity) = clocks(&both, &ClockChoice::default());
    for event in [rows(3), other] {
        let clock = clocks.clock_of(&event, &identity);
        assert!(matches!(clock, Clock::Local(..)), "{clock:?}");
    }
}

#[test]
fn many_connections_tell_more_than_their_syns() {
    let events: Vec<Event> = (0..20u16)
        .flat_map(|n| {
            let ms = i64::from(n) * 7_313;
            let shown = ms.div_euclid(1_000) * 1_000;
            let row = row(shown, "A", n, 1, 2, Direction::Outbound);
            [seen(ms, 1, n, 1, 2), local(Timed::FirewallLog, row)]
        })
        .collect();
    let (clocks, identity) = clocks(&events, &ClockChoice::default());
    let id = identity.named("A").unwrap();
    let uncertainty = clocks.uncertainty(Clock::Host(id));
    assert!(uncertainty < Span::millis(300), "{uncertainty:?}");
}

#[test]
fn what_the_examiner_said_of_a_clock_is_no_reference_for_others() {
    let events: Vec<Event> = (0..10u16)
        .flat_map(|n| {
            let ms = i64::from(n) * 7_013;
            [
                row(ms + 60_000, "A", n, 1, 3, Direction::Outbound),
                row(ms, "B", n, 1, 3, Direction::Inbound),
            ]
        })
        .collect();
    let choice = ClockChoice {
        given: vec![("A".to_owned(), Span::seconds(60))],
        ..ClockChoice::default()
    };
    let (clocks, identity) = clocks(&events, &choice);
    let placed = corrected(events[0].clone(), &clocks, &identity);
    assert_eq!(placed.time, at(0));
    let placed = corrected(events[1].clone(), &clocks, &identity);
    assert_eq!(placed.time, at(0), "as it was recorded");
}
