//! Every bound holds while reading and when builders merge, and what is left out is counted.

use super::super::announced::{ALL_ANNOUNCEMENTS, ANNOUNCEMENTS};
use super::*;
use crate::model::host_event::{Process, Verdict};
use crate::model::provenance::Item;
use crate::model::samples::provenance;
use crate::model::{Endpoint, Transport};

fn address(n: usize) -> IpAddr {
    IpAddr::from((0x0a00_0000 + n as u32).to_be_bytes())
}

fn mac(n: usize) -> Mac {
    let [a, b, c, d] = (n as u32).to_be_bytes();
    [2, 0, a, b, c, d]
}

fn event(n: usize, what: What) -> Event {
    let time = Timestamp(n as i64 * 1_000_000_000);
    Event {
        time,
        recorded: time,
        provenance: provenance(Item::Record, n as u64),
        what,
    }
}

fn logs(n: usize, what: HostWhat) -> Event {
    let written = Timestamp(n as i64);
    event(
        n,
        What::host(HostEvent {
            computer: "WS01".into(),
            channel: "Security".into(),
            provider: "".into(),
            event_id: 1,
            socket: None,
            timed: crate::model::Timed::Utc,
            written,
            what,
        }),
    )
}

fn binds(n: usize) -> Event {
    logs(
        n,
        HostWhat::Bound {
            verdict: Verdict::Permitted,
            process: Process::default(),
            transport: Transport::TCP,
            local: Endpoint::new(address(n), 80),
        },
    )
}

fn receives(n: usize) -> Event {
    logs(
        n,
        HostWhat::Connected {
            initiated: false,
            process: Process::default(),
            transport: Transport::TCP,
            source: Endpoint::new(address(n), 50_000),
            destination: Endpoint::new(address(0), 445),
            utc_time: None,
            user: Text::default(),
        },
    )
}

fn claims(n: usize, mac: Mac, name: Option<&str>) -> Event {
    event(
        n,
        What::Neighbour(Box::new(Neighbour {
            mac: Some(mac),
            address: address(n),
            name: name.map(Text::from),
            told_by: ToldBy::NetBios,
            answer: false,
            asks: false,
            lease: None,
            before: None,
        })),
    )
}

/// What two builders with `half` each hold together, and what they left out; `of` gives the nth event.
fn merged(half: usize, of: impl Fn(usize) -> Event) -> IdentityBuilder {
    let read = |from: usize| {
        let mut builder = IdentityBuilder::default();
        (from..from + half).for_each(|n| builder.observe(&of(n)));
        builder
    };
    let mut all = read(0);
    assert_eq!(all.left_out + all.addresses.left_out, 0, "each has room");
    all.merge(read(half));
    all
}

fn alone(count: usize, of: impl Fn(usize) -> Event) -> IdentityBuilder {
    let mut builder = IdentityBuilder::default();
    (0..count).for_each(|n| builder.observe(&of(n)));
    builder
}

fn left_out(builder: &IdentityBuilder) -> u64 {
    builder.left_out + builder.addresses.left_out
}

#[test]
fn own_addresses_of_one_host_are_bounded() {
    for builder in [
        alone(ADDRESS_LIMIT + 2, binds),
        merged(ADDRESS_LIMIT / 2 + 1, binds),
    ] {
        assert_eq!(builder.facts["ws01"].own.len(), ADDRESS_LIMIT);
        assert_eq!(left_out(&builder), 2);
    }
}

#[test]
fn ends_of_received_connections_are_bounded() {
    for builder in [
        alone(ADDRESS_LIMIT + 2, receives),
        merged(ADDRESS_LIMIT / 2 + 1, receives),
    ] {
        assert_eq!(builder.facts["ws01"].received.len(), ADDRESS_LIMIT);
        assert_eq!(left_out(&builder), 2);
    }
}

#[test]
fn addresses_of_all_hosts_together_are_bounded() {
    let mut room = Room {
        held: ALL_ADDRESSES - 1,
        left_out: 0,
    };
    assert!(room.one_more(0, false) && !room.one_more(0, false) && !room.one_more(0, true));
    assert_eq!((room.held, room.left_out), (ALL_ADDRESSES, 2));
}

#[test]
fn starts_of_a_host_are_bounded() {
    let starts = |n| logs(n, HostWhat::SystemStarted);
    for builder in [alone(STARTS + 2, starts), merged(STARTS / 2 + 1, starts)] {
        assert_eq!(builder.facts["ws01"].starts.len(), STARTS);
        assert_eq!(left_out(&builder), 2);
    }
}

#[test]
fn announcements_are_bounded_for_one_device_and_the_claims_beside_them_stay() {
    let says = |n| claims(n, mac(1), None);
    for builder in [
        alone(ANNOUNCEMENTS + 2, says),
        merged(ANNOUNCEMENTS / 2 + 1, says),
    ] {
        assert_eq!(builder.announced.by_mac[&mac(1)].len(), ANNOUNCEMENTS);
        assert_eq!(builder.announced.held, ANNOUNCEMENTS);
        assert_eq!(builder.pairs.len(), ANNOUNCEMENTS + 2);
        // Nobody was called: no wake-up hangs on any of them.
        assert_eq!(left_out(&builder), 0);
    }
}

#[test]
fn the_announcement_behind_a_signal_is_kept_among_many_before_and_after() {
    let mut builder = IdentityBuilder::default();
    let says = |builder: &mut IdentityBuilder, n| builder.observe(&claims(n, mac(1), None));
    (0..200).for_each(|n| says(&mut builder, n * 600));
    // The signal is told when its copies have been waited for.
    says(&mut builder, 120_003);
    let call = Call {
        time: Timestamp(120_000 * 1_000_000_000),
        sender: None,
        sender_mac: None,
    };
    assert!(builder.announced.called(mac(1), call));
    (201..400).for_each(|n| says(&mut builder, n * 600));
    let kept = &builder.announced.by_mac[&mac(1)];
    assert_eq!((kept.len(), left_out(&builder)), (ANNOUNCEMENTS, 0));
    assert!(kept.iter().any(|e| e.time.0 == 120_003 * 1_000_000_000));
}

#[test]
fn announcements_of_all_devices_together_are_bounded() {
    let mut builder = IdentityBuilder::default();
    builder.announced.held = ALL_ANNOUNCEMENTS - 1;
    (0..3).for_each(|n| builder.observe(&claims(n, mac(n), None)));
    assert_eq!((builder.announced.by_mac.len(), left_out(&builder)), (1, 2));
    let mut other = IdentityBuilder::default();
    other.observe(&claims(7, mac(7), None));
    builder.merge(other);
    assert_eq!((builder.announced.by_mac.len(), left_out(&builder)), (1, 3));
}

#[test]
fn devices_and_what_they_claim_are_bounded() {
    let says = |n| claims(n, mac(n), Some("ws07"));
    for builder in [alone(PAIRS + 2, says), merged(PAIRS / 2 + 1, says)] {
        assert_eq!(builder.pairs.len(), PAIRS);
        assert_eq!(builder.names.len(), PAIRS);
        assert_eq!(builder.announced.by_mac.len(), MACS);
        assert_eq!(left_out(&builder), 6, "two of each");
    }
}

#[test]
fn senders_of_magic_packets_are_bounded() {
    let mut one = IdentityBuilder::default();
    let mut other = IdentityBuilder::default();
    (0..SENDERS + 2).for_each(|n| one.woke(mac(1), address(n)));
    (0..SENDERS + 2).for_each(|n| other.woke(mac(1), address(n)));
    assert_eq!((one.wakers[&mac(1)].len(), one.left_out), (SENDERS, 2));
    one.merge(other);
    // The same addresses are no more than they were.
    assert_eq!((one.wakers[&mac(1)].len(), one.left_out), (SENDERS, 4));
    let mut many = IdentityBuilder::default();
    (0..MACS + 2).for_each(|n| many.woke(mac(n), address(1)));
    assert_eq!((many.wakers.len(), many.left_out), (MACS, 2));
    many.merge(one);
    assert_eq!(many.wakers.len(), MACS, "this device was known");
    let mut further = IdentityBuilder::default();
    further.woke([9; 6], address(1));
    many.merge(further);
    assert_eq!(many.wakers.len(), MACS);
}

#[test]
fn what_is_left_out_reaches_the_frozen_answer() {
    let builder = alone(ADDRESS_LIMIT + 3, binds);
    assert_eq!(builder.freeze().left_out, 3);
}
