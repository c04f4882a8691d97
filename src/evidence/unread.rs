//! What is known by its first bytes, may hold packets or event records, and is not read: it must not pass for
//! something else, and whoever gave it must hear what to do.

use super::lines::decoded;
use super::problem::Weight;
use serde_json::{Map, Value};

/// A format that is known and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unread {
    /// A capture of another program: Network Monitor, snoop, Sniffer, iptrace.
    OtherCapture,
    /// An event trace that holds packets: of pktmon, or of `netsh trace`.
    PacketTrace,
    /// Any other event trace.
    EventTrace,
    /// An event log of Windows XP and Server 2003.
    OldEventLog,
    /// Packed in a way that is not unpacked.
    Packed,
    /// A disk image.
    DiskImage,
    /// Records of Suricata.
    Suricata,
    /// A log of Zeek other than conn.log.
    OtherZeek,
    /// What casewire itself wrote: of a case folder, an inventory, a baseline.
    OwnResult,
}

/// First bytes, and whose they are. Captures: the formats' own descriptions (Network Monitor's file format,
/// RFC 1761 for snoop) and Wireshark's list of what it reads; the others as their formats have them.
const FIRST: &[(&[u8], Unread)] = &[
    (b"GMBU", Unread::OtherCapture),
    (b"RTSS", Unread::OtherCapture),
    (b"snoop\0\0\0", Unread::OtherCapture),
    (b"XCP\0", Unread::OtherCapture),
    (b"TRSNIFF data    \x1A", Unread::OtherCapture),
    (b"iptrace ", Unread::OtherCapture),
    (b"ObserverPktBuffe", Unread::OtherCapture),
    (b"\xAA\xAA\xAA\xAA\x20\0\0\0", Unread::OtherCapture),
    (b"\x05VNF", Unread::OtherCapture),
    (b"TR\0d\0\0\0", Unread::OtherCapture),
    (b"\x30\0\0\0LfLe", Unread::OldEventLog),
    (b"7z\xBC\xAF\x27\x1C", Unread::Packed),
    (b"Rar!\x1A\x07", Unread::Packed),
    (b"MSCF\0\0\0\0", Unread::Packed),
    (b"\x04\x22\x4D\x18", Unread::Packed),
    (b"MSWIM\0\0\0", Unread::DiskImage),
    (b"EVF\x09\x0D\x0A\xFF\0", Unread::DiskImage),
    (b"EVF2\x0D\x0A\x81\0", Unread::DiskImage),
    (b"LVF\x09\x0D\x0A\xFF\0", Unread::DiskImage),
    (b"KDMV", Unread::DiskImage),
    (b"# Disk DescriptorFile", Unread::DiskImage),
    (b"vhdxfile", Unread::DiskImage),
    (b"conectix", Unread::DiskImage),
    (b"QFI\xFB", Unread::DiskImage),
];

/// Records of a JSON text that are looked at.
const MOST_OBJECTS: usize = 64;

/// The providers whose events are packets, as their ids lie in a trace (little-endian fields first):
/// Microsoft-Windows-NDIS-PacketCapture {2ed6006e-4729-4609-b423-3ee7bcd678ef}, and Microsoft-Windows-PktMon
/// {4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac}.
const PACKETS: [&[u8; 16]; 2] = [
    b"\x6E\x00\xD6\x2E\x29\x47\x09\x46\xB4\x23\x3E\xE7\xBC\xD6\x78\xEF",
    b"\xD9\x80\x4F\x4D\xBD\xC8\x73\x4D\xBB\x5B\x19\xC9\x04\x02\xC5\xAC",
];

impl Unread {
    /// What begins with `head`; `None` for anything else.
    pub fn of(head: &[u8]) -> Option<Self> {
        Self::of_bytes(head).or_else(|| of_text(head))
    }

    /// The same for what is no text. What lies in it may look like one: packets that carry a log, packed or
    /// deleted files.
    pub fn of_bytes(head: &[u8]) -> Option<Self> {
        let first = FIRST.iter().find(|(bytes, _)| head.starts_with(bytes));
        if let Some((_, unread)) = first {
            return Some(*unread);
        }
        if is_own(head) {
            return Some(Self::OwnResult);
        }
        if is_bzip2(head) {
            return Some(Self::Packed);
        }
        if is_trace(head) {
            let packets = PACKETS
                .iter()
                .any(|id| memchr::memmem::find(head, *id).is_some());
            return Some(match packets {
                true => Self::PacketTrace,
                false => Self::EventTrace,
            });
        }
        is_disk(head).then_some(Self::DiskImage)
    }

    /// The stable name in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::OtherCapture => "other-capture",
            Self::PacketTrace => "packet-trace",
            Self::EventTrace => "event-trace",
            Self::OldEventLog => "old-event-log",
            Self::Packed => "packed",
            Self::DiskImage => "disk-image",
            Self::Suricata => "suricata",
            Self::OtherZeek => "zeek-other",
            Self::OwnResult => "own-result",
        }
    }

    /// What it is.
    pub fn why(self) -> &'static str {
        match self {
            Self::OtherCapture => {
                "a capture of another program (Network Monitor, snoop, Sniffer, iptrace and the like), which is not read"
            }
            Self::PacketTrace => {
                "an event trace with packets, of pktmon or netsh trace, which is not read"
            }
            Self::EventTrace => {
                "an event trace (ETL), which is not read; in what was looked at of it there are no packets"
            }
            Self::OldEventLog => "an event log of Windows XP or Server 2003, which is not read",
            Self::Packed => "packed in a way that is not unpacked (7z, rar, cab, bzip2, lz4)",
            Self::DiskImage => "a disk image, which is not opened",
            Self::Suricata => "records of Suricata, which are not read",
            Self::OtherZeek => "a log of Zeek, of which only conn.log is read",
            Self::OwnResult => "a result of casewire, which is no evidence",
        }
    }

    /// What to give instead.
    pub fn instead(self) -> &'static str {
        match self {
            Self::OtherCapture => {
                "its packets were not looked at; convert it (editcap -F pcapng IN OUT) and give what comes out"
            }
            Self::PacketTrace => {
                "its packets were not looked at; convert it (pktmon etl2pcap IN, or etl2pcapng IN OUT) and give what \
                 comes out"
            }
            Self::EventTrace => {
                "nothing in it was used; if it is a trace of packets, convert it (pktmon etl2pcap IN, or etl2pcapng IN \
                 OUT) and give what comes out"
            }
            Self::OldEventLog => {
                "nothing in it was used; the analytics are about events that Windows writes from Vista on"
            }
            Self::Packed => "what it holds was not looked at; unpack it and give the folder",
            Self::DiskImage => {
                "what it holds was not looked at; mount it read-only and give its event logs \
                 (Windows\\System32\\winevt\\Logs)"
            }
            Self::Suricata => "nothing in it was used; give the capture, or Zeek's conn.log of it",
            Self::OtherZeek => "nothing in it was used",
            Self::OwnResult => {
                "nothing in it was used; 'casewire report' and 'casewire verify' take the case folder it belongs to"
            }
        }
    }

    /// A loss where it holds packets, event records or files that nobody looked at; a note where that is not
    /// known, or where something else tells the same.
    pub fn weight(self) -> Weight {
        match self {
            Self::OtherCapture
            | Self::PacketTrace
            | Self::OldEventLog
            | Self::Packed
            | Self::DiskImage => Weight::Loss,
            Self::EventTrace | Self::Suricata | Self::OtherZeek | Self::OwnResult => Weight::Note,
        }
    }

    /// True for packets.
    pub fn is_capture(self) -> bool {
        matches!(self, Self::OtherCapture | Self::PacketTrace)
    }
}

fn number(head: &[u8], at: usize) -> Option<u32> {
    let bytes = head.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

/// The first member of what casewire writes names its form; a line of a timeline has three that nobody else
/// has in that order.
fn is_own(head: &[u8]) -> bool {
    const LINE: [&str; 3] = ["{\"time\":", "\"recorded_time\":", "\"offset_applied_ns\":"];
    let start = String::from_utf8_lossy(&head[..head.len().min(256)]);
    let tight: String = start.split_whitespace().collect();
    let mut line = LINE.iter().map(|name| tight.find(name));
    tight.starts_with("{\"schema\":\"casewire-")
        || tight.starts_with(LINE[0])
            && line
                .try_fold(0, |before, at| at.filter(|at| *at >= before))
                .is_some()
}

/// The size of a block, then the first block or the end of an empty stream.
fn is_bzip2(head: &[u8]) -> bool {
    head.starts_with(b"BZh")
        && head.get(3).is_some_and(|size| (b'1'..=b'9').contains(size))
        && matches!(
            head.get(4..10),
            Some(b"\x31\x41\x59\x26\x53\x59" | b"\x17\x72\x45\x38\x50\x90")
        )
}

/// The first event of a trace tells of the trace itself: a header of the system's own kind behind that of the
/// buffer, then the size of the buffer once more (Chappell, "TRACE_LOGFILE_HEADER", "SYSTEM_TRACE_HEADER").
fn is_trace(head: &[u8]) -> bool {
    const EVENT: usize = 0x48;
    let marked = matches!(head.get(EVENT..EVENT + 4), Some([1 | 2, 0, 1 | 2, 0xC0]));
    let size = number(head, 0);
    marked
        && head.get(EVENT + 6..EVENT + 8) == Some(&[0, 0])
        && size.is_some_and(|size| size > 0)
        && size == number(head, EVENT + 0x20)
}

/// A disk or a volume as it lies there: a boot sector of NTFS, FAT or exFAT, or a table of partitions.
fn is_disk(head: &[u8]) -> bool {
    let has = |at: usize, bytes: &[u8]| head.get(at..at + bytes.len()) == Some(bytes);
    let entries = (446..510).step_by(16);
    let table = || {
        let plausible = |at: usize| matches!(head.get(at), Some(0 | 0x80));
        let used = |at: usize| head.get(at + 4).is_some_and(|kind| *kind != 0);
        entries.clone().all(plausible) && entries.clone().any(used)
    };
    has(510, b"\x55\xAA")
        && (has(3, b"NTFS    ")
            || has(3, b"EXFAT   ")
            || has(3, b"-FVE-FS-")
            || has(54, b"FAT")
            || has(82, b"FAT32")
            || has(512, b"EFI PART")
            || table())
}

fn of_text(head: &[u8]) -> Option<Unread> {
    let text = decoded(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("#separator") || text.starts_with("#fields\t") {
        return Some(Unread::OtherZeek);
    }
    let first = text.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    if !first.starts_with('{') {
        return None;
    }
    let objects = serde_json::Deserializer::from_str(first).into_iter::<Map<String, Value>>();
    // What counts packets comes before the first flow.
    objects
        .take(MOST_OBJECTS)
        .map_while(Result::ok)
        .find_map(|object| of_object(&object))
}

fn of_object(object: &Map<String, Value>) -> Option<Unread> {
    let has = |name: &str| object.contains_key(name);
    let of_flow = has("flow_id") || has("src_ip") || has("stats");
    if has("event_type") && has("timestamp") && of_flow {
        Some(Unread::Suricata)
    } else if has("ts") && has("uid") && has("id.orig_h") {
        Some(Unread::OtherZeek)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace as `pktmon` begins it: the header of a buffer, then the event that tells of the trace.
    fn trace(provider: Option<&[u8; 16]>) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[..4].copy_from_slice(&0x1_0000_u32.to_le_bytes());
        bytes[0x48..0x4C].copy_from_slice(&[2, 0, 2, 0xC0]);
        bytes[0x4C..0x4E].copy_from_slice(&0x150_u16.to_le_bytes());
        bytes[0x68..0x6C].copy_from_slice(&0x1_0000_u32.to_le_bytes());
        bytes.extend_from_slice(provider.map_or(&[][..], |id| id));
        bytes
    }

    fn sector(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut sector = vec![0; 1024];
        sector[510..512].copy_from_slice(&[0x55, 0xAA]);
        sector[at..at + bytes.len()].copy_from_slice(bytes);
        sector
    }

    #[test]
    fn each_is_known_by_its_first_bytes() {
        let suricata =
            br#"{"timestamp":"2024-01-01T00:00:00.0+0000","flow_id":1,"event_type":"dns"}"#;
        let zeek = br#"{"ts":1.5,"uid":"C1","id.orig_h":"10.0.0.1","query":"a"}"#;
        let mut partition = sector(446, &[0x80, 1, 1, 0, 7]);
        partition[0] = 0xFA;
        let cases: [(&[u8], Unread); 16] = [
            (b"GMBU\0\x02rest", Unread::OtherCapture),
            (b"snoop\0\0\0\0\0\0\x02", Unread::OtherCapture),
            (b"\x30\0\0\0LfLe\x01", Unread::OldEventLog),
            (b"7z\xBC\xAF\x27\x1C\0", Unread::Packed),
            (b"BZh91AY&SYrest", Unread::Packed),
            (b"EVF\x09\x0D\x0A\xFF\0", Unread::DiskImage),
            (&sector(3, b"NTFS    "), Unread::DiskImage),
            (&sector(512, b"EFI PART"), Unread::DiskImage),
            (&partition, Unread::DiskImage),
            (&trace(None), Unread::EventTrace),
            (&trace(Some(PACKETS[1])), Unread::PacketTrace),
            (suricata, Unread::Suricata),
            (zeek, Unread::OtherZeek),
            (b"#separator \\x09\n#path\tdns\n", Unread::OtherZeek),
            (b"{\n \"schema\": \"casewire-run\",\n", Unread::OwnResult),
            (
                br#"{"time":"2026-03-14T02:00:00Z","recorded_time":"x","offset_applied_ns":0,"#,
                Unread::OwnResult,
            ),
        ];
        for (bytes, unread) in cases {
            assert_eq!(Unread::of(bytes), Some(unread), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_only_resembles_one_is_none() {
        let mut other_size = trace(None);
        other_size[0x69] = 9;
        let mut another_event = trace(None);
        another_event[0x4E] = 7;
        for bytes in [
            &b""[..],
            b"BZh9 is a name",
            b"{\"timestamp\":1,\"event_type\":\"x\"}",
            b"{\"ts\":1,\"uid\":2}",
            b"{\"schema\":\"case\"}",
            b"{\"time\":\"x\",\"offset_applied_ns\":0,\"recorded_time\":1}",
            b"# a comment",
            &sector(100, b"NTFS"),
            &other_size,
            &another_event,
            &trace(None)[..0x60],
        ] {
            assert_eq!(Unread::of(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
