//! Attribution through its door: a stream in, a stream with processes out.

use super::*;
use crate::capture::{CaptureSummary, InterfaceSummary, Resolution};
use crate::context::coverage::CoverageBuilder;
use crate::context::identity::IdentityBuilder;
use crate::model::attempt::Marks;
use crate::model::firewall::Layer;
use crate::model::host_event::{Process, Verdict};
use crate::model::provenance::Item;
use crate::model::{
    Direction, Endpoint, EvidenceId, FlowEnd, Outcome, Provenance, Strength, Timestamp, Transport,
};
use std::convert::Infallible;

fn end(text: &str) -> Endpoint {
    let at: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(at.ip(), at.port())
}

fn event(ms: i64, evidence: u32, item: u64, what: What) -> Event {
    let time = Timestamp(ms * 1_000_000);
    Event {
        time,
        recorded: time,
        provenance: Provenance {
            evidence: EvidenceId(evidence),
            interface: 0,
            kind: if evidence == 1 {
                Item::Packet
            } else {
                Item::Record
            },
            item,
            offset: item,
            inside: false,
        },
        what,
    }
}

fn attempt(ms: i64, item: u64, from: &str, to: &str) -> Event {
    let time = Timestamp(ms * 1_000_000);
    let attempt = Attempt {
        transport: Transport::TCP,
        initiator: end(from),
        responder: end(to),
        isn: Some(1),
        tries: 1,
        last_try: time,
        outcome: Outcome::Unanswered,
        decided: time,
        deciding: None,
        accepted: None,
        bytes: [0, 0],
        packets: [1, 0],
        end: FlowEnd::Open,
        ended: time,
        marks: Marks::default(),
        pid: None,
        vlan: None,
        actor: None,
        icmp: None,
        payload: None,
    };
    event(ms, 1, item, What::attempt(attempt))
}

fn record(ms: i64, item: u64, event_id: u32, what: HostWhat) -> Event {
    let host = HostEvent {
        computer: "WS01".into(),
        channel: if event_id == 3 {
            "Microsoft-Windows-Sysmon/Operational"
        } else {
            "Security"
        }
        .into(),
        provider: "p".into(),
        event_id,
        written: Timestamp(ms * 1_000_000),
        socket: None,
        timed: crate::model::Timed::Utc,
        what,
    };
    event(ms, 2, item, What::host(host))
}

fn process(pid: u32) -> Process {
    Process {
        pid: Some(pid),
        guid: None,
        image: r"\device\harddiskvolume2\tools\scan.exe".into(),
    }
}

fn permitted(ms: i64, item: u64, pid: u32, from: &str, to: &str) -> Event {
    record(
        ms,
        item,
        5156,
        HostWhat::Filtered {
            verdict: Verdict::Permitted,
            layer: Layer::Connect,
            isn: None,
            opens: None,
            direction: Some(Direction::Outbound),
            process: process(pid),
            transport: Transport::TCP,
            source: end(from),
            destination: end(to),
        },
    )
}

fn connected(ms: i64, item: u64, pid: u32, from: &str, to: &str) -> Event {
    record(
        ms,
        item,
        3,
        HostWhat::Connected {
            process: Process {
                guid: Some([7; 16]),
                ..process(pid)
            },
            initiated: true,
            transport: Transport::TCP,
            source: end(from),
            destination: end(to),
            user: "".into(),
            utc_time: None,
        },
    )
}

fn bound(ms: i64, item: u64, pid: u32, local: &str) -> Event {
    record(
        ms,
        item,
        5158,
        HostWhat::Bound {
            verdict: Verdict::Permitted,
            process: process(pid),
            transport: Transport::TCP,
            local: end(local),
        },
    )
}

const HERE: &str = "10.0.0.5:50000";
const THERE: &str = "10.0.0.9:445";

/// A capture that runs from the first to the last packet among the events.
fn capture(events: &[Event]) -> CaptureSummary {
    let times = || {
        let packets = events
            .iter()
            .filter(|e| e.provenance.evidence == EvidenceId(1));
        packets.map(|e| e.time)
    };
    CaptureSummary {
        first: times().min(),
        last: times().max(),
        interfaces: vec![InterfaceSummary {
            number: 0,
            link: 1,
            resolution: Resolution::Decimal(9),
            snap_length: 0,
            sections: 1,
            packets: times().count() as u64,
            first: times().min(),
            last: times().max(),
            dropped: 0,
            silences: Default::default(),
        }],
        ..CaptureSummary::default()
    }
}

fn through(mut events: Vec<Event>) -> (Vec<Event>, Account) {
    events.sort_by_key(Event::order);
    let mut identity = IdentityBuilder::default();
    let mut coverage = CoverageBuilder::default();
    for event in &events {
        identity.observe(event);
        coverage.observe(event);
    }
    coverage.capture(EvidenceId(1), &capture(&events));
    let identity = identity.freeze();
    let coverage = coverage.freeze(&identity);
    let context = Context {
        identity,
        coverage,
        ..Context::default()
    };
    let before: Vec<Provenance> = events.iter().map(|e| e.provenance).collect();
    let mut stream = attribute(events.into_iter().map(Ok::<_, Infallible>), &context);
    let out: Vec<Event> = stream.by_ref().map(|e| e.unwrap()).collect();
    let after: Vec<Provenance> = out.iter().map(|e| e.provenance).collect();
    assert_eq!(
        before, after,
        "every event leaves once, in the order it came"
    );
    (out, stream.account())
}

fn strength(event: &Event) -> Option<Strength> {
    match &event.what {
        What::Attempt(attempt) => attempt.actor.as_ref().map(|a| a.strength),
        _ => None,
    }
}

fn socket(event: &Event) -> &Socket {
    match &event.what {
        What::Host(host) => host.socket.as_deref().unwrap(),
        _ => panic!("no record"),
    }
}

#[test]
fn an_attempt_takes_the_process_of_its_record_whichever_comes_first() {
    for at in [-3, 3] {
        let (out, account) = through(vec![
            attempt(1_000, 1, HERE, THERE),
            permitted(1_000 + at, 1, 77, HERE, THERE),
        ]);
        let packet = out
            .iter()
            .position(|e| e.provenance.evidence == EvidenceId(1))
            .unwrap();
        assert_eq!(strength(&out[packet]), Some(Strength::Exact));
        assert_eq!(
            socket(&out[1 - packet]),
            &Socket::OnTheWire(out[packet].provenance)
        );
        let row = account.hosts.values().next().unwrap();
        assert_eq!((row.attempts, row.exact, row.logged_only), (1, 1, 0));
    }
}

#[test]
fn traffic_without_a_syn_does_not_take_the_process_of_the_attempt_beside_it() {
    let mut midway = attempt(1_001, 2, HERE, THERE);
    if let What::Attempt(attempt) = &mut midway.what {
        attempt.isn = None;
        attempt.outcome = Outcome::Midstream;
    }
    let (out, _) = through(vec![
        attempt(1_000, 1, HERE, THERE),
        midway,
        permitted(1_002, 1, 77, HERE, THERE),
    ]);
    let strengths: Vec<_> = out.iter().map(strength).collect();
    assert_eq!(strengths, [Some(Strength::Exact), None, None]);
}

#[test]
fn the_window_is_two_seconds_and_the_uncertainty_of_the_clocks() {
    // Nothing measures the clock here: the assumed error is the uncertainty.
    let margin = WINDOW
        .plus(crate::context::Clocks::default().assumed_error)
        .0
        / 1_000_000;
    for (apart, tied) in [(margin, true), (margin + 1, false)] {
        let (out, _) = through(vec![
            attempt(1_000, 1, HERE, THERE),
            permitted(1_000 + apart, 1, 77, HERE, THERE),
        ]);
        assert_eq!(strength(&out[0]).is_some(), tied, "{apart} ms");
        assert!(!socket(&out[1]).counts(), "the packets tell of it already");
    }
}

#[test]
fn other_endpoints_are_another_connection() {
    for (from, to) in [("10.0.0.5:50001", THERE), (HERE, "10.0.0.9:446")] {
        let (out, _) = through(vec![
            attempt(1_000, 1, HERE, THERE),
            permitted(1_001, 1, 77, from, to),
        ]);
        assert_eq!(strength(&out[0]), None);
        assert!(socket(&out[1]).counts());
    }
}

#[test]
fn two_logs_of_one_host_tell_of_one_connection() {
    let (out, account) = through(vec![
        permitted(1_000, 1, 77, HERE, THERE),
        connected(2_500, 2, 77, HERE, THERE),
    ]);
    let Socket::First { actor, made, .. } = socket(&out[0]) else {
        panic!("{:?}", socket(&out[0]))
    };
    assert_eq!(*made, Some(out[1].provenance));
    assert_eq!(actor.process.guid, Some([7; 16]));
    assert_eq!(socket(&out[1]), &Socket::Beside(out[0].provenance));
    assert_eq!(account.hosts.values().next().unwrap().logged_only, 1);
}

#[test]
fn both_logs_and_the_packets_tell_of_one_connection() {
    let (out, account) = through(vec![
        permitted(999, 1, 77, HERE, THERE),
        attempt(1_000, 1, HERE, THERE),
        connected(2_500, 2, 77, HERE, THERE),
    ]);
    let What::Attempt(attempt) = &out[1].what else {
        panic!()
    };
    assert_eq!(attempt.actor.as_ref().unwrap().told_by.len(), 2);
    assert!(
        [&out[0], &out[2]]
            .iter()
            .all(|e| matches!(socket(e), Socket::OnTheWire(_)))
    );
    assert_eq!(account.hosts.values().next().unwrap().logged_only, 0);
}

#[test]
fn a_live_connection_logged_again_is_no_new_one() {
    // At once, and long after; with the packets and without.
    for later in [1_040, 600_000] {
        for wire in [false, true] {
            let mut events = vec![
                permitted(1_000, 1, 77, HERE, THERE),
                permitted(later, 2, 77, HERE, THERE),
            ];
            if wire {
                events.push(attempt(999, 1, HERE, THERE));
            }
            let (out, account) = through(events);
            assert!(
                matches!(socket(out.last().unwrap()), Socket::Again(_)),
                "{later} {wire}"
            );
            assert_eq!(account.hosts.values().next().unwrap().again, 1);
        }
    }
}

#[test]
fn the_same_endpoints_are_new_after_the_port_was_bound_anew_or_where_sysmon_says_so() {
    let (out, _) = through(vec![
        bound(999, 1, 77, HERE),
        permitted(1_000, 2, 77, HERE, THERE),
        bound(599_999, 3, 78, HERE),
        permitted(600_000, 4, 78, HERE, THERE),
    ]);
    assert!(socket(&out[3]).counts());
    let (out, _) = through(vec![
        connected(1_000, 1, 77, HERE, THERE),
        connected(600_000, 2, 77, HERE, THERE),
    ]);
    assert!(socket(&out[1]).counts());
}

#[test]
fn beyond_address_translation_target_port_and_time_tie_weakly() {
    let (out, account) = through(vec![
        permitted(1_000, 1, 77, HERE, "198.51.100.7:443"),
        attempt(1_010, 1, "203.0.113.1:61000", "198.51.100.7:443"),
    ]);
    assert_eq!(strength(&out[1]), Some(Strength::Weak));
    assert!(!socket(&out[0]).counts());
    let row = account.hosts.values().next().unwrap();
    assert_eq!((row.attempts, row.weak), (0, 1));
    // Where packets show the host's own address, the other attempt is somebody else's.
    let (out, _) = through(vec![
        permitted(1_000, 1, 77, HERE, "198.51.100.7:443"),
        attempt(1_010, 1, "203.0.113.1:61000", "198.51.100.7:443"),
        attempt(5_000, 2, HERE, "198.51.100.8:443"),
    ]);
    assert_eq!(strength(&out[1]), None);
}

#[test]
fn a_packet_comment_ties_the_side_that_captured() {
    let commented = |ms, item, from, to| {
        let mut event = attempt(ms, item, from, to);
        if let What::Attempt(attempt) = &mut event.what {
            attempt.pid = Some(4242);
        }
        event
    };
    let (out, _) = through(vec![
        commented(1_000, 1, "10.0.0.7:50000", "10.0.0.9:445"),
        commented(1_001, 2, "10.0.0.7:50001", "10.0.0.10:445"),
        commented(1_002, 3, "10.0.0.8:50002", "10.0.0.7:445"),
    ]);
    let tied: Vec<_> = out.iter().map(strength).collect();
    // The first alone tells nothing; the third names the server's process.
    assert_eq!(tied, [None, Some(Strength::Comment), None]);
}

#[test]
fn a_flood_is_passed_on_and_what_could_not_wait_is_counted() {
    let n = 70_000_u32;
    let mut events: Vec<Event> = (0..n)
        .map(|i| {
            attempt(
                1_000,
                u64::from(i) + 1,
                HERE,
                &format!("10.{}.{}.{}:445", 1 + i / 62_500, i / 250 % 250, i % 250),
            )
        })
        .collect();
    events.push(permitted(1_001, 1, 77, HERE, "10.1.0.0:445"));
    let (out, account) = through(events);
    assert_eq!(out.len(), n as usize + 1);
    assert!(
        account.cut_short >= u64::from(n) - 65_536,
        "{}",
        account.cut_short
    );
}
