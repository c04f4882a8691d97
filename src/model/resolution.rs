//! Answers to name queries, as captured.

use super::{Endpoint, Text};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Addresses kept of one answer.
pub const MOST_ADDRESSES: usize = 16;
/// Aliases kept of one answer.
pub const MOST_ALIASES: usize = 8;

/// One DNS answer over UDP port 53 (RFC 1035 4.1). Multicast DNS and DNS over TCP or TLS are not
/// read. Names are in lower case, without the final dot; bytes that are not printable ASCII, and
/// dots inside a label, stand as `\DDD` (RFC 1035 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Who is answered.
    pub client: Endpoint,
    /// Who answers.
    pub server: Endpoint,
    /// The name that was asked for.
    pub name: Text,
    /// The record type that was asked for: 1 A, 28 AAAA, 5 CNAME, 15 MX, 16 TXT …
    pub record_type: u16,
    /// The response code: 0 no error, 2 server failure, 3 no such name (RFC 1035 4.1.1).
    pub code: u8,
    /// The addresses answered (A and AAAA records), in the order of the message.
    pub addresses: Vec<IpAddr>,
    /// The aliases on the way (CNAME targets), in the order of the message.
    pub aliases: Vec<Text>,
    /// Answer records that the message announces and that are not kept here: of other types, past
    /// the bounds, or cut off.
    pub others: u16,
    /// The server says that the message was cut (TC), or the capture cut it.
    pub cut: bool,
}

impl Resolution {
    /// The response code for "no such name" (NXDOMAIN).
    pub const NO_SUCH_NAME: u8 = 3;
}
