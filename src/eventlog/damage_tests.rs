//! Damaged logs: what is read, what is skipped, and that the two add up.

use super::log::read_log;
use super::sample::{self, Chunk, connection, file, seal, three_records};
use super::summary::LogSummary;
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::{Event, EvidenceId, HostWhat, What};

fn read(bytes: &[u8]) -> (Vec<Event>, LogSummary, Vec<Problem>) {
    let mut events = Vec::new();
    let (summary, problems) = read_log(EvidenceId(1), bytes, &mut |event| events.push(event));
    (events, summary, problems.iter().cloned().collect())
}

fn kinds(problems: &[Problem]) -> Vec<(ProblemKind, Weight, u64)> {
    problems
        .iter()
        .map(|p| (p.kind, p.weight, p.count))
        .collect()
}

fn ports(events: &[Event]) -> Vec<u16> {
    events
        .iter()
        .map(|event| match &event.what {
            What::Host(host) => match &host.what {
                HostWhat::Filtered { destination, .. } => destination.port,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Where the record of this number begins in the chunk.
fn record(chunk: &[u8], number: u8) -> usize {
    (512..chunk.len())
        .find(|at| chunk[*at..].starts_with(&[0x2a, 0x2a, 0, 0]) && chunk[at + 8] == number)
        .unwrap()
}

#[test]
fn records_with_and_without_a_template_say_the_same() {
    let (events, summary, problems) = read(&file(&[three_records()]));
    assert_eq!(problems, []);
    assert_eq!(
        (
            summary.records_read,
            summary.records_skipped,
            summary.events
        ),
        (3, 0, 3)
    );
    assert_eq!(summary.fallbacks, 0);
    assert_eq!(ports(&events), [7000, 8000, 9000]);
    let times: Vec<String> = events.iter().map(|e| e.time.clock(0)).collect();
    assert_eq!(times, ["00:00:00", "00:00:01", "00:00:02"]);
    let ids: Vec<u64> = events.iter().map(|e| e.provenance.item).collect();
    assert_eq!(ids, [101, 102, 103]);
    assert_eq!(events[0].provenance.offset, 4_096 + 512);
    let What::Host(host) = &events[2].what else {
        panic!()
    };
    assert_eq!(
        (&*host.computer, &*host.channel),
        (sample::COMPUTER, "security")
    );
    // One source, although the channel's case varies.
    let source = summary.sources.values().next().unwrap();
    assert_eq!(
        (summary.sources.len(), source.records, source.gaps()),
        (1, 3, Some(vec![]))
    );
}

#[test]
fn the_crate_reads_the_same_sample() {
    let mut parser = ::evtx::EvtxParser::from_buffer(file(&[three_records()])).unwrap();
    let json: Vec<_> = parser
        .records_json_value()
        .map(|r| r.unwrap().data)
        .collect();
    let ports: Vec<_> = json
        .iter()
        .map(|j| j["Event"]["EventData"]["DestPort"].clone())
        .collect();
    assert_eq!(ports, ["7000", "8000", "9000"]);
}

#[test]
fn a_record_in_an_unusual_form_is_left_to_the_general_reader_and_keeps_its_place() {
    // An array of security identifiers, which no plan unfolds: S-1-5-18 twice.
    let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let mut fields = connection("7000");
    fields.push(("Sids", 0x93, [sid, sid].concat()));
    let mut chunk = Chunk::new();
    chunk.templated(5157, 1, 132_477_984_000_000_000, &fields);
    fields[6].2 = fields[4].2.clone();
    fields[9] = ("Sids", 0x01, Vec::new());
    chunk.templated(5157, 2, 132_477_984_000_000_000, &fields);
    let (events, summary, problems) = read(&file(&[chunk.finish()]));
    assert_eq!((summary.fallbacks, summary.records_read), (1, 2));
    assert_eq!((ports(&events), problems), (vec![7000, 50111], vec![]));
    assert_eq!(events[0].provenance.item, 1);
}

#[test]
fn a_broken_record_costs_one_record() {
    let whole = three_records();
    for (what, at, byte) in [("magic", 0, 0x2b), ("size", 6, 0x7f)] {
        let mut chunk = whole.clone();
        let second = record(&chunk, 2);
        chunk[second + at] = byte;
        seal(&mut chunk);
        let (events, summary, problems) = read(&file(&[chunk]));
        assert_eq!(ports(&events), [7000, 9000], "{what}");
        assert_eq!(
            (summary.records_read, summary.records_skipped),
            (2, 1),
            "{what}"
        );
        assert_eq!(
            kinds(&problems),
            [(ProblemKind::Record, Weight::Loss, 1)],
            "{what}"
        );
        assert_eq!(
            problems[0].first_offset,
            Some(4_096 + second as u64),
            "{what}"
        );
        let source = summary.sources.values().next().unwrap();
        let missing: Vec<_> = source
            .gaps()
            .unwrap()
            .iter()
            .map(|m| (m.first, m.last))
            .collect();
        assert_eq!(missing, [(102, 102)], "{what}");
    }
}

#[test]
fn a_checksum_that_does_not_match_is_said_and_nothing_is_lost() {
    let mut chunk = three_records();
    chunk[52] ^= 1;
    let mut covered = chunk[..120].to_vec();
    covered.extend_from_slice(&chunk[128..512]);
    chunk[124..128].copy_from_slice(&::evtx::checksum_ieee(&covered).to_le_bytes());
    let (events, summary, problems) = read(&file(&[chunk]));
    assert_eq!((events.len(), summary.records_skipped), (3, 0));
    assert_eq!(kinds(&problems), [(ProblemKind::Checksum, Weight::Note, 1)]);
}

#[test]
fn a_chunk_without_its_magic_is_walked_all_the_same() {
    let mut chunk = three_records();
    chunk[0] = b'X';
    let (events, summary, problems) = read(&file(&[chunk]));
    assert_eq!((events.len(), summary.records_skipped), (3, 0));
    assert_eq!(kinds(&problems), [(ProblemKind::Chunk, Weight::Note, 1)]);
}

#[test]
fn a_file_without_its_header_is_read() {
    let mut bytes = file(&[three_records()]);
    bytes[0] = b'X';
    let (events, _, problems) = read(&bytes);
    assert_eq!(events.len(), 3);
    assert_eq!(
        kinds(&problems),
        [(ProblemKind::FileHeader, Weight::Note, 1)]
    );
    let (events, _, problems) = read(&three_records());
    assert_eq!((events.len(), events[0].provenance.offset), (3, 512));
    assert_eq!(
        kinds(&problems),
        [(ProblemKind::FileHeader, Weight::Note, 1)]
    );
}

#[test]
fn zeros_behind_the_last_chunk_are_no_damage_and_between_chunks_they_are() {
    let zeros = vec![0; 65_536];
    let (events, _, problems) = read(&file(&[three_records(), zeros.clone(), zeros.clone()]));
    assert_eq!((events.len(), problems), (3, vec![]));
    let (events, summary, problems) = read(&file(&[three_records(), zeros, three_records()]));
    assert_eq!((events.len(), summary.chunks), (6, 2));
    assert_eq!(kinds(&problems), [(ProblemKind::Chunk, Weight::Loss, 1)]);
    assert_eq!(problems[0].first_offset, Some(4_096 + 65_536));
}

#[test]
fn bytes_missing_between_two_chunks_cost_no_chunk_behind_them() {
    let mut bytes = file(&[three_records(), three_records(), three_records()]);
    // The tail of the first chunk is free space; a thousand bytes of it are gone.
    bytes.drain(60_000..61_000);
    let (events, summary, problems) = read(&bytes);
    assert!(events.len() >= 6, "{}", events.len());
    assert!(summary.records_read >= 6);
    assert!(
        problems.iter().any(|p| p.kind == ProblemKind::Chunk),
        "{problems:?}"
    );
}

#[test]
fn a_cut_file_is_read_to_its_last_whole_record() {
    let chunk = three_records();
    let third = record(&chunk, 3);
    for cut in [third, third + 1, third + 30, third + 300] {
        let mut bytes = file(std::slice::from_ref(&chunk));
        bytes.truncate(4_096 + cut);
        let (events, summary, problems) = read(&bytes);
        assert_eq!(ports(&events), [7000, 8000], "{cut}");
        assert_eq!(
            (summary.records_read, summary.records_skipped),
            (2, 1),
            "{cut}"
        );
        assert_eq!(
            kinds(&problems),
            [(ProblemKind::CutTail, Weight::Loss, 1)],
            "{cut}"
        );
    }
    let (events, _, problems) = read(&file(&[])[..100]);
    assert_eq!(events, []);
    assert_eq!(kinds(&problems), [(ProblemKind::CutTail, Weight::Loss, 1)]);
    assert_eq!(kinds(&read(&[]).2), [(ProblemKind::Empty, Weight::Note, 1)]);
    let none = read(&file(&[])).2;
    assert_eq!(kinds(&none), [(ProblemKind::Empty, Weight::Note, 1)]);
    assert_eq!(none[0].message, "the log holds no record");
    assert_eq!(
        kinds(&read(&[0x55; 20_000]).2).last().unwrap().0,
        ProblemKind::Chunk
    );
}

#[test]
fn a_log_in_use_says_so_and_its_counts_are_not_believed() {
    let mut bytes = file(&[three_records(), three_records()]);
    bytes[120] = 1;
    bytes[42] = 1;
    let sum = ::evtx::checksum_ieee(&bytes[..120]).to_le_bytes();
    bytes[124..128].copy_from_slice(&sum);
    let (events, _, problems) = read(&bytes);
    assert_eq!(events.len(), 6);
    assert_eq!(kinds(&problems), [(ProblemKind::DirtyLog, Weight::Note, 1)]);
}

#[test]
fn a_chunk_header_that_lags_behind_hides_no_record() {
    let mut chunk = three_records();
    let third = record(&chunk, 3) as u32;
    chunk[48..52].copy_from_slice(&third.to_le_bytes());
    seal(&mut chunk);
    assert_eq!(read(&file(&[chunk])).0.len(), 3);
}

#[test]
fn a_record_without_a_time_or_a_port_is_refused_and_counted() {
    let mut chunk = Chunk::new();
    chunk.templated(5157, 1, u64::MAX, &connection("7000"));
    chunk.templated(5157, 2, 132_477_984_000_000_000, &connection("-"));
    let (events, summary, problems) = read(&file(&[chunk.finish()]));
    assert_eq!(events, []);
    assert_eq!((summary.records_read, summary.refused), (2, 2));
    assert_eq!(
        kinds(&problems),
        [
            (ProblemKind::RecordTime, Weight::Loss, 1),
            (ProblemKind::RecordField, Weight::Loss, 1)
        ]
    );
    assert_eq!(problems[1].message, "event 5157 lacks a readable DestPort");
}

#[test]
fn a_record_that_unfolds_beyond_all_measure_is_refused_and_the_next_chunk_read() {
    // One value of 30 KB, and ninety fields that all ask for it.
    let mut chunk = Chunk::new();
    let mut fields = connection("7000");
    let long = "x"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .cycle()
        .take(30_000)
        .collect();
    fields.push(("Long", 0x01, long));
    fields.extend((0..90).map(|_| ("Long", 0x01, Vec::new())));
    chunk.templated(5157, 1, 132_477_984_000_000_000, &fields);
    // What follows is refused with it, even where nobody wants it.
    chunk.templated(4658, 2, 132_477_984_000_000_000, &[]);
    let mut bytes = chunk.finish();
    for index in 10_u16..100 {
        let hole: Vec<u8> = [&[0x0e][..], &index.to_le_bytes(), &[0x01, 0x04]].concat();
        let at = bytes.windows(5).position(|w| w == hole.as_slice()).unwrap();
        bytes[at + 1] = 9;
    }
    seal(&mut bytes);
    let (events, summary, problems) = read(&file(&[bytes, three_records()]));
    assert_eq!(ports(&events), [7000, 8000, 9000]);
    assert_eq!((summary.records_read, summary.records_skipped), (3, 2));
    assert_eq!(kinds(&problems), [(ProblemKind::Record, Weight::Loss, 2)]);
}

#[test]
fn a_thousand_random_changes_neither_stop_nor_hang_the_reader() {
    let whole = file(&[three_records(), three_records()]);
    let used: Vec<usize> = (0..whole.len())
        .filter(|at| whole[*at] != 0 || at % 4_096 < 700)
        .collect();
    // A fixed linear congruence: the same changes every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut damaged = 0;
    for _ in 0..1_000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + next() % 4 {
            bytes[used[next() % used.len()]] = next() as u8;
        }
        if next() % 8 == 0 {
            bytes.truncate(next() % bytes.len());
        }
        let (events, summary, problems) = read(&bytes);
        assert!(summary.events <= summary.records_read && events.len() as u64 == summary.events);
        assert!(
            summary.records_read + summary.records_skipped <= 40,
            "{summary:?}"
        );
        damaged += usize::from(!problems.is_empty());
        if summary.records_read < 6 {
            assert!(
                !problems.is_empty(),
                "records vanished in silence: {summary:?}"
            );
        }
    }
    assert!(damaged > 100, "the changes hit something: {damaged}");
}
