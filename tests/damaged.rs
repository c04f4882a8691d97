//! Damage is data: exact counts of what is read, skipped and said for each way a file can be hurt,
//! through the front door.

use casewire::case::Case;
use casewire::evidence::progress::Silent;
use casewire::evidence::{ProblemKind, Weight};
use casewire::investigate::{Request, investigate};
use casewire_lab::story::Story;

/// A capture of a few thousand packets and the Security log of the host they go to.
fn sound(format: &str) -> (Vec<u8>, Vec<u8>) {
    let page = format!(
        "# Traffic\n\n```story\nday 2026-03-01\nhost WS01 10.0.0.5 logs security\nhost mon 10.0.0.2\n\
         sensor span format {format}\n10:00 repeat 300 every 2s: mon -> WS01:445/tcp accepted\n```\n"
    );
    let evidence = Story::parse(&page).expect("a sound page").play();
    let file = |end: &str| {
        let found = evidence.files.iter().find(|(name, _)| name.ends_with(end));
        found
            .map(|(_, bytes)| bytes.clone())
            .expect("the story leaves this file")
    };
    (
        file(if format.starts_with("pcapng") {
            ".pcapng"
        } else {
            ".pcap"
        }),
        file(".evtx"),
    )
}

fn read(name: &str, bytes: &[u8]) -> Case {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), bytes).expect("the file can be written");
    investigate(&Request::of(vec![folder.path().to_owned()]), &Silent).expect("damage is no error")
}

/// Units read, units skipped, and the kinds of what was lost.
fn account(case: &Case) -> (u64, u64, Vec<&'static str>) {
    let row = &case.evidence[0];
    let lost = case
        .problems
        .iter()
        .filter(|p| p.weight == Weight::Loss)
        .map(|p| p.kind.slug())
        .collect();
    (row.units_read, row.units_skipped, lost)
}

/// Byte offset of the `n`th record header (from 0) of a classic little-endian capture.
fn record_at(pcap: &[u8], n: usize) -> usize {
    (0..n).fold(24, |at, _| {
        let length = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().expect("four bytes"));
        at + 16 + length as usize
    })
}

fn packets(pcap: &[u8]) -> usize {
    let (mut at, mut n) = (24, 0);
    while at < pcap.len() {
        at = record_at(pcap, 0) - 24
            + at
            + 16
            + u32::from_le_bytes(pcap[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        n += 1;
    }
    n
}

#[test]
fn a_sound_capture_is_read_whole_in_every_format() {
    for format in ["pcap", "pcap-ns", "pcapng", "pcapng-us"] {
        let (bytes, _) = sound(format);
        let (read, skipped, lost) = account(&read("span", &bytes));
        assert!(
            read > 2_000 && skipped == 0 && lost.is_empty(),
            "{format}: {read} {skipped} {lost:?}"
        );
    }
}

#[test]
fn garbage_in_the_middle_costs_at_most_one_record() {
    let (sound, _) = sound("pcap");
    let total = packets(&sound) as u64;
    let cut = record_at(&sound, packets(&sound) / 2) + 5;
    let mut bytes = sound[..cut].to_vec();
    bytes.extend((0..37).map(|i: u8| i.wrapping_mul(73).wrapping_add(11)));
    bytes.extend(&sound[cut..]);
    let (read, skipped, lost) = account(&read("span.pcap", &bytes));
    assert!(read >= total - 2, "{read} of {total}, {skipped} skipped");
    assert_eq!(lost, ["garbled-region"]);
}

#[test]
fn a_hole_costs_the_records_in_it_and_at_most_one_more() {
    let (sound, _) = sound("pcap");
    let total = packets(&sound) as u64;
    let (from, to) = (record_at(&sound, 1000) + 40, record_at(&sound, 1020) + 9);
    let bytes = [&sound[..from], &sound[to..]].concat();
    let (read, _, lost) = account(&read("span.pcap", &bytes));
    assert!(read >= total - 22, "{read} of {total}");
    assert_eq!(lost, ["garbled-region"]);
}

#[test]
fn two_captures_in_one_file_are_both_read() {
    let (sound, _) = sound("pcap");
    let (other, _) = self::sound("pcap-ns");
    let total = (packets(&sound) + packets(&other)) as u64;
    let (read, skipped, lost) = account(&read("span.pcap", &[&sound[..], &other].concat()));
    assert_eq!((read, skipped, lost), (total, 0, Vec::new()));
}

#[test]
fn zeros_in_the_middle_are_no_packets() {
    let (sound, _) = sound("pcap");
    let total = packets(&sound) as u64;
    let cut = record_at(&sound, 700);
    let bytes = [&sound[..cut], &[0; 4096], &sound[cut..]].concat();
    let (read, _, lost) = account(&read("span.pcap", &bytes));
    assert_eq!((read, lost), (total, vec!["garbled-region"]));
}

#[test]
fn a_partial_record_at_the_end_is_a_note() {
    let (sound, _) = sound("pcap");
    let total = packets(&sound) as u64;
    for missing in [1, 20, 60] {
        let case = read("span.pcap", &sound[..sound.len() - missing]);
        let (read, _, lost) = account(&case);
        assert_eq!(
            (read, lost),
            (total - 1, Vec::new()),
            "{missing} bytes short"
        );
        assert!(case.problems.iter().any(|p| p.kind == ProblemKind::CutTail));
    }
}

#[test]
fn compressed_captures_are_read_and_a_cut_one_is_said() {
    use std::io::Write;
    let (sound, _) = sound("pcapng");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&sound).expect("in memory");
    let packed = gzip.finish().expect("in memory");
    let whole = account(&read("span", &sound));
    assert_eq!(account(&read("span.gz", &packed)), whole);
    assert_eq!(
        account(&read(
            "span.zst",
            &zstd::encode_all(&sound[..], 1).expect("in memory")
        )),
        whole
    );
    let (part, _, lost) = account(&read("span.gz", &packed[..packed.len() / 2]));
    assert!(part > 0 && part < whole.0);
    assert_eq!(lost, ["compression"]);
}

#[test]
fn a_log_without_its_magic_is_read_all_the_same() {
    let (_, sound) = sound("pcap");
    let whole = account(&read("Security.evtx", &sound));
    assert!(whole.0 >= 300 && whole.1 == 0);
    let mut bytes = sound.clone();
    bytes[..8].copy_from_slice(b"XXXXXXXX");
    assert_eq!(account(&read("Security.evtx", &bytes)), whole);
}

#[test]
fn zero_chunks_at_the_end_of_a_log_are_nothing() {
    let (_, sound) = sound("pcap");
    let whole = account(&read("Security.evtx", &sound));
    let bytes = [&sound[..], &vec![0; 3 * 65_536]].concat();
    assert_eq!(account(&read("Security.evtx", &bytes)), whole);
}

#[test]
fn a_log_cut_inside_a_chunk_is_read_up_to_the_cut() {
    let (_, sound) = sound("pcap");
    let whole = account(&read("Security.evtx", &sound));
    let cut = 4096 + 65_536 + 20_000;
    assert!(sound.len() > cut);
    let (read, _, _) = account(&read("Security.evtx", &sound[..cut]));
    assert!(read > 0 && read < whole.0, "{read} of {}", whole.0);
}

#[test]
fn a_broken_record_costs_itself_alone() {
    let (_, sound) = sound("pcap");
    let (whole, _, _) = account(&read("Security.evtx", &sound));
    let mut bytes = sound.clone();
    // The size of the tenth record of the first chunk.
    let mut at = 4096 + 512;
    for _ in 0..10 {
        at += u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes")) as usize;
    }
    bytes[at + 4..at + 8].copy_from_slice(&0xfff0_u32.to_le_bytes());
    let (read, skipped, lost) = account(&read("Security.evtx", &bytes));
    assert_eq!((read, skipped), (whole - 1, 1));
    assert!(!lost.is_empty());
}

/// Small injuries of every kind: nothing panics, and the accounts still add up.
#[test]
fn no_injury_stops_the_run() {
    let (capture, log) = sound("pcapng");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..120 {
        let mut bytes = if round % 2 == 0 {
            capture[..40_000].to_vec()
        } else {
            log[..4096 + 65_536].to_vec()
        };
        for _ in 0..1 + chance(12) {
            let at = chance(bytes.len());
            match chance(4) {
                0 => bytes[at] ^= 1 << chance(8),
                1 => bytes.truncate(at.max(64)),
                2 => {
                    let end = (at + chance(300)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => bytes[at] = 0xff,
            }
            if bytes.len() < 64 {
                break;
            }
        }
        let case = read("injured", &bytes);
        assert_eq!(case.evidence.len(), 1, "round {round}");
        casewire::report::json::report(&case).expect("a report");
    }
}
