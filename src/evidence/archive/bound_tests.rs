//! What archives cannot make casewire do, and what it says of what it did not read.

use super::tests::{Given, capture, given, gzip, named, plain, tarred, zipped};
use crate::evidence::{Input, Limits, ProblemKind, Unpacking, Weight};
use std::io::Read;

fn limited(change: impl Fn(&mut Limits)) -> Unpacking {
    let mut limits = Limits::default();
    change(&mut limits);
    Unpacking {
        limits,
        ..Unpacking::default()
    }
}

/// What the members hold that are packed themselves.
fn unpacked(given: &mut Given) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for file in &given.files[1..] {
        let (mut input, mut bytes) = (Input::open(file, false).unwrap(), Vec::new());
        input.read_to_end(&mut bytes).unwrap();
        input.finish(&mut given.problems);
        all.push(bytes);
    }
    all
}

/// A header of GNU tar, for what `tar::Builder` does not write.
fn entry(name: &[u8], form: u8, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(tar::EntryType::new(form));
    header.set_size(size);
    header.set_cksum();
    header
}

fn with(tar: &mut Vec<u8>, header: &tar::Header, bytes: &[u8]) {
    tar.extend(header.as_bytes());
    tar.extend(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (1..5)
            .map(|n| rest + n)
            .find(|l| l.to_string().len() + rest == *l);
        bytes += &format!("{} {key}={value}\n", length.unwrap());
    }
    bytes.into_bytes()
}

#[test]
fn a_long_name_and_one_of_an_extended_header_are_read_whole() {
    let a = &capture(70)[..5_000];
    let long = format!("C/{}/a.pcap", "x".repeat(3_000));
    let mut gnu = Vec::new();
    let zero_ended = [long.as_bytes(), b"\0"].concat();
    with(
        &mut gnu,
        &entry(b"././@LongLink", b'L', zero_ended.len() as u64),
        &zero_ended,
    );
    with(&mut gnu, &entry(b"C/cut", b'0', a.len() as u64), a);
    // The size of the header is none: that of the record counts.
    let records = pax(&[
        ("comment", "one\ntwo"),
        ("path", &long),
        ("size", &a.len().to_string()),
    ]);
    let mut posix = Vec::new();
    with(&mut posix, &entry(b"comment", b'g', 0), b"");
    with(
        &mut posix,
        &entry(b"PaxHeaders", b'x', records.len() as u64),
        &records,
    );
    with(&mut posix, &entry(b"C/cut", b'0', 0), a);
    for tar in [gnu, posix] {
        for bytes in [gzip(&tar), tar] {
            let mut given = given(&bytes, Unpacking::default());
            assert!(given.members() == named("", &[(&long, a)]));
            assert_eq!(given.told(), []);
        }
    }
}

#[test]
fn a_description_of_more_than_64_kib_is_passed_over_and_told() {
    let a = &capture(71)[..5_000];
    for form in [b'L', b'x'] {
        let mut tar = Vec::new();
        let said = vec![b'a'; 300_000];
        with(
            &mut tar,
            &entry(b"././@LongLink", form, said.len() as u64),
            &said,
        );
        with(&mut tar, &entry(b"a.pcap", b'0', a.len() as u64), a);
        with(&mut tar, &entry(b"b.pcap", b'0', a.len() as u64), a);
        for bytes in [gzip(&tar), tar] {
            let mut given = given(&bytes, Unpacking::default());
            assert!(given.members() == named("", &[("a.pcap", a), ("b.pcap", a)]));
            assert_eq!(given.told(), [(ProblemKind::Limit, Weight::Loss, 1)]);
            let told = given.problems.iter().next().unwrap();
            assert!(told.message.contains("64 KiB"), "{}", told.message);
        }
    }
}

#[test]
fn descriptions_without_an_end_are_damage() {
    let mut tar = Vec::new();
    for _ in 0..40 {
        with(&mut tar, &entry(b"global", b'g', 0), b"");
    }
    with(&mut tar, &entry(b"a.pcap", b'0', 4), &capture(72)[..4]);
    let given = given(&tar, Unpacking::default());
    assert_eq!(given.told(), [(ProblemKind::Compression, Weight::Loss, 1)]);
}

#[test]
fn a_sparse_member_is_a_loss_and_the_next_one_is_read() {
    let a = &capture(73)[..5_000];
    let mut gnu = Vec::new();
    let mut header = entry(b"Security.evtx", b'S', 512);
    let mut block = *header.as_bytes();
    // The map of the file goes on in one more block.
    block[482] = 1;
    header.as_mut_bytes().copy_from_slice(&block);
    header.set_cksum();
    with(&mut gnu, &header, &[[0; 512], [7; 512]].concat());
    let records = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.name", "Security.evtx"),
    ]);
    let mut posix = Vec::new();
    with(
        &mut posix,
        &entry(b"PaxHeaders", b'x', records.len() as u64),
        &records,
    );
    with(
        &mut posix,
        &entry(b"GNUSparseFile.1/Security.evtx", b'0', 512),
        &[7; 512],
    );
    for mut tar in [gnu, posix] {
        with(&mut tar, &entry(b"a.pcap", b'0', a.len() as u64), a);
        let mut given = given(&tar, Unpacking::default());
        assert!(given.members() == named("", &[("a.pcap", a)]));
        assert_eq!(
            given.told(),
            [(ProblemKind::NotRecognised, Weight::Loss, 1)]
        );
        let told = given.problems.iter().next().unwrap();
        assert!(
            told.message.starts_with("Security.evtx: a sparse file"),
            "{}",
            told.message
        );
    }
}

#[test]
fn a_packed_member_that_cannot_be_unpacked_is_a_loss_with_its_cause() {
    // A frame whose window, 2 GiB, is above what the decoder allows.
    let wide = [0x28, 0xB5, 0x2F, 0xFD, 0, 21 << 3, 1, 0, 0];
    let text = gzip(b"no log");
    let members: [(&str, &[u8]); 2] = [("a.pcap.zst", &wide), ("notes.gz", &text)];
    for bytes in [zipped(&members, plain()), tarred(&members)] {
        let given = given(&bytes, Unpacking::default());
        assert_eq!(
            given.told(),
            [
                (ProblemKind::NotRecognised, Weight::Note, 1),
                (ProblemKind::Compression, Weight::Loss, 1)
            ]
        );
        let told = given.problems.iter().find(|p| p.weight == Weight::Loss);
        let message = &told.unwrap().message;
        assert!(
            message.starts_with("a.pcap.zst: packed in zstd, but cannot be unpacked: "),
            "{message}"
        );
    }
}

#[test]
fn a_member_that_does_not_get_smaller_is_no_damage() {
    let noise = &capture(74).repeat(8)[4..];
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut packer, noise).unwrap();
    let stored = packer.finish().unwrap();
    let given = given(&tarred(&[("noise.gz", &stored)]), Unpacking::default());
    assert_eq!(
        given.told(),
        [(ProblemKind::NotRecognised, Weight::Note, 1)]
    );
}

#[test]
fn members_that_are_packed_themselves_share_what_the_archive_may_unpack_to() {
    let mut zeros = capture(75)[..50_000].to_vec();
    zeros.resize(900_000, 0);
    let packed = gzip(&zeros);
    let names: Vec<String> = (0..20).map(|n| format!("{n:02}.pcap.gz")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &packed[..])).collect();
    let bytes = zipped(&members, plain());
    let mut bounded = given(
        &bytes,
        limited(|limits| (limits.shared, limits.ratio) = (6_000_000, 2)),
    );
    let read: usize = unpacked(&mut bounded).iter().map(Vec::len).sum();
    assert!(read < 6_000_000, "{read}");
    assert_eq!(bounded.told(), [(ProblemKind::Limit, Weight::Loss, 1); 20]);
    // In proportion: what the archive itself is large enough for is read whole.
    for change in [
        |limits: &mut Limits| (limits.shared, limits.ratio) = (6_000_000, 50),
        |limits: &mut Limits| (limits.shared, limits.ratio) = (60_000_000, 2),
    ] {
        let mut whole = given(&bytes, limited(change));
        assert!(unpacked(&mut whole) == vec![zeros.clone(); 20]);
        assert_eq!(whole.told(), []);
    }
}

#[test]
fn what_is_passed_over_by_unpacking_counts() {
    let a = capture(76);
    let zeros = vec![0; 9_000_000];
    let tar = tarred(&[("a.pcap", &a), ("pagefile.sys", &zeros), ("b.pcap", &a)]);
    let small = |limits: &mut Limits| (limits.shared, limits.ratio) = (1_000_000, 5);
    let packed = gzip(&tar);
    let mut bounded = given(&packed, limited(small));
    assert!(bounded.members() == named("", &[("a.pcap", &a)]));
    let told = bounded.told();
    assert!(
        told.contains(&(ProblemKind::Limit, Weight::Loss, 1)),
        "{told:?}"
    );
    let told = bounded.problems.iter().find(|p| p.weight == Weight::Loss);
    let told = told.unwrap();
    assert!(
        told.message.contains("most of it no evidence"),
        "{}",
        told.message
    );
    assert!(told.effect.contains("unpack it by hand"));
    // Nothing is unpacked to pass over it where the archive lies as it is.
    assert_eq!(given(&tar, limited(small)).members().len(), 2);
    assert_eq!(given(&packed, Unpacking::default()).members().len(), 2);
}

#[test]
fn names_of_all_members_together_are_bounded() {
    let a = &capture(77)[..5_000];
    let long = format!("{}.pcap", "b".repeat(90));
    let tar = tarred(&[("a.pcap", a), (&long, a), ("c.pcap", a)]);
    let mut few = given(&tar, limited(|limits| limits.directory = 96));
    assert!(few.members() == named("", &[("a.pcap", a)]));
    assert_eq!(few.told(), [(ProblemKind::Limit, Weight::Loss, 2)]);
    let most = limited(|limits| limits.directory = 200);
    assert_eq!(given(&tar, most).members().len(), 3);
}
