//! One packet, reduced to what the analytics need.

use crate::model::neighbour::ToldBy;
use crate::model::payload::{PeerName, Shape};
use crate::model::resolution::Resolution;
use crate::model::{Endpoint, Text, Timestamp, Transport, wake::WakeSignal};
use std::net::{IpAddr, Ipv4Addr};

/// TCP flag bits as on the wire (RFC 9293 3.1).
pub mod flags {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// ACK.
    pub const ACK: u8 = 0x10;
    /// Of a datagram: by its form it answers a question.
    pub const ANSWERS: u8 = 0x01;
}

/// A decoded packet: fixed size, owns nothing on the common path.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Capture time.
    pub time: Timestamp,
    /// Number in its file, from 1, as `frame.number` counts.
    pub number: u64,
    /// Byte offset of its record header in the decompressed file.
    pub offset: u64,
    /// Source; port 0 where the protocol has none.
    ///
    /// ICMP messages that belong to an attempt have, in place of ports, the identifier at the side
    /// that asks and the type of the question at the side that answers, as address translation
    /// does (RFC 5508); messages of other types have their type at both sides.
    pub source: Endpoint,
    /// Destination.
    pub destination: Endpoint,
    /// IP protocol of the innermost header read.
    pub transport: Transport,
    /// TCP flags; the type for ICMP; `flags::ANSWERS` or 0 for UDP; 0 for others.
    pub flags: u8,
    /// IP TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification; low half of the IPv6 flow label.
    pub ip_id: u16,
    /// Interface in its section.
    pub interface: u16,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
    /// TCP sequence number; that of an ICMP echo.
    pub seq: u32,
    /// TCP acknowledgement number.
    pub ack: u32,
    /// Payload bytes by the IP length (by the captured length where the IP length is 0).
    pub payload: u32,
    /// Checksum of a UDP datagram as captured; 0 for other packets, and where it was cut off.
    pub checksum: u16,
    /// Process id from a `PID=` comment; 0 for none.
    pub pid: u32,
    /// A second or later fragment never gets here; true for a first fragment.
    pub first_fragment: bool,
    /// Headers were cut by the snap length after the ports (options, payload not seen).
    pub cut: bool,
    /// It was inside another packet, which is not handed out.
    pub inside: bool,
    /// What the payload looks like from its first bytes.
    pub shape: Shape,
    /// What only few packets have.
    pub extra: Option<Box<Extra>>,
}

/// What only few packets have.
#[derive(Clone, Debug, PartialEq)]
pub enum Extra {
    /// An ICMP or ICMPv6 error with the header of the packet it refuses.
    Refusal(EmbeddedHeader),
    /// A magic packet. `copies` is 1 and `copy_packets` empty here.
    Wake(WakeSignal),
    /// ARP or neighbour discovery: the claim it makes, and what it asks or answers.
    Segment(Option<Announcement>, Option<SegmentTalk>),
    /// A name server's answer.
    Resolution(Resolution),
    /// The payload names whom its sender wants to reach.
    Named(PeerName),
    /// Who has which address, as a name service says; never empty.
    Announcements(Vec<Announcement>),
    /// A DHCP message that tells an address or a name.
    Lease(LeaseMessage),
    /// The SYN has the Fast Open option (34, or 254 with magic 0xF989).
    FastOpen,
}

/// What a host says on its own segment (RFC 826, RFC 4861).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentTalk {
    /// The speaker's hardware address, where the message has one.
    pub mac: Option<[u8; 6]>,
    /// The speaker's IP address: the asker's, or the one answered for.
    pub address: IpAddr,
    /// Which protocol.
    pub told_by: ToldBy,
    /// What is said beside the pair.
    pub speech: Speech,
}

/// Whether a segment message asks or answers. All of them announce the speaker's pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Neither.
    Announces,
    /// Asks who has this address.
    Asks(IpAddr),
    /// Answers this asker.
    Answers(IpAddr),
}

/// One claim about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The hardware address that has it, where the packet proves one.
    pub mac: Option<[u8; 6]>,
    /// The IP address.
    pub address: IpAddr,
    /// The name that has it.
    pub name: Option<Text>,
    /// What said so.
    pub told_by: ToldBy,
    /// True if it answers a question: somebody else chose the moment.
    pub answer: bool,
    /// True if it asks for somebody else.
    pub asks: bool,
}

/// What a DHCP message tells (RFC 2131, RFC 2132).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseMessage {
    /// The server grants it; otherwise a client speaks.
    pub granted: bool,
    /// Transaction id, the same in a request and its acknowledgement.
    pub exchange: u32,
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// Granted address, or the address a client says it has already. An address that is only asked
    /// for is not here.
    pub address: Option<Ipv4Addr>,
    /// The client's name: option 81 (RFC 4702) where it is fully qualified, else option 12.
    pub name: Option<Text>,
    /// Option 51 of a grant, in seconds.
    pub lease: Option<u32>,
}

/// The start of the packet that an ICMP error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedHeader {
    /// ICMP type of the error.
    pub kind: u8,
    /// ICMP code of the error.
    pub code: u8,
    /// Who sent the error.
    pub from: IpAddr,
    /// Source of the refused packet; port 0, here and there, if it is not embedded.
    pub source: Endpoint,
    /// Destination of the refused packet.
    pub destination: Endpoint,
    /// Protocol of the refused packet.
    pub transport: Transport,
    /// Its TCP sequence number, where embedded.
    pub seq: Option<u32>,
    /// Its IPv4 identification; 0 for IPv6.
    pub id: u16,
}

/// One record of a capture as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPacket {
    /// Number in its file, from 1.
    pub number: u64,
    /// Byte offset of its record header in the decompressed file.
    pub offset: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Interface in its section.
    pub interface: u16,
    /// Link type (LINKTYPE_ registry).
    pub link: u32,
    /// True if the packet was longer than what was captured of it.
    pub cut: bool,
    /// What was captured, from the link-layer header on.
    pub bytes: Vec<u8>,
}
