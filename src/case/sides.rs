//! Who started what a finding tells, and whom it was aimed at.

use crate::model::finding::{Finding, Step};
use crate::model::net::Direction;
use crate::model::{Endpoint, HostWhat, What};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Which side started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The other side: the host is the target.
    Remote,
    /// The host the finding is about.
    Host,
}

/// Which side started it: the initiator of the first attempt that names one of the two, else the
/// first direction a host logged; the other side where neither tells.
pub fn started(finding: &Finding) -> Started {
    let who = &finding.entities;
    for step in &finding.steps {
        match &step.event.what {
            What::Attempt(attempt) => {
                let from = Some(attempt.initiator.address);
                if who.remote.is_some() && from == who.remote {
                    return Started::Remote;
                }
                if who.host_address.is_some() && from == who.host_address {
                    return Started::Host;
                }
            }
            What::Host(host) => match &host.what {
                HostWhat::Filtered {
                    direction: Some(Direction::Inbound),
                    ..
                }
                | HostWhat::Connected {
                    initiated: false, ..
                } => return Started::Remote,
                HostWhat::Filtered {
                    direction: Some(Direction::Outbound),
                    ..
                }
                | HostWhat::Connected {
                    initiated: true, ..
                } => return Started::Host,
                _ => {}
            },
            What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }
    if who.remote.is_none() && who.remote_mac.is_none() {
        Started::Host
    } else {
        Started::Remote
    }
}

/// The addresses that the cited attempts go to: no claim about attempts that are not cited.
pub fn targets(finding: &Finding) -> BTreeSet<IpAddr> {
    let aims = finding.steps.iter().map(|step| aimed_at(step, finding));
    aims.flatten().collect()
}

/// The address that a step's attempt goes to; `None` of a step that is none.
pub fn aimed_at(step: &Step, finding: &Finding) -> Option<IpAddr> {
    match &step.event.what {
        What::Attempt(attempt) => Some(attempt.responder.address),
        What::Host(host) => match &host.what {
            HostWhat::Filtered {
                source,
                destination,
                direction,
                ..
            } => {
                let received = *direction == Some(Direction::Inbound);
                Some(aim(received, source, destination, finding))
            }
            HostWhat::Connected {
                source,
                destination,
                initiated,
                ..
            } => Some(aim(!initiated, source, destination, finding)),
            _ => None,
        },
        What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => None,
    }
}

/// Whom a logged connection went to. Of one that the host received, logs may name the host first: then
/// the other side stands where the target should.
fn aim(received: bool, source: &Endpoint, destination: &Endpoint, finding: &Finding) -> IpAddr {
    if received && finding.entities.remote == Some(destination.address) {
        source.address
    } else {
        destination.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_event::Process;
    use crate::model::{Text, Transport};
    use crate::report::samples::{HOST, REMOTE, knock};

    #[test]
    fn a_received_connection_was_aimed_at_the_host_whichever_side_its_log_names_first() {
        let end = |text: &str, port| Endpoint::new(text.parse().unwrap(), port);
        let (host, remote) = (end(HOST, 3389), end(REMOTE, 50_000));
        let aimed = |source, destination| {
            let mut finding = knock();
            finding
                .steps
                .retain(|s| matches!(s.event.what, What::Host(_)));
            finding.steps.truncate(1);
            let What::Host(event) = &mut finding.steps[0].event.what else {
                unreachable!("only steps of hosts were kept")
            };
            event.what = HostWhat::Connected {
                process: Process::default(),
                initiated: false,
                transport: Transport::TCP,
                source,
                destination,
                user: Text::default(),
                utc_time: None,
            };
            targets(&finding)
        };
        assert_eq!(aimed(remote, host), [host.address].into());
        assert_eq!(aimed(host, remote), [host.address].into());
    }
}
