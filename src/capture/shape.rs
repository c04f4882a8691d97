//! What the first payload bytes of a packet are, by their own form.
//!
//! Ports are not asked: that a form and a port do not fit is what analytics look for. It runs for
//! every packet with payload, so it looks at the first bytes and gives up early. A signature of one
//! byte is none: random bytes must come out as `Binary`.

use super::dns;
use crate::model::payload::Shape;

/// How many bytes must be readable for `Text`.
const TEXT_BYTES: usize = 16;
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"PATCH ",
    b"TRACE ",
    b"PROPFIND ",
];

/// The shape of `payload`, the captured payload bytes of a TCP segment (`stream`) or a datagram.
#[inline]
pub(super) fn shape(payload: &[u8], stream: bool) -> Shape {
    let Some(&first) = payload.first() else {
        return Shape::None;
    };
    let named = match first {
        20..=24 if tls(payload, stream) => Some(Shape::Tls),
        b'A'..=b'Z' => word(payload),
        0 | 0x81 if stream && smb(payload) => Some(Shape::Smb),
        3 if stream && rdp(payload) => Some(Shape::Rdp),
        5 if rpc(payload) => Some(Shape::Rpc),
        0x30 if ldap(payload) => Some(Shape::Ldap),
        _ => None,
    };
    named
        .or_else(|| framed(payload, stream))
        .unwrap_or_else(|| {
            let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
            let start = &payload[..payload.len().min(TEXT_BYTES)];
            if start.iter().all(readable) {
                Shape::Text
            } else {
                Shape::Binary
            }
        })
}

/// Forms that begin with a length on a stream, or with anything.
fn framed(payload: &[u8], stream: bool) -> Option<Shape> {
    if stream {
        let [a, b, rest @ ..] = payload else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        // A DNS message says its length before it, and seldom comes in two segments.
        if length == rest.len() && dns::is_message(rest) {
            return Some(Shape::Dns);
        }
        let framed = payload.get(4..)?;
        return (*a == 0 && kerberos(framed)).then_some(Shape::Kerberos);
    }
    let quic = payload[0] & 0xC0 == 0xC0
        && matches!(
            payload.get(1..6),
            Some([0, 0, 0, 1, 0..=20] | [0x6B, 0x33, 0x43, 0xCF, 0..=20])
        );
    if quic {
        Some(Shape::Quic)
    } else if kerberos(payload) {
        Some(Shape::Kerberos)
    } else if dns::is_message(payload) {
        Some(Shape::Dns)
    } else {
        None
    }
}

/// A TLS record header of version 3.0 to 3.4 with a length it may have; in datagrams the DTLS form
/// (RFC 9147 4).
fn tls(payload: &[u8], stream: bool) -> bool {
    let Some(&[kind, major, minor, a, b]) = payload.first_chunk::<5>() else {
        return false;
    };
    if !stream {
        return major == 0xFE && matches!(minor, 0xFC..=0xFF) && payload.len() >= 13;
    }
    // 2^14 bytes and what ciphers may add (RFC 5246 6.2.3).
    let length = u16::from_be_bytes([a, b]);
    if major != 3 || minor > 4 || length == 0 || length > (1 << 14) + 2048 {
        return false;
    }
    match kind {
        20 => length == 1,
        // An alert is two bytes, or encrypted.
        21 => length == 2 || length >= 16,
        // The handshake types of RFC 8446 4 and RFC 5246 7.4; encrypted ones may begin with any.
        22 => payload.get(5).is_none_or(|kind| *kind <= 24) || length >= 40 && minor != 1,
        _ => true,
    }
}

fn word(payload: &[u8]) -> Option<Shape> {
    if payload.starts_with(b"SSH-") {
        return Some(Shape::Ssh);
    }
    let http = payload.starts_with(b"HTTP/1.")
        || payload.starts_with(b"PRI * HTTP/2")
        || METHODS.iter().any(|method| payload.starts_with(method));
    http.then_some(Shape::Http)
}

/// An SMB header behind the session header, or the request for a session that comes first on port
/// 139: two names of 32 half bytes each (RFC 1002 4.3.2).
fn smb(payload: &[u8]) -> bool {
    match payload.first() {
        Some(0x81) => matches!(payload.get(1..5), Some([0, 0, 0x44, 0x20])),
        _ => matches!(payload.get(4..8), Some([0xFC..=0xFF, b'S', b'M', b'B'])),
    }
}

/// A connection request with a cookie or a negotiation request, or a confirm with its answer:
/// without them it may be another protocol over TPKT.
fn rdp(payload: &[u8]) -> bool {
    if payload.get(1) != Some(&0) || payload.len() < 11 {
        return false;
    }
    let rest = &payload[11..];
    match payload[5] & 0xF0 {
        0xE0 => rest.starts_with(b"Cookie: ") || matches!(rest, [1, _, 8, 0, ..]),
        0xD0 => matches!(rest, [2 | 3, _, 8, 0, ..]),
        _ => false,
    }
}

/// Version 5.0 or 5.1, a PDU type, little endian, and a length.
fn rpc(payload: &[u8]) -> bool {
    match payload.first_chunk::<10>() {
        Some(&[5, 0 | 1, 0..=19, _, 0x10, 0, 0, 0, low, high]) => {
            u16::from_le_bytes([low, high]) >= 16
        }
        _ => false,
    }
}

/// What follows a DER length, if it is one of the short, one, two or four byte forms.
fn after_length(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0..=0x7F, rest @ ..]
        | [0x81, _, rest @ ..]
        | [0x82, _, _, rest @ ..]
        | [0x83, _, _, _, rest @ ..]
        | [0x84, _, _, _, _, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// SEQUENCE, message id, and an operation.
fn ldap(payload: &[u8]) -> bool {
    let operation = match after_length(&payload[1..]) {
        Some([2, size @ 1..=4, rest @ ..]) => rest.get(usize::from(*size)),
        _ => None,
    };
    matches!(operation, Some(0x42 | 0x50 | 0x60..=0x79))
}

/// An application tag of RFC 4120 5.10, SEQUENCE, and version 5.
fn kerberos(payload: &[u8]) -> bool {
    let Some((10.., tag)) = payload.first().map(|tag| (payload.len(), *tag)) else {
        return false;
    };
    let version = match tag {
        0x6A | 0x6C => [0xA1, 3, 2, 1, 5],
        0x6B | 0x6D..=0x6F | 0x7E => [0xA0, 3, 2, 1, 5],
        _ => return false,
    };
    let body = match after_length(&payload[1..]) {
        Some([0x30, rest @ ..]) => after_length(rest),
        _ => None,
    };
    body.is_some_and(|body| body.starts_with(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_known_by_their_bytes() {
        let of = |bytes: &[u8], stream| shape(bytes, stream).word();
        let dns = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x02c2\x07example\0\0\x01\0\x01";
        let mut framed_dns = vec![0, dns.len() as u8];
        framed_dns.extend(dns);
        assert_eq!(of(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", true), "tls");
        assert_eq!(of(b"\x17\x03\x03\0\x50abcdef", true), "tls");
        assert_eq!(of(b"GET / HTTP/1.1\r\n", true), "http");
        assert_eq!(of(b"HTTP/1.1 200 OK\r\n", true), "http");
        assert_eq!(of(b"SSH-2.0-OpenSSH_9.5\r\n", true), "ssh");
        assert_eq!(of(b"\0\0\0\x90\xfeSMB\x40\0", true), "smb");
        assert_eq!(of(b"\x81\0\0\x44 CKFDENEC", true), "smb");
        assert_eq!(of(b"\x81\0\0\x99 CKFDENEC", true), "binary");
        assert_eq!(
            of(
                b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
                true
            ),
            "rdp"
        );
        assert_eq!(of(b"\x05\0\x0b\x03\x10\0\0\0\x74\0\0\0", true), "rpc");
        assert_eq!(
            of(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03", true),
            "ldap"
        );
        assert_eq!(of(dns, false), "dns");
        assert_eq!(of(&framed_dns, true), "dns");
        assert_eq!(
            of(b"\x6a\x81\xde\x30\x81\xdb\xa1\x03\x02\x01\x05\xa2", false),
            "kerberos"
        );
        assert_eq!(
            of(
                b"\0\0\0\xe1\x6a\x81\xde\x30\x81\xdb\xa1\x03\x02\x01\x05",
                true
            ),
            "kerberos"
        );
        assert_eq!(of(b"\xc3\0\0\0\x01\x08abcdefgh", false), "quic");
        assert_eq!(of(b"220 ftp ready\r\n", true), "text");
        assert_eq!(of(b"", true), "none");
    }

    #[test]
    fn near_misses_are_only_binary() {
        let of = |bytes: &[u8], stream| shape(bytes, stream).word();
        assert_eq!(of(b"\x16\x05\x01\x02\0\x01", true), "binary", "no version");
        assert_eq!(of(b"\x17\x03\x03\xff\xffab", true), "binary", "too long");
        assert_eq!(of(b"\x03\0\0\x1f\x02\xf0\x80", true), "binary", "TPKT data");
        assert_eq!(
            of(b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0", true),
            "binary",
            "another protocol over TPKT"
        );
        assert_eq!(of(b"\0", false), "binary", "a knock");
        assert_eq!(of(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0", false), "binary");
    }

    #[test]
    fn random_bytes_have_no_name() {
        let mut state = 1_u64;
        let mut named = 0;
        for _ in 0..200_000 {
            let mut bytes = [0; 48];
            for chunk in bytes.chunks_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                chunk.copy_from_slice(&state.to_be_bytes());
            }
            for stream in [false, true] {
                let shape = shape(&bytes, stream);
                named += u32::from(!matches!(shape, Shape::Binary | Shape::Text));
            }
        }
        assert!(named < 20, "{named} of 400,000 random payloads got a name");
    }
}
