//! What a sequence, the changes tied to it and an arrival look like together: the parts of a finding
//! that do not depend on which analytic tells it.

use super::arrivals::Arrival;
use super::change::{Change, Effect, image_of, listens_on, made_by, rule_of, user_of};
use super::door::Door;
use super::exposure::Tie;
use super::knock::Knock;
use super::opening::{Opened, TiedChange, opened};
use super::order;
use crate::context::coverage::{Log, Seen};
use crate::context::{Context, Place};
use crate::model::finding::{Entities, Order, OrderCheck};
use crate::model::firewall::{Ports, RuleChange};
use crate::model::plural::counted;
use crate::model::{Event, HostWhat, Span, Timestamp, What};
use std::net::IpAddr;

/// How long after the connection a door that closes again counts as part of the picture: knockd
/// closes after 10 s, fwknop after 30 to 300 s.
pub const LINGER: Span = Span::seconds(300);

/// A host is starting for this long: what asks it again and again meanwhile waits for its services.
const STARTING: Span = Span::seconds(180);

/// Everything a telling rests on.
pub struct Picture<'a> {
    /// The host.
    pub place: Place,
    /// The touches.
    pub knock: &'a Knock,
    /// The host's state.
    pub door: &'a Door,
    /// Who came in, if anyone.
    pub arrival: Option<&'a Arrival>,
    /// The changes, in time order.
    pub tied: Vec<TiedChange<'a>>,
    /// The port is known to have been closed before, by the wire or by the change itself.
    pub proven: bool,
}

impl Picture<'_> {
    /// When the source came in, where that is later than the step that shows it.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.arrival.map(|arrival| (arrival.time(), arrival.time()))
    }

    /// What first showed the port open, where somebody came in.
    pub fn opened(&self) -> Option<Opened<'_>> {
        let arrival = self.arrival?;
        Some(opened(self.door, arrival, self.knock))
    }

    /// The first of the changes that are tied most strongly: the one whose time is told.
    pub fn strongest(&self) -> Option<&TiedChange<'_>> {
        let telling = self.tied.iter().rev().filter(|t| t.tie > Tie::Weak);
        telling.max_by_key(|t| t.tie)
    }
}

/// What a finding from packets alone says where `was_up` is false.
pub const NOT_UP: &str = "nothing shows that the host was up within ten minutes before the touches: it may have been starting, and \
                          then its ports were silent because nobody was there";

/// A host that showed life no longer ago than this is up: whoever sleeps was heard before, too.
const ALIVE: Span = Span::seconds(600);

/// True if something shows that the host was up when it was touched: a sign of life not long before, or
/// meanwhile. Silence of a host that was not there says nothing about its ports.
pub fn was_up(place: Place, knock: &Knock, context: &Context) -> bool {
    was_up_at(place, knock.first(), knock.last().event.time, context)
}

/// True if something shows that the host was up when it was touched, from `first` to `last`.
pub fn was_up_at(place: Place, first: Timestamp, last: Timestamp, context: &Context) -> bool {
    let alive = |address: IpAddr| {
        let seen = context.activity.last_seen(address, last);
        seen.is_some_and(|seen| first.since(seen) <= ALIVE)
    };
    match place {
        Place::Address(address) => alive(address),
        Place::Host(id) => {
            let addresses = context.identity.host(id).map(|h| h.addresses.as_slice());
            addresses.unwrap_or_default().iter().any(|a| alive(*a))
                || context
                    .coverage
                    .history(id)
                    .is_some_and(|logged| logged.from < last)
        }
    }
}

/// The sequence as far as it can have led to `event`.
pub fn leading_to(knock: &Knock, event: &Event, context: &Context) -> Knock {
    let mut led = knock.up_to(|touch| context.order(&touch.event, event) == Order::After);
    // Whoever scans from inside of the door did not scan to open it.
    led.scan &= knock.scan_since.is_none_or(|since| since <= event.time);
    led
}

/// What is said of touches that came after what the sequence led to.
pub fn afterwards_note(knock: &Knock) -> Option<String> {
    let probes = counted(knock.afterwards.len() as u64, "probe");
    (!knock.afterwards.is_empty()).then(|| {
        format!(
            "{probes} of closed ports came after the connection: shown, and nothing is counted or measured of them"
        )
    })
}

/// Why a sequence of touches is everyday business whatever followed, if it is; `until` is when somebody
/// came in. What the host does later says nothing of the touches.
pub fn everyday(
    place: Place,
    knock: &Knock,
    until: Timestamp,
    context: &Context,
) -> Option<&'static str> {
    if knock.periodic {
        return Some("the same ports were touched at a steady period before: a health check");
    }
    let Place::Host(id) = place else { return None };
    // Delayed services start two minutes after the system does.
    let starting = knock.first().shifted(STARTING.negated());
    let since = match knock.was_single() {
        true => knock.first(),
        false => starting,
    };
    let starts = context.identity.host(id)?.starts.iter();
    let mut starts = starts.filter(|e| e.time >= since && e.time <= until);
    let first = starts.next()?;
    Some(match first.time <= knock.last().event.time {
        true => "the host was starting: every port is closed before its service is up",
        false => "the host was started afterwards: it may have been going down as it was touched",
    })
}

/// True if this host's logs would show a change at the time of the knock: a firewall log or rule
/// auditing that covers it.
pub fn changes_are_logged(
    place: Place,
    knock: &Knock,
    until: Timestamp,
    context: &Context,
) -> bool {
    let Place::Host(id) = place else { return false };
    let covers = |seen: Option<&Seen>| seen.is_some_and(|s| s.interval.from <= knock.first());
    let coverage = &context.coverage;
    let written = |log| coverage.could_write(id, log, knock.first(), until);
    covers(coverage.channel(id, Log::Firewall)) && written(Log::Firewall)
        || covers(coverage.channel(id, Log::Security))
            && written(Log::Security)
            && coverage.any(
                id,
                Log::Security,
                &[4946, 4947, 4948, 4950, 4956, 5154, 5447],
            )
}

/// The host's name, or its address.
pub fn host_words(place: Place, context: &Context) -> String {
    match (context.identity.name(place), place) {
        (Some(name), _) => name.to_string(),
        (None, Place::Address(address)) => address.to_string(),
        (None, Place::Host(_)) => "the host".to_owned(),
    }
}

/// True if those who opened the door are on a list of names: every change of the firewall whose maker is
/// told was made by one of them. Who listens behind a rule did not make it, and counts only where nothing
/// but listeners is tied.
pub fn opened_by_listed(tied: &[TiedChange<'_>], names: &[String]) -> bool {
    let telling = || tied.iter().filter(|t| t.tie > Tie::Weak).map(|t| t.change);
    let by_rule = telling().any(|c| c.effect != Effect::Listens);
    let mut makers = telling()
        .filter(|c| !by_rule || c.effect != Effect::Listens)
        .filter(|c| image_of(c).is_some() || user_of(c).is_some())
        .map(|c| made_by(c, names))
        .peekable();
    makers.peek().is_some() && makers.all(|listed| listed)
}

/// The addresses of a host.
pub fn own_addresses(place: Place, context: &Context) -> &[IpAddr] {
    match place {
        Place::Host(id) => context.identity.host(id).map_or(&[], |h| &h.addresses),
        Place::Address(_) => &[],
    }
}

/// True if a door of this picture closes again soon after the arrival.
pub fn closes_again(picture: &Picture<'_>, arrival: &Arrival) -> bool {
    let from = arrival.time();
    picture
        .door
        .changes
        .between(from, from.shifted(LINGER))
        .any(|c| {
            closes(c)
                && picture
                    .tied
                    .iter()
                    .any(|t| same_rule(&t.change.event, &c.event))
        })
}

/// True for a change that shuts a door if it is about the rule that opened it. A deletion names the
/// rule only, not what it allowed.
pub(super) fn closes(change: &Change) -> bool {
    change.effect == Effect::Shuts
        || matches!(&change.event.what, What::Host(host)
            if matches!(host.what, HostWhat::FirewallRule { change: RuleChange::Removed, .. }))
}

pub(super) fn same_rule(a: &Event, b: &Event) -> bool {
    let rule = |e: &Event| match &e.what {
        What::Host(host) => match &host.what {
            HostWhat::FirewallRule { rule, .. } => Some((rule.id.clone(), rule.name.clone())),
            _ => None,
        },
        _ => None,
    };
    match (rule(a), rule(b)) {
        (Some((id, name)), Some((other_id, other_name))) => {
            !id.is_empty() && id.eq_ignore_ascii_case(&other_id)
                || !name.is_empty() && name == other_name
        }
        _ => false,
    }
}

/// Holds every order the chain needs against the clocks.
pub fn check_order(picture: &Picture<'_>, context: &Context) -> OrderCheck {
    let pairs = order_pairs(picture, context);
    let mut check = order::check(&pairs, context);
    let tied = picture.tied.iter().any(|t| t.tie > Tie::Weak);
    if let Some((arming, change)) = pairs.first().filter(|_| tied)
        && context.order(arming, change) == Order::After
    {
        check.notes.push(format!(
            "The change was logged {} before the touch that completes the sequence; ChangeSlack lets it count.",
            arming.time.since(change.time)
        ));
    }
    check
}

/// The pairs of events, the earlier first, whose order the chain rests on.
pub fn order_pairs<'a>(picture: &Picture<'a>, context: &Context) -> Vec<(&'a Event, &'a Event)> {
    let mut pairs: Vec<(&Event, &Event)> = Vec::new();
    let strongest = picture.tied.iter().map(|t| t.tie).max();
    let leading: Vec<&Event> = picture
        .tied
        .iter()
        .filter(|t| Some(t.tie) == strongest && t.tie > Tie::Weak)
        .map(|t| &t.change.event)
        .collect();
    let arming = &picture.knock.arming().event;
    // One change in certain order is enough; the first of the strongest is the one told.
    if let Some(change) = leading
        .iter()
        .find(|c| context.order(arming, c) == Order::Before)
        .or(leading.first())
    {
        pairs.push((arming, change));
        if let Some(arrival) = picture.arrival {
            let opened = match opened(picture.door, arrival, picture.knock) {
                Opened::ByIt(first) => first,
                Opened::ByAnother { entry, .. } => entry,
                Opened::Before => arrival.entry(),
            };
            pairs.push((change, opened));
        }
    } else if let Some(arrival) = picture.arrival {
        pairs.push((arming, arrival.entry()));
    }
    pairs
}

/// The port that was reached, or that the first change opens.
pub fn opened_port(picture: &Picture<'_>) -> Option<u16> {
    picture.arrival.map(|a| a.port).or_else(|| {
        picture.tied.first().and_then(|t| match rule_of(t.change) {
            Some(rule) => match &rule.local_ports {
                Ports::Ranges(r) | Ports::Mixed(r, _) => r.first().map(|r| r.0),
                _ => None,
            },
            None => listens_on(t.change).map(|(_, port)| port),
        })
    })
}

/// Who it is about.
pub fn entities(picture: &Picture<'_>, context: &Context) -> Entities {
    // Who holds the port is the process at the centre; else who changed the rule.
    let tied = || {
        picture
            .tied
            .iter()
            .filter(|t| t.tie > Tie::Weak)
            .map(|t| t.change)
    };
    let listener = tied().find_map(|c| match &c.event.what {
        What::Host(host) => match &host.what {
            HostWhat::Listening { process, .. } => Some((process.image.clone(), process.pid)),
            _ => None,
        },
        _ => None,
    });
    let (process, pid) = listener
        .or_else(|| tied().find_map(image_of).map(|image| (image, None)))
        .unwrap_or_default();
    Entities {
        remote: Some(picture.knock.source),
        remote_mac: None,
        host_name: context
            .identity
            .name(picture.place)
            .cloned()
            .unwrap_or_default(),
        host_address: host_address(picture, context),
        probed_ports: picture.knock.ports(),
        opened_ports: opened_port(picture).into_iter().collect(),
        process,
        pid,
        woken: Vec::new(),
        reach: None,
    }
}

fn host_address(picture: &Picture<'_>, context: &Context) -> Option<IpAddr> {
    let touched = picture
        .knock
        .touches
        .iter()
        .find_map(|t| match &t.event.what {
            What::Attempt(attempt) => Some(attempt.responder.address),
            _ => None,
        });
    touched.or(match picture.place {
        Place::Address(address) => Some(address),
        Place::Host(id) => context
            .identity
            .host(id)
            .and_then(|h| h.addresses.first().copied()),
    })
}
