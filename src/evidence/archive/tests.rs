//! Archives as triage tools write them, and as somebody would who means harm.

use crate::evidence::kind::Kind;
use crate::evidence::{
    EvidenceFile, Input, Limits, ProblemKind, Problems, Source, Unpacking, Weight, discover_in,
};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipWriter};

/// A capture, by its first bytes, that does not pack to nothing.
pub(super) fn capture(seed: u32) -> Vec<u8> {
    let mut bytes = vec![0xD4, 0xC3, 0xB2, 0xA1];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(seed);
    bytes.extend((0..300_000).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    }));
    bytes
}

pub(super) fn zipped(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(super) fn plain() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

pub(super) fn tarred(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // `set_path` refuses what an attacker writes.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(super) struct Given {
    pub(super) files: Vec<EvidenceFile>,
    pub(super) problems: Problems,
    folder: tempfile::TempDir,
}

pub(super) fn given(bytes: &[u8], unpacking: Unpacking) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("triage.bin");
    std::fs::write(&path, bytes).unwrap();
    let mut problems = Problems::default();
    let files = discover_in(&[path], unpacking, &mut problems).unwrap();
    Given {
        files,
        problems,
        folder,
    }
}

impl Given {
    /// Every member, as named and read.
    pub(super) fn members(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for file in &self.files {
            if !matches!(file.source, Source::Member { .. }) {
                continue;
            }
            let mut input = Input::open(file, true).unwrap();
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes).unwrap();
            let custody = input.finish(&mut self.problems);
            if let Some(hash) = custody.sha256 {
                assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&bytes)));
            }
            all.push((file.shown.clone(), bytes));
        }
        all
    }

    pub(super) fn told(&self) -> Vec<(ProblemKind, Weight, u64)> {
        let told = self.problems.iter();
        told.map(|p| (p.kind, p.weight, p.count)).collect()
    }

    fn only_the_archive_is_there(&self) {
        let names = std::fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(names, 1, "something was written beside the evidence");
    }
}

pub(super) fn named(prefix: &str, members: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    members
        .iter()
        .map(|(name, bytes)| (format!("triage.bin!{prefix}{name}"), bytes.to_vec()))
        .collect()
}

#[test]
fn members_of_every_archive_read_as_the_files_they_are() {
    let (a, b) = (capture(1), capture(2));
    let members: [(&str, &[u8]); 2] = [("C/Windows/a.pcap", &a), ("b.pcap", &b)];
    let readme: (&str, &[u8]) = ("readme.txt", b"nothing");
    let all = [members[0], readme, members[1]];
    let tar = tarred(&all);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let zstd = SimpleFileOptions::default().compression_method(CompressionMethod::Zstd);
    let xz = {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        packer.write_all(&tar).unwrap();
        packer.finish().unwrap()
    };
    for (what, bytes) in [
        ("zip", zipped(&all, plain())),
        ("stored zip", zipped(&all, stored)),
        ("zstd zip", zipped(&all, zstd)),
        ("zip in gzip", gzip(&zipped(&all, plain()))),
        ("tar", tar.clone()),
        ("tar.gz", gzip(&tar)),
        ("tar.zst", ::zstd::encode_all(&tar[..], 1).unwrap()),
        ("tar.xz", xz),
    ] {
        let mut given = given(&bytes, Unpacking::default());
        let mut expected = named("", &members);
        expected.sort();
        assert!(given.members() == expected, "{what}");
        assert_eq!(
            given.told(),
            [(ProblemKind::NotRecognised, Weight::Note, 1)],
            "{what}"
        );
        given.only_the_archive_is_there();
    }
}

#[test]
fn an_archive_in_an_archive_is_opened_and_the_fourth_level_is_the_last() {
    let a = capture(3);
    let inner = gzip(&tarred(&[("a.pcap", &a)]));
    let middle = zipped(&[("inner.tgz", &inner)], plain());
    let outer = zipped(&[("middle.zip", &middle)], plain());
    let mut two = given(&outer, Unpacking::default());
    assert!(two.members() == named("middle.zip!inner.tgz!", &[("a.pcap", &a)]));
    assert_eq!(two.told(), []);
    let deeper = zipped(
        &[("outer.zip", &zipped(&[("again.zip", &outer)], plain()))],
        plain(),
    );
    let mut deep = given(&deeper, Unpacking::default());
    assert!(deep.members().is_empty());
    assert_eq!(deep.told(), [(ProblemKind::Limit, Weight::Loss, 1)]);
}

#[test]
fn names_that_leave_the_folder_are_only_names() {
    let a = capture(4);
    let members: [(&str, &[u8]); 2] = [("../../evil.pcap", &a), ("/etc/evil.pcap", &a)];
    for bytes in [
        zipped(&members, plain()),
        tarred(&members),
        gzip(&tarred(&members)),
    ] {
        let mut given = given(&bytes, Unpacking::default());
        assert!(given.members() == named("", &members));
        given.only_the_archive_is_there();
    }
}

#[test]
fn links_are_counted_and_not_followed() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "Security.evtx", "/etc/passwd")
        .unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("Security.evtx", "/etc/passwd", plain())
        .unwrap();
    for bytes in [
        tar.into_inner().unwrap(),
        zip.finish().unwrap().into_inner(),
    ] {
        let mut given = given(&bytes, Unpacking::default());
        assert!(given.members().is_empty());
        assert_eq!(
            given.told(),
            [(ProblemKind::NotRecognised, Weight::Note, 1)]
        );
        assert!(
            given
                .problems
                .iter()
                .all(|p| p.message.contains("links are not followed"))
        );
    }
}

#[test]
fn an_encrypted_member_needs_its_password_and_says_so() {
    use zip::unstable::write::FileOptionsExt;
    let a = capture(5);
    let members: [(&str, &[u8]); 1] = [("a.pcap", &a)];
    let aes = plain().with_aes_encryption(AesMode::Aes256, "infected");
    let old = plain().with_deprecated_encryption(b"infected").unwrap();
    let write = |options: zip::write::FileOptions<'_, '_, ()>| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("a.pcap", options).unwrap();
        zip.write_all(&a).unwrap();
        zip.finish().unwrap().into_inner()
    };
    for bytes in [write(aes), write(old)] {
        let with = |passwords: &[&str]| Unpacking {
            passwords: passwords.iter().map(|p| (*p).into()).collect(),
            ..Unpacking::default()
        };
        let mut right = given(&bytes, with(&["wrong", "infected"]));
        assert!(right.members() == named("", &members));
        assert_eq!(right.told(), []);
        for (passwords, word) in [
            (&[][..], "no password was given"),
            (&["wrong"][..], "no password that was given"),
        ] {
            let mut none = given(&bytes, with(passwords));
            assert!(none.members().is_empty());
            assert_eq!(none.told(), [(ProblemKind::Unreadable, Weight::Loss, 1)]);
            assert!(none.problems.iter().all(|p| p.message.contains(word)));
        }
    }
}

#[test]
fn what_unpacks_to_far_too_much_is_not_read() {
    let mut zeros = capture(6);
    zeros.resize(8_000_000, 0);
    let bytes = zipped(&[("a.pcap", &capture(7)), ("bomb.pcap", &zeros)], plain());
    let unpacking = |free, ratio, total| Unpacking {
        limits: Limits {
            free,
            ratio,
            total,
            ..Limits::default()
        },
        ..Unpacking::default()
    };
    let mut bounded = given(&bytes, unpacking(1_000_000, 5, u64::MAX));
    assert_eq!(bounded.members().len(), 1);
    assert_eq!(bounded.told(), [(ProblemKind::Limit, Weight::Loss, 1)]);
    let mut total = given(&bytes, unpacking(u64::MAX, 5, 1_000_000));
    assert_eq!(total.members().len(), 1);
    assert_eq!(total.told(), [(ProblemKind::Limit, Weight::Loss, 1)]);
    let mut free = given(&bytes, Unpacking::default());
    assert_eq!(free.members().len(), 2);
}

#[test]
fn entries_that_share_bytes_are_read_once() {
    let a = capture(8);
    let mut bytes = zipped(&[("a.pcap", &a), ("b.pcap", &a)], plain());
    // The second entry of the directory points at the first one's bytes, too.
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, b"PK\x01\x02").collect();
    let (one, two) = (places[0] + 42, places[1] + 42);
    let first: Vec<u8> = bytes[one..one + 4].to_vec();
    bytes[two..two + 4].copy_from_slice(&first);
    let mut given = given(&bytes, Unpacking::default());
    assert_eq!(given.members().len(), 1);
    assert_eq!(given.told(), [(ProblemKind::Compression, Weight::Loss, 1)]);
}

#[test]
fn a_member_longer_than_its_entry_says_is_cut_and_told() {
    let a = capture(9);
    let mut bytes = zipped(&[("a.pcap", &a)], plain());
    let size = (a.len() as u32).to_le_bytes();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, &size).collect();
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    let mut given = given(&bytes, Unpacking::default());
    assert_eq!(given.members(), named("", &[("a.pcap", &a[..1000])]));
    assert_eq!(given.told(), [(ProblemKind::Compression, Weight::Loss, 1)]);
}

#[test]
fn a_spoiled_member_costs_itself_and_a_cut_archive_says_so() {
    let (a, b) = (capture(10), capture(11));
    let mut bytes = zipped(&[("a.pcap", &a), ("b.pcap", &b)], plain());
    let whole = bytes.clone();
    bytes[150_000..150_100].fill(0x55);
    let mut spoiled = given(&bytes, Unpacking::default());
    let members = spoiled.members();
    assert_eq!(members.len(), 2);
    assert!(members[1].1 == b && members[0].1 != a);
    assert!(spoiled.problems.any_loss());
    for cut in [whole.len() / 2, whole.len() - 30] {
        let mut given = given(&whole[..cut], Unpacking::default());
        given.members();
        assert_eq!(
            given.told(),
            [(ProblemKind::Compression, Weight::Loss, 1)],
            "{cut}"
        );
    }
    let tar = gzip(&tarred(&[("a.pcap", &a), ("b.pcap", &b)]));
    let mut cut = given(&tar[..tar.len() - 100_000], Unpacking::default());
    assert_eq!(cut.members()[0].1, a);
    assert_eq!(cut.told(), [(ProblemKind::Compression, Weight::Loss, 1)]);
}

/// Small injuries of every kind: nothing panics, nothing hangs.
#[test]
fn no_injury_stops_the_listing() {
    let a = &capture(12)[..5_000];
    let tar = tarred(&[("a.pcap", a), ("b.pcap", a)]);
    let sound = [
        zipped(
            &[("a.pcap", a), ("b.zip", &zipped(&[("c.pcap", a)], plain()))],
            plain(),
        ),
        gzip(&tar),
        tar,
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..300 {
        let mut bytes = sound[round % 3].clone();
        for _ in 0..1 + chance(8) {
            let at = chance(bytes.len());
            match chance(3) {
                0 => bytes[at] ^= 1 << chance(8),
                1 => bytes.truncate(at.max(64)),
                _ => bytes[at] = 0xff,
            }
        }
        let given = given(&bytes, Unpacking::default());
        for file in &given.files {
            let mut input = Input::open(file, false).unwrap();
            std::io::copy(&mut input, &mut std::io::sink()).unwrap();
            input.finish(&mut Problems::default());
        }
        let unreadable = given.files[0].kind == Kind::Unreadable;
        assert!(!unreadable || given.problems.any_loss());
    }
}

/// Deflate64 (PKWARE's APPNOTE, method 9): what Windows writes for files of more than 2 GiB. Only
/// what differs from deflate is used: length code 285 has 16 extra bits, and distances go to 64 KiB.
struct Deflate64 {
    bytes: Vec<u8>,
    bits: u32,
    held: u32,
}

impl Deflate64 {
    /// Bits from the lowest on.
    fn bits(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            self.held |= (value >> bit & 1) << self.bits;
            self.bits += 1;
            if self.bits == 8 {
                self.bytes.push(self.held as u8);
                (self.bits, self.held) = (0, 0);
            }
        }
    }

    /// A Huffman code, from the highest bit on.
    fn code(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.bits(value >> bit & 1, 1);
        }
    }

    fn stored(&mut self, bytes: &[u8]) {
        self.bits(0, 3);
        self.bits(0, (8 - self.bits) % 8);
        let length = bytes.len() as u16;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend((!length).to_le_bytes());
        self.bytes.extend(bytes);
    }

    /// The last block, with the fixed codes: `length` bytes from `distance` before.
    fn copied(&mut self, length: u32, distance: u32) {
        assert!((3..=65_538).contains(&length) && (32_769..=49_152).contains(&distance));
        self.bits(1, 1);
        self.bits(1, 2);
        self.code(0b1100_0000 + 285 - 280, 8);
        self.bits(length - 3, 16);
        self.code(30, 5);
        self.bits(distance - 32_769, 14);
        self.code(0, 7);
        self.bits(0, (8 - self.bits) % 8);
    }
}

/// An archive with one entry, by hand: nothing at hand writes this method.
fn by_hand(name: &str, method: u16, packed: &[u8], unpacked: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(unpacked);
    let mut fields = Vec::new();
    for field in [20, 0, method, 0, 0] {
        fields.extend(u16::to_le_bytes(field));
    }
    for field in [crc.sum(), packed.len() as u32, unpacked.len() as u32] {
        fields.extend(field.to_le_bytes());
    }
    fields.extend((name.len() as u16).to_le_bytes());
    fields.extend([0, 0]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&fields);
    zip.extend(name.as_bytes());
    zip.extend(packed);
    let directory = zip.len() as u32;
    zip.extend(b"PK\x01\x02\x14\x00");
    zip.extend(&fields);
    // Comment, disk, attributes, and where the entry begins.
    zip.extend([0; 2 + 2 + 2 + 4 + 4]);
    zip.extend(name.as_bytes());
    let length = zip.len() as u32 - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(length.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

#[test]
fn deflate64_is_read_beyond_what_deflate_can_say() {
    let mut unpacked = capture(64);
    unpacked.truncate(40_000);
    let mut packer = Deflate64 {
        bytes: Vec::new(),
        bits: 0,
        held: 0,
    };
    packer.stored(&unpacked);
    packer.copied(60_000, 39_000);
    for _ in 0..60_000 {
        unpacked.push(unpacked[unpacked.len() - 39_000]);
    }
    let mut read = given(
        &by_hand("big.pcap", 9, &packer.bytes, &unpacked),
        Unpacking::default(),
    );
    assert!(read.members() == named("", &[("big.pcap", &unpacked)]));
    assert_eq!(read.told(), []);
    // The same bytes are no deflate: it is the method that is read.
    let mut wrong = given(
        &by_hand("big.pcap", 8, &packer.bytes, &unpacked),
        Unpacking::default(),
    );
    assert!(wrong.members() != named("", &[("big.pcap", &unpacked)]));
    assert!(wrong.problems.any_loss());
}

#[test]
fn no_more_entries_than_allowed_are_looked_at() {
    let a = capture(65);
    let members: [(&str, &[u8]); 3] = [("a.pcap", &a), ("b.pcap", &a), ("c.pcap", &a)];
    for bytes in [
        zipped(&members, plain()),
        tarred(&members),
        gzip(&tarred(&members)),
    ] {
        let unpacking = Unpacking {
            limits: Limits {
                entries: 2,
                ..Limits::default()
            },
            ..Unpacking::default()
        };
        let mut few = given(&bytes, unpacking);
        assert!(few.members() == named("", &members[..2]));
        assert_eq!(few.told(), [(ProblemKind::Limit, Weight::Loss, 1)]);
    }
}
