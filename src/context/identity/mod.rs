//! Which computer had which addresses, as of a moment, and which side of a logged connection is its
//! own.
//!
//! Built from what hosts log about themselves, from what packets claim (ARP, neighbour discovery,
//! DHCP, name services) and from what the user states, which wins. An address that moves belongs to
//! each host for its time; between two owners it is nobody's, and an address that two hosts have at
//! once is neither's. Nothing is guessed; what contradicts itself is kept to be shown.

mod adoption;
mod announced;
mod builder;
mod calls;
mod claims;
mod decide;
mod names;
mod orientation;
mod passwords;
mod sightings;
#[cfg(test)]
mod tests;
mod timeline;

use crate::model::{Event, HostEvent, Text, Timed, Timestamp, What};
use decide::Owner;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use names::key_of;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use timeline::Timeline;

pub use builder::IdentityBuilder;
pub use calls::Call;
pub use orientation::{Orientation, OrientationVotes};
pub use timeline::Held;

/// A host that is known by name: an index. Hosts that log or were stated come first, in the order of
/// their names, then those that packets alone name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// Whom an event is about: a host known by name, or only an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A known host.
    Host(HostId),
    /// An address no known host has.
    Address(IpAddr),
}

/// How a host's name is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownBy {
    /// Its event logs.
    #[default]
    Logs,
    /// The user named it.
    Stated,
    /// DHCP, NBNS or mDNS packets alone.
    Packets,
}

/// One host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Name as most recently written in full.
    pub name: Text,
    /// How the name is known.
    pub known_by: KnownBy,
    /// Its addresses rest on its name in packets alone: no record and no statement names one.
    pub named_in_packets: bool,
    /// The addresses it ever had, as logged, stated or claimed, in order.
    pub addresses: Vec<IpAddr>,
    /// How its inbound rows are written.
    pub orientation: Orientation,
    /// What that rests on.
    pub votes: OrientationVotes,
    /// When it started, as logged, in time order; the first few hundred.
    pub starts: Vec<Event>,
    /// When it came back from sleep, as logged; bounded with `starts`.
    pub resumes: Vec<Event>,
    /// When it stopped, and when its event log began or ended, as logged, in time order; bounded as well.
    pub turns: Vec<Event>,
}

/// Evidence that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Several hosts had the address at once; it was taken for none of them then.
    Address {
        /// The address.
        address: IpAddr,
        /// First moment.
        from: Timestamp,
        /// Last moment.
        to: Timestamp,
        /// The hosts; only one if the other is a device without a name.
        hosts: Vec<HostId>,
    },
    /// Weaker evidence gives the address to another host.
    Overruled {
        /// The address.
        address: IpAddr,
        /// Whom it was taken for.
        host: HostId,
        /// Whom the weaker evidence names.
        other: HostId,
    },
    /// Packets give one name to several addresses at once; it was believed for none.
    SeveralAddresses {
        /// The name, without case.
        name: Text,
        /// The addresses, a few.
        addresses: Vec<IpAddr>,
    },
    /// Packets give one address several names; none was believed.
    SeveralNames {
        /// The address.
        address: IpAddr,
        /// The names, a few, without case.
        names: Vec<Text>,
    },
    /// The own addresses of a firewall's own log were those of several hosts; it was taken for none
    /// of them.
    FirewallLog {
        /// What its host is called instead.
        log: Text,
        /// The hosts.
        hosts: Vec<HostId>,
    },
    /// A name in packets fits several hosts.
    SeveralHosts {
        /// The name.
        name: Text,
        /// The addresses that have it, a few.
        addresses: Vec<IpAddr>,
    },
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    hosts: Vec<Host>,
    // Both are asked for nearly every event; nothing rests on their order.
    by_name: HashMap<String, HostId, RandomState>,
    by_address: HashMap<IpAddr, Timeline<Owner>, RandomState>,
    macs: BTreeMap<IpAddr, Timeline<[u8; 6]>>,
    of_mac: BTreeMap<[u8; 6], Vec<IpAddr>>,
    mac_hosts: BTreeMap<[u8; 6], BTreeSet<HostId>>,
    by_mac: BTreeMap<[u8; 6], Vec<Event>>,
    calls: BTreeMap<[u8; 6], Vec<Call>>,
    passwords: BTreeMap<[u8; 8], u32>,
    wakers: BTreeMap<[u8; 6], Vec<IpAddr>>,
    adopts: bool,
    /// What contradicts itself.
    pub conflicts: Vec<Conflict>,
    /// Claims, hosts and conflicts beyond those that are kept.
    pub left_out: u64,
}

/// More addresses than this are not taken for those of one device.
const ONE_DEVICE: usize = 16;

impl Identity {
    /// All hosts, in order of `HostId`.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host with this computer name.
    pub fn named(&self, computer: &str) -> Option<HostId> {
        self.by_name
            .get(computer)
            .or_else(|| self.by_name.get(&key_of(computer)))
            .copied()
    }

    /// The names by which computers are known, in lower case among others, with their hosts; in no
    /// order.
    pub fn names(&self) -> impl Iterator<Item = (&str, HostId)> {
        self.by_name.iter().map(|(name, id)| (name.as_str(), *id))
    }

    /// The host that a person means by this name: the one that has it, else the only one of those that
    /// logs name whose name has it before the first dot, as reports call it.
    pub fn called(&self, name: &str) -> Option<HostId> {
        self.named(name).or_else(|| {
            let mut meant = self.hosts.iter().filter(|host| {
                let first = host.name.split_once('.').map(|(first, _)| first);
                let logs = host.known_by != KnownBy::Packets;
                logs && first.is_some_and(|first| first.eq_ignore_ascii_case(name.trim()))
            });
            let only = meant.next()?;
            match meant.next() {
                None => self.named(&only.name),
                Some(_) => None,
            }
        })
    }

    /// The host that had this address then.
    pub fn at(&self, address: IpAddr, time: Timestamp) -> Option<HostId> {
        match self.by_address.get(&address)?.at(time)? {
            Owner::Host(id) => Some(id),
            Owner::Stranger => None,
        }
    }

    /// The host that had this address then, or the address itself.
    pub fn place(&self, address: IpAddr, time: Timestamp) -> Place {
        self.at(address, time)
            .map_or(Place::Address(address), Place::Host)
    }

    /// True if there is a firewall's own log, whose rows get the name of its host.
    pub fn adopts(&self) -> bool {
        self.adopts
    }

    /// Gives a row of a firewall's own log the name of its host.
    pub fn adopt(&self, event: &mut Event) {
        if let What::Host(host) = &mut event.what
            && host.timed == Timed::FirewallLog
            && let Some(id) = self.named(&host.computer)
            && let Some(known) = self.host(id)
            && known.name != host.computer
        {
            host.computer = known.name.clone();
        }
    }

    /// The place a host event is about.
    pub fn place_of(&self, event: &HostEvent) -> Option<Place> {
        self.named(&event.computer).map(Place::Host)
    }

    /// A host by id.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id.0 as usize)
    }

    /// True if event logs of the place were given.
    pub fn keeps_logs(&self, place: Place) -> bool {
        match place {
            Place::Host(id) => self.host(id).is_some_and(|h| h.known_by == KnownBy::Logs),
            Place::Address(_) => false,
        }
    }

    /// The addresses a host had then, in order.
    pub fn addresses_at(&self, id: HostId, time: Timestamp) -> impl Iterator<Item = IpAddr> {
        let ever = self.host(id).map(|h| h.addresses.as_slice());
        let ever = ever.unwrap_or_default().iter().copied();
        ever.filter(move |address| self.at(*address, time) == Some(id))
    }

    /// The addresses that more than one device had, with the spans of the known hosts in time
    /// order.
    pub fn moved(&self) -> Vec<(IpAddr, Vec<Held<HostId>>)> {
        let several = self.by_address.iter().filter(|(_, t)| t.spans().len() > 1);
        let known = several.map(|(address, timeline)| {
            let known = timeline.spans().iter().filter_map(|span| match span.owner {
                Owner::Host(owner) => Some(Held {
                    from: span.from,
                    to: span.to,
                    owner,
                }),
                Owner::Stranger => None,
            });
            (*address, known.collect())
        });
        let mut moved: Vec<_> = known.collect();
        moved.sort_by_key(|(address, _)| *address);
        moved
    }

    /// How a hardware address announced itself, in time order: after signals to it, and the last few dozen.
    pub fn announcements(&self, mac: &[u8; 6]) -> &[Event] {
        self.by_mac.get(mac).map_or(&[], Vec::as_slice)
    }

    /// The hardware address that had this IP address then.
    pub fn mac_at(&self, address: IpAddr, time: Timestamp) -> Option<[u8; 6]> {
        self.macs.get(&address)?.at(time)
    }

    /// The IP addresses a hardware address had then, each once, in order.
    pub fn addresses_of(&self, mac: &[u8; 6], time: Timestamp) -> Vec<IpAddr> {
        let ever = self.of_mac.get(mac).map_or(&[][..], Vec::as_slice);
        let had = |address: &&IpAddr| self.mac_at(**address, time) == Some(*mac);
        ever.iter().filter(had).copied().collect()
    }

    /// The host a hardware address belonged to then: whose IP address it had, else whose name it
    /// gave; `None` if that is not one host.
    pub fn host_of(&self, mac: &[u8; 6], time: Timestamp) -> Option<HostId> {
        let addresses = self.addresses_of(mac, time);
        let mut hosts: BTreeSet<HostId> = addresses
            .iter()
            .filter_map(|address| self.at(*address, time))
            .collect();
        if hosts.is_empty() {
            hosts = self.mac_hosts.get(mac).cloned().unwrap_or_default();
        }
        (hosts.len() == 1).then(|| hosts.first().copied()).flatten()
    }

    /// The one IP address a sender of magic packets used then: what it announced, else what its
    /// signals over IP show; `None` if that is not one address.
    pub fn waker(&self, mac: &[u8; 6], time: Timestamp) -> Option<IpAddr> {
        let mut addresses = self.addresses_of(mac, time);
        if addresses.is_empty() {
            addresses = self.wakers.get(mac).cloned().unwrap_or_default();
            addresses.sort_unstable();
            addresses.dedup();
        }
        // With both families, the one of IPv4 stands for the device.
        if addresses.iter().any(IpAddr::is_ipv4) {
            addresses.retain(IpAddr::is_ipv4);
        }
        match addresses.as_slice() {
            [address] => Some(*address),
            _ => None,
        }
    }

    /// The IP addresses from which magic packets came with this hardware address.
    pub fn senders_behind(&self, mac: &[u8; 6]) -> &[IpAddr] {
        self.wakers.get(mac).map_or(&[], Vec::as_slice)
    }

    /// The IP addresses of the device with this hardware address then, in order: what it announced,
    /// and where its magic packets came from. Empty if that may be more than one device: a router
    /// answers for others and passes on what they send.
    pub fn addresses_of_device(&self, mac: &[u8; 6], time: Timestamp) -> Vec<IpAddr> {
        let mut addresses = self.addresses_of(mac, time);
        addresses.extend(self.wakers.get(mac).into_iter().flatten());
        addresses.sort_unstable();
        addresses.dedup();
        let v4 = addresses.iter().filter(|a| a.is_ipv4()).count();
        if v4 > 1 || addresses.len() > ONE_DEVICE {
            addresses.clear();
        }
        addresses
    }

    /// The host's name, if the place has one.
    pub fn name(&self, place: Place) -> Option<&Text> {
        match place {
            Place::Host(id) => self.host(id).map(|h| &h.name),
            Place::Address(_) => None,
        }
    }
}
