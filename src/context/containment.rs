//! When the analyst says that something was contained: stated facts, never read from evidence.

use super::{HostId, Identity, Place};
use crate::model::Timestamp;

/// A containment as stated: a time, and the host if it was one host's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stated {
    /// When it took effect.
    pub time: Timestamp,
    /// The host's name or address as written; `None` for all hosts.
    pub host: Option<String>,
}

impl Stated {
    /// Reads `TIME` or `TIME,HOST`.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, host) = match text.split_once(',') {
            Some((time, host)) => (time, Some(host.trim().to_owned())),
            None => (text, None),
        };
        let host = match host {
            Some(host) if host.is_empty() => return None,
            host => host,
        };
        Some(Self {
            time: Timestamp::parse(time)?,
            host,
        })
    }
}

/// The stated containments, against the hosts of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Containments {
    times: Vec<(Timestamp, Option<Place>)>,
}

impl Containments {
    /// Finds the hosts that were named. Names nobody has are handed back.
    ///
    /// # Errors
    /// The first name that is no host's and no address.
    pub fn of(stated: &[Stated], identity: &Identity) -> Result<Self, String> {
        let mut times = Vec::new();
        for one in stated {
            let place = match &one.host {
                None => None,
                Some(name) => Some(place(name, one.time, identity).ok_or_else(|| name.clone())?),
            };
            times.push((one.time, place));
        }
        times.sort_unstable();
        times.dedup();
        Ok(Self { times })
    }

    /// True if none was stated.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// True if the containment of that time was stated for this host by name.
    pub fn names(&self, place: Place, at: Timestamp) -> bool {
        self.times.contains(&(at, Some(place)))
    }

    /// The containment times of a host, in order.
    pub fn of_host(&self, place: Place) -> Vec<Timestamp> {
        let mut times: Vec<Timestamp> = self
            .times
            .iter()
            .filter(|(_, of)| of.is_none_or(|of| of == place))
            .map(|(time, _)| *time)
            .collect();
        times.dedup();
        times
    }
}

fn place(name: &str, time: Timestamp, identity: &Identity) -> Option<Place> {
    let named: Option<HostId> = identity.called(name);
    named.map(Place::Host).or_else(|| {
        Some(identity.place(name.parse::<std::net::IpAddr>().ok()?.to_canonical(), time))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_alone_is_for_all_hosts_and_a_name_must_follow_a_comma() {
        let all = Stated::parse("2026-03-01T02:00:00Z").unwrap();
        assert_eq!(all.host, None);
        let one = Stated::parse("2026-03-01T02:00:00Z, WS01").unwrap();
        assert_eq!(one.host.as_deref(), Some("WS01"));
        assert_eq!(one.time, all.time);
        assert_eq!(Stated::parse("2026-03-01T02:00:00Z,"), None);
        assert_eq!(Stated::parse("yesterday"), None);
    }

    #[test]
    fn a_host_nobody_is_called_is_handed_back() {
        let stated = Stated::parse("2026-03-01T02:00:00Z,NOBODY").unwrap();
        let of = Containments::of(&[stated], &Identity::default());
        assert_eq!(of, Err("NOBODY".to_owned()));
    }

    #[test]
    fn an_address_is_a_host_too() {
        let stated = Stated::parse("2026-03-01T02:00:00Z,10.0.0.5").unwrap();
        let of = Containments::of(std::slice::from_ref(&stated), &Identity::default()).unwrap();
        let place = Place::Address("10.0.0.5".parse().unwrap());
        assert_eq!(of.of_host(place), [stated.time]);
        assert!(
            of.of_host(Place::Address("10.0.0.6".parse().unwrap()))
                .is_empty()
        );
    }
}
