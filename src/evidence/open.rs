//! Opens evidence read-only and yields its bytes unpacked, once, from start to end.
//!
//! Damage in a compressed stream ends the bytes; it is told when the file is closed. Nothing is
//! ever unpacked as a whole into memory, and nothing beside the evidence.

use super::archive::{Limits, in_words};
use super::custody::{Custody, Tap};
use super::discover::{EvidenceFile, Source};
use super::packing::{Packing, XZ_MEMORY};
use super::problem::{Problem, ProblemKind, Problems, Weight};
use super::regular;
use crate::model::EvidenceId;
use std::fs::Metadata;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Why evidence cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; check that it is still there and readable", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// An open evidence file. Reading yields its content unpacked; an error of the disk or of the
/// compression is an end of the content, and `finish` tells of it.
pub struct Input {
    evidence: EvidenceId,
    stream: Stream,
    /// The file on disk, which for a member is its archive, and how it was.
    path: PathBuf,
    at_open: (u64, Option<SystemTime>),
    /// Bytes it should have, and whether it is a member of an archive.
    size: u64,
    member: bool,
    unpacked: u64,
    /// Bytes it may unpack to as one of several in an archive.
    room: u64,
    damage: Option<(ProblemKind, String)>,
    ended: bool,
}

enum Stream {
    Plain(Tap),
    Gzip(Box<flate2::bufread::GzDecoder<Tap>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Tap>>),
    /// Its decoder gives back what it reads from only where nothing failed, so it has a share.
    Xz(Box<lzma_rust2::XzReader<BufReader<Share>>>, Share),
    /// Only while one gzip member is exchanged for the next.
    Between,
}

type MakeTap = fn(Box<dyn Read + Send>, bool) -> Tap;

impl Input {
    /// Opens `file`. With `hash`, its SHA-256 is computed on a thread of its own while it is read.
    ///
    /// # Errors
    ///
    /// If the system does not let it be opened.
    pub fn open(file: &EvidenceFile, hash: bool) -> Result<Self, OpenError> {
        Self::start(file, hash, Tap::new)
    }

    /// The same for one of many that are open at once: slower, and with less memory.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_one_of_many(file: &EvidenceFile, hash: bool) -> Result<Self, OpenError> {
        Self::start(file, hash, Tap::one_of_many)
    }

    fn start(file: &EvidenceFile, hash: bool, tap: MakeTap) -> Result<Self, OpenError> {
        Self::try_start(file, hash, tap).map_err(|source| OpenError {
            path: file.path.clone(),
            source,
        })
    }

    fn try_start(file: &EvidenceFile, hash: bool, tap: MakeTap) -> io::Result<Self> {
        let (handle, metadata) = regular::open(&file.path)?;
        let at_open = state(&metadata);
        let (bytes, member): (Box<dyn Read + Send>, bool) = match &file.source {
            // What the system calls empty is not waited for.
            Source::Disk if at_open.0 == 0 => (Box::new(io::empty()), false),
            Source::Disk => (Box::new(handle), false),
            Source::Member { member, .. } => (member.open()?, true),
        };
        let tap = tap(bytes, hash);
        let stream = match file.kind.packing() {
            Packing::Plain => Stream::Plain(tap),
            Packing::Gzip => Stream::Gzip(Box::new(flate2::bufread::GzDecoder::new(tap))),
            Packing::Zstd => Stream::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(tap)?)),
            Packing::Xz => {
                let share = Share(Arc::new(Mutex::new(tap)));
                let input = BufReader::new(share.clone());
                let unpacking = lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY);
                Stream::Xz(Box::new(unpacking), share)
            }
        };
        Ok(Self {
            evidence: file.id,
            stream,
            path: file.path.clone(),
            at_open,
            size: if member { file.size } else { at_open.0 },
            member,
            unpacked: 0,
            room: match &file.source {
                Source::Disk => u64::MAX,
                Source::Member { member, .. } => member.room,
            },
            damage: None,
            ended: false,
        })
    }

    /// Closes the file: reads the rest of it if it is to be hashed, so that the hash always covers
    /// the whole file, and tells what was wrong with it.
    pub fn finish(self, problems: &mut Problems) -> Custody {
        let evidence = self.evidence;
        let mut tell = |kind, first_offset, message: String, effect: &str| {
            let (count, weight) = (1, Weight::Loss);
            problems.add(Problem {
                evidence: Some(evidence),
                kind,
                weight,
                count,
                first_offset,
                message,
                effect: effect.to_owned(),
            });
        };
        let tap = match self.stream {
            Stream::Plain(tap) => Some(tap),
            Stream::Gzip(unpacking) => Some(unpacking.into_inner()),
            Stream::Zstd(unpacking) => Some(unpacking.finish()),
            Stream::Xz(unpacking, share) => {
                drop(unpacking);
                Arc::into_inner(share.0)
                    .map(|tap| tap.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            // Never left behind by `next_member`.
            Stream::Between => None,
        };
        let Some(mut tap) = tap else {
            return Custody {
                sha256: None,
                bytes: self.size,
                changed: false,
            };
        };
        let read = tap.count();
        let sha256 = tap.hash();
        if let Some(failure) = tap.failure() {
            let message = format!("reading stopped: {failure}");
            let kind = match self.member {
                true => ProblemKind::Compression,
                false => ProblemKind::Unreadable,
            };
            tell(
                kind,
                Some(tap.count()),
                message,
                "the rest of the file is missing; copy it from the original again",
            );
        } else if let Some((kind, damage)) = self.damage {
            let effect = match kind {
                ProblemKind::Limit => {
                    "what it holds beyond that is missing; if it is what you expect, unpack it by \
                     hand and give that"
                }
                _ => "what the compressed stream held behind this place is missing",
            };
            tell(kind, Some(read), damage, effect);
        }
        let at_close = std::fs::metadata(&self.path).map(|metadata| state(&metadata));
        let bytes = if sha256.is_some() {
            tap.count()
        } else {
            self.size
        };
        let changed = at_close.map_or(true, |state| state != self.at_open)
            || (sha256.is_some() && !self.member && bytes != self.at_open.0);
        if self.member && sha256.is_some() && bytes < self.size {
            tell(
                ProblemKind::Compression,
                Some(bytes),
                "the member ends before the size its archive says".to_owned(),
                "the rest of it is missing; copy the archive again",
            );
        }
        if changed {
            let effect =
                "the report may describe neither the old nor the new content; work on a copy";
            tell(
                ProblemKind::Changed,
                None,
                "the file changed while it was read".to_owned(),
                effect,
            );
        }
        Custody {
            sha256,
            bytes,
            changed,
        }
    }

    /// Says which limit is passed, if so much came out of so little that it is no evidence.
    fn beyond(&self) -> Option<String> {
        if self.unpacked > self.room {
            return Some(format!(
                "it unpacks to more than {}, its part of what the archive it lies in may unpack to",
                in_words(self.room)
            ));
        }
        let limits = Limits::default();
        if self.unpacked <= limits.free {
            return None;
        }
        let packed = match &self.stream {
            Stream::Plain(_) | Stream::Between => return None,
            Stream::Gzip(unpacking) => unpacking.get_ref().count(),
            Stream::Zstd(unpacking) => unpacking.get_ref().count(),
            Stream::Xz(_, share) => share
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .count(),
        };
        limits.is_bomb(self.unpacked, packed).then(|| {
            format!(
                "it unpacks to more than {} and more than {} times its size",
                in_words(limits.free),
                limits.ratio
            )
        })
    }

    /// Goes on to the next gzip member. False at the end of the file, with zeros behind the last
    /// member allowed (tape blocks).
    fn next_member(&mut self) -> io::Result<bool> {
        let Stream::Gzip(unpacking) = std::mem::replace(&mut self.stream, Stream::Between) else {
            return Ok(false);
        };
        let mut tap = unpacking.into_inner();
        let mut next = next_magic(&mut tap);
        while let Ok(Some(0)) = next {
            tap.consume(1);
            next = next_magic(&mut tap);
        }
        self.stream = Stream::Gzip(Box::new(flate2::bufread::GzDecoder::new(tap)));
        match next? {
            None => Ok(false),
            Some(0x1F) => Ok(true),
            Some(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes that are no gzip follow",
            )),
        }
    }
}

/// A tap that its decoder and its owner both hold. Only one of them reads at a time.
#[derive(Clone)]
struct Share(Arc<Mutex<Tap>>);

impl Read for Share {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(into)
    }
}

fn next_magic(tap: &mut Tap) -> io::Result<Option<u8>> {
    Ok(tap.fill_buf()?.first().copied())
}

fn state(metadata: &Metadata) -> (u64, Option<SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.stream {
                Stream::Plain(tap) => tap.read(into),
                Stream::Gzip(unpacking) => unpacking.read(into),
                Stream::Zstd(unpacking) => unpacking.read(into),
                Stream::Xz(unpacking, _) => unpacking.read(into),
                Stream::Between => Ok(0),
            };
            let more = match (read, &self.stream) {
                (Ok(0), Stream::Gzip(_)) => self.next_member(),
                (Ok(read), _) => {
                    self.unpacked += read as u64;
                    let Some(limit) = self.beyond() else {
                        return Ok(read);
                    };
                    self.ended = true;
                    self.damage = Some((ProblemKind::Limit, limit));
                    return Ok(0);
                }
                (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => continue,
                (Err(error), _) => Err(error),
            };
            match more {
                Ok(true) => {}
                Ok(false) => {
                    // Asked again, the decoder would complain that no member follows.
                    self.ended = true;
                    return Ok(0);
                }
                Err(error) => {
                    self.ended = true;
                    let damage = format!("the compressed stream is damaged or cut: {error}");
                    self.damage = Some((ProblemKind::Compression, damage));
                    return Ok(0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Kind, discover};
    use sha2::{Digest, Sha256};
    use std::io::Write;

    fn content() -> Vec<u8> {
        let mut bytes = vec![0x0A, 0x0D, 0x0D, 0x0A];
        bytes.extend((0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn read(bytes: &[u8], hash: bool, most: u64) -> (Kind, Vec<u8>, Custody, Problems) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut problems = Problems::default();
        let file = discover(&[path], &mut problems).unwrap().remove(0);
        let mut input = Input::open(&file, hash).unwrap();
        let mut read = Vec::new();
        (&mut input).take(most).read_to_end(&mut read).unwrap();
        (file.kind, read, input.finish(&mut problems), problems)
    }

    fn sha256(bytes: &[u8]) -> Option<[u8; 32]> {
        Some(Sha256::digest(bytes).into())
    }

    #[test]
    fn content_and_hash_are_right_for_every_packing() {
        let content = content();
        let (half, rest) = content.split_at(1_000_000);
        let members = [gzip(half), gzip(rest)].concat();
        let frames = [
            zstd::encode_all(half, 1).unwrap(),
            zstd::encode_all(rest, 1).unwrap(),
        ]
        .concat();
        let xz = xz(&content);
        let padded = [gzip(&content), vec![0; 700]].concat();
        for (bytes, packing) in [
            (&content, Packing::Plain),
            (&members, Packing::Gzip),
            (&padded, Packing::Gzip),
            (&frames, Packing::Zstd),
            (&xz, Packing::Xz),
        ] {
            for hash in [true, false] {
                let (kind, read, custody, problems) = read(bytes, hash, u64::MAX);
                assert_eq!(kind, Kind::Pcapng(packing));
                assert!(read == content, "{packing:?}");
                let sha256 = if hash { sha256(bytes) } else { None };
                assert_eq!(
                    custody,
                    Custody {
                        sha256,
                        bytes: bytes.len() as u64,
                        changed: false
                    }
                );
                assert_eq!(problems.iter().count(), 0);
            }
        }
    }

    #[test]
    fn the_hash_covers_the_whole_file_wherever_reading_stopped() {
        let content = content();
        for bytes in [
            content.clone(),
            xz(&content),
            gzip(&content),
            zstd::encode_all(&content[..], 1).unwrap(),
        ] {
            for most in [0, 10, 700_000] {
                let (_, _, custody, problems) = read(&bytes, true, most);
                assert_eq!(custody.sha256, sha256(&bytes));
                assert_eq!(custody.bytes, bytes.len() as u64);
                assert_eq!(problems.iter().count(), 0);
            }
        }
    }

    #[test]
    fn damage_in_a_compressed_stream_ends_the_content_and_is_told() {
        let content = content();
        let whole = [gzip(&content), zstd::encode_all(&content[..], 1).unwrap()];
        let cut = whole.clone().map(|bytes| bytes[..bytes.len() / 2].to_vec());
        let trailing = whole
            .clone()
            .map(|bytes| [bytes, b"more".repeat(100)].concat());
        let mut spoiled = whole;
        for bytes in &mut spoiled {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 64].fill(0xA5);
        }
        for bytes in cut.into_iter().chain(trailing).chain(spoiled) {
            let (_, read, custody, problems) = read(&bytes, true, u64::MAX);
            assert!(read.len() <= content.len() + 300_000 && read[..1000] == content[..1000]);
            assert_eq!(custody.sha256, sha256(&bytes));
            let told: Vec<_> = problems.iter().map(|p| (p.kind, p.weight)).collect();
            assert_eq!(told, [(ProblemKind::Compression, Weight::Loss)]);
        }
    }

    #[test]
    fn damage_in_xz_is_told_and_the_hash_is_that_of_the_file() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut content = content()[..4].to_vec();
        content.extend((0..500_000).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        }));
        let whole = xz(&content);
        let mut spoiled = whole.clone();
        let middle = whole.len() / 2;
        spoiled[middle..middle + 64].fill(0xA5);
        for bytes in [whole[..middle].to_vec(), spoiled] {
            let (_, _, custody, problems) = read(&bytes, true, u64::MAX);
            assert_eq!(custody.sha256, sha256(&bytes));
            let told: Vec<_> = problems.iter().map(|p| (p.kind, p.weight)).collect();
            assert!(
                told.contains(&(ProblemKind::Compression, Weight::Loss)),
                "{told:?}"
            );
        }
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content()).unwrap();
        let mut problems = Problems::default();
        let file = discover(std::slice::from_ref(&path), &mut problems)
            .unwrap()
            .remove(0);
        let input = Input::open(&file, true).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"more")
            .unwrap();
        assert!(input.finish(&mut problems).changed);
        assert_eq!(
            problems.iter().map(|p| p.kind).collect::<Vec<_>>(),
            [ProblemKind::Changed]
        );
    }
}
