//! DHCP for IPv4 (RFC 2131, options of RFC 2132 and RFC 4702): who was given which address, and
//! under which name it asked.
//!
//! Options in the `sname` and `file` fields and split options (RFC 3396) are not read.

use super::{dns, is_own, mac_at, of_one_host, text_of, v4_at};
use crate::capture::packet::LeaseMessage;
use crate::model::Text;
use std::net::IpAddr;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const REQUEST: u8 = 3;
const ACKNOWLEDGED: u8 = 5;
const INFORM: u8 = 8;

/// What the message tells; `None` for messages that decide nothing (discover, offer, decline,
/// refusal, release).
pub(super) fn read(message: &[u8]) -> Option<LeaseMessage> {
    let fixed = message.first_chunk::<240>()?;
    // Ethernet addresses only.
    if fixed[1..3] != [1, 6] || fixed[236..240] != COOKIE {
        return None;
    }
    let mac = mac_at(fixed, 28).filter(|mac| of_one_host(*mac))?;
    let options = Options::read(&message[240..]);
    let (granted, address) = match (fixed[0], options.kind?) {
        (1, REQUEST | INFORM) => (false, v4_at(fixed, 12)?),
        (2, ACKNOWLEDGED) => (true, v4_at(fixed, 16)?),
        _ => return None,
    };
    let exchange = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let message = LeaseMessage {
        granted,
        exchange,
        mac,
        address: Some(address).filter(|a| is_own(IpAddr::V4(*a))),
        name: options.name(),
        lease: options.lease.filter(|_| granted),
    };
    (message.address.is_some() || message.name.is_some()).then_some(message)
}

#[derive(Default)]
struct Options {
    kind: Option<u8>,
    host_name: Option<Text>,
    full_name: Option<Text>,
    lease: Option<u32>,
}

impl Options {
    fn read(mut rest: &[u8]) -> Self {
        let mut options = Self::default();
        loop {
            let (code, value) = match *rest {
                [0, ref more @ ..] => {
                    rest = more;
                    continue;
                }
                [code, length, ref more @ ..]
                    if code != 255 && more.len() >= usize::from(length) =>
                {
                    let (value, more) = more.split_at(usize::from(length));
                    rest = more;
                    (code, value)
                }
                _ => return options,
            };
            match (code, value) {
                (53, [kind]) => options.kind = Some(*kind),
                (12, name) => options.host_name = text_of(name),
                (51, &[a, b, c, d]) => options.lease = Some(u32::from_be_bytes([a, b, c, d])),
                // Flags and two result codes; the E bit says that the name is in DNS form.
                (81, [flags, _, _, name @ ..]) => {
                    options.full_name = if flags & 4 != 0 {
                        dns::bare_name(name)
                    } else {
                        text_of(name)
                    };
                }
                _ => {}
            }
        }
    }

    fn name(&self) -> Option<Text> {
        let full = self.full_name.clone();
        full.clone()
            .filter(|name| name.contains('.'))
            .or_else(|| self.host_name.clone())
            .or(full)
    }
}
