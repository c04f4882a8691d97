//! Known-good activity: rules held against incidents, and known scanners kept at info.
//!
//! Nothing is removed. A rule marks an incident with its reason, owner and end; what the rule did,
//! or no longer does, is told too. There is no wall clock: whether a rule has ended is decided by
//! the time of the incident in the evidence.

use super::sides::{Started, started, targets};
use super::{Incident, Suppressed};
use crate::config::{Glob, Party, Rule};
use crate::context::assets::{Assets, Role as HostRole};
use crate::context::{Identity, Place};
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::finding::{Entities, Finding, Role, Severity, Step};
use crate::model::{HostWhat, What};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// More incidents than this under one rule are worth a second look.
pub const MANY_INCIDENTS: usize = 20;
/// More hosts than this under one rule are worth a second look.
pub const MANY_HOSTS: usize = 5;

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Where it stands in the settings file.
    pub line: usize,
    /// What it asks.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Its last day.
    pub until: String,
    /// Numbers of the incidents it suppresses.
    pub suppressed: Vec<usize>,
    /// Numbers of incidents that it would suppress had it not ended before them.
    pub too_late: Vec<usize>,
    /// What a reader must know about it, as sentences.
    pub remarks: Vec<String>,
}

/// Marks what the rules name; the first rule that fits counts. `ran` are the analytics of this run.
pub fn apply(
    rules: &[Rule],
    incidents: &mut [Incident],
    identity: &Identity,
    ran: &[&str],
) -> Vec<RuleRow> {
    let facts: Vec<Facts> = incidents
        .iter()
        .map(|i| Facts::of(&i.finding, identity))
        .collect();
    let mut rows = Vec::new();
    for rule in rules {
        let mut row = RuleRow {
            line: rule.line,
            rule: rule.words(),
            reason: rule.reason.clone(),
            by: rule.by.clone(),
            until: rule.until.words.clone(),
            suppressed: Vec::new(),
            too_late: Vec::new(),
            remarks: Vec::new(),
        };
        let mut taken_already = false;
        let mut hosts: BTreeSet<String> = BTreeSet::new();
        for (incident, facts) in incidents.iter_mut().zip(&facts) {
            if !fits(rule, &incident.finding, facts) {
                continue;
            }
            if incident.finding.last_time() > rule.until.last {
                row.too_late.push(incident.number);
            } else if incident.suppressed.is_some() {
                taken_already = true;
            } else {
                incident.suppressed = Some(Suppressed {
                    rule: row.rule.clone(),
                    reason: row.reason.clone(),
                    by: row.by.clone(),
                    until: Some(row.until.clone()),
                });
                row.suppressed.push(incident.number);
                hosts.extend(facts.about.iter().map(Side::label));
            }
        }
        let asked =
            rule.analytics.is_empty() || rule.analytics.iter().any(|a| ran.contains(&a.as_str()));
        row.remarks = remarks(rule, &row, taken_already, hosts.len(), asked);
        rows.push(row);
    }
    rows
}

fn remarks(rule: &Rule, row: &RuleRow, taken: bool, hosts: usize, asked: bool) -> Vec<String> {
    let subject = format!(
        "the suppression rule in line {} of the settings file",
        rule.line
    );
    let mut remarks = Vec::new();
    if !row.too_late.is_empty() {
        let numbers: Vec<String> = row
            .too_late
            .iter()
            .take(10)
            .map(|n| format!("#{n}"))
            .collect();
        let more = if row.too_late.len() > 10 {
            " and more"
        } else {
            ""
        };
        remarks.push(format!(
            "{subject} expired {} and no longer hides {}{more}: the time in the evidence decides, not today's date. \
             Extend it only if it is still approved ({}, {})",
            row.until,
            numbers.join(", "),
            row.reason,
            row.by
        ));
    } else if row.suppressed.is_empty() && taken {
        remarks.push(format!(
            "{subject} only matches what an earlier rule hides; delete one of them"
        ));
    } else if row.suppressed.is_empty() && asked {
        remarks.push(format!(
            "{subject} ({}) matches no incident of this evidence; delete it if it is no longer needed",
            row.rule
        ));
    }
    if rule.is_unbounded() {
        remarks.push(format!(
            "{subject} is too broad: it names no source, target, host, process, account, port or rule, and so hides \
             {}; narrow it",
            if rule.analytics.is_empty() {
                "everything".to_owned()
            } else {
                format!("everything of {}", rule.analytics.join(" and "))
            }
        ));
    } else if row.suppressed.len() > MANY_INCIDENTS || hosts > MANY_HOSTS {
        remarks.push(format!(
            "{subject} hides {} incidents on {hosts} hosts; make sure that it is not too broad",
            row.suppressed.len()
        ));
    }
    remarks
}

/// Keeps what a known scanner started at info and says why.
pub fn known_scanners(
    findings: &mut [Finding],
    scanners: &[Party],
    assets: &Assets,
    identity: &Identity,
) {
    for finding in findings {
        let source = source(finding, identity);
        let why = match scanners.iter().find(|party| source.is(party)) {
            Some(party) => format!("{party} is one of the known scanners"),
            None if assets.role(&source.name, &source.addresses) == Some(HostRole::Scanner) => {
                format!("{} has the role scanner", source.label())
            }
            None => continue,
        };
        finding.severity = Severity::Info;
        finding
            .notes
            .push(format!("Kept at info: {why} of the settings file."));
    }
}

/// One side of a finding, under all the names it goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Side {
    addresses: Vec<IpAddr>,
    mac: Option<[u8; 6]>,
    name: String,
}

impl Side {
    fn at(address: Option<IpAddr>, name: &str, identity: &Identity) -> Self {
        let known = address
            .map(|a| identity.place(a))
            .filter(|place| matches!(place, Place::Host(_)))
            .and_then(|place| identity.name(place));
        let name = match known {
            Some(known) if name.is_empty() => known.to_string(),
            _ => name.to_owned(),
        };
        Self {
            addresses: address.into_iter().collect(),
            mac: None,
            name,
        }
    }

    fn is(&self, party: &Party) -> bool {
        party.is(None, self.mac, &self.name)
            || self.addresses.iter().any(|a| party.is(Some(*a), None, ""))
    }

    fn label(&self) -> String {
        match (self.name.is_empty(), self.addresses.first(), self.mac) {
            (false, _, _) => self.name.to_lowercase(),
            (true, Some(address), _) => address.to_string(),
            (true, None, Some(mac)) => crate::model::net::mac_text(mac),
            (true, None, None) => String::new(),
        }
    }
}

fn host(who: &Entities, identity: &Identity) -> Side {
    Side::at(who.host_address, &who.host_name, identity)
}

fn remote(who: &Entities, identity: &Identity) -> Side {
    Side {
        mac: who.remote_mac,
        ..Side::at(who.remote, "", identity)
    }
}

fn source(finding: &Finding, identity: &Identity) -> Side {
    match started(finding) {
        Started::Remote => remote(&finding.entities, identity),
        Started::Host => host(&finding.entities, identity),
    }
}

/// What rules can ask of a finding.
struct Facts {
    source: Side,
    /// Everybody it was aimed at: a rule must name all of them.
    targets: Vec<Side>,
    /// Whom it is about: the host, or those that were to be woken.
    about: Vec<Side>,
    processes: Vec<String>,
    accounts: Vec<String>,
    /// Names of firewall rules that changed: a rule must name all of them.
    rules: Vec<String>,
}

impl Facts {
    fn of(finding: &Finding, identity: &Identity) -> Self {
        let who = &finding.entities;
        let mut about: Vec<Side> = who
            .woken
            .iter()
            .map(|mac| {
                let addresses = identity.addresses_of(mac);
                let side = Side::at(addresses.first().copied(), "", identity);
                Side {
                    addresses,
                    mac: Some(*mac),
                    ..side
                }
            })
            .collect();
        let known = who.host_address.is_some() || !who.host_name.is_empty();
        match about.as_mut_slice() {
            [] if known => about.push(host(who, identity)),
            [only] if known => {
                let host = host(who, identity);
                only.addresses.extend(host.addresses);
                only.name = host.name;
            }
            _ => {}
        }
        let aimed_at = match started(finding) {
            Started::Remote => about.clone(),
            Started::Host if who.remote.is_some() || who.remote_mac.is_some() => {
                vec![remote(who, identity)]
            }
            Started::Host => targets(finding)
                .into_iter()
                .map(|a| Side::at(Some(a), "", identity))
                .collect(),
        };
        let mut facts = Self {
            source: source(finding, identity),
            targets: aimed_at,
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
                process(image);
                self.accounts.push(account.to_string());
            }
            _ => {}
        }
    }
}

fn fits(rule: &Rule, finding: &Finding, facts: &Facts) -> bool {
    let who = &finding.entities;
    let all = |sides: &[Side], parties: &[Party]| {
        !sides.is_empty()
            && sides
                .iter()
                .all(|side| parties.iter().any(|party| side.is(party)))
    };
    let analytic =
        rule.analytics.is_empty() || rule.analytics.iter().any(|a| a == finding.analytic);
    let source = rule.sources.is_empty() || rule.sources.iter().any(|p| facts.source.is(p));
    let target = rule.targets.is_empty() || all(&facts.targets, &rule.targets);
    let host = rule.hosts.is_empty() || all(&facts.about, &rule.hosts);
    let process = rule.processes.is_empty()
        || facts
            .processes
            .iter()
            .any(|image| rule.processes.iter().any(|glob| is_image(glob, image)));
    let account = rule.accounts.is_empty()
        || facts
            .accounts
            .iter()
            .any(|name| rule.accounts.iter().any(|glob| glob.fits(name)));
    let port = rule.ports.is_empty()
        || !who.opened_ports.is_empty()
            && who
                .opened_ports
                .iter()
                .all(|port| rule.ports.iter().any(|range| range.contains(port)));
    let named = rule.rules.is_empty()
        || !facts.rules.is_empty()
            && facts
                .rules
                .iter()
                .all(|name| rule.rules.iter().any(|glob| glob.fits(name)));
    let inside = rule.windows.is_empty()
        || rule
            .windows
            .iter()
            .any(|w| finding.pattern().all(|step| w.holds(step.event.time)));
    analytic && source && target && host && process && account && port && named && inside
}

/// A bare file name is held against the file name, a path against the whole path, whatever the
/// spelling of its volume.
fn is_image(glob: &Glob, image: &str) -> bool {
    if glob.is_path() {
        glob.fits(image) || Glob::new(&image_key(&glob.to_string())).fits(&image_key(image))
    } else {
        glob.fits(image_name(image))
    }
}
