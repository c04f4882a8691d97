//! Relations of one host: a process, a remote, a port and a protocol that belong together, with
//! what passed between them.
//!
//! The remote is its name where one is known, so that an address change of the same name is no new
//! destination. Whether a relation broke is in `trouble`.

use super::echo::Echoes;
use super::rhythm::{Rhythm, rhythm};
use super::settings::FallbackSettings;
use super::sighting::Sighting;
use super::trouble::Trouble;
use super::who::Who;
use crate::context::assets::Assets;
use crate::model::net::is_private;
use crate::model::payload::{FIRST_SIZES, Shape};
use crate::model::{Event, Span, Text, Timestamp, Transport};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Times and sizes remembered of a relation, the latest ones.
const REMEMBERED: usize = 64;
/// Contacts that are too few for a rhythm but can keep a known one.
const FEW: usize = 3;
/// Addresses remembered of a relation.
const ADDRESSES: usize = 16;

/// The remote of a relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// By the name the process asked for, or that its address was answered for.
    Name(Text),
    /// By address.
    Address(IpAddr),
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// What makes a relation this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The process.
    pub who: Who,
    /// The protocol.
    pub transport: Transport,
    /// The remote port; 0 for ICMP.
    pub port: u16,
    /// The remote.
    pub peer: Peer,
}

impl Route {
    /// `203.0.113.9 443/tcp`, `icmp to 203.0.113.9`.
    pub fn words(&self) -> String {
        match self.transport {
            Transport::TCP | Transport::UDP => {
                format!("{} port {}/{}", self.peer, self.port, self.transport)
            }
            other => format!("{} over {other}", self.peer),
        }
    }
}

/// Why a relation counts as established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Established {
    /// Enough connections with payload both ways (or logged as made).
    Worked,
    /// Contacts in a steady rhythm, of which at least one worked.
    Beacon,
    /// One long connection.
    Long,
    /// The host permitted it again and again; whether it was answered is not in the evidence.
    Permitted,
}

impl Established {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Worked => "connections that worked",
            Self::Beacon => "contacts in a steady rhythm",
            Self::Long => "a long connection",
            Self::Permitted => {
                "contacts the host permitted; whether they were answered is not in the evidence"
            }
        }
    }
}

/// How many contacts there were up to some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// All.
    pub contacts: u32,
    /// Those that failed.
    pub failed: u32,
}

/// What passed between a process and a remote.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The first contact.
    pub first: Event,
    /// The last contact that worked.
    pub last_good: Option<Event>,
    /// The last contact that the host permitted, of which no more is known.
    pub last_permitted: Option<Event>,
    /// Time of the last contact of any kind.
    pub last: Timestamp,
    /// All contacts.
    pub contacts: u32,
    /// Contacts that worked.
    pub worked: u32,
    /// Contacts whose fate is not told.
    pub untold: u32,
    /// Contacts that failed, ever.
    pub failed: u32,
    /// Connections the remote reset while they were in use.
    pub resets: u32,
    /// Payload bytes out and in, as far as packets tell.
    pub bytes: [u64; 2],
    /// The longest connection that worked.
    pub longest: Span,
    /// When the last of those was last heard.
    pub open_until: Timestamp,
    /// Until when packets show answers of the remote on those: later than the last of them began.
    pub used_until: Timestamp,
    /// Until when those were open of which nothing tells when answers came, as in a log of connections.
    pub untimed: Timestamp,
    /// Addresses it was seen at.
    pub addresses: Vec<IpAddr>,
    /// The name it was asked for by.
    pub name: Option<Text>,
    /// The host's own address at the last contact.
    pub local: IpAddr,
    /// The shape of the first payload the process sent.
    pub shape: Shape,
    /// The first sizes the process sent, of the first contact that had some.
    pub sizes: [u16; FIRST_SIZES],
    /// Its most telling run of echo requests.
    pub echoes: Option<Echoes>,
    /// Packets show it; records show it.
    pub seen: [bool; 2],
    /// What is wrong with it since it last worked.
    pub trouble: Option<Trouble>,
    /// It was found established, and is watched since.
    pub watched: bool,
    times: VecDeque<Timestamp>,
    // The rhythm of `times`, once asked for: a broken channel is asked for at every new one.
    beat: Cell<Option<Option<Rhythm>>>,
}

impl Relation {
    /// Begins with its first contact.
    pub fn begin(seen: &Sighting<'_>) -> Self {
        Self {
            name: seen.name.clone(),
            local: seen.contact.local.address,
            ..Self::empty(seen.event().clone())
        }
    }

    /// A relation of which nothing but its first event is known.
    pub(super) fn empty(first: Event) -> Self {
        Self {
            last: first.time,
            open_until: first.time,
            used_until: first.time,
            untimed: first.time,
            first,
            last_good: None,
            last_permitted: None,
            contacts: 0,
            worked: 0,
            untold: 0,
            failed: 0,
            resets: 0,
            bytes: [0; 2],
            longest: Span::ZERO,
            addresses: Vec::new(),
            name: None,
            local: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            shape: Shape::None,
            sizes: [0; FIRST_SIZES],
            echoes: None,
            seen: [false; 2],
            trouble: None,
            watched: false,
            times: VecDeque::new(),
            beat: Cell::new(None),
        }
    }

    /// True if all its addresses are of one's own networks: private ones, or ones that are stated to be.
    pub fn is_inside(&self, assets: &Assets) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.all(|address| is_private(*address) || assets.is_internal(*address))
    }

    /// Takes in a contact; true if it failed.
    pub fn hear(&mut self, seen: &Sighting<'_>, settings: &FallbackSettings) -> bool {
        self.contacts = self.contacts.saturating_add(1);
        self.last = self.last.max(seen.time());
        self.local = seen.contact.local.address;
        self.seen[0] |= seen.contact.on_wire();
        self.seen[1] |= seen.contact.logged();
        if self.name.is_none() {
            self.name = seen.name.clone();
        }
        let address = seen.contact.remote.address;
        if self.addresses.len() < ADDRESSES && !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
        if let Some(attempt) = seen.attempt() {
            if let Some(run) = Echoes::of(attempt, seen.time()) {
                self.echoes = Some(self.echoes.map_or(run, |held| held.telling(run)));
            }
            for (sum, bytes) in self.bytes.iter_mut().zip(attempt.bytes) {
                *sum = sum.saturating_add(bytes);
            }
            if self.shape == Shape::None {
                self.shape = attempt.shapes()[0];
                self.sizes = attempt
                    .payload
                    .as_ref()
                    .map_or([0; 4], |payload| payload.first_sizes[0]);
            }
        }
        let failed = seen.failed(self);
        if failed {
            self.failed = self.failed.saturating_add(1);
            let held = self.still_wrong(seen.time());
            self.trouble = Some(Trouble::with_failure(held, seen, settings));
            return true;
        }
        self.remember(seen.time());
        if !seen.worked() {
            self.untold = self.untold.saturating_add(1);
            if !seen.contact.on_wire() {
                self.last_permitted = Some(seen.event().clone());
            }
            return false;
        }
        self.worked = self.worked.saturating_add(1);
        // How long somebody tried in vain says nothing of a channel.
        if let Some(attempt) = seen.attempt() {
            self.longest = self.longest.max(attempt.duration(seen.time()));
            self.open_until = self.open_until.max(attempt.ended);
        }
        // What answers where its name was turned to may be the sinkhole.
        if let Some(trouble) = self.trouble.as_mut()
            && trouble.is_answered(address)
        {
            return false;
        }
        // It works: whatever was wrong is over.
        self.trouble = None;
        self.last_good = Some(seen.event().clone());
        if let Some(attempt) = seen.attempt() {
            match attempt
                .payload
                .as_ref()
                .and_then(|payload| payload.answered)
            {
                Some(answered) => self.used_until = self.used_until.max(answered),
                None => self.untimed = self.untimed.max(attempt.ended),
            }
        }
        if let Some(ended) = seen.reset() {
            // A server that ends every connection so is not broken.
            let routine = self.resets * 2 >= self.worked.saturating_sub(1) && self.resets > 0;
            self.resets = self.resets.saturating_add(1);
            if !routine {
                self.trouble = Some(Trouble::with_reset(ended, seen));
            }
        }
        false
    }

    /// Takes out what is wrong with it at `now`: not what a connection begun before has outlived by then.
    pub fn still_wrong(&mut self, now: Timestamp) -> Option<Trouble> {
        let held = self.trouble.take()?;
        if now < self.used_until {
            Some(held)
        } else {
            held.not_outlived(self.used_until, now)
        }
    }

    fn remember(&mut self, time: Timestamp) {
        if self.times.len() == REMEMBERED {
            self.times.pop_front();
        }
        self.times.push_back(time);
        self.beat.set(None);
    }

    /// Its rhythm, over the latest contacts that did not fail.
    pub fn rhythm(&self, settings: &FallbackSettings) -> Option<Rhythm> {
        self.beat.get().unwrap_or_else(|| {
            let times: Vec<Timestamp> = self.times.iter().copied().collect();
            let beat = rhythm(&times, settings.min_beacon as usize);
            self.beat.set(Some(beat));
            beat
        })
    }

    /// Its rhythm, if that is a beacon's.
    pub fn beacon(&self, settings: &FallbackSettings) -> Option<Rhythm> {
        self.rhythm(settings)
            .filter(|r| r.median >= settings.min_beat)
            .filter(|r| r.score * 100.0 >= f64::from(settings.beacon_score))
    }

    /// True if its few contacts keep a known beat: each comes within a fifth of it after the one before.
    pub fn keeps(&self, beat: Span) -> bool {
        let times: Vec<Timestamp> = self.times.iter().copied().collect();
        times.len() >= FEW
            && times
                .windows(2)
                .all(|pair| (pair[1].since(pair[0]).0 - beat.0).abs() <= beat.0 / 5)
    }

    /// How many contacts there were until now.
    pub fn passed(&self) -> Passed {
        Passed {
            contacts: self.contacts,
            failed: self.failed,
        }
    }

    /// When its last contact that did not fail began; `None` if all did.
    pub fn last_tried(&self) -> Option<Timestamp> {
        self.times.back().copied()
    }

    /// True if a contact that the host let through began after `from` and not after `to`.
    pub fn went_on(&self, from: Timestamp, to: Timestamp) -> bool {
        self.times.iter().any(|time| from < *time && *time <= to)
    }

    /// When it worked last; its begin if it never did.
    pub fn good(&self) -> Timestamp {
        let last = self.last_good.as_ref();
        last.map_or(self.first.time, |event| event.time)
    }

    /// When the host let it through last: it worked, or was permitted.
    pub fn let_through(&self) -> Timestamp {
        let last = self.last_permitted.as_ref();
        last.map_or(self.good(), |event| event.time.max(self.good()))
    }

    /// The last contact that worked or was permitted.
    pub fn last_let_through(&self) -> Option<&Event> {
        let both = [&self.last_good, &self.last_permitted];
        both.into_iter().flatten().max_by_key(|event| event.order())
    }

    /// The last contact that worked; of one that never did, the last that was permitted. And a word
    /// for which of them it is.
    pub fn last_shown(&self) -> Option<(&Event, &'static str)> {
        let good = self
            .last_good
            .as_ref()
            .map(|event| (event, "last seen good"));
        good.or_else(|| Some((self.last_permitted.as_ref()?, "last permitted")))
    }

    /// Why it counts as established; `None` if it does not.
    pub fn established(&self, settings: &FallbackSettings) -> Option<Established> {
        if self.worked >= settings.min_prior {
            Some(Established::Worked)
        } else if self.worked > 0 && self.beacon(settings).is_some() {
            Some(Established::Beacon)
        } else if self.worked > 0 && self.longest >= settings.long_connection {
            Some(Established::Long)
        } else if !self.seen[0] && self.untold >= settings.min_beacon {
            Some(Established::Permitted)
        } else {
            None
        }
    }

    /// Share of the payload that went out, 0 to 1; `None` without payload.
    pub fn share_out(&self) -> Option<f64> {
        let all = self.bytes[0].saturating_add(self.bytes[1]);
        (all > 0).then(|| self.bytes[0] as f64 / all as f64)
    }
}
