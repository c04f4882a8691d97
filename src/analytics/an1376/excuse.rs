//! Why a pair is no fallback although something broke: another network, an ordinary change, a scanner.

use super::failover::Failover;
use super::ordinary::{Change, ordinary};
use super::relation::Relation;
use super::settings::FallbackSettings;
use super::signs::Sign;
use super::state::State;
use super::waiting::Waiting;
use crate::context::Context;
use crate::model::payload::Shape;
use crate::model::{Event, Span};
use std::net::IpAddr;

/// Why the pair is no fallback although something broke.
pub fn excluded(
    state: &State,
    waiting: &Waiting,
    [old, new]: [&Relation; 2],
    signs: &[Sign],
    (mute, failover): (bool, &Failover),
    settings: &FallbackSettings,
    context: &Context,
) -> Option<String> {
    let began = signs.iter().map(|sign| sign.at).min().unwrap_or(waiting.at);
    let around =
        |event: &Event| event.time >= began.shifted(Span::seconds(-60)) && event.time <= waiting.at;
    let [before, after] = waiting.locals;
    if state.network.iter().any(around) {
        return Some("the host changed its network in between".to_owned());
    }
    let moved = before != after && before.is_ipv4() == after.is_ipv4();
    // Temporary addresses change within one IPv6 prefix; a host with two adapters uses both.
    let both = || state.sight.uses_both(waiting.locals, began, waiting.at);
    if moved && !same_prefix(before, after) && !both() {
        return Some(format!(
            "the host had another address ({before}, then {after}): it changed its network"
        ));
    }
    let why = ordinary(&Change {
        old: &waiting.old,
        old_relation: old,
        new: &waiting.new,
        new_relation: new,
        brokers: &state.brokers,
        failover,
        mute,
        assets: &context.assets,
    });
    if let Some(why) = why {
        return Some(match unheard(new) {
            true => format!("{why}, by its ports; what was said is not in this evidence"),
            false => why.to_owned(),
        });
    }
    let many = state.new_endpoints(&waiting.new.who, waiting.at, settings.time_window);
    if waiting.new.who.known() && many > settings.max_new_endpoints as usize {
        return Some(format!(
            "the process reached for more than {} new endpoints in the window: a scanner or a monitor",
            settings.max_new_endpoints
        ));
    }
    None
}

/// True if both are addresses of one IPv6 subnet. Of IPv4 the addresses do not say: most networks at
/// home have the same ones.
fn same_prefix(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}

/// True if bytes were counted of a channel, and none of them were seen.
fn unheard(channel: &Relation) -> bool {
    channel.shape == Shape::None && channel.bytes.iter().any(|bytes| *bytes > 0)
}
