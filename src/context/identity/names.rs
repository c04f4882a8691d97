//! Computer names: when two spellings mean one computer, and which names packets may give.

use crate::model::Text;
use crate::model::neighbour::ToldBy;

/// The name under which a computer is known: without case, because exports differ in it.
pub(super) fn key_of(computer: &str) -> String {
    computer.trim().trim_end_matches('.').to_lowercase()
}

/// The name itself without its domain.
pub(super) fn label_of(key: &str) -> &str {
    key.split_once('.').map_or(key, |(label, _)| label)
}

/// True if the names can mean one computer: the same label, and not two different domains.
pub(super) fn may_be_one(a: &str, b: &str) -> bool {
    a == b || label_of(a) == label_of(b) && (!a.contains('.') || !b.contains('.'))
}

/// True for what may give a computer its name. Whoever answers an LLMNR question answers for any
/// name it is asked, and tools that do so are in wide use: such an answer names nobody.
pub(super) fn names_a_computer(told_by: ToldBy) -> bool {
    match told_by {
        ToldBy::Dhcp | ToldBy::NetBios | ToldBy::Mdns => true,
        ToldBy::Llmnr | ToldBy::Arp | ToldBy::NeighbourDiscovery => false,
    }
}

/// A name from a packet as a computer's name, without the `.local` of multicast DNS; `None` if no
/// computer can be called so.
pub(super) fn from_packet(name: &Text) -> Option<&str> {
    let name = match name.rsplit_once('.') {
        Some((host, top)) if top.eq_ignore_ascii_case("local") && !host.contains('.') => host,
        _ => name,
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let an_address = name.parse::<std::net::IpAddr>().is_ok();
    let whole = name.split('.').all(|label| !label.is_empty());
    (whole && !an_address && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_may_be_the_full_one_and_two_domains_are_two_computers() {
        for (a, b, one) in [
            ("ws05", "ws05", true),
            ("ws05", "ws05.corp.example", true),
            ("ws05.corp.example", "ws05", true),
            ("ws05.corp.example", "ws05.lab.example", false),
            ("ws05", "ws050.corp.example", false),
        ] {
            assert_eq!(may_be_one(a, b), one, "{a} {b}");
        }
    }

    #[test]
    fn what_no_computer_is_called_is_no_name() {
        for (said, name) in [
            ("WS05.local", Some("WS05")),
            ("ws05.corp.example", Some("ws05.corp.example")),
            ("localhost.local", Some("localhost")),
            ("10.0.0.5", None),
            ("", None),
            ("a b", None),
            ("dc01\u{202e}", None),
            ("..", None),
            (".local", None),
        ] {
            assert_eq!(from_packet(&said.into()), name, "{said}");
        }
    }
}
