//! The entries of a tar archive, one behind the other, with what describes each of them: long names
//! of GNU tar and extended headers of POSIX (pax).
//!
//! What describes an entry is read up to a bound and never held beyond it, because an archive of
//! 1 MB can say a name of 1 GiB. How much is passed over by reading is told before it is read.

use std::io::{self, Read};
use tar::Header;

/// Bytes of a header, and what everything is padded to.
const BLOCK: u64 = 512;
/// Bytes of a description that are read. No file system has names of more than 4 KiB; attributes
/// of files (ACLs, SELinux) stand in the same records.
pub const DESCRIBED: u64 = 64 * 1024;
/// Descriptions before one entry; real archives have three at most.
const DESCRIPTIONS: usize = 16;

/// One entry that is no description.
#[derive(Debug)]
pub struct Entry {
    /// Its name as it stands in the archive.
    pub name: String,
    /// Bytes of it that lie in the archive.
    pub size: u64,
    /// Offset of the first of them.
    pub at: u64,
    /// What it is.
    pub form: Form,
    /// True if its description was longer than what is read of one: the name may be cut.
    pub cut: bool,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A file.
    File,
    /// A file without its holes, in any of the forms of GNU tar.
    Sparse,
    /// A folder.
    Folder,
    /// A link, device or something else that holds no bytes of a file.
    Other,
}

/// Walks an archive. The bytes of an entry are read from it (`Read`) after `next`.
pub struct Entries<R> {
    input: R,
    /// Bytes read of the archive.
    at: u64,
    /// Bytes of the entry that were not read yet, and of its padding.
    left: u64,
    padding: u64,
    /// Bytes that were read and are of no use, not yet told.
    useless: u64,
}

/// What was said of the entry that follows.
#[derive(Default)]
struct Described {
    long_name: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    sparse_name: Option<Vec<u8>>,
    cut: bool,
}

impl<R: Read> Entries<R> {
    /// Walks `input` from its start.
    pub fn new(input: R) -> Self {
        Self {
            input,
            at: 0,
            left: 0,
            padding: 0,
            useless: 0,
        }
    }

    /// Counts bytes that were read of an entry as passed over: they told that it is of no use.
    pub fn count(&mut self, read: u64) {
        self.useless += read;
    }

    /// The next entry; `None` at the end. `passes` is asked before bytes are passed over, with how
    /// many.
    ///
    /// # Errors
    /// If the archive is damaged or cut, or `passes` says no.
    pub fn next(
        &mut self,
        passes: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> io::Result<Option<Entry>> {
        let mut said = Described::default();
        for described in 0..=DESCRIPTIONS {
            self.pass(passes)?;
            let Some(header) = self.header()? else {
                return match described {
                    0 => Ok(None),
                    _ => Err(damaged("it ends behind the name of a file")),
                };
            };
            let kind = header.entry_type();
            let known = header.as_gnu().is_some() || header.as_ustar().is_some();
            self.reach(header.entry_size()?)?;
            if known && (kind.is_gnu_longname() || kind.is_pax_local_extensions()) {
                let whole = self.left <= DESCRIBED;
                said.cut |= !whole;
                if !whole && kind.is_gnu_longname() {
                    // The header of the file itself holds the beginning of its name.
                    continue;
                }
                let mut bytes = Vec::new();
                self.by_ref().take(DESCRIBED).read_to_end(&mut bytes)?;
                self.count(bytes.len() as u64);
                match kind.is_gnu_longname() {
                    true => said.long_name = Some(bytes),
                    false => said.records(&bytes),
                }
            } else if kind.is_pax_global_extensions() || known && kind.is_gnu_longlink() {
                // Of the whole archive, or where a link leads: nothing of a file.
            } else {
                return self.entry(&header, said).map(Some);
            }
        }
        Err(damaged("too much describes one file"))
    }

    fn entry(&mut self, header: &Header, said: Described) -> io::Result<Entry> {
        let kind = header.entry_type();
        if let Some(size) = said.size {
            self.reach(size)?;
        }
        if kind.is_gnu_sparse() {
            self.sparse_map(header)?;
        }
        let form = if kind.is_gnu_sparse() || said.sparse {
            Form::Sparse
        } else if kind.is_dir() {
            Form::Folder
        } else if kind.is_file() || kind.is_contiguous() {
            Form::File
        } else {
            Form::Other
        };
        let name = (said.long_name.map(without_end))
            .or(said.sparse_name)
            .or(said.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        Ok(Entry {
            name: String::from_utf8_lossy(&name).into_owned(),
            size: self.left,
            at: self.at,
            form,
            cut: said.cut,
        })
    }

    /// Sets how many bytes belong to what begins here.
    fn reach(&mut self, size: u64) -> io::Result<()> {
        if size.checked_add(BLOCK).is_none() {
            return Err(damaged("a size is too large"));
        }
        (self.left, self.padding) = (size, size.next_multiple_of(BLOCK) - size);
        Ok(())
    }

    /// Passes over the rest of an entry.
    fn pass(&mut self, passes: &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        let rest = self.left.saturating_add(self.padding);
        passes(rest.saturating_add(std::mem::take(&mut self.useless)))?;
        let passed = io::copy(&mut self.input.by_ref().take(rest), &mut io::sink())?;
        self.at += passed;
        (self.left, self.padding) = (0, 0);
        match passed == rest {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it ends within a file",
            )),
        }
    }

    /// A header; `None` at the end of the archive.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        let mut block = Vec::new();
        self.input.by_ref().take(BLOCK).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(None);
        }
        if block.len() < BLOCK as usize {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it ends within a header",
            ));
        }
        self.at += BLOCK;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        header.as_mut_bytes().copy_from_slice(&block);
        // The checksum is taken with spaces in its own place.
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        if sum(&block[..148]) + 8 * 32 + sum(&block[156..]) != header.cksum()? {
            return Err(damaged("the checksum of a header is wrong"));
        }
        Ok(Some(header))
    }

    /// Passes over what continues the map of a sparse file behind its header.
    fn sparse_map(&mut self, header: &Header) -> io::Result<()> {
        let mut more = header.as_bytes()[482] == 1;
        while more {
            let mut block = [0; BLOCK as usize];
            self.input.read_exact(&mut block)?;
            self.at += BLOCK;
            more = block[504] == 1;
        }
        Ok(())
    }
}

impl<R: Read> Read for Entries<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(into.len(), |left| left.min(into.len()));
        let read = self.input.read(&mut into[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it ends within a file",
            ));
        }
        self.left -= read as u64;
        self.at += read as u64;
        Ok(read)
    }
}

impl Described {
    /// Takes what is needed of the records of an extended header (POSIX.1-2001, pax, "pax Extended
    /// Header"): `LENGTH KEY=VALUE`, and a line end that the length counts.
    fn records(&mut self, mut bytes: &[u8]) {
        while let Some((length, key, value)) = record(bytes) {
            bytes = &bytes[length..];
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => {
                    self.size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                }
                b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
                _ => {}
            }
            self.sparse |= key.starts_with(b"GNU.sparse.") || key == b"SCHILY.realsize";
        }
    }
}

fn record(bytes: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let space = memchr::memchr(b' ', bytes)?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    Some((length, &body[..equals], &body[equals + 1..]))
}

/// A long name of GNU tar without the zero behind it.
fn without_end(mut name: Vec<u8>) -> Vec<u8> {
    if name.last() == Some(&0) {
        name.pop();
    }
    name
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
