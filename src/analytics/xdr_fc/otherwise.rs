//! What else it could be, and what to do next: only what fits how the targets failed, with the names and
//! times that are known.

use super::alarm::Alarm;
use super::silence;
use super::tables::Relation;
use super::target::{Failure, Target};
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::plural::counted;
use crate::model::{Span, Timestamp};
use std::net::IpAddr;

const SCANNER: &str = "a new scanner or inventory tool";
const LIST: &str = "a server that keeps a list of hosts that were taken away";
const LAPTOP: &str = "a laptop that looks for the shares and printers of another site";
const OUTSIDE: &str =
    "a peer-to-peer or measuring program, whose list of peers holds many that are gone";
const UPLINK: &str = "a host whose VPN or uplink is down: its programs go on trying what they cannot reach from there";
const FILTER: &str = "hosts that are there behind a firewall that drops without a word, on them (default Windows does) or on \
                      the way, and that did nothing the sensor could hear";
const ANSWERS: &str = "answers that went another way than past the sensor";
const ROUTE: &str = "a route that was lost: a router calls hosts unreachable that are still there";
const OUTAGE: &str = "an outage: other sources fail to reach the same targets";
const SYSMON: &str = "where logs alone tell it: Sysmon is configured not to log connections of this program to these \
                      addresses or ports";

/// All of it, for the page about the analytic.
pub(super) const BENIGN: &[&str] = &[
    SCANNER, LIST, LAPTOP, FILTER, ANSWERS, ROUTE, OUTAGE, SYSMON, OUTSIDE, UPLINK,
];

/// What to do, for the page about the analytic.
pub(super) const ACTIONS: &[&str] = &[
    "confirm that the source is no sanctioned scanner",
    "look at the process and its parents on the source, and for other discovery by it at the same time",
    "look the targets up in DHCP and the inventory: which were ever in use",
    "look in the captures for packets of the targets themselves: there should be none in the 24 h before they failed",
    "look for connections of the source that did succeed to hosts it had not reached before",
];

/// How far around the failures logs are asked for.
const AROUND: Span = Span::seconds(600);

/// What addresses outside are called: those of private and shared ranges are none of the Internet.
pub(super) fn outside_words<'a>(mut addresses: impl Iterator<Item = &'a IpAddr>) -> &'static str {
    match addresses.any(|address| is_private_or_shared(*address)) {
        true => "addresses outside the internal networks",
        false => "addresses of the Internet",
    }
}

/// Private, link-local, or shared by customers of a provider (RFC 6598).
fn is_private_or_shared(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// How many targets failed in a way, alone or among others.
pub(super) fn failing(alarm: &Alarm, how: Failure) -> usize {
    let of = |target: &&Target| target.failures.contains(&how);
    alarm.targets.values().filter(of).count()
}

/// How many targets failed for several sources.
pub(super) fn shared(alarm: &Alarm) -> usize {
    alarm
        .targets
        .values()
        .filter(|target| target.shared)
        .count()
}

/// What else it could be.
pub(super) fn alternatives(alarm: &Alarm) -> Vec<String> {
    let inside = alarm.measured.internal;
    let silent = failing(alarm, Failure::Silence) > 0;
    let unreachable = failing(alarm, Failure::Unreachable) > 0;
    let fitting = [
        (OUTAGE, shared(alarm) > 0),
        (ROUTE, unreachable),
        (SCANNER, true),
        (LIST, inside),
        (LAPTOP, inside),
        (OUTSIDE, !inside),
        (UPLINK, !inside),
        (FILTER, inside && silent),
        (ANSWERS, silent),
        (SYSMON, failing(alarm, Failure::LoggedOnly) > 0),
    ];
    let fitting = fitting.into_iter().filter(|(_, fits)| *fits);
    fitting.map(|(text, _)| text.to_owned()).collect()
}

/// What to do next. `source` is what the source is called, `when` the first and the last failure.
pub(super) fn actions(
    (source, place): (&str, Place),
    alarm: &Alarm,
    relation: Option<&Relation>,
    when: Option<(Timestamp, Timestamp)>,
    context: &Context,
) -> Vec<String> {
    let mut actions = Vec::new();
    if shared(alarm) * 2 > alarm.targets.len() {
        actions.push(format!(
            "check the way to the targets first (switch, router, VPN): {} of {} fail for other sources too",
            shared(alarm),
            alarm.targets.len()
        ));
    }
    actions.push(format!("confirm that {source} is no sanctioned scanner"));
    actions.push(process(source, place, relation, when, context));
    if let Some(first) = first_target(alarm) {
        let more = alarm.targets.len() - 1;
        let and = match more {
            0 => String::new(),
            more => format!(" and {}", counted(more as u64, "further target")),
        };
        actions.push(match alarm.measured.internal {
            true => {
                format!("look {first}{and} up in DHCP and the inventory: which were ever in use")
            }
            false => format!("look up whose {first}{and} are, and why {source} would know them"),
        });
    }
    let seen = alarm.targets.values().any(|target| target.shown_by[0]);
    if alarm.measured.internal
        && seen
        && let Some((filter, whole)) = silence::filter(alarm.targets.keys())
    {
        let more = if whole {
            ""
        } else {
            ", and so on for the others"
        };
        actions.push(format!(
            "look in the captures for packets of the targets themselves: there should be none in the 24 h before they failed \
             (tshark -Y \"{filter}\"{more})"
        ));
    }
    actions.push(format!(
        "look for connections of {source} that did succeed to hosts it had not reached before"
    ));
    actions
}

/// The target that failed first.
fn first_target(alarm: &Alarm) -> Option<IpAddr> {
    let failed = |(address, target): (&IpAddr, &Target)| Some((target.failed?.0, *address));
    alarm
        .targets
        .iter()
        .filter_map(failed)
        .min()
        .map(|(_, address)| address)
}

fn process(
    source: &str,
    place: Place,
    relation: Option<&Relation>,
    when: Option<(Timestamp, Timestamp)>,
    context: &Context,
) -> String {
    if let Some(relation) = relation.filter(|relation| relation.carries) {
        let name = image_name(&relation.actor.0);
        let pid = relation
            .actor
            .1
            .map_or_else(String::new, |pid| format!(" ({pid})"));
        let parents = match &relation.causality {
            Some((owner, _)) if image_name(owner) != name => {
                format!("what started it, up to {}", image_name(owner))
            }
            _ => "its parents".to_owned(),
        };
        return format!(
            "look at {name}{pid} and {parents} on {source}, and for other discovery by it at the same time"
        );
    }
    let Some((from, to)) = when else {
        return ACTIONS[1].to_owned();
    };
    let (from, to) = (from.shifted(AROUND.negated()), to.shifted(AROUND));
    let (from, to) = (
        format!("{} {}", from.date(), from.clock(0)),
        match from.date() == to.date() {
            true => to.clock(0),
            false => format!("{} {}", to.date(), to.clock(0)),
        },
    );
    match context.identity.keeps_logs(place) {
        true => format!(
            "find the process that made the attempts on {source} from {from} to {to}: no record ties one to most of them"
        ),
        false => format!(
            "acquire the Security and Sysmon logs of {source} from {from} to {to}: they may name the process"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_shared_addresses_are_none_of_the_internet() {
        let words = |all: &[&str]| {
            let all: Vec<IpAddr> = all.iter().map(|text| text.parse().unwrap()).collect();
            outside_words(all.iter())
        };
        let internet = "addresses of the Internet";
        assert_eq!(
            words(&["198.51.100.7", "2001:db8::7", "100.63.0.1", "100.128.0.1"]),
            internet
        );
        for other in [
            "10.0.3.7",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.1",
            "169.254.0.9",
            "fd00::1",
        ] {
            assert_ne!(words(&["198.51.100.7", other]), internet, "{other}");
        }
    }
}
