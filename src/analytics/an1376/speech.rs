//! What is spoken on which port, and whether a payload's shape belongs there.

use crate::model::Transport;
use crate::model::payload::Shape;

/// What one Windows host asks of another all day: names, files, the directory, RPC, remote
/// management and desktops (Microsoft's "Service overview and network port requirements").
pub const WINDOWS: &[u16] = &[
    88, 135, 137, 138, 139, 389, 445, 464, 593, 636, 3268, 3269, 3389, 5985, 5986, 9389,
];

/// True if a payload of this shape does not belong on the port.
///
/// A form that is known and is another one counts everywhere. A form nobody knows counts only where
/// the protocol shows itself in its first bytes: not where nothing particular is spoken, and not for
/// services of Windows in the own network, which have more forms than are known here.
pub fn misplaced(shape: Shape, transport: Transport, port: u16, inside: bool) -> bool {
    match (shape, expected(transport, port)) {
        (Shape::None, _) | (Shape::Text | Shape::Binary, None) => false,
        (Shape::Text | Shape::Binary, Some(_)) => !(inside && WINDOWS.contains(&port)),
        (shape, Some(expected)) => !expected.contains(&shape),
        // The port mapper hands out any of them.
        (Shape::Rpc, None) => transport != Transport::TCP || port < 1024,
        (_, None) => true,
    }
}

/// Ports of one service without TLS and with it (IANA; Microsoft's list above): a client that cannot use
/// the one takes the other.
const WITH_TLS: &[[u16; 2]] = &[[389, 636], [3268, 3269], [5985, 5986]];

/// True if a service of Windows is asked with TLS instead of without it, or the other way round, and the
/// payload shows what belongs there.
pub fn with_tls(ports: [u16; 2], shapes: [Shape; 2]) -> bool {
    let [old, new] = ports;
    let belongs = |port, shape| {
        expected(Transport::TCP, port).is_some_and(|expected| expected.contains(&shape))
    };
    let [before, now] = shapes;
    let mut pairs = WITH_TLS.iter();
    belongs(new, now)
        && (before == Shape::None || belongs(old, before))
        && pairs.any(|pair| *pair == [old, new] || *pair == [new, old])
}

/// True if a known protocol is spoken on a port that belongs to another one. A port that belongs to
/// none says nothing: makers of software choose one as they like, and speak TLS or HTTP there.
pub fn usurped(shape: Shape, transport: Transport, port: u16) -> bool {
    !matches!(shape, Shape::None | Shape::Text | Shape::Binary)
        && expected(transport, port).is_some_and(|expected| !expected.contains(&shape))
}

/// What is spoken on a port, by IANA's registry of service names and port numbers unless said; `None`
/// where nothing particular is.
fn expected(transport: Transport, port: u16) -> Option<&'static [Shape]> {
    Some(match (transport, port) {
        // DTLS is a VPN's or a conference's.
        (Transport::UDP, 443) => &[Shape::Quic, Shape::Tls],
        (
            Transport::TCP,
            443 | 465 | 563 | 636 | 853 | 989 | 990 | 992 | 993 | 994 | 995 | 2376 | 3269 | 5061
            | 5349 | 5671 | 5986 | 6514 | 6697 | 8443 | 8531 | 8883 | 9443,
        ) => &[Shape::Tls],
        // XMPP with TLS from the first byte (XEP-0368), and Apple's push service; another one is
        // registered there.
        (Transport::TCP, 5223) => &[Shape::Tls, Shape::Text, Shape::Binary],
        (
            Transport::TCP,
            80 | 2869 | 3128 | 5357 | 5985 | 8000 | 8008 | 8080 | 8530 | 8888 | 47001,
        ) => &[Shape::Http],
        (_, 53 | 5353 | 5355) => &[Shape::Dns],
        (Transport::TCP, 22) => &[Shape::Ssh],
        (Transport::TCP, 139 | 445) => &[Shape::Smb],
        (_, 88) => &[Shape::Kerberos],
        (Transport::TCP, 135) => &[Shape::Rpc],
        // IPP is HTTP, with or without TLS (RFC 8010).
        (Transport::TCP, 631) => &[Shape::Http, Shape::Tls],
        // RPC over HTTP begins as HTTP.
        (Transport::TCP, 593) => &[Shape::Rpc, Shape::Http],
        (_, 389 | 3268) => &[Shape::Ldap, Shape::Tls],
        (Transport::TCP, 3389) => &[Shape::Rdp, Shape::Tls],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_belongs_on_443_and_http_on_80() {
        assert_eq!(expected(Transport::TCP, 443), Some(&[Shape::Tls][..]));
        assert_eq!(expected(Transport::TCP, 4444), None);
        let odd = |shape, port| misplaced(shape, Transport::TCP, port, false);
        assert!(!odd(Shape::Tls, 443) && odd(Shape::Http, 443) && odd(Shape::Binary, 443));
        assert!(!odd(Shape::Http, 80) && odd(Shape::Ssh, 80) && odd(Shape::Ssh, 4444));
        assert!(!odd(Shape::Binary, 4444) && !odd(Shape::None, 443));
        assert!(!odd(Shape::Tls, 5986), "remote management over TLS");
        assert!(!odd(Shape::Tls, 5671), "message queues over TLS");
        assert!(odd(Shape::Ssh, 8883));
    }

    #[test]
    fn a_port_is_usurped_by_a_known_protocol_alone_and_only_from_another() {
        let usurped = |shape, port| usurped(shape, Transport::TCP, port);
        assert!(usurped(Shape::Ssh, 443) && usurped(Shape::Http, 445));
        assert!(!usurped(Shape::Binary, 443) && !usurped(Shape::None, 443));
        assert!(!usurped(Shape::Tls, 443) && !usurped(Shape::Tls, 10443));
    }

    #[test]
    fn a_directory_with_tls_is_the_one_without_it() {
        let (none, tls, ldap) = (Shape::None, Shape::Tls, Shape::Ldap);
        assert!(with_tls([389, 636], [ldap, tls]) && with_tls([636, 389], [tls, ldap]));
        assert!(with_tls([389, 636], [none, tls]) && !with_tls([389, 636], [ldap, none]));
        assert!(
            !with_tls([389, 636], [Shape::Ssh, tls]),
            "no directory before"
        );
        assert!(!with_tls([389, 3269], [ldap, tls]) && !with_tls([80, 443], [none, tls]));
    }

    #[test]
    fn rpc_belongs_on_any_port_that_is_handed_out() {
        assert!(!misplaced(Shape::Rpc, Transport::TCP, 49_671, true));
        assert!(misplaced(Shape::Rpc, Transport::TCP, 443, true));
    }

    #[test]
    fn an_unknown_form_on_a_windows_service_inside_is_no_mismatch_but_a_known_other_one_is() {
        for port in [88, 135, 139, 389, 445, 3389] {
            assert!(
                !misplaced(Shape::Binary, Transport::TCP, port, true),
                "{port}"
            );
            assert!(
                misplaced(Shape::Binary, Transport::TCP, port, false),
                "{port}"
            );
            assert!(misplaced(Shape::Http, Transport::TCP, port, true), "{port}");
        }
        assert!(misplaced(Shape::Binary, Transport::TCP, 443, true));
    }
}
