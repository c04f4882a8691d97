//! How much an archive may make casewire do. What an archive says of itself is judged before
//! anything of it is read, and held to while it is read.

/// What a limit says when it is passed.
pub const BY_HAND: &str = "if it is what you expect, unpack it by hand and give the folder";

const GIB: u64 = 1 << 30;

/// The limits of one run, which is what all archives together may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries looked at in one archive.
    pub entries: usize,
    /// Archives within archives: 1 is an archive that was given.
    pub nesting: usize,
    /// Bytes a member may unpack to before its ratio counts.
    pub free: u64,
    /// Unpacked bytes for each packed byte beyond that. Logs full of zeros reach 1,000, but are
    /// not larger than `free`; text reaches 40.
    pub ratio: u64,
    /// Bytes all members of one file that was given may unpack to before their ratio to that file
    /// counts. What is passed over by unpacking counts with them, and what comes out of members
    /// that are packed themselves. A host's logs are a few GiB, full of zeros or not.
    pub shared: u64,
    /// Bytes all members of one run may unpack to.
    pub total: u64,
    /// Bytes written to temporary files, for archives within archives and compressed tar.
    pub spilled: u64,
    /// Bytes of the directory of a zip archive, which is held in memory, and of the names of all
    /// members of one file that was given.
    pub directory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 200_000,
            nesting: 4,
            free: 4 * GIB,
            ratio: 200,
            shared: 16 * GIB,
            total: 4_096 * GIB,
            spilled: 32 * GIB,
            directory: GIB / 8,
        }
    }
}

impl Limits {
    /// True if `unpacked` bytes out of `packed` are more than real evidence needs.
    pub fn is_bomb(&self, unpacked: u64, packed: u64) -> bool {
        unpacked > self.free && unpacked / packed.max(1) > self.ratio
    }

    /// Bytes that a given file of `packed` bytes may unpack to with everything in it.
    pub fn room(&self, packed: u64) -> u64 {
        self.shared.max(packed.saturating_mul(self.ratio))
    }
}

/// A number of bytes for a sentence: in GiB, MiB or KiB where it is that large, rounded down.
pub fn in_words(bytes: u64) -> String {
    match bytes {
        GIB.. if bytes.is_multiple_of(GIB) => format!("{} GiB", bytes / GIB),
        1_048_576.. => format!("{} MiB", bytes >> 20),
        1_024.. => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}
