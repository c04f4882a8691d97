//! What the settings file says of a source: its role, and the segments it reached into.
//!
//! Only what is stated; a role or a segment is never guessed from traffic.

use crate::context::assets::Role;
use crate::context::{Context, Place};
use crate::model::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Segments named in a sentence.
const NAMED: usize = 8;

/// The stated role of a place, by its name and its addresses at that time.
pub fn role(place: Place, at: Timestamp, context: &Context) -> Option<Role> {
    if context.assets.roles.is_empty() {
        return None;
    }
    match place {
        Place::Address(address) => context.assets.role("", &[address]),
        Place::Host(id) => {
            let addresses: Vec<IpAddr> = context.identity.addresses_at(id, at).collect();
            let name = context.identity.name(place);
            let name = name.map_or("", |name| name);
            context.assets.role(name, &addresses)
        }
    }
}

/// A source as far as the settings file places it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It is a workstation.
    pub workstation: bool,
    /// Named segments among its targets, its own left out.
    pub segments: BTreeSet<String>,
}

impl Standing {
    /// Of a source, seen with the address `own`, that reached for `targets`.
    pub fn of<'t>(
        place: Place,
        own: Option<IpAddr>,
        at: Timestamp,
        targets: impl Iterator<Item = &'t IpAddr>,
        context: &Context,
    ) -> Self {
        let assets = &context.assets;
        let home = own.and_then(|own| assets.segment(own));
        let mut segments = BTreeSet::new();
        if !assets.segments.is_empty() {
            for name in targets.filter_map(|target| assets.segment(*target)) {
                if Some(name) != home && !segments.contains(name) {
                    segments.insert(name.to_owned());
                }
            }
        }
        Self {
            workstation: role(place, at, context) == Some(Role::Workstation),
            segments,
        }
    }

    /// True if it reached into a named segment that is not its own.
    pub fn crosses(&self) -> bool {
        !self.segments.is_empty()
    }

    /// The sentence for a report; `None` where the settings file says nothing of it.
    pub fn sentence(&self) -> Option<String> {
        let mut named: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        let more = named.len().saturating_sub(NAMED);
        named.truncate(NAMED);
        let rest = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let into = format!("{}{rest}", named.join(", "));
        match (self.workstation, self.crosses()) {
            (false, false) => None,
            (true, false) => Some("the settings file calls the source a workstation".to_owned()),
            (false, true) => Some(format!(
                "it reached into segments of the settings file that are not its own: {into}"
            )),
            (true, true) => Some(format!(
                "the settings file calls the source a workstation; it reached into segments that are not its own: \
                 {into}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::assets::Asset;
    use crate::model::Network;

    fn context() -> Context {
        let network = |text: &str| vec![Network::parse(text).unwrap()];
        let mut context = Context::default();
        context.assets.roles = vec![(Asset::Address(ip("10.1.0.5")), Role::Workstation)];
        context.assets.segments = vec![
            ("clients".to_owned(), network("10.1.0.0/24")),
            ("servers".to_owned(), network("10.2.0.0/24")),
        ];
        context
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn of(own: &str, targets: &[&str]) -> Standing {
        let targets: Vec<IpAddr> = targets.iter().map(|t| ip(t)).collect();
        let place = Place::Address(ip(own));
        Standing::of(
            place,
            Some(ip(own)),
            Timestamp(0),
            targets.iter(),
            &context(),
        )
    }

    #[test]
    fn its_own_segment_and_unnamed_networks_are_no_crossing() {
        let at_home = of("10.1.0.5", &["10.1.0.9", "10.9.0.1"]);
        assert!(at_home.workstation && !at_home.crosses());
        let abroad = of("10.1.0.6", &["10.1.0.9", "10.2.0.9", "10.2.0.10"]);
        assert!(!abroad.workstation && abroad.segments.len() == 1);
        assert!(abroad.sentence().unwrap().ends_with("not its own: servers"));
        assert_eq!(of("10.1.0.6", &["10.1.0.9"]).sentence(), None);
    }
}
