//! Rows, and what is told of them.

use super::*;
use crate::model::attempt::{FlowEnd, IcmpRun, Marks, Outcome};
use crate::model::{Attempt, Span, Timestamp, Transport};

const TABLE: &str = "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\t\
orig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\tresp_pkts\n\
1692161622.036086\tC1\t10.0.0.1\t50001\t10.0.0.2\t22\ttcp\t3.0\t-\t-\tS0\tS\t2\t0\n\
1692161623.000000\tC2\t10.0.0.1\t50002\t10.0.0.2\t80\ttcp\t0.5\t10\t20\tSF\tShADadFf\t6\t5\n\
1692161624.000000\tC3\t10.0.0.1\t50003\t10.0.0.2\t81\ttcp\t0.01\t0\t0\tRSTO\tShR\t2\t1\n\
1692161625.000000\tC4\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t-\t-\t-\tOTH\t-\t1\t0\n\
broken\n";

fn read(text: &str) -> (Vec<Event>, CaptureSummary) {
    let mut events = Vec::new();
    let (summary, _) = read_connections(EvidenceId(1), text.as_bytes(), &mut |e| events.push(e));
    events.sort_by_key(Event::order);
    (events, summary)
}

fn attempt(event: &Event) -> &Attempt {
    match &event.what {
        What::Attempt(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_are_attempts_with_the_state_they_name() {
    let (events, summary) = read(TABLE);
    let outcomes: Vec<_> = events.iter().map(|e| attempt(e).outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Unanswered,
            Outcome::Established,
            Outcome::HalfOpen,
            Outcome::Unanswered
        ]
    );
    let ping = attempt(&events[3]);
    assert_eq!(
        (ping.transport, ping.icmp),
        (Transport::ICMP, Some(IcmpRun { kind: 8, id: 0 }))
    );
    assert_eq!((summary.read, summary.skipped), (4, 1));
    let first = attempt(&events[0]);
    assert_eq!(
        (events[0].provenance.kind, events[0].provenance.item),
        (Item::Line, 3)
    );
    assert_eq!(events[0].time.rfc3339(), "2023-08-16T04:53:42.036086000Z");
    assert_eq!((first.tries, first.isn), (2, None));
    assert_eq!(first.last_try.since(events[0].time), Span::seconds(3));
}

#[test]
fn how_long_a_connection_lasted_is_not_when_it_was_answered() {
    for (state, decided) in [("SF", 0), ("S1", 0), ("REJ", 3)] {
        let row = format!(
            r#"{{"ts":1692161622.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","duration":3.0,"conn_state":"{state}"}}"#
        );
        let (events, _) = read(&row);
        let known = attempt(&events[0]);
        let after = |at: Timestamp| at.since(events[0].time);
        assert_eq!(after(known.decided), Span::seconds(decided), "{state}");
        assert_eq!(after(known.ended), Span::seconds(3), "{state}");
    }
}

#[test]
fn what_has_no_end_of_its_own_is_not_said_to_be_closed() {
    for (proto, end) in [("tcp", FlowEnd::Closed), ("udp", FlowEnd::Idle)] {
        let row = format!(
            r#"{{"ts":1692161622.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":53,"proto":"{proto}","conn_state":"SF"}}"#
        );
        assert_eq!(attempt(&read(&row).0[0]).end, end, "{proto}");
    }
}

#[test]
fn each_state_is_told_as_the_state_it_is() {
    for state in [
        "S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH",
    ] {
        let row = format!(
            r#"{{"ts":1.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","conn_state":"{state}","orig_pkts":3}}"#
        );
        let told = attempt(&read(&row).0[0]).clone();
        assert_eq!(told.conn_state(), state);
        // Whoever closes what nobody answered has had an answer.
        assert_eq!(
            told.went_on() && told.outcome == Outcome::Unanswered,
            state == "SH"
        );
    }
}

#[test]
fn silence_tells_where_the_log_goes_on() {
    let row = |ts: &str, state: &str| {
        format!(
            // From a port of its own: not the same connect() again.
            "{{\"ts\":{ts},\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":{},\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":22,\
\"proto\":\"tcp\",\"conn_state\":\"{state}\",\"orig_pkts\":1}}",
            [&ts[..1], &ts[7..10]].concat()
        )
    };
    let tells = |rows: &[String]| -> Vec<bool> {
        let (events, _) = read(&rows.join("\n"));
        let silent = events
            .iter()
            .filter(|e| attempt(e).outcome == Outcome::Unanswered);
        silent.map(|e| attempt(e).silence_tells(e.time)).collect()
    };
    let [first, second] = [row("1692161600.0", "S0"), row("1692161604.0", "S0")];
    // The log ends 4 s after the first: Zeek may have ended itself.
    assert_eq!(tells(&[first.clone(), second.clone()]), [false, false]);
    // It goes on for 5 s after the first and not after the second.
    let later = row("1692161605.0", "SF");
    assert_eq!(
        tells(&[first.clone(), second.clone(), later.clone()]),
        [true, false]
    );
    assert_eq!(
        tells(&[later.clone(), first.clone(), second.clone()]),
        [true, false]
    );
    // One row of another century shows nothing; where the log follows it, it does.
    let far = row("4092161605.0", "SF");
    let next = row("4092161607.0", "SF");
    for rows in [
        [&first, &far, &second],
        [&far, &first, &second],
        [&first, &second, &far],
    ] {
        assert_eq!(tells(&rows.map(Clone::clone)), [false, false]);
    }
    assert_eq!(
        tells(&[first.clone(), second.clone(), far.clone(), next]),
        [true, true]
    );
    let lone = |rows: [&String; 3]| {
        let text = rows.map(Clone::clone).join("\n");
        let (_, problems) = read_connections(EvidenceId(1), text.as_bytes(), &mut |_| {});
        let mut told = problems.iter();
        told.find(|p| p.kind == ProblemKind::Disorder)
            .map(|p| p.count)
    };
    assert_eq!(lone([&first, &far, &second]), Some(1));
    assert_eq!(lone([&far, &first, &second]), Some(1));
    assert_eq!(
        (
            lone([&first, &second, &later]),
            lone([&first, &second, &far])
        ),
        (None, None)
    );
}

#[test]
fn json_says_the_same_as_the_table() {
    let json = r#"{"ts":1692161622.036086,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":50001,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","duration":3.0,"conn_state":"S0","history":"S","orig_pkts":2,"resp_pkts":0}"#;
    let first: Vec<&str> = TABLE.lines().take(3).collect();
    let (json, table) = (read(json).0, read(&first.join("\n")).0);
    assert_eq!(attempt(&json[0]), attempt(&table[0]));
    assert_eq!(json[0].time, table[0].time);
}

/// A row of TCP between the same two ends, so many milliseconds after the first.
fn try_at(after: u64, state: &str, history: &str, packets: [u32; 2]) -> String {
    let [sent, received] = packets;
    format!(
        "{{\"ts\":{}.{:03},\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":50001,\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":22,\
\"proto\":\"tcp\",\"conn_state\":\"{state}\",\"history\":\"{history}\",\"orig_pkts\":{sent},\"resp_pkts\":{received}}}",
        1_692_161_600 + after / 1000,
        after % 1000
    )
}

/// What is told of rows, which is the same in whatever order the log has them.
fn attempts(rows: &[String]) -> Vec<Attempt> {
    let told = |rows: &[String]| -> Vec<Attempt> {
        let (events, _) = read(&rows.join("\n"));
        events
            .iter()
            .map(|event| Attempt {
                deciding: None,
                ..attempt(event).clone()
            })
            .collect()
    };
    let mut other: Vec<String> = rows.to_vec();
    other.reverse();
    assert_eq!(told(rows), told(&other), "in the other order");
    other.rotate_left(rows.len() / 2);
    assert_eq!(told(rows), told(&other), "in no order");
    told(rows)
}

const LATER: u64 = 200_000;

#[test]
fn what_one_connect_sends_is_one_attempt_however_many_rows_zeek_makes_of_it() {
    let rows = [
        try_at(0, "S0", "S", [3, 0]),
        try_at(7_000, "S0", "S", [1, 0]),
        try_at(15_000, "S0", "S", [1, 0]),
        // Another connect() from the same port, long after.
        try_at(LATER, "S0", "S", [1, 0]),
    ];
    let told = attempts(&rows);
    let tries: Vec<_> = told.iter().map(|a| (a.outcome, a.tries)).collect();
    assert_eq!(tries, [(Outcome::Unanswered, 5), (Outcome::Unanswered, 1)]);
    assert_eq!(told[0].packets, [5, 0]);
    assert_eq!(
        told[0].last_try.since(told[1].last_try),
        Span::seconds(-185)
    );
    assert!(!told[0].went_on());
    assert!(told[0].silence_tells(told[0].last_try.shifted(Span::seconds(-15))));
}

#[test]
fn a_client_that_tries_again_after_a_reset_makes_one_attempt() {
    let rows = [0, 500, 1_000].map(|after| try_at(after, "REJ", "Sr", [1, 1]));
    let told = attempts(&rows);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].outcome, told[0].tries, told[0].packets),
        (Outcome::Rejected, 3, [3, 3])
    );
}

#[test]
fn a_try_that_got_through_makes_the_whole_attempt_a_success() {
    for (state, history) in [("S0", "S"), ("REJ", "Sr")] {
        let rows = [
            try_at(0, state, history, [3, 0]),
            try_at(7_000, "SF", "ShADadFf", [6, 5]),
            // A connection after it, from the same port: no further try.
            try_at(9_000, "S0", "S", [1, 0]),
        ];
        let told = attempts(&rows);
        let outcomes: Vec<_> = told.iter().map(|a| a.outcome).collect();
        assert_eq!(outcomes, [Outcome::Established, Outcome::Unanswered]);
        assert_eq!(told[0].conn_state(), "SF");
    }
    let (events, _) = read(
        &[
            try_at(0, "S0", "S", [3, 0]),
            try_at(7_000, "SF", "ShA", [6, 5]),
        ]
        .join("\n"),
    );
    assert_eq!(events[0].provenance.item, 1);
    assert_eq!(attempt(&events[0]).deciding.map(|by| by.item), Some(2));
}

#[test]
fn what_is_behind_a_lost_start_is_no_further_try() {
    let rows = [
        try_at(0, "S0", "S", [1, 0]),
        try_at(7_000, "OTH", "^dA", [1, 1]),
        try_at(8_000, "RSTRH", "^hr", [0, 2]),
    ];
    assert_eq!(attempts(&rows).len(), 3);
}

#[test]
fn one_syn_and_no_more_is_abandoned_where_the_log_goes_on() {
    let marked = |rows: &[String]| attempts(rows)[0].marks.has(Marks::ABANDONED);
    let (once, twice) = (try_at(0, "S0", "S", [1, 0]), try_at(0, "S0", "S", [2, 0]));
    let [again, later] = [7_000, LATER].map(|at| try_at(at, "S0", "S", [1, 0]));
    let unknown = once.replace("\"orig_pkts\":1,", "");
    assert!(marked(&[once.clone(), later.clone()]));
    for rows in [
        vec![once.clone()],
        vec![once, again, later.clone()],
        vec![twice, later.clone()],
        vec![unknown, later],
    ] {
        assert!(!marked(&rows), "{rows:?}");
    }
}

#[test]
fn a_log_longer_than_the_window_is_told_whole() {
    let rows: Vec<String> = (0..70_000_u64)
        .map(|n| {
            let row = try_at(n * 100, "S0", "S", [1, 0]);
            row.replace(":50001", &format!(":{}", n % 65_000))
                .replace(".2\"", &format!(".{}\"", 2 + n / 65_000))
        })
        .collect();
    let (events, summary) = read(&rows.join("\n"));
    assert_eq!((summary.read, events.len()), (70_000, 70_000));
}

/// A row of ICMP.
fn icmp(from: &str, to: &str, [kind, code]: [u8; 2], [sent, received]: [u32; 2]) -> String {
    format!(
        "{{\"ts\":1692161600.0,\"id.orig_h\":\"{from}\",\"id.orig_p\":{kind},\"id.resp_h\":\"{to}\",\"id.resp_p\":{code},\
\"proto\":\"icmp\",\"duration\":3.0,\"orig_bytes\":128,\"resp_bytes\":0,\"conn_state\":\"OTH\",\"orig_pkts\":{sent},\"resp_pkts\":{received}}}"
    )
}

#[test]
fn a_row_of_echoes_is_a_ping_and_says_whether_it_was_answered() {
    let of = |row: String| attempts(&[row]).remove(0);
    let ping = of(icmp("10.0.0.1", "10.0.0.2", [8, 0], [4, 4]));
    assert_eq!(
        (ping.transport, ping.outcome, ping.packets, ping.icmp),
        (
            Transport::ICMP,
            Outcome::Established,
            [4, 4],
            Some(IcmpRun { kind: 8, id: 0 })
        )
    );
    assert_eq!((ping.initiator.port, ping.responder.port), (0, 0));
    let silent = of(icmp("2001:db8::1", "2001:db8::2", [128, 129], [4, 0]));
    assert_eq!(
        (silent.transport, silent.outcome, silent.tries),
        (Transport::ICMPV6, Outcome::Unanswered, 4)
    );
    // Only the answers were seen: whom they answer is the one that asked.
    let alone = of(icmp("10.0.0.2", "10.0.0.1", [0, 8], [4, 0]));
    assert_eq!((alone.outcome, alone.packets), (Outcome::OneSided, [0, 4]));
    assert_eq!(alone.initiator.address.to_string(), "10.0.0.1");
}

#[test]
fn icmp_that_asks_nothing_is_counted_and_named() {
    let rows = [
        icmp("10.0.0.2", "10.0.0.1", [3, 3], [1, 0]),
        icmp("fe80::1", "ff02::1:ff00:2", [135, 136], [1, 0]),
    ];
    let mut events = 0;
    let (summary, problems) =
        read_connections(EvidenceId(1), rows.join("\n").as_bytes(), &mut |_| {
            events += 1
        });
    assert_eq!((summary.read, summary.skipped, events), (2, 0, 0));
    let told = problems
        .iter()
        .find(|p| p.message.contains("ICMP"))
        .unwrap();
    assert_eq!((told.count, told.weight), (2, Weight::Note));
}

#[test]
fn nested_ends_are_ends_and_a_time_without_a_zone_is_none() {
    let row = |ts: &str| {
        format!(
            r#"{{"ts":{ts},"id":{{"orig_h":"10.0.0.1","orig_p":1,"resp_h":"10.0.0.2","resp_p":22}},"proto":"tcp","duration":null,"conn_state":"S0"}}"#
        )
    };
    let (events, _) = read(&row("\"2023-08-16T04:53:42.5Z\""));
    assert_eq!(attempt(&events[0]).responder.to_string(), "10.0.0.2:22");
    assert_eq!(events[0].time.rfc3339(), "2023-08-16T04:53:42.500000000Z");
    let text = row("\"2023-08-16T04:53:42.5\"");
    let (summary, problems) = read_connections(EvidenceId(1), text.as_bytes(), &mut |_| {});
    assert_eq!((summary.read, summary.skipped), (0, 1));
    assert!(
        problems
            .iter()
            .any(|p| p.message.contains("without a zone"))
    );
}
