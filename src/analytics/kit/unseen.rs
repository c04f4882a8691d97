//! What a finding could not see on a host, in words.

use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::Timestamp;
use crate::model::finding::Unseen;

/// What was not there for a finding about exposure on `place` between `from` and `to`.
pub fn of_exposure(place: Place, from: Timestamp, to: Timestamp, context: &Context) -> Vec<Unseen> {
    let mut unseen = Vec::new();
    let coverage = &context.coverage;
    let mut add = |telemetry: &str, host, effect: &str| {
        unseen.push(Unseen {
            telemetry: telemetry.to_owned(),
            host,
            effect: effect.to_owned(),
        });
    };
    match coverage.capture_start() {
        None => add(
            "packets",
            None,
            "no capture was read: what the host logged rests on its own word alone",
        ),
        Some(start) if start > from => add(
            &format!("packets before {}", start.clock(3)),
            None,
            "earlier touches and connections cannot be excluded",
        ),
        Some(_) => {}
    }
    if coverage.capture_end().is_some_and(|end| end < to) {
        add(
            "packets to the end of the sequence",
            None,
            "later packets cannot be excluded",
        );
    }
    match place {
        _ if !context.identity.keeps_logs(place) => add(
            "event logs of the host",
            context.identity.name(place).cloned(),
            "no event log of this address was given: a firewall or listener change could not be seen",
        ),
        Place::Address(_) => {}
        Place::Host(id) => {
            let host = context.identity.name(place).cloned();
            if !coverage.could_write(id, Log::Security, from, to) {
                add(
                    "event logs while the event log service did not run",
                    host.clone(),
                    "what the host did meanwhile is not logged",
                );
            }
            let logs: [(&str, bool, &str); 4] = [
                (
                    "firewall rule changes (Firewall channel 2004 and its like, Sysmon 13, Security 4946, 5447)",
                    coverage.any(
                        id,
                        Log::Firewall,
                        &[2004, 2005, 2006, 2071, 2073, 2097, 2099, 2052],
                    ) || coverage.any(id, Log::Sysmon, &[12, 13])
                        || coverage.any(id, Log::Security, &[4946, 4947, 4948, 5447]),
                    "a rule change could not be seen",
                ),
                (
                    "listeners (Security 5154, 5158)",
                    coverage.any(id, Log::Security, &[5154, 5158]),
                    "when a port began to listen, and which process held it, is not logged",
                ),
                (
                    "inbound connections (Security 5156, Sysmon 3)",
                    coverage.any(id, Log::Security, &[5156])
                        || coverage.any(id, Log::Sysmon, &[3])
                        || coverage.any(id, Log::FirewallText, &[5156]),
                    match coverage.capture_start() {
                        Some(_) => "that the host accepted the connection rests on packets alone",
                        None => "whom the host let in is not logged",
                    },
                ),
                (
                    "process creation (Security 4688, Sysmon 1)",
                    coverage.any(id, Log::Security, &[4688]) || coverage.any(id, Log::Sysmon, &[1]),
                    "what was run on the host, and by which command, is not logged",
                ),
            ];
            for (telemetry, present, effect) in logs {
                if !present {
                    add(telemetry, host.clone(), effect);
                }
            }
        }
    }
    unseen
}
