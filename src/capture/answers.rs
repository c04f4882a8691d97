//! Datagrams that answer by their own form: their sender did not begin, whether or not the question was
//! captured.

use super::dns;

/// The port of NTP servers.
const NTP: u16 = 123;
/// The ports of DHCP (RFC 2131): of servers and relays, and of clients.
const DHCP: u16 = 67;
const DHCP_CLIENT: u16 = 68;
/// The same of DHCPv6 (RFC 8415).
const DHCP_V6: u16 = 547;
const DHCP_V6_CLIENT: u16 = 546;
/// What stands before the options of DHCP, and the cookie behind it.
const FIXED: usize = 236;
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// True for an answer to one question of DNS (RFC 1035 4.1.1), of NTP in a server's mode (RFC 5905 7.3),
/// and for replies of DHCP servers and relays. Of a datagram of `length` bytes, `payload` may be a part.
pub(super) fn answers((from, to): (u16, u16), payload: &[u8], length: u32) -> bool {
    match (from, payload) {
        (dns::PORT, [_, _, flags, _, 0, 1, ..]) => flags & 0xF8 == 0x80,
        (NTP, [mode, ..]) => payload.len() >= 48 && mode & 0x07 == 4,
        // BOOTREPLY to a client, or through the relay that asked for it.
        (DHCP, [2, _, 0..=16, ..]) if matches!(to, DHCP | DHCP_CLIENT) => {
            let cookie = payload.get(FIXED..FIXED + COOKIE.len());
            length as usize >= FIXED && cookie.is_none_or(|cookie| cookie == COOKIE)
        }
        // ADVERTISE and REPLY; RELAY-REPL between servers and relays.
        (DHCP_V6, [2 | 7, ..]) => to == DHCP_V6_CLIENT,
        (DHCP_V6, [13, ..]) => to == DHCP_V6,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_dhcp_answer_and_requests_do_not() {
        let message = |operation: u8, cookie: [u8; 4]| {
            let mut bytes = vec![0; 300];
            bytes[..3].copy_from_slice(&[operation, 1, 6]);
            bytes[FIXED..FIXED + 4].copy_from_slice(&cookie);
            bytes
        };
        let (reply, request) = (message(2, COOKIE), message(1, COOKIE));
        let is = |ports, payload: &[u8]| answers(ports, payload, 300);
        assert!(is((67, 68), &reply) && is((67, 67), &reply));
        // Cut by a snap length of 256.
        assert!(is((67, 68), &reply[..214]));
        assert!(!is((68, 67), &request) && !is((67, 67), &request));
        assert!(!is((67, 4_444), &reply) && !is((4_444, 68), &reply));
        assert!(!is((67, 68), &message(2, [1, 2, 3, 4])));
        assert!(!answers((67, 68), &reply[..20], 20));
        assert!(is((547, 546), &[7, 1, 2, 3]) && is((547, 546), &[2, 1, 2, 3]));
        assert!(is((547, 547), &[13, 0]) && !is((547, 547), &[12, 0]));
        // A server may begin with RECONFIGURE.
        assert!(!is((547, 546), &[10, 1, 2, 3]) && !is((547, 546), &[]));
    }

    #[test]
    fn name_and_time_servers_answer() {
        let dns = [0, 7, 0x81, 0x80, 0, 1, 0, 1];
        assert!(answers((53, 51_000), &dns, 8));
        assert!(!answers((51_000, 53), &[0, 7, 1, 0, 0, 1, 0, 0], 8));
        let mut ntp = [0_u8; 48];
        ntp[0] = 0x24;
        assert!(answers((123, 123), &ntp, 48));
        ntp[0] = 0x23;
        assert!(!answers((123, 123), &ntp, 48));
    }
}
