//! What the payload of a flow looks like from outside: its shape, its first sizes and the name it
//! asks for. Payload itself is never kept.

use super::{Provenance, Text, Timestamp};
use serde::{Deserialize, Serialize};

/// How many first payload sizes are kept for each side.
pub const FIRST_SIZES: usize = 4;
/// Longest name kept, in bytes: the longest a DNS name can be in text (RFC 1035 2.3.4).
pub const LONGEST_NAME: usize = 253;

/// What the first payload bytes of one side are, by their own form and never by the port.
///
/// Only forms with a signature of several bytes are named; everything else is `Text` or `Binary`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Shape {
    /// No payload was seen, or not its begin.
    #[default]
    None,
    /// A TLS record: handshake, alert, change or application data (RFC 8446 5.1, RFC 5246 6.2.1).
    Tls,
    /// An HTTP/1 request or answer, or the HTTP/2 preface (RFC 9112, RFC 9113 3.4).
    Http,
    /// A DNS message, with a length before it on TCP (RFC 1035 4.1.1).
    Dns,
    /// An SSH identification string (RFC 4253 4.2).
    Ssh,
    /// SMB 1, 2 or 3 behind a NetBIOS session header (MS-SMB2 2.1).
    Smb,
    /// A TPKT with an X.224 connection request or confirm, as RDP begins (MS-RDPBCGR 2.2.1.1).
    Rdp,
    /// A Kerberos message, with a length before it on TCP (RFC 4120 5.4, 7.2.2).
    Kerberos,
    /// A DCE/RPC connection-oriented PDU (C706 12.6.3).
    Rpc,
    /// An LDAP message (RFC 4511 4.1.1).
    Ldap,
    /// A QUIC long header of version 1 or 2 (RFC 8999 5.1, RFC 9369 3.1).
    Quic,
    /// Sixteen bytes, or all there are, printable ASCII with tabs and line ends.
    Text,
    /// Anything else.
    Binary,
}

impl Shape {
    /// The word for reports: `tls`, `http` …
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::Ssh => "ssh",
            Self::Smb => "smb",
            Self::Rdp => "rdp",
            Self::Kerberos => "kerberos",
            Self::Rpc => "rpc",
            Self::Ldap => "ldap",
            Self::Quic => "quic",
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

/// Where a name was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NameSource {
    /// `server_name` of a TLS ClientHello (RFC 6066 3).
    TlsServerName,
    /// `Host` of an HTTP/1 request (RFC 9110 7.2).
    HttpHost,
    /// The target of an HTTP CONNECT (RFC 9110 9.3.6): behind a proxy, the real destination.
    HttpConnect,
}

/// The name an initiator asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerName {
    /// The name in lower case, without a port, at most [`LONGEST_NAME`] bytes. The initiator wrote
    /// it: bytes that are not printable ASCII stand as `\DDD` (RFC 1035 5.1).
    pub text: Text,
    /// Where it was read.
    pub from: NameSource,
    /// The port named with it, where one was.
    pub port: Option<u16>,
}

/// What was seen of the payload of one attempt. Index 0 is the initiator, 1 the responder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The shape of the first payload of each side.
    pub shapes: [Shape; 2],
    /// Payload bytes of the first packets with payload of each side, in order of capture, copies
    /// sent again left out; 0 where there were fewer, and behind a hole. Sizes above 65,535 stand as 65,535.
    pub first_sizes: [[u16; FIRST_SIZES]; 2],
    /// The name the initiator asked for.
    pub name: Option<PeerName>,
    /// When the responder last answered: sent payload after the initiator's, or soon after its last answer;
    /// `None` if it sent none. Not what was sent again, and what it sent on its own after ten seconds only
    /// if the initiator went on, or acknowledged it and more came after another ten.
    pub answered: Option<Timestamp>,
    /// The packet that reset the connection. It stands here, and not with the other packets of an attempt,
    /// because a reset tells something only of a connection that carried payload, and most attempts do not.
    pub reset: Option<Provenance>,
}
