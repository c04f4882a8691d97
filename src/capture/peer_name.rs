//! The name an initiator asks for: `server_name` of a TLS ClientHello, host of an HTTP/1 request.
//!
//! A ClientHello of two TCP segments is put together where the second follows in its file; one of
//! more segments, or whose segments come in another order, gives no name. A `Host` behind the first
//! segment of a request is not read.

use super::dns::write_escaped;
use crate::model::Endpoint;
use crate::model::payload::{LONGEST_NAME, NameSource, PeerName, Shape};

/// Header bytes of a request that are looked at.
const MOST_HEADER: usize = 4_096;
/// Bytes kept of a ClientHello that goes on in the next segment.
const LONGEST_HELLO: usize = 4_096;
/// Unfinished ClientHellos kept; the oldest makes room.
const MOST_UNFINISHED: usize = 16;

/// What a ClientHello says.
#[derive(Debug, PartialEq, Eq)]
enum Hello {
    Name(PeerName),
    /// It names nobody, or it is none.
    Nameless,
    /// It goes on behind the bytes that are there, and they hold no name.
    Unfinished,
}

/// A first segment that waits for its second.
struct Waiting {
    ends: (Endpoint, Endpoint),
    next_seq: u32,
    bytes: Vec<u8>,
}

/// The names in one file's packets.
#[derive(Default)]
pub(super) struct PeerNames {
    waiting: Vec<Waiting>,
}

impl PeerNames {
    /// The name in a TCP payload of this shape, if it has one. `ends` are sender and receiver,
    /// `seq` is the sequence number of its first byte, `whole` says that none of it was cut off.
    #[inline]
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        shape: Shape,
        ends: (Endpoint, Endpoint),
        seq: u32,
        whole: bool,
    ) -> Option<PeerName> {
        match shape {
            Shape::Http => http(payload),
            Shape::Tls if payload.get(5) == Some(&1) && payload[0] == 22 => match hello(payload) {
                Hello::Name(name) => Some(name),
                Hello::Nameless => None,
                Hello::Unfinished => {
                    if whole && payload.len() < LONGEST_HELLO {
                        self.wait(payload, ends, seq);
                    }
                    None
                }
            },
            _ if !self.waiting.is_empty() => self.go_on(payload, ends, seq),
            _ => None,
        }
    }

    fn wait(&mut self, payload: &[u8], ends: (Endpoint, Endpoint), seq: u32) {
        let next_seq = seq.wrapping_add(payload.len() as u32);
        // Sent again, it waits already.
        if self
            .waiting
            .iter()
            .any(|w| w.next_seq == next_seq && w.ends == ends)
        {
            return;
        }
        if self.waiting.len() >= MOST_UNFINISHED {
            self.waiting.remove(0);
        }
        self.waiting.push(Waiting {
            ends,
            next_seq,
            bytes: payload.to_vec(),
        });
    }

    fn go_on(&mut self, payload: &[u8], ends: (Endpoint, Endpoint), seq: u32) -> Option<PeerName> {
        let place = self
            .waiting
            .iter()
            .position(|w| w.next_seq == seq && w.ends == ends)?;
        let mut bytes = self.waiting.remove(place).bytes;
        let room = LONGEST_HELLO.saturating_sub(bytes.len());
        bytes.extend(&payload[..payload.len().min(room)]);
        match hello(&bytes) {
            Hello::Name(name) => Some(name),
            Hello::Nameless | Hello::Unfinished => None,
        }
    }
}

/// A cursor over bytes that may end too early.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }

    /// What a length of so many bytes spans.
    fn sized(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

/// RFC 8446 4.1.2, RFC 6066 3. The name may be read although what follows it is missing.
fn hello(record: &[u8]) -> Hello {
    let mut rest = Rest(record);
    match walk(&mut rest) {
        Some(name) => name.map_or(Hello::Nameless, Hello::Name),
        None => Hello::Unfinished,
    }
}

/// `None` where the bytes end before it is clear.
fn walk(rest: &mut Rest<'_>) -> Option<Option<PeerName>> {
    rest.take(3)?;
    let record = rest.number(2)?;
    rest.take(1)?;
    // A hello that goes on in another record is rare enough not to be followed.
    if rest.number(3)? + 4 > record {
        return Some(None);
    }
    rest.take(2 + 32)?;
    rest.sized(1)?;
    rest.sized(2)?;
    rest.sized(1)?;
    let mut left = rest.number(2)?;
    while left >= 4 {
        let kind = rest.number(2)?;
        let length = rest.number(2)?;
        left = left.saturating_sub(4 + length);
        let extension = rest.take(length)?;
        if kind == 0 {
            return Some(server_name(extension));
        }
    }
    Some(None)
}

fn server_name(extension: &[u8]) -> Option<PeerName> {
    let mut list = Rest(Rest(extension).sized(2)?);
    loop {
        let kind = list.number(1)?;
        let name = list.sized(2)?;
        if kind == 0 {
            return written(name, NameSource::TlsServerName, None);
        }
    }
}

/// The target of a CONNECT, else the `Host` of a request; `None` for an answer.
fn http(payload: &[u8]) -> Option<PeerName> {
    let head = &payload[..payload.len().min(MOST_HEADER)];
    let mut lines = head.split(|byte| *byte == b'\n');
    let request = lines.next()?;
    if request.starts_with(b"HTTP/") || request.starts_with(b"PRI ") {
        return None;
    }
    if let Some(target) = request.strip_prefix(b"CONNECT ") {
        let target = target.split(|byte| *byte == b' ').next()?;
        return authority(target, NameSource::HttpConnect);
    }
    for line in lines {
        if matches!(line, [] | b"\r") {
            return None;
        }
        if let Some((field, value)) = line.split_at_checked(5)
            && field.eq_ignore_ascii_case(b"host:")
        {
            return authority(value.trim_ascii(), NameSource::HttpHost);
        }
    }
    None
}

/// `name`, `name:port` or `[address]:port`.
fn authority(text: &[u8], from: NameSource) -> Option<PeerName> {
    let behind = text.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    let colon = text[behind..].iter().position(|byte| *byte == b':');
    let (name, port) = match colon {
        Some(at) => (&text[..behind + at], Some(&text[behind + at + 1..])),
        None => (text, None),
    };
    let port = match port {
        Some(digits) => Some(std::str::from_utf8(digits).ok()?.parse().ok()?),
        None => None,
    };
    written(name, from, port)
}

fn written(name: &[u8], from: NameSource, port: Option<u16>) -> Option<PeerName> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return None;
    }
    let mut text = String::with_capacity(name.len());
    write_escaped(&mut text, name.strip_suffix(b".").unwrap_or(name), false);
    text.truncate(LONGEST_NAME);
    Some(PeerName {
        text: text.into(),
        from,
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (Endpoint, Endpoint) {
        let end = |text: &str, port| Endpoint::new(text.parse().unwrap(), port);
        (end("10.0.0.5", 50_000), end("203.0.113.7", 443))
    }

    /// A ClientHello with `padding` bytes of another extension before the name.
    fn client_hello(name: &str, padding: usize) -> Vec<u8> {
        let be16 = |n: usize| (n as u16).to_be_bytes();
        let mut extensions = vec![0, 21];
        extensions.extend(be16(padding));
        extensions.resize(4 + padding, 0);
        extensions.extend([0, 0]);
        extensions.extend(be16(name.len() + 5));
        extensions.extend(be16(name.len() + 3));
        extensions.push(0);
        extensions.extend(be16(name.len()));
        extensions.extend(name.bytes());
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        body.extend(be16(extensions.len()));
        body.extend(extensions);
        let mut record = vec![22, 3, 1];
        record.extend(be16(body.len() + 4));
        record.extend([1, 0]);
        record.extend(be16(body.len()));
        record.extend(body);
        record
    }

    fn read(names: &mut PeerNames, payload: &[u8], seq: u32) -> Option<String> {
        let shape = super::super::shape::shape(payload, true);
        let name = names.read(payload, shape, ends(), seq, true)?;
        Some(name.text.to_string())
    }

    #[test]
    fn a_client_hello_names_its_server() {
        let mut names = PeerNames::default();
        let hello = client_hello("C2.Example", 10);
        assert_eq!(read(&mut names, &hello, 1).as_deref(), Some("c2.example"));
        assert_eq!(read(&mut names, &hello[..60], 1), None);
    }

    #[test]
    fn a_client_hello_of_two_segments_names_its_server() {
        let hello = client_hello("c2.example", 1_500);
        let (first, second) = hello.split_at(1_460);
        let mut names = PeerNames::default();
        assert_eq!(read(&mut names, first, 1_000), None);
        assert_eq!(read(&mut names, second, 9_999), None, "of something else");
        let name = read(&mut names, second, 2_460);
        assert_eq!(name.as_deref(), Some("c2.example"));
        assert!(names.waiting.is_empty());
    }

    #[test]
    fn unfinished_hellos_are_kept_in_a_bounded_number() {
        let hello = client_hello("c2.example", 1_500);
        let mut names = PeerNames::default();
        for seq in 0..1_000 {
            read(&mut names, &hello[..1_460], seq);
        }
        assert_eq!(names.waiting.len(), MOST_UNFINISHED);
    }

    #[test]
    fn a_request_names_its_host_and_a_connect_its_target() {
        let of = |request: &[u8]| http(request).map(|n| (n.text.to_string(), n.port, n.from));
        let host = NameSource::HttpHost;
        assert_eq!(
            of(b"GET / HTTP/1.1\r\nAccept: x\r\nhOST: C2.example:8080\r\n\r\n"),
            Some(("c2.example".into(), Some(8080), host))
        );
        assert_eq!(
            of(b"CONNECT [2001:db8::7]:443 HTTP/1.1\r\nHost: proxy\r\n\r\n"),
            Some(("[2001:db8::7]".into(), Some(443), NameSource::HttpConnect))
        );
        assert_eq!(of(b"GET / HTTP/1.1\r\n\r\nHost: body\r\n"), None);
        assert_eq!(of(b"HTTP/1.1 200 OK\r\nHost: x\r\n\r\n"), None);
        assert_eq!(of(b"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n"), None);
        assert_eq!(
            of(b"GET / HTTP/1.1\r\nHost: a\x1b[2J\r\n\r\n"),
            Some(("a\\027[2j".into(), None, host))
        );
    }
}
