//! How protocols begin to speak: the first message of each side, long enough to be recognised.
//!
//! Only openings are true to their protocol; what follows is filler in the protocol's framing where
//! it has one.

use crate::seed;

/// A protocol that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS 1.2 and later (RFC 8446).
    Tls,
    /// HTTP/1.1 (RFC 9112).
    Http,
    /// HTTP/1.1 through a proxy: CONNECT (RFC 9110 9.3.6).
    Connect,
    /// DNS (RFC 1035), on TCP with its length before it.
    Dns,
    /// SSH (RFC 4253).
    Ssh,
    /// SMB 2 (MS-SMB2).
    Smb,
    /// RDP (MS-RDPBCGR).
    Rdp,
    /// LDAP (RFC 4511).
    Ldap,
}

/// Which message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The first payload of its side.
    pub first: bool,
    /// Sent by the side that connected.
    pub from_client: bool,
    /// Over TCP.
    pub stream: bool,
}

/// A message of `protocol`, `size` bytes long, or longer where an opening needs more. `name` is the
/// server name, host or question.
pub fn message(protocol: Protocol, turn: Turn, name: &str, size: usize, salt: &str) -> Vec<u8> {
    match (protocol, turn.first, turn.from_client) {
        (Protocol::Tls, true, true) => client_hello(name, size, salt),
        (Protocol::Tls, true, false) => record(22, &handshake(2, size.saturating_sub(9), salt)),
        (Protocol::Tls, false, _) => record(23, &filler(size.saturating_sub(5), salt)),
        (Protocol::Http, true, true) => text(
            format!("GET /updates HTTP/1.1\r\nHost: {name}\r\nUser-Agent: lab\r\n\r\n"),
            size,
        ),
        (Protocol::Connect, true, true) => {
            let target = if name.contains(':') {
                name.to_owned()
            } else {
                format!("{name}:443")
            };
            let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
            text(head, size)
        }
        (Protocol::Http | Protocol::Connect, true, false) => {
            text("HTTP/1.1 200 OK\r\nServer: lab\r\n\r\n".to_owned(), size)
        }
        (Protocol::Dns, true, asks) => {
            let body = dns(name, &[], 0, !asks);
            let mut bytes = Vec::new();
            if turn.stream {
                bytes.extend(u16_of(body.len()).to_be_bytes());
            }
            bytes.extend(body);
            bytes
        }
        (Protocol::Ssh, true, _) => text("SSH-2.0-OpenSSH_9.5\r\n".to_owned(), size),
        (Protocol::Smb, _, _) => {
            let mut bytes = vec![0, 0];
            bytes.extend(u16_of(size.max(68) - 4).to_be_bytes());
            bytes.extend(b"\xfeSMB\x40\0");
            padded(bytes, size.max(68), salt)
        }
        (Protocol::Rdp, true, asks) => {
            // X.224 connection request or confirm with a negotiation (MS-RDPBCGR 2.2.1.1).
            let (code, negotiation) = if asks { (0xe0, 1) } else { (0xd0, 2) };
            let mut bytes = vec![3, 0, 0, 19, 14, code, 0, 0, 0, 0, 0];
            bytes.extend([negotiation, 0, 8, 0, 3, 0, 0, 0]);
            bytes
        }
        (Protocol::Ldap, true, asks) => {
            // A simple bind without a name, and its success (RFC 4511 4.2).
            let bind = [0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];
            let done = [0x61, 7, 10, 1, 0, 4, 0, 4, 0];
            let mut bytes = vec![0x30, 12, 2, 1, 1];
            bytes.extend(if asks { bind } else { done });
            bytes
        }
        (_, false, _) => filler(size, salt),
    }
}

/// A DNS message about `name` (RFC 1035 4.1): a question, or its answer with `records` (type and
/// data) and response code `code`.
pub fn dns(name: &str, records: &[(u16, Vec<u8>)], code: u8, answers: bool) -> Vec<u8> {
    dns_message(
        seed::number(&[name, "dns id"]) as u16,
        1,
        name,
        records,
        code,
        answers,
    )
}

/// As [`dns`], with the message's id and the type of record asked for.
pub fn dns_message(
    id: u16,
    record_type: u16,
    name: &str,
    records: &[(u16, Vec<u8>)],
    code: u8,
    answers: bool,
) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(if answers {
        [0x81, 0x80 | (code & 0x0f)]
    } else {
        [1, 0]
    });
    bytes.extend([0, 1]);
    bytes.extend(u16_of(if answers { records.len() } else { 0 }).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(labels(name));
    bytes.extend(record_type.to_be_bytes());
    bytes.extend([0, 1]);
    if answers {
        for (kind, data) in records {
            // The name again, as a pointer to the question (RFC 1035 4.1.4).
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 1, 0x2c]);
            bytes.extend(u16_of(data.len()).to_be_bytes());
            bytes.extend(data);
        }
    }
    bytes
}

/// A name as a list of labels (RFC 1035 3.1).
pub fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len().min(63) as u8);
        bytes.extend(label.bytes().take(63));
    }
    bytes.push(0);
    bytes
}

/// A ClientHello with `server_name` (RFC 6066 3), padded to `size` (RFC 7685).
pub fn client_hello(name: &str, size: usize, salt: &str) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(filler(32, salt));
    body.push(0);
    body.extend([0, 4, 0x13, 0x01, 0x13, 0x02, 1, 0]);
    let mut extensions = vec![0, 43, 0, 3, 2, 3, 4];
    if !name.is_empty() {
        let length = name.len();
        extensions.extend([0, 0]);
        extensions.extend(u16_of(length + 5).to_be_bytes());
        extensions.extend(u16_of(length + 3).to_be_bytes());
        extensions.push(0);
        extensions.extend(u16_of(length).to_be_bytes());
        extensions.extend(name.bytes());
    }
    let so_far = 5 + 4 + body.len() + 2 + extensions.len();
    if size >= so_far + 4 {
        let padding = size - so_far - 4;
        // Before the name, so that a long hello has its name behind the first segment.
        let mut with_padding = vec![0, 21];
        with_padding.extend(u16_of(padding).to_be_bytes());
        with_padding.resize(4 + padding, 0);
        with_padding.extend(extensions);
        extensions = with_padding;
    }
    body.extend(u16_of(extensions.len()).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16_of(body.len()).to_be_bytes());
    message.extend(body);
    record(22, &message)
}

fn handshake(kind: u8, size: usize, salt: &str) -> Vec<u8> {
    let body = filler(size.max(38), salt);
    let mut bytes = vec![kind, 0];
    bytes.extend(u16_of(body.len()).to_be_bytes());
    bytes.extend([3, 3]);
    bytes.extend(&body[2..]);
    bytes
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend(u16_of(body.len()).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn text(head: String, size: usize) -> Vec<u8> {
    let mut bytes = head.into_bytes();
    let whole = bytes.len().max(size);
    bytes.resize(whole, b'.');
    bytes
}

fn padded(mut bytes: Vec<u8>, size: usize, salt: &str) -> Vec<u8> {
    let rest = size.saturating_sub(bytes.len());
    bytes.extend(filler(rest, salt));
    bytes
}

/// Bytes of no protocol: the first is 0xa5, which begins none.
pub fn filler(size: usize, salt: &str) -> Vec<u8> {
    let mut state = seed::number(&["speech", salt]);
    (0..size)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if i == 0 {
                0xa5
            } else {
                ((state >> 33) % 250) as u8
            }
        })
        .collect()
}

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
