//! DNS messages (RFC 1035 4): what an answer says, and whether bytes are a message at all.
//!
//! Multicast DNS, and DNS over TCP, TLS or HTTPS, are not read. Pointers in names are followed
//! backwards only and a bounded number of times, so a hostile message costs no more than an honest
//! one.

use crate::model::payload::LONGEST_NAME;
use crate::model::resolution::{MOST_ADDRESSES, MOST_ALIASES, Resolution};
use crate::model::{Endpoint, Text};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The port of a name server.
pub(super) const PORT: u16 = 53;
const HEADER: usize = 12;
/// Records looked at in one message.
const MOST_RECORDS: u16 = 64;
/// Labels and pointers followed in one name: 127 labels fit the longest name.
const MOST_STEPS: usize = 192;

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// True if `message` is a DNS message with one question that can be read: reserved bits zero, an
/// operation in use, a name, the Internet class or any.
pub(super) fn is_message(message: &[u8]) -> bool {
    let Some(head) = message.first_chunk::<HEADER>() else {
        return false;
    };
    let operation = head[2] >> 3 & 0x0F;
    let counts = [4, 6, 8, 10].map(|at| u16::from_be_bytes([head[at], head[at + 1]]));
    let answer = head[2] & 0x80 != 0;
    if head[3] & 0x40 != 0
        || !matches!(operation, 0 | 4 | 5)
        || counts[0] != 1
        || !answer && operation == 0 && (counts[1] > 0 || counts[2] > 0)
        || counts.iter().any(|count| *count > 512)
    {
        return false;
    }
    let mut at = HEADER;
    let read = name(message, &mut at);
    let class = be16(message, at + 2).map(|class| class & 0x7FFF);
    read.is_some() && matches!(class, Some(1 | 255))
}

/// What `message` answers, sent by `server` to `client`; `None` if it is no answer to one question.
/// `cut` says that the capture holds only a part of it.
pub(super) fn answer(
    message: &[u8],
    server: Endpoint,
    client: Endpoint,
    cut: bool,
) -> Option<Resolution> {
    if !is_message(message) || message[2] & 0x80 == 0 || message[2] >> 3 & 0x0F != 0 {
        return None;
    }
    let announced = be16(message, 6)?;
    let mut at = HEADER;
    let mut told = Resolution {
        client,
        server,
        name: name(message, &mut at)?,
        record_type: be16(message, at)?,
        code: message[3] & 0x0F,
        addresses: Vec::new(),
        aliases: Vec::new(),
        others: 0,
        cut: cut || message[2] & 0x02 != 0,
    };
    at += 4;
    let mut kept = 0;
    for _ in 0..announced.min(MOST_RECORDS) {
        match record(message, &mut at, &mut told) {
            Some(true) => kept += 1,
            Some(false) => {}
            None => {
                told.cut = true;
                break;
            }
        }
    }
    told.others = announced - kept;
    Some(told)
}

/// Reads the record at `at` and goes behind it; true if it is kept, `None` where the bytes end or
/// make no sense.
fn record(message: &[u8], at: &mut usize, told: &mut Resolution) -> Option<bool> {
    skip_name(message, at)?;
    let kind = be16(message, *at)?;
    let class = be16(message, *at + 2)?;
    let length = usize::from(be16(message, *at + 8)?);
    let start = *at + 10;
    let data = message.get(start..start + length)?;
    *at = start + length;
    if class != 1 {
        return Some(false);
    }
    let address = match (kind, data) {
        (1, &[a, b, c, d]) => Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d))),
        (28, data) => <[u8; 16]>::try_from(data)
            .ok()
            .map(|octets| IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()),
        (5, _) if told.aliases.len() < MOST_ALIASES => {
            let mut place = start;
            let alias = name(message, &mut place);
            told.aliases.extend(alias.clone());
            return Some(alias.is_some());
        }
        _ => None,
    };
    match address {
        Some(address) if told.addresses.len() < MOST_ADDRESSES => {
            told.addresses.push(address);
            Some(true)
        }
        _ => Some(false),
    }
}

fn skip_name(message: &[u8], at: &mut usize) -> Option<()> {
    for _ in 0..MOST_STEPS {
        match *message.get(*at)? {
            0 => {
                *at += 1;
                return Some(());
            }
            length @ 1..=63 => *at += 1 + usize::from(length),
            0xC0..=0xFF => {
                *at += 2;
                return Some(());
            }
            _ => return None,
        }
    }
    None
}

/// Reads the name at `at` as text and goes behind it.
fn name(message: &[u8], at: &mut usize) -> Option<Text> {
    let mut text = String::new();
    let mut here = *at;
    let mut jumped = false;
    for _ in 0..MOST_STEPS {
        match *message.get(here)? {
            0 => {
                if !jumped {
                    *at = here + 1;
                }
                if text.is_empty() {
                    text.push('.');
                }
                return Some(text.into());
            }
            length @ 1..=63 => {
                let label = message.get(here + 1..here + 1 + usize::from(length))?;
                if !text.is_empty() {
                    text.push('.');
                }
                write_escaped(&mut text, label, true);
                if text.len() > 4 * LONGEST_NAME {
                    return None;
                }
                here += 1 + usize::from(length);
            }
            high @ 0xC0..=0xFF => {
                let low = *message.get(here + 1)?;
                let to = usize::from(u16::from_be_bytes([high & 0x3F, low]));
                // Only backwards: a pointer to itself or forwards could go on for ever.
                if to >= here {
                    return None;
                }
                if !jumped {
                    *at = here + 2;
                    jumped = true;
                }
                here = to;
            }
            _ => return None,
        }
    }
    None
}

/// Appends `bytes` in lower case, with everything that is not printable ASCII as `\DDD` (RFC 1035
/// 5.1); so are a backslash and, within a label, a dot.
pub(super) fn write_escaped(text: &mut String, bytes: &[u8], label: bool) {
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\092"),
            b'.' if label => text.push_str("\\046"),
            b'!'..=b'~' => text.push(char::from(byte.to_ascii_lowercase())),
            _ => text.push_str(&format!("\\{byte:03}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Endpoint {
        Endpoint::new(text.parse().unwrap(), 53)
    }

    fn told(message: &[u8]) -> Option<Resolution> {
        answer(message, end("10.0.0.2"), end("10.0.0.5"), false)
    }

    /// Question `C2.example`, an alias to `edge.example`, its two addresses.
    const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x03\0\0\0\0\
        \x02C2\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x07\x04edge\xc0\x0f\
        \xc0\x28\0\x01\0\x01\0\0\0\x3c\0\x04\xcb\0\x71\x07\
        \xc0\x28\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07";

    #[test]
    fn an_answer_gives_name_aliases_and_addresses() {
        let told = told(ANSWER).unwrap();
        assert_eq!(
            (&*told.name, told.record_type, told.code),
            ("c2.example", 1, 0)
        );
        assert_eq!(told.aliases, ["edge.example".into()]);
        let addresses: Vec<String> = told.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["203.0.113.7", "2001:db8::7"]);
        assert_eq!((told.others, told.cut), (0, false));
    }

    #[test]
    fn a_cut_answer_gives_what_is_there_and_says_so() {
        let told = told(&ANSWER[..ANSWER.len() - 20]).unwrap();
        assert_eq!((told.addresses.len(), told.others, told.cut), (1, 1, true));
    }

    #[test]
    fn a_question_is_no_answer_and_a_pointer_loop_is_no_name() {
        let mut question = ANSWER.to_vec();
        question[2] = 1;
        assert_eq!(told(&question), None);
        let looping = b"\0\0\x81\x80\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
        assert_eq!(told(looping), None);
        let forwards = b"\0\0\x81\x80\0\x01\0\0\0\0\0\0\xc0\x0e\x01a\0\0\x01\0\x01";
        assert_eq!(told(forwards), None);
    }

    #[test]
    fn bytes_that_could_pose_as_something_else_are_escaped() {
        let message = b"\0\0\x81\x83\0\x01\0\0\0\0\0\0\x05a.b\x1b\\\0\0\x01\0\x01";
        let told = told(message).unwrap();
        assert_eq!((&*told.name, told.code), ("a\\046b\\027\\092", 3));
    }
}
