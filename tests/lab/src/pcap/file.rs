//! pcapng (IETF draft-ietf-opsawg-pcapng) and classic pcap files.

use crate::moment::Moment;

/// File format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// pcapng, nanosecond resolution.
    #[default]
    PcapNg,
    /// pcapng, microsecond resolution (the format's default, no option written).
    PcapNgMicro,
    /// Classic pcap, microseconds.
    Micro,
    /// Classic pcap, nanoseconds.
    Nano,
}

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Capture time.
    pub time: Moment,
    /// The whole frame; the file cuts it at its snap length.
    pub bytes: Vec<u8>,
    /// Comment (pcapng only), such as `PID=1234`.
    pub comment: Option<String>,
}

/// A capture file with one Ethernet interface.
#[derive(Clone, Debug)]
pub struct Capture {
    /// File format.
    pub format: Format,
    /// Bytes kept of a frame.
    pub snap_length: u32,
    /// Interface name (pcapng only).
    pub interface: String,
    /// Packets the interface reports as dropped (pcapng only).
    pub dropped: u64,
    /// Frames in file order.
    pub packets: Vec<Packet>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            format: Format::PcapNg,
            snap_length: 262_144,
            interface: "span0".into(),
            dropped: 0,
            packets: Vec::new(),
        }
    }
}

const LINKTYPE_ETHERNET: u16 = 1;

impl Capture {
    /// Adds a frame and returns its number, from 1.
    pub fn push(&mut self, time: Moment, bytes: Vec<u8>) -> usize {
        self.packets.push(Packet {
            time,
            bytes,
            comment: None,
        });
        self.packets.len()
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self.format {
            Format::PcapNg => self.pcapng(1_000_000_000),
            Format::PcapNgMicro => self.pcapng(1_000_000),
            Format::Micro => self.classic(0xa1b2_c3d4, 1000),
            Format::Nano => self.classic(0xa1b2_3c4d, 1),
        }
    }

    fn kept<'a>(&self, packet: &'a Packet) -> &'a [u8] {
        let keep = usize::try_from(self.snap_length).unwrap_or(usize::MAX);
        &packet.bytes[..packet.bytes.len().min(keep)]
    }

    fn classic(&self, magic: u32, unit: u32) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(magic.to_le_bytes());
        file.extend(2_u16.to_le_bytes());
        file.extend(4_u16.to_le_bytes());
        file.extend([0; 8]);
        file.extend(self.snap_length.to_le_bytes());
        file.extend(u32::from(LINKTYPE_ETHERNET).to_le_bytes());
        for packet in &self.packets {
            let kept = self.kept(packet);
            let seconds = u32::try_from(packet.time.seconds()).unwrap_or(0);
            file.extend(seconds.to_le_bytes());
            file.extend((packet.time.nanos() / unit).to_le_bytes());
            file.extend(length(kept.len()).to_le_bytes());
            file.extend(length(packet.bytes.len()).to_le_bytes());
            file.extend(kept);
        }
        file
    }

    fn pcapng(&self, per_second: i64) -> Vec<u8> {
        let mut file = Vec::new();
        let mut section = Vec::new();
        section.extend(0x1a2b_3c4d_u32.to_le_bytes());
        section.extend(1_u16.to_le_bytes());
        section.extend(0_u16.to_le_bytes());
        section.extend((-1_i64).to_le_bytes());
        option(&mut section, 4, b"casewire-lab");
        end_options(&mut section);
        block(&mut file, 0x0a0d_0d0a, &section);

        let mut interface = Vec::new();
        interface.extend(LINKTYPE_ETHERNET.to_le_bytes());
        interface.extend(0_u16.to_le_bytes());
        interface.extend(self.snap_length.to_le_bytes());
        option(&mut interface, 2, self.interface.as_bytes());
        if self.format == Format::PcapNg {
            option(&mut interface, 9, &[9]);
        }
        end_options(&mut interface);
        block(&mut file, 1, &interface);

        let ticks = |time: Moment| (time.0 / (1_000_000_000 / per_second)).cast_unsigned();
        for packet in &self.packets {
            let kept = self.kept(packet);
            let mut body = Vec::with_capacity(kept.len() + 40);
            body.extend(0_u32.to_le_bytes());
            timestamp(&mut body, ticks(packet.time));
            body.extend(length(kept.len()).to_le_bytes());
            body.extend(length(packet.bytes.len()).to_le_bytes());
            body.extend(kept);
            body.resize(body.len().next_multiple_of(4), 0);
            if let Some(comment) = &packet.comment {
                option(&mut body, 1, comment.as_bytes());
                end_options(&mut body);
            }
            block(&mut file, 6, &body);
        }

        let mut statistics = Vec::new();
        statistics.extend(0_u32.to_le_bytes());
        timestamp(
            &mut statistics,
            ticks(self.packets.last().map_or(Moment(0), |p| p.time)),
        );
        option(
            &mut statistics,
            4,
            &(self.packets.len() as u64 + self.dropped).to_le_bytes(),
        );
        option(&mut statistics, 5, &self.dropped.to_le_bytes());
        end_options(&mut statistics);
        block(&mut file, 5, &statistics);
        file
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// High half first, whatever the byte order.
fn timestamp(body: &mut Vec<u8>, ticks: u64) {
    body.extend(((ticks >> 32) as u32).to_le_bytes());
    body.extend(((ticks & 0xffff_ffff) as u32).to_le_bytes());
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let kept = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(kept.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.extend(kept);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn end_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let total = length(body.len() + 12);
    file.extend(kind.to_le_bytes());
    file.extend(total.to_le_bytes());
    file.extend(body);
    file.extend(total.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_says_its_length_twice_and_is_aligned() {
        let mut capture = Capture::default();
        capture.push(Moment(1_500_000_000_000_000_001), vec![0; 61]);
        capture.packets[0].comment = Some("PID=7".into());
        let file = capture.bytes();
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
            let total = word(at + 4) as usize;
            assert_eq!(total % 4, 0);
            assert_eq!(word(at + total - 4) as usize, total);
            kinds.push(word(at));
            at += total;
        }
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6, 5]);
    }

    #[test]
    fn a_snap_length_cuts_the_frame_and_keeps_its_true_length() {
        let mut capture = Capture {
            format: Format::Micro,
            snap_length: 96,
            ..Capture::default()
        };
        capture.push(Moment(2_000_003_000), vec![7; 1500]);
        let file = capture.bytes();
        assert_eq!(file.len(), 24 + 16 + 96);
        assert_eq!(file[24..32], [2, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(file[36..40], 1500_u32.to_le_bytes());
    }
}
