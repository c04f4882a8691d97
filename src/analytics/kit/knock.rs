//! A knock: touches of one source that make a sequence, and what is told of it.

use super::touch::Touch;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What makes a sequence.
#[derive(Clone, Debug)]
pub struct KnockRules {
    /// Distinct closed ports that arm a sequence.
    pub min_ports: usize,
    /// More distinct closed ports than this is a scan.
    pub max_ports: usize,
    /// Longest time from the first touch to the last.
    pub span: Span,
    /// Longest time between two touches.
    pub gap: Span,
    /// Count distinct UDP ports too.
    pub udp_counts: bool,
}

/// A sequence of touches by one source.
#[derive(Clone, Debug)]
pub struct Knock {
    /// The source.
    pub source: IpAddr,
    /// The touches in time order, at most [`KNOCK_TOUCHES`].
    pub touches: Vec<Touch>,
    /// Datagrams of the same source meanwhile, which do not count.
    pub aside: Vec<Touch>,
    /// Touches of the same sequence that came after what it led to: nothing is counted or measured of
    /// them. Empty until [`Knock::up_to`] has told them apart.
    pub afterwards: Vec<Touch>,
    /// Index of the touch that armed it.
    pub armed_by: usize,
    /// The source touched more ports than a knock has.
    pub scan: bool,
    /// When it was known to be a scan.
    pub scan_since: Option<Timestamp>,
    /// The same ports were touched at a steady period before: a health check.
    pub periodic: bool,
}

/// Ports that ordinary clients try one after another when a service does not answer. Touching
/// these proves nothing by itself.
const CLIENT_PORTS: [u16; 34] = [
    20, 21, 22, 23, 25, 53, 80, 88, 110, 111, 135, 137, 138, 139, 143, 161, 389, 443, 445, 464,
    515, 587, 593, 631, 636, 993, 995, 3268, 3389, 5357, 5985, 5986, 8080, 9100,
];

/// True if no ordinary client tries this port on its own, and it is not a dynamic one.
pub fn is_odd_port(port: u16) -> bool {
    !CLIENT_PORTS.contains(&port) && port < FIRST_DYNAMIC_PORT
}

/// Touches kept of one sequence; a scan has more and needs no more.
pub const KNOCK_TOUCHES: usize = 64;

impl Knock {
    /// Time of the first touch.
    pub fn first(&self) -> Timestamp {
        self.touches
            .first()
            .map_or(Timestamp::MIN, |t| t.event.time)
    }

    /// The touch that made it a sequence.
    pub fn arming(&self) -> &Touch {
        &self.touches[self.armed_by]
    }

    /// The last touch.
    pub fn last(&self) -> &Touch {
        &self.touches[self.touches.len() - 1]
    }

    /// The sequence up to what it led to. Touches that are `later` without a doubt cannot have led to
    /// it: knockd, for one, closes a door by a second sequence.
    pub fn up_to(&self, later: impl Fn(&Touch) -> bool) -> Self {
        let mut knock = self.clone();
        let behind = knock.touches.split_off(self.armed_by + 1);
        let (afterwards, led): (Vec<_>, Vec<_>) = behind.into_iter().partition(later);
        knock.touches.extend(led);
        knock.afterwards = afterwards;
        knock
    }

    /// The ports in the order touched, repeats left out.
    pub fn ports(&self) -> Vec<u16> {
        let mut seen = BTreeSet::new();
        self.touches
            .iter()
            .filter(|t| seen.insert((t.transport, t.port)))
            .map(|t| t.port)
            .collect()
    }

    /// True if some touch was tried again, as clients do: from the same port, or from another one.
    pub fn was_retried(&self) -> bool {
        self.touches.iter().any(|t| t.retried) || self.ports().len() < self.touches.len()
    }

    /// True if every touch is known to have been made once and no more. Where the evidence ends too soon, or
    /// a log tells of it, neither this nor [`Self::was_retried`] is known.
    pub fn was_single(&self) -> bool {
        self.touches.iter().all(|t| t.abandoned) && self.ports().len() == self.touches.len()
    }

    /// True if every touch was tried again, as a client does that gets no answer.
    pub fn was_all_retried(&self) -> bool {
        let again = |touch: &Touch| {
            let same =
                |other: &&Touch| (other.transport, other.port) == (touch.transport, touch.port);
            touch.retried || self.touches.iter().filter(same).count() > 1
        };
        self.touches.iter().all(again)
    }

    /// True if every touched port is one that ordinary clients try on their own.
    pub fn only_client_ports(&self) -> bool {
        self.only_client_ports_but(&BTreeSet::new())
    }

    /// The same, of those that are not left out; of all, where none would be left.
    pub fn only_client_ports_but(&self, left_out: &BTreeSet<u16>) -> bool {
        let of_clients = |port: &u16| CLIENT_PORTS.contains(port);
        let ports = self.ports();
        let mut left = ports
            .iter()
            .filter(|port| !left_out.contains(port))
            .peekable();
        match left.peek().is_some() {
            true => left.all(of_clients),
            false => ports.iter().all(of_clients),
        }
    }

    /// True if it may have had more touches than are kept.
    pub fn is_cut(&self) -> bool {
        self.scan && self.touches.len() >= KNOCK_TOUCHES
    }

    /// From the first touch to the last.
    pub fn length(&self) -> Span {
        self.last().event.time.since(self.first())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::analytics::kit::touch::Answer;
    use crate::model::{Outcome, Transport};
    use crate::report::samples::attempt;

    /// A touch that met silence, so many seconds after 02:11.
    pub fn touch(second: u64, port: u16) -> Touch {
        let when = format!("02:11:{second:02}");
        Touch {
            event: attempt(&when, second, (40_000, port), Outcome::Unanswered),
            source: [203, 0, 113, 7].into(),
            source_port: 40_000,
            port,
            transport: Transport::TCP,
            answer: Answer::Silence,
            also: Vec::new(),
            logged: false,
            retried: false,
            abandoned: true,
        }
    }

    /// A sequence that touched these ports, a second apart.
    pub fn knock(ports: &[u16]) -> Knock {
        Knock {
            source: [203, 0, 113, 7].into(),
            touches: (0..)
                .zip(ports)
                .map(|(at, port)| touch(at, *port))
                .collect(),
            aside: Vec::new(),
            afterwards: Vec::new(),
            armed_by: 2,
            scan: false,
            scan_since: None,
            periodic: false,
        }
    }

    #[test]
    fn a_port_touched_twice_was_tried_again() {
        let once = knock(&[7_000, 8_000, 9_000]);
        assert!(!once.was_retried() && once.was_single() && !once.was_all_retried());
        let twice = knock(&[7_000, 8_000, 9_000, 7_000]);
        assert!(twice.was_retried() && !twice.was_single() && !twice.was_all_retried());
        assert_eq!(twice.ports(), [7_000, 8_000, 9_000]);
        let all = knock(&[7_000, 8_000, 9_000, 7_000, 8_000, 9_000]);
        assert!(all.was_retried() && all.was_all_retried());
    }

    #[test]
    fn an_attempt_whose_syn_was_sent_again_was_tried_again() {
        let mut sent_again = knock(&[7_000, 8_000, 9_000]);
        sent_again.touches[1].retried = true;
        assert!(sent_again.was_retried() && !sent_again.was_all_retried());
        for touch in &mut sent_again.touches {
            touch.retried = true;
        }
        assert!(sent_again.was_all_retried());
        let mut ends_too_soon = knock(&[7_000, 8_000, 9_000]);
        ends_too_soon.touches[2].abandoned = false;
        assert!(!ends_too_soon.was_single() && !ends_too_soon.was_retried());
    }

    #[test]
    fn what_is_left_out_of_client_ports_is_no_excuse_where_it_is_all_of_them() {
        let (of_clients, mixed) = (knock(&[22, 80, 443]), knock(&[22, 80, 7_000]));
        assert!(of_clients.only_client_ports() && !mixed.only_client_ports());
        assert!(mixed.only_client_ports_but(&BTreeSet::from([7_000])));
        assert!(!mixed.only_client_ports_but(&BTreeSet::from([80])));
        assert!(!mixed.only_client_ports_but(&BTreeSet::from([22, 80, 7_000])));
        assert!(of_clients.only_client_ports_but(&BTreeSet::from([22, 80, 443])));
    }
}
