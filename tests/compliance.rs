//! The contract of an analytic, held for every registered one over random streams.
//!
//! The streams are small wars: sources knock on hosts, rules are added, listeners appear, somebody
//! comes in, magic packets fly, somebody inside looks around. The suite also checks its own power: if the streams raise too few
//! findings, it fails.

use casewire::analytics::Found;
use casewire::analytics::keyed::Shard;
use casewire::analytics::register::{self, Entry};
use casewire::capture::CaptureSummary;
use casewire::context::activity::ActivityBuilder;
use casewire::context::assets::Assets;
use casewire::context::contacts::ContactsBuilder;
use casewire::context::coverage::CoverageBuilder;
use casewire::context::identity::IdentityBuilder;
use casewire::context::known::KnownHosts;
use casewire::context::{Clocks, Context};
use casewire::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
use casewire::model::firewall::{Action, Layer, Ports, Remotes, Rule, RuleChange, RuleSource};
use casewire::model::host_event::{Process, Verdict};
use casewire::model::neighbour::{Heard, Solicitation, ToldBy};
use casewire::model::provenance::Item;
use casewire::model::wake::{WakeCarrier, WakeSignal};
use casewire::model::{
    Direction, Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Span, Timestamp,
    Transport, What,
};
use casewire::replay::attribute::attribute;
use std::net::{IpAddr, Ipv4Addr};

const HOSTS: u8 = 4;
const START: i64 = 1_772_330_000_000_000_000;

/// xorshift: the same stream for the same seed, everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn at(address: IpAddr, port: u16) -> Endpoint {
    Endpoint::new(address, port)
}

fn host(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 10 + n).into()
}

fn source(n: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, n).into()
}

struct Stream {
    events: Vec<Event>,
    items: u64,
}

impl Stream {
    fn add(&mut self, evidence: u32, time: Timestamp, what: What) {
        self.items += 1;
        let kind = if evidence == 1 {
            Item::Packet
        } else {
            Item::Record
        };
        let provenance = Provenance {
            evidence: EvidenceId(evidence),
            interface: 0,
            kind,
            item: self.items,
            offset: self.items * 100,
            inside: false,
        };
        self.events.push(Event {
            time,
            recorded: time,
            provenance,
            what,
        });
    }

    fn attempt(&mut self, time: Timestamp, from: Endpoint, to: Endpoint, outcome: Outcome) {
        let wait = match outcome {
            Outcome::Unanswered => Span::seconds(10),
            _ => Span::millis(20),
        };
        let end = time.shifted(wait);
        let attempt = Attempt {
            transport: Transport::TCP,
            initiator: from,
            responder: to,
            isn: Some(self.items as u32),
            tries: 1,
            last_try: time,
            outcome,
            decided: end,
            deciding: None,
            accepted: None,
            bytes: if outcome == Outcome::Established {
                [100, 200]
            } else {
                [0, 0]
            },
            packets: [3, 3],
            end: FlowEnd::Closed,
            ended: end,
            marks: Marks::default(),
            pid: None,
            vlan: None,
            icmp: None,
            payload: None,
            actor: None,
        };
        self.add(1, time, What::attempt(attempt));
    }

    /// A record of an outgoing connection of a tool.
    fn socket(&mut self, n: u8, time: Timestamp, port: u16, to: Endpoint, verdict: Verdict) {
        let process = Process {
            pid: Some(4_000 + u32::from(n)),
            image: r"C:\Users\ann\AppData\Local\Temp\tool.exe".into(),
            ..Process::default()
        };
        self.record(n, time, process, port, to, verdict);
    }

    /// The same of a process that each chapter has of its own.
    fn program(
        &mut self,
        n: u8,
        (chapter, image): (u64, &str),
        time: Timestamp,
        port: u16,
        to: Endpoint,
    ) {
        let process = Process {
            pid: Some(6_000 + chapter as u32),
            image: image.into(),
            ..Process::default()
        };
        self.record(n, time, process, port, to, Verdict::Permitted);
    }

    fn record(
        &mut self,
        n: u8,
        time: Timestamp,
        process: Process,
        port: u16,
        to: Endpoint,
        verdict: Verdict,
    ) {
        let event_id = if verdict == Verdict::Blocked {
            5157
        } else {
            5156
        };
        let what = HostWhat::Filtered {
            verdict,
            layer: Layer::Connect,
            isn: None,
            opens: None,
            direction: Some(Direction::Outbound),
            process,
            transport: Transport::TCP,
            source: at(host(n), port),
            destination: to,
        };
        self.logged(n, time, event_id, "Security", what);
    }

    /// A question to the segment that nobody answers.
    fn asked(&mut self, time: Timestamp, asker: IpAddr, target: IpAddr) {
        let asked = Solicitation {
            asker_mac: Some([2, 0, 0, 0, 0, 5]),
            asker,
            target,
            told_by: ToldBy::Arp,
            tries: 1,
            last_try: time,
            outcome: Heard::Unanswered,
            decided: time.shifted(Span::seconds(3)),
            deciding: None,
            vlan: None,
            actor: None,
        };
        self.add(1, time, What::Solicitation(Box::new(asked)));
    }

    fn logged(&mut self, n: u8, time: Timestamp, event_id: u32, channel: &str, what: HostWhat) {
        let event = HostEvent {
            computer: format!("host{n}").into(),
            channel: channel.into(),
            provider: "test".into(),
            event_id,
            socket: None,
            timed: casewire::model::Timed::Utc,
            written: time,
            what,
        };
        self.add(10 + u32::from(n), time, What::host(event));
    }
}

/// Somebody inside looks around: by packets, by packets and records, by records alone, or by asking
/// the segment; now and then too little to be told.
fn scan(stream: &mut Stream, chance: &mut Chance, chapter: u64, time: Timestamp) {
    let n = chance.next(u64::from(HOSTS)) as u8;
    let way = chance.next(5);
    let many = if way == 4 {
        12 + chance.next(16)
    } else {
        9 + chance.next(20)
    };
    let mut now = time;
    for i in 0..many {
        now = now.shifted(Span::millis(40 + chance.next(200) as i64));
        let target = Ipv4Addr::new(10, 0, 1 + chapter as u8, 10 + (i * 7) as u8);
        let to = at(target.into(), 445);
        let outcome = if chance.next(6) == 0 {
            Outcome::Established
        } else {
            Outcome::Unanswered
        };
        let port = 50_100 + (stream.items % 10_000) as u16;
        match way {
            // Of a host that keeps no log.
            0 => {
                let who = Ipv4Addr::new(10, 0, 9, 1 + n % 2);
                stream.attempt(now, at(who.into(), port), to, outcome);
            }
            1 => {
                let ports = at(host(n), 20_000 + (chapter * 32 + i) as u16);
                stream.attempt(now, at(source(200), port), ports, Outcome::Rejected);
            }
            2 => {
                let verdict = if outcome == Outcome::Established {
                    Verdict::Permitted
                } else {
                    Verdict::Blocked
                };
                stream.socket(n, now, port, to, verdict);
            }
            3 => {
                stream.socket(n, now, port, to, Verdict::Permitted);
                let later = now.shifted(Span::millis(1));
                stream.attempt(later, at(host(n), port), to, outcome);
            }
            _ => {
                let asker = Ipv4Addr::new(10, 0, 8, 1 + n);
                stream.asked(now, asker.into(), target.into());
            }
        }
    }
}

/// A program that calls home is cut off, and finds another way; now and then before it was cut off
/// for good.
fn beacon(stream: &mut Stream, chance: &mut Chance, chapter: u64, time: Timestamp) {
    let n = chance.next(u64::from(HOSTS)) as u8;
    let (image, home, other) = match chance.next(3) {
        // Windows services change between their own ports.
        0 => {
            let server = Ipv4Addr::new(10, 0, 7, chapter as u8);
            let image = r"C:\Windows\System32\svchost.exe".to_owned();
            (image, at(server.into(), 445), at(server.into(), 139))
        }
        _ => (
            format!(r"C:\Users\pat\AppData\Roaming\upd{chapter}.exe"),
            at(Ipv4Addr::new(203, 0, 113, chapter as u8).into(), 443),
            at(Ipv4Addr::new(203, 0, 112, chapter as u8).into(), 4444),
        ),
    };
    let (mut now, late) = (time, chance.next(4) == 0);
    let mut call = |now: Timestamp, to, outcome| {
        let port = 30_000 + (stream.items % 10_000) as u16;
        stream.program(n, (chapter, &image), now, port, to);
        stream.attempt(now, at(host(n), port), to, outcome);
    };
    for (to, outcome, times) in [
        (home, Outcome::Established, 4),
        (home, Outcome::Unanswered, 1 + chance.next(4)),
        (other, Outcome::Established, 4),
    ] {
        if to == other && late {
            now = now.shifted(Span::seconds(1_000));
        }
        for _ in 0..times {
            now = now.shifted(Span::seconds(60));
            call(now, to, outcome);
        }
    }
}

/// A random war of `chapters` chapters.
fn war(seed: u64, chapters: u64) -> Vec<Event> {
    let mut chance = Chance(seed * 2 + 1);
    let mut stream = Stream {
        events: Vec::new(),
        items: 0,
    };
    for n in 0..HOSTS {
        // Each host makes itself known.
        stream.logged(
            n,
            Timestamp(START),
            5156,
            "Security",
            HostWhat::Filtered {
                verdict: Verdict::Permitted,
                layer: Layer::Connect,
                isn: None,
                opens: None,
                direction: Some(Direction::Outbound),
                process: Process::default(),
                transport: Transport::TCP,
                source: at(host(n), 50_000),
                destination: at(source(250), 443),
            },
        );
    }
    let mut time = Timestamp(START + 1_000_000_000);
    for chapter in 0..chapters {
        time = time.shifted(Span::seconds(900 + chance.next(600) as i64));
        let (victim, attacker) = (
            chance.next(u64::from(HOSTS)) as u8,
            1 + chance.next(40) as u8,
        );
        // Each chapter has a port of its own: "first" is about the port.
        let door = 10_000 + chapter as u16;
        let touches = 1 + chance.next(5);
        let mut now = time;
        for touch in 0..touches {
            let outcome = if chance.next(2) == 0 {
                Outcome::Rejected
            } else {
                Outcome::Unanswered
            };
            let port = 20_000 + (chapter * 8 + touch) as u16;
            stream.attempt(
                now,
                at(source(attacker), 40_000 + touch as u16),
                at(host(victim), port),
                outcome,
            );
            now = now.shifted(Span::millis(300 + chance.next(1500) as i64));
        }
        now = now.shifted(Span::seconds(5));
        if chance.next(4) > 0 {
            let rule = Rule {
                id: format!("{{{chapter}}}").into(),
                name: format!("rule {chapter}").into(),
                direction: Some(Direction::Inbound),
                action: Some(Action::Allow),
                active: Some(true),
                protocol: Some(Some(6)),
                local_ports: Ports::Ranges(vec![(door, door)]),
                remotes: Remotes::Any,
                changed_by: r"C:\Windows\System32\netsh.exe".into(),
                ..Rule::default()
            };
            let what = HostWhat::FirewallRule {
                change: RuleChange::Added,
                source: RuleSource::FirewallLog,
                rule: Box::new(rule),
            };
            stream.logged(
                victim,
                now,
                2004,
                "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
                what,
            );
        }
        scan(&mut stream, &mut chance, chapter, now);
        beacon(&mut stream, &mut chance, chapter, now);
        now = now.shifted(Span::seconds(6));
        if chance.next(4) > 0 {
            let who = if chance.next(5) == 0 {
                attacker + 100
            } else {
                attacker
            };
            stream.attempt(
                now,
                at(source(who), 45_000),
                at(host(victim), door),
                Outcome::Established,
            );
        }
        if chance.next(3) == 0 {
            for target in 0..1 + chance.next(7) {
                let signal = WakeSignal {
                    target: [2, 0, 0, 0, chapter as u8, target as u8],
                    sender_mac: Some([2, 9, 9, 9, 9, attacker]),
                    sender: Some(at(source(attacker), 9)),
                    sent_to: None,
                    mac_to: Some([0xff; 6]),
                    carrier: WakeCarrier::Udp(9),
                    pattern_offset: 42,
                    repetitions: 16,
                    password_len: 0,
                    password_digest: None,
                    password: 0,
                    vlan: None,
                    copies: 1,
                    copy_packets: Vec::new(),
                };
                now = now.shifted(Span::seconds(1));
                stream.add(1, now, What::Wake(Box::new(signal)));
            }
        }
    }
    stream.events.sort_by_key(Event::order);
    stream.events
}

fn context(events: &[Event]) -> Context {
    let (mut identity, mut coverage) = (IdentityBuilder::default(), CoverageBuilder::default());
    let mut activity = ActivityBuilder::default();
    let mut contacts = ContactsBuilder::new(Assets::default());
    for event in events {
        identity.observe(event);
        coverage.observe(event);
        activity.observe(event);
        contacts.observe(event);
    }
    let wire = |e: &&Event| e.provenance.kind == Item::Packet;
    let times = || events.iter().filter(wire).map(|e| e.time);
    let summary = CaptureSummary {
        first: times().min(),
        last: times().max(),
        ..CaptureSummary::default()
    };
    coverage.capture(EvidenceId(1), &summary);
    let identity = identity.freeze();
    let coverage = coverage.freeze(&identity);
    let activity = activity.freeze(
        &identity,
        |_, time| time,
        |_| true,
        &KnownHosts::default(),
        &[],
    );
    let contacts = contacts.freeze(&identity, |_, time| time, &coverage, &activity, []);
    Context {
        clocks: Clocks::default(),
        coverage,
        identity,
        activity,
        contacts,
        ..Context::default()
    }
}

fn run(entry: &dyn Entry, events: &[Event], shards: u64, budget: usize) -> Found {
    run_in(entry, events, &context(events), shards, budget)
}

fn run_in(
    entry: &dyn Entry,
    events: &[Event],
    context: &Context,
    shards: u64,
    budget: usize,
) -> Found {
    let mut all = Found::default();
    for index in 0..shards {
        let mut runner = entry.start(
            Shard {
                index,
                count: shards,
            },
            budget,
        );
        let stream = events
            .iter()
            .cloned()
            .map(Ok::<_, std::convert::Infallible>);
        for event in attribute(stream, context) {
            let Ok(event) = event;
            runner.event(&event, context);
        }
        all.merge(runner.finish(context));
    }
    all.settle();
    all
}

const SEEDS: std::ops::Range<u64> = 1..17;
/// For the power of the streams: an analytic that tells a source once a day needs more of them.
const MANY_SEEDS: std::ops::Range<u64> = 1..57;
const CHAPTERS: u64 = 24;
const ROOM: usize = 100_000;

fn each(check: impl Fn(&dyn Entry, u64, Vec<Event>)) {
    for entry in register::all() {
        for seed in SEEDS {
            check(&*entry, seed, war(seed, CHAPTERS));
        }
    }
}

#[test]
fn the_streams_raise_findings_and_near_misses() {
    for entry in register::all() {
        let (mut findings, mut misses) = (0, 0);
        for seed in MANY_SEEDS {
            let found = run(&*entry, &war(seed, CHAPTERS), 1, ROOM);
            findings += found.findings.len();
            misses += found.near_misses.len();
        }
        assert!(findings >= 40, "{} finds only {findings}", entry.about().id);
        assert!(
            misses >= 10,
            "{} nearly finds only {misses}",
            entry.about().id
        );
    }
}

#[test]
fn dividing_the_stream_by_key_changes_nothing() {
    each(|entry, seed, events| {
        let whole = run(entry, &events, 1, ROOM);
        for shards in [2, 3, 16] {
            let divided = run(entry, &events, shards, ROOM);
            assert_eq!(
                whole.findings,
                divided.findings,
                "{} seed {seed} in {shards}",
                entry.about().id
            );
            assert_eq!(
                whole.near_misses,
                divided.near_misses,
                "{} seed {seed} in {shards}",
                entry.about().id
            );
        }
    });
}

#[test]
fn nothing_in_nothing_out() {
    for entry in register::all() {
        let found = run(&*entry, &[], 1, ROOM);
        assert!(found.findings.is_empty() && found.near_misses.is_empty() && found.forgotten == 0);
    }
}

#[test]
fn shifting_all_times_shifts_the_findings() {
    let by = Span::seconds(86_400 * 7);
    each(|entry, seed, events| {
        let before = run(entry, &events, 1, ROOM);
        let mut later = events;
        for event in &mut later {
            event.time = event.time.shifted(by);
            event.recorded = event.recorded.shifted(by);
            match &mut event.what {
                What::Host(host) => host.written = host.written.shifted(by),
                What::Attempt(attempt) => {
                    let attempt = &mut **attempt;
                    for time in [
                        &mut attempt.last_try,
                        &mut attempt.decided,
                        &mut attempt.ended,
                    ] {
                        *time = time.shifted(by);
                    }
                }
                What::Solicitation(asked) => {
                    asked.last_try = asked.last_try.shifted(by);
                    asked.decided = asked.decided.shifted(by);
                }
                _ => {}
            }
        }
        let after = run(entry, &later, 1, ROOM);
        let shape = |found: &Found, by: Span| -> Vec<_> {
            found
                .findings
                .iter()
                .map(|f| {
                    let steps: Vec<Provenance> =
                        f.steps.iter().map(|s| s.event.provenance).collect();
                    (
                        f.first_time().shifted(by),
                        f.last_time().shifted(by),
                        f.severity,
                        f.confidence,
                        steps,
                    )
                })
                .collect()
        };
        assert_eq!(
            shape(&before, by),
            shape(&after, Span::ZERO),
            "{} seed {seed}",
            entry.about().id
        );
    });
}

#[test]
fn a_strangers_traffic_changes_nothing() {
    each(|entry, seed, events| {
        let mut stream = Stream {
            events: Vec::new(),
            items: 1_000_000,
        };
        let mut chance = Chance(seed + 77);
        let (from, to) = (events[0].time, events[events.len() - 1].time);
        for _ in 0..400 {
            let time = from.shifted(Span(chance.next(to.since(from).0 as u64) as i64));
            let stranger = at(
                Ipv4Addr::new(172, 16, 0, 1 + chance.next(9) as u8).into(),
                50_000,
            );
            let server = at(Ipv4Addr::new(172, 16, 9, chance.next(9) as u8).into(), 80);
            stream.attempt(time, stranger, server, Outcome::Established);
        }
        let mut mixed = events.clone();
        mixed.extend(stream.events);
        mixed.sort_by_key(Event::order);
        // What the whole case says may weigh others: the state of a key must not.
        let context = context(&mixed);
        let before = run_in(entry, &events, &context, 1, ROOM);
        let after = run_in(entry, &mixed, &context, 1, ROOM);
        assert_eq!(
            before.findings,
            after.findings,
            "{} seed {seed}",
            entry.about().id
        );
    });
}

#[test]
fn the_order_of_equal_times_changes_nothing_but_order() {
    each(|entry, seed, mut events| {
        // Whole seconds: many events of different sources now share a time.
        for event in &mut events {
            event.time = Timestamp(event.time.0 / 1_000_000_000 * 1_000_000_000);
        }
        events.sort_by_key(Event::order);
        let before = run(entry, &events, 1, ROOM);
        let mut turned = events;
        turned.sort_by_key(|e| {
            (
                e.time,
                std::cmp::Reverse(e.provenance.evidence),
                e.provenance,
            )
        });
        let after = run(entry, &turned, 1, ROOM);
        let shape = |found: &Found| -> Vec<_> {
            found
                .findings
                .iter()
                .map(|f| {
                    let mut steps: Vec<Provenance> =
                        f.steps.iter().map(|s| s.event.provenance).collect();
                    steps.sort_unstable();
                    (f.first_time(), f.severity, steps)
                })
                .collect()
        };
        assert_eq!(
            shape(&before),
            shape(&after),
            "{} seed {seed}",
            entry.about().id
        );
    });
}

#[test]
fn a_budget_of_two_keys_says_what_it_forgot() {
    for entry in register::all() {
        let found = run(&*entry, &war(3, CHAPTERS), 1, 2);
        assert!(
            found.forgotten > 0,
            "{} forgot in silence",
            entry.about().id
        );
    }
}
