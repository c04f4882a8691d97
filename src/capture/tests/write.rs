//! Small writers of frames and captures, for the tests of the readers.

use crate::capture::packet::Packet;
use crate::capture::{CaptureReader, CaptureSummary};
use crate::evidence::{ProblemKind, Problems, Weight};
use crate::model::EvidenceId;

/// Reads a whole capture.
pub fn read(bytes: &[u8]) -> (Vec<Packet>, CaptureSummary, Problems) {
    let mut reader = CaptureReader::new(bytes, EvidenceId(1));
    let (mut packets, mut problems) = (Vec::new(), Problems::default());
    while reader.fill(&mut packets, &mut problems) {}
    assert!(
        reader.held() <= 20 * 1024 * 1024,
        "{} bytes held",
        reader.held()
    );
    let summary = reader.summary().clone();
    assert_eq!(
        summary.read + summary.skipped,
        summary.present,
        "units do not add up"
    );
    assert_eq!(summary.bytes, bytes.len() as u64, "bytes are left");
    assert!(
        packets
            .windows(2)
            .all(|pair| pair[0].number < pair[1].number && pair[0].offset < pair[1].offset)
    );
    (packets, summary, problems)
}

/// Kind, weight and count of each problem.
pub fn told(problems: &Problems) -> Vec<(ProblemKind, Weight, u64)> {
    problems
        .iter()
        .map(|problem| (problem.kind, problem.weight, problem.count))
        .collect()
}

/// An IPv4 header before `body`.
pub fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = (20 + body.len()) as u16;
    let mut bytes = vec![
        0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// An IPv6 header before `body`.
pub fn ipv6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0xAB, 0xCD];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend([next, 63]);
    for last in [1, 2] {
        bytes.extend([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    bytes.extend_from_slice(body);
    bytes
}

/// A TCP segment from port 40000 to 443 with sequence number `seq`.
pub fn tcp(flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9C, 0x40, 0x01, 0xBB];
    bytes.extend(seq.to_be_bytes());
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// A UDP datagram from port 40000 to `port`.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9C, 0x40];
    bytes.extend(port.to_be_bytes());
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// An Ethernet frame.
pub fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    bytes.extend(kind.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The n-th frame of a made-up conversation; its sequence number is n.
pub fn nth_frame(n: u32) -> Vec<u8> {
    let size = (n.wrapping_mul(2_654_435_761) >> 22) as usize % 700;
    let payload: Vec<u8> = (0..size as u32)
        .map(|i| (i.wrapping_add(n).wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    ethernet(0x0800, &ipv4(6, &tcp(0x18, n, &payload)))
}

/// Second of the first made-up packet.
pub const START: u32 = 1_700_000_000;

/// How a classic capture is written.
#[derive(Clone, Copy, Debug)]
pub struct PcapWriter {
    pub big: bool,
    pub nanos: bool,
    pub modified: bool,
    pub link: u32,
}

impl PcapWriter {
    pub const PLAIN: Self = Self {
        big: false,
        nanos: false,
        modified: false,
        link: 1,
    };

    fn word(self, value: u32) -> [u8; 4] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn header(self) -> Vec<u8> {
        let magic = match (self.nanos, self.modified) {
            (true, _) => 0xA1B2_3C4D,
            (_, true) => 0xA1B2_CD34,
            _ => 0xA1B2_C3D4,
        };
        let mut bytes = self.word(magic).to_vec();
        bytes.extend(if self.big { [0, 2, 0, 4] } else { [2, 0, 4, 0] });
        for value in [0, 0, 65_535, self.link] {
            bytes.extend(self.word(value));
        }
        bytes
    }

    pub fn record(self, seconds: u32, fraction: u32, original: u32, frame: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in [seconds, fraction, frame.len() as u32, original] {
            bytes.extend(self.word(value));
        }
        if self.modified {
            bytes.extend([0, 0, 0, 1, 8, 0, 4, 0]);
        }
        bytes.extend_from_slice(frame);
        bytes
    }

    /// `count` made-up packets, and where each record starts.
    pub fn many(self, count: u32) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = self.header();
        let mut starts = Vec::new();
        for n in 0..count {
            starts.push(bytes.len());
            let frame = nth_frame(n);
            bytes.extend(self.record(START + n / 10, n % 10 * 100_000, frame.len() as u32, &frame));
        }
        (bytes, starts)
    }
}

/// Writes pcapng blocks in one byte order.
#[derive(Clone, Copy, Debug)]
pub struct NgWriter {
    pub big: bool,
}

impl NgWriter {
    pub fn word(self, value: u32) -> [u8; 4] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn half(self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn wide(self, value: u64) -> [u8; 8] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().div_ceil(4) * 4;
        let length = self.word(padded as u32 + 12);
        let mut bytes = self.word(kind).to_vec();
        bytes.extend(length);
        bytes.extend_from_slice(body);
        bytes.resize(8 + padded, 0);
        bytes.extend(length);
        bytes
    }

    pub fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = self.half(code).to_vec();
        bytes.extend(self.half(value.len() as u16));
        bytes.extend_from_slice(value);
        bytes.resize(4 + value.len().div_ceil(4) * 4, 0);
        bytes
    }

    pub fn section(self) -> Vec<u8> {
        let body = [
            &self.word(0x1A2B_3C4D)[..],
            &self.half(1),
            &self.half(0),
            &[0xFF; 8],
        ]
        .concat();
        self.block(0x0A0D_0D0A, &body)
    }

    pub fn interface(self, link: u16, snap: u32, options: &[u8]) -> Vec<u8> {
        self.block(
            1,
            &[&self.half(link)[..], &[0, 0], &self.word(snap), options].concat(),
        )
    }

    pub fn packet(self, interface: u32, units: u64, frame: &[u8], options: &[u8]) -> Vec<u8> {
        let length = self.word(frame.len() as u32);
        let mut body = self.word(interface).to_vec();
        body.extend(self.word((units >> 32) as u32));
        body.extend(self.word(units as u32));
        body.extend(length);
        body.extend(length);
        body.extend_from_slice(frame);
        body.resize(20 + frame.len().div_ceil(4) * 4, 0);
        body.extend_from_slice(options);
        self.block(6, &body)
    }

    /// `count` made-up packets, and where each block starts.
    pub fn many(self, count: u32) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = [self.section(), self.interface(1, 0, &[])].concat();
        let mut starts = Vec::new();
        for n in 0..count {
            starts.push(bytes.len());
            let units = u64::from(START) * 1_000_000 + u64::from(n) * 1_000;
            bytes.extend(self.packet(0, units, &nth_frame(n), &[]));
        }
        (bytes, starts)
    }
}
