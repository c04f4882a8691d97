//! What suppression rules can ask of a finding: who started it, whom it was aimed at, which programs,
//! accounts and firewall rules are in it. Every side goes by all the names it is known by.

use crate::case::sides::{Started, started, targets};
use crate::config::Party;
use crate::context::Identity;
use crate::eventlog::normalise::image::program;
use crate::model::finding::{Entities, Finding, Role, Step};
use crate::model::{HostWhat, Timestamp, What};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Who had which address when a finding's pattern began.
#[derive(Clone, Copy)]
pub(super) struct Then<'a> {
    identity: &'a Identity,
    time: Timestamp,
}

impl<'a> Then<'a> {
    pub(super) fn of(finding: &Finding, identity: &'a Identity) -> Self {
        let time = finding.first_time();
        Self { identity, time }
    }
}

/// One side of a finding, under all the names it goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) mac: Option<[u8; 6]>,
    pub(super) name: String,
}

impl Side {
    fn at(address: Option<IpAddr>, name: &str, then: Then<'_>) -> Self {
        let name = if name.is_empty() {
            let known = address.and_then(|a| then.identity.name(then.identity.place(a, then.time)));
            known.map(ToString::to_string).unwrap_or_default()
        } else {
            name.to_owned()
        };
        Self {
            addresses: address.into_iter().collect(),
            mac: None,
            name,
        }
    }

    pub(super) fn is(&self, party: &Party) -> bool {
        party.is(None, self.mac, &self.name)
            || self.addresses.iter().any(|a| party.is(Some(*a), None, ""))
    }

    pub(super) fn label(&self) -> String {
        match (self.name.is_empty(), self.addresses.first(), self.mac) {
            (false, _, _) => self.name.to_lowercase(),
            (true, Some(address), _) => address.to_string(),
            (true, None, Some(mac)) => crate::model::net::mac_text(mac),
            (true, None, None) => String::new(),
        }
    }
}

fn host(who: &Entities, then: Then<'_>) -> Side {
    Side::at(who.host_address, &who.host_name, then)
}

fn remote(who: &Entities, then: Then<'_>) -> Side {
    Side {
        mac: who.remote_mac,
        ..Side::at(who.remote, "", then)
    }
}

pub(super) fn source(finding: &Finding, then: Then<'_>) -> Side {
    match started(finding) {
        Started::Remote => remote(&finding.entities, then),
        Started::Host => host(&finding.entities, then),
    }
}

/// What rules can ask of a finding.
pub(super) struct Facts {
    pub(super) source: Side,
    /// Everybody it was aimed at: a rule must name all of them.
    pub(super) targets: Vec<Side>,
    /// Ports that were opened or reached for: a rule must name all of them.
    pub(super) ports: Vec<u16>,
    /// There were more targets or ports than are known here: no rule can name them all.
    pub(super) more: bool,
    /// Whom it is about: the host, or those that were to be woken.
    pub(super) about: Vec<Side>,
    pub(super) processes: Vec<String>,
    pub(super) accounts: Vec<String>,
    /// Names of firewall rules that changed: a rule must name all of them.
    pub(super) rules: Vec<String>,
}

impl Facts {
    pub(super) fn of(finding: &Finding, identity: &Identity) -> Self {
        let then = Then::of(finding, identity);
        let who = &finding.entities;
        let mut about: Vec<Side> = who
            .woken
            .iter()
            .map(|mac| {
                let addresses = identity.addresses_of(mac, then.time);
                let side = Side::at(addresses.first().copied(), "", then);
                Side {
                    addresses,
                    mac: Some(*mac),
                    ..side
                }
            })
            .collect();
        let known = who.host_address.is_some() || !who.host_name.is_empty();
        match about.as_mut_slice() {
            [] if known => about.push(host(who, then)),
            [only] if known => {
                let host = host(who, then);
                only.addresses.extend(host.addresses);
                only.name = host.name;
            }
            _ => {}
        }
        let aimed_at = match started(finding) {
            Started::Remote => about.clone(),
            Started::Host if who.remote.is_some() || who.remote_mac.is_some() => {
                vec![remote(who, then)]
            }
            // The steps show some of those that are counted.
            Started::Host => {
                let counted = who.reach.iter().flat_map(|reach| &reach.addresses);
                let all: BTreeSet<IpAddr> = targets(finding)
                    .into_iter()
                    .chain(counted.copied())
                    .collect();
                all.into_iter()
                    .map(|a| Side::at(Some(a), "", then))
                    .collect()
            }
        };
        let mut facts = Self {
            source: source(finding, then),
            targets: aimed_at,
            ports: match &who.reach {
                Some(reach) => reach.ports.iter().copied().collect(),
                None => who.opened_ports.clone(),
            },
            more: who.reach.as_ref().is_some_and(|reach| reach.more),
            about,
            processes: Vec::new(),
            accounts: Vec::new(),
            rules: Vec::new(),
        };
        facts.processes.push(who.process.to_string());
        for step in finding.steps.iter().filter(|s| s.role != Role::Context) {
            facts.take(step);
        }
        facts.processes.retain(|p| !matches!(p.as_str(), "" | "-"));
        facts.accounts.retain(|a| !matches!(a.as_str(), "" | "-"));
        facts
    }

    fn take(&mut self, step: &Step) {
        let What::Host(event) = &step.event.what else {
            return;
        };
        let mut process = |image: &str| self.processes.push(image.to_owned());
        match &event.what {
            HostWhat::ProcessStarted {
                process: p, user, ..
            }
            | HostWhat::Connected {
                process: p, user, ..
            } => {
                process(&p.image);
                self.accounts.push(user.to_string());
            }
            HostWhat::Filtered { process: p, .. }
            | HostWhat::Bound { process: p, .. }
            | HostWhat::Listening { process: p, .. }
            | HostWhat::NameQueried { process: p, .. }
            | HostWhat::BlockedListener { process: p, .. } => process(&p.image),
            HostWhat::FirewallRule { rule, .. } => {
                process(&rule.changed_by);
                self.accounts.push(rule.changed_by_user.to_string());
                // Some records of a change carry no name; its id stands for it then.
                let name = if rule.name.is_empty() {
                    &rule.id
                } else {
                    &rule.name
                };
                self.rules.push(name.to_string());
            }
            HostWhat::FirewallSetting { changed_by, .. } => process(changed_by),
            HostWhat::ServiceInstalled { image, account, .. } => {
                process(program(image));
                self.accounts.push(account.to_string());
            }
            _ => {}
        }
    }
}
