//! Which program listened on which port before: a program that listens there again was restarted.

use super::announced::announced;
use super::change::SAME_RULE;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::Verdict;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Span, Timestamp, Transport, What};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

/// Listeners remembered per host.
const HELD: usize = 1_024;

/// What is shut and opens again within this time was restarted.
const RESTARTED_WITHIN: Span = Span::seconds(60);

/// Where something listens: transport, port, address; and the program, or what announces it.
type Listener = (Transport, u16, IpAddr, String);

#[derive(Clone, Copy, Debug)]
struct Since {
    first: Timestamp,
    // Of a program nobody tells when it listens no more; of services and settings it is told.
    shut: Option<Timestamp>,
}

/// The listeners that a host's log has told of so far, of ports that are not given for a while.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(BTreeMap<Listener, Since>);

impl Listeners {
    /// How much is remembered, in changes: a listener takes a quarter of one.
    pub(super) fn held(&self) -> usize {
        self.0.len() / 4
    }

    /// Takes in a record; true if the same program was told to listen there before, or what announces it was
    /// not shut for longer than a restart takes. The same address is asked for: one that was reached from the
    /// host alone is another door.
    pub(super) fn hear(&mut self, event: &Event, dropped: &mut u64) -> bool {
        let What::Host(host) = &event.what else {
            return false;
        };
        let (listener, opens) = match &host.what {
            HostWhat::Listening {
                verdict: Verdict::Permitted,
                transport,
                local,
                process,
                ..
            } => {
                let image = image_key(&process.image);
                ((*transport, local.port, local.address, image), true)
            }
            what => match announced(what) {
                Some(told) => {
                    let by = told.by.to_lowercase();
                    ((Transport::TCP, told.port, told.address, by), told.opens)
                }
                None => return false,
            },
        };
        if listener.1 >= FIRST_DYNAMIC_PORT {
            return false;
        }
        let now = event.time;
        let full = self.0.len() >= HELD;
        let since = match self.0.entry(listener) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(_) if full => {
                *dropped += 1;
                return false;
            }
            Entry::Vacant(free) => {
                let shut = (!opens).then_some(now);
                free.insert(Since { first: now, shut });
                return false;
            }
        };
        if !opens {
            since.shut = Some(now);
            return false;
        }
        let again = match since.shut.take() {
            Some(shut) => now.since(shut) <= RESTARTED_WITHIN,
            None => now.since(since.first).abs() > SAME_RULE,
        };
        if !again && now.since(since.first).abs() > SAME_RULE {
            since.first = now;
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;
    use crate::model::host_event::{Process, ServiceState};
    use crate::model::samples::record;

    /// Whether each of these records, by second, is of something that listened there before.
    fn again(records: &[(i64, HostWhat)]) -> Vec<bool> {
        let mut listeners = Listeners::default();
        let hear = |(second, what): &(i64, HostWhat)| {
            listeners.hear(&record(*second, "WS01", what.clone()), &mut 0)
        };
        records.iter().map(hear).collect()
    }

    fn listens(image: &str, address: [u8; 4], port: u16) -> HostWhat {
        HostWhat::Listening {
            verdict: Verdict::Permitted,
            process: Process {
                image: image.into(),
                ..Process::default()
            },
            transport: Transport::TCP,
            local: Endpoint::new(address.into(), port),
        }
    }

    fn sshd(state: ServiceState) -> HostWhat {
        HostWhat::ServiceStateChanged {
            name: "OpenSSH SSH Server".into(),
            state,
        }
    }

    #[test]
    fn a_program_that_listens_there_after_a_moment_was_restarted() {
        let told = || listens("agent.exe", [0; 4], 9_000);
        assert_eq!(again(&[(0, told()), (4, told())]), [false, true]);
        let moment = [(0, told()), (2, told()), (3, told())];
        assert_eq!(again(&moment), [false, false, true], "records of one start");
    }

    #[test]
    fn another_program_or_address_or_port_is_another_listener() {
        let first = listens("agent.exe", [0; 4], 9_000);
        for other in [
            listens("other.exe", [0; 4], 9_000),
            listens("agent.exe", [127, 0, 0, 1], 9_000),
            listens("agent.exe", [0; 4], 9_001),
        ] {
            assert_eq!(again(&[(0, first.clone()), (4, other)]), [false, false]);
        }
    }

    #[test]
    fn a_dynamic_port_is_nobodys() {
        let told = || listens("agent.exe", [0; 4], 50_000);
        assert_eq!(again(&[(0, told()), (4, told())]), [false, false]);
    }

    #[test]
    fn a_service_that_was_shut_for_a_minute_was_restarted_and_for_longer_was_started() {
        let (starts, stops) = (
            || sshd(ServiceState::Running),
            || sshd(ServiceState::Stopped),
        );
        let shut_for = |seconds: i64| {
            let told = again(&[(0, starts()), (100, stops()), (100 + seconds, starts())]);
            assert_eq!(told[..2], [false, false]);
            told[2]
        };
        assert!(shut_for(1) && shut_for(60));
        assert!(!shut_for(61));
        let found_shut = [(0, stops()), (61, starts()), (65, starts())];
        assert_eq!(again(&found_shut), [false, false, true]);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let (mut listeners, mut dropped) = (Listeners::default(), 0);
        for port in 0..=HELD {
            let what = listens("agent.exe", [0; 4], port as u16);
            listeners.hear(&record(0, "WS01", what), &mut dropped);
        }
        assert_eq!((listeners.held(), dropped), (HELD / 4, 1));
    }
}
