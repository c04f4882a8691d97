//! A scan whose packets come from an address that is not the host's: address translation lies between,
//! and target, port and time are all that joins them to its records.

use super::scan::Scan;
use crate::context::{Context, Place};
use crate::model::{Event, Strength, What};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is said of the word where it occurs.
pub(super) const WEAK: &str =
    "weak: target, port and time fit, and the packets come from another address";

/// The address that the packets of a contact come from, where it is none of the host's.
pub(super) fn source(event: &Event, place: Place, context: &Context) -> Option<IpAddr> {
    let (What::Attempt(attempt), Place::Host(host)) = (&event.what, place) else {
        return None;
    };
    let actor = attempt.actor.as_ref()?;
    let own = &context.identity.host(host)?.addresses;
    let address = attempt.initiator.address;
    (actor.strength == Strength::Weak && !own.contains(&address)).then_some(address)
}

/// What is said of contacts that only translation explains; `None` where there are none.
pub(super) fn sentence(scan: &Scan, place: Place, context: &Context) -> Option<String> {
    let told = scan.targets.iter().map(|probe| &probe.event);
    let from: BTreeSet<IpAddr> = told
        .chain([&scan.last_event])
        .filter_map(|event| source(event, place, context))
        .collect();
    let named: Vec<String> = from.iter().map(IpAddr::to_string).collect();
    let (weak, all) = (scan.tied_by(Strength::Weak), scan.contacts);
    let packets = if weak < all {
        format!("the packets of {weak} of the {all} contacts")
    } else {
        "the packets".to_owned()
    };
    let addresses = match named.as_slice() {
        [] => return None,
        [one] => format!("{one}, an address that is not the host's"),
        several => format!("{}, addresses that are not the host's", several.join(", ")),
    };
    Some(format!(
        "{packets} come from {addresses}: joined by target and time alone; another host behind the same \
         translated address may have sent them"
    ))
}
