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
use crate::model::{HostWhat, Timestamp, What};
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
                // One wake signal for many is one incident, not many hosts.
                hosts.extend(facts.about.first().map(Side::label));
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
             everything{}{}; narrow it",
            if rule.analytics.is_empty() {
                String::new()
            } else {
                format!(" of {}", rule.analytics.join(" and "))
            },
            if rule.windows.is_empty() { "" } else { " inside its windows" }
        ));
    } else if row.suppressed.len() > MANY_INCIDENTS || hosts > MANY_HOSTS {
        remarks.push(format!(
            "{subject} hides {} incident{} on {hosts} host{}; make sure that it is not too broad",
            row.suppressed.len(),
            plural(row.suppressed.len()),
            plural(hosts)
        ));
    }
    remarks
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// Keeps what a known scanner started at info and says why.
pub fn known_scanners(
    findings: &mut [Finding],
    scanners: &[Party],
    assets: &Assets,
    identity: &Identity,
) {
    for finding in findings {
        let source = source(finding, Then::of(finding, identity));
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

/// Who had which address when a finding's pattern began.
#[derive(Clone, Copy)]
struct Then<'a> {
    identity: &'a Identity,
    time: Timestamp,
}

impl<'a> Then<'a> {
    fn of(finding: &Finding, identity: &'a Identity) -> Self {
        let time = finding.first_time();
        Self { identity, time }
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
    fn at(address: Option<IpAddr>, name: &str, then: Then<'_>) -> Self {
        let known = address
            .map(|a| then.identity.place(a, then.time))
            .filter(|place| matches!(place, Place::Host(_)))
            .and_then(|place| then.identity.name(place));
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

fn host(who: &Entities, then: Then<'_>) -> Side {
    Side::at(who.host_address, &who.host_name, then)
}

fn remote(who: &Entities, then: Then<'_>) -> Side {
    Side {
        mac: who.remote_mac,
        ..Side::at(who.remote, "", then)
    }
}

fn source(finding: &Finding, then: Then<'_>) -> Side {
    match started(finding) {
        Started::Remote => remote(&finding.entities, then),
        Started::Host => host(&finding.entities, then),
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
            Started::Host => targets(finding)
                .into_iter()
                .map(|a| Side::at(Some(a), "", then))
                .collect(),
        };
        let mut facts = Self {
            source: source(finding, then),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::incident::number;
    use crate::config::Config;
    use crate::report::samples::{knock, wake};

    const MUST: &str = "reason = \"r\"\nby = \"b\"\nuntil = \"2026-04-01\"\n";

    fn rules(text: &str) -> Vec<Rule> {
        Config::read(text.as_bytes())
            .unwrap_or_else(|e| panic!("{e}"))
            .rules
    }

    fn one(line: &str) -> Vec<Rule> {
        rules(&format!("[[suppress]]\n{MUST}{line}\n"))
    }

    fn applied(rules: &[Rule], findings: Vec<Finding>) -> (Vec<Incident>, Vec<RuleRow>) {
        let mut incidents = number(findings, &[]);
        let rows = apply(
            rules,
            &mut incidents,
            &Identity::default(),
            &["AN0842", "AN1448"],
        );
        (incidents, rows)
    }

    fn hides(line: &str, finding: Finding) -> bool {
        applied(&one(line), vec![finding]).0[0].suppressed.is_some()
    }

    #[test]
    fn each_key_takes_what_it_names_and_nothing_else() {
        for (fits, other) in [
            ("analytic = \"AN0842\"", "analytic = \"AN1448\""),
            ("source = \"203.0.113.0/24\"", "source = \"10.20.0.15\""),
            ("target = \"10.20.0.15\"", "target = \"203.0.113.7\""),
            ("target = \"fs01\"", "target = \"fs02\""),
            ("host = \"*.corp.example\"", "host = \"fs01.other.example\""),
            ("process = \"SVCHELPER.exe\"", "process = \"helper.exe\""),
            (
                r"process = 'D:\ProgramData\*'",
                r"process = 'C:\Windows\Temp\*'",
            ),
            (r"account = 'corp\svc-*'", r"account = 'corp\admin'"),
            ("port = [22, \"4000-5000\"]", "port = \"4445-5000\""),
            ("rule = \"core networking*\"", "rule = \"core networking\""),
            (
                "windows = \"sat 02:11-02:12\"",
                "windows = \"sun 02:11-02:12\"",
            ),
            ("windows = \"02:00-02:11\"", "windows = \"02:12-02:10\""),
        ] {
            assert!(hides(fits, knock()), "{fits}");
            assert!(!hides(other, knock()), "{other}");
            let more = if fits.starts_with("port") {
                "rule = \"x\""
            } else {
                "port = 1"
            };
            assert!(
                !hides(&format!("{fits}\n{more}"), knock()),
                "all keys must fit: {fits}"
            );
        }
    }

    #[test]
    fn a_rule_hides_nothing_that_it_does_not_name() {
        let mut two = wake();
        two.entities.woken.push([0xaa, 0xbb, 0xcc, 0, 1, 3]);
        let target = "target = [\"aa:bb:cc:00:01:02\", \"10.0.0.1\"]";
        assert!(hides(target, wake()));
        assert!(!hides(target, two));
        let mut ports = knock();
        ports.entities.opened_ports.push(5555);
        assert!(!hides("port = 4444", ports));
        assert!(hides("source = \"02:00:00:00:00:05\"", wake()));
        assert!(!hides("port = \"0-65535\"", wake()), "no port was opened");
        assert!(!hides("rule = \"*\"", wake()), "no rule was changed");
    }

    #[test]
    fn an_expired_rule_hides_nothing_and_is_named() {
        let text = format!("[[suppress]]\nsource = \"203.0.113.7\"\n{MUST}");
        let day_before = rules(&text.replace("2026-04-01", "2026-03-13"));
        let (incidents, rows) = applied(&day_before, vec![knock()]);
        assert!(incidents[0].suppressed.is_none());
        assert_eq!(rows[0].too_late, [1]);
        let [remark] = &rows[0].remarks[..] else {
            panic!("{:?}", rows[0].remarks)
        };
        assert!(
            remark.contains("line 1 of the settings file expired 2026-03-13"),
            "{remark}"
        );
        assert!(
            remark.contains("#1") && remark.contains("not today's date"),
            "{remark}"
        );
        let same_day = rules(&text.replace("2026-04-01", "2026-03-14"));
        let (incidents, rows) = applied(&same_day, vec![knock()]);
        let held = incidents[0].suppressed.as_ref().unwrap();
        assert_eq!((held.reason.as_str(), held.by.as_str()), ("r", "b"));
        assert_eq!(held.until.as_deref(), Some("2026-03-14"));
        assert_eq!(
            (&rows[0].suppressed[..], rows[0].remarks.len()),
            (&[1][..], 0)
        );
    }

    #[test]
    fn a_rule_that_does_nothing_is_named_unless_its_analytic_did_not_run() {
        let (_, rows) = applied(&one("source = \"192.0.2.1\""), vec![knock()]);
        assert!(
            rows[0].remarks[0].contains("(source 192.0.2.1) matches no incident"),
            "{:?}",
            rows[0].remarks
        );
        let rules_ = one("analytic = \"AN1448\"\nsource = \"192.0.2.1\"");
        let rows = apply(&rules_, &mut [], &Identity::default(), &["AN0842"]);
        assert!(rows[0].remarks.is_empty());
        let twice = rules(&format!(
            "[[suppress]]\nport = 4444\n{MUST}[[suppress]]\nsource = \"203.0.113.7\"\n{MUST}"
        ));
        let (_, rows) = applied(&twice, vec![knock()]);
        assert!(rows[0].remarks.is_empty());
        assert!(
            rows[1].remarks[0].contains("only matches what an earlier rule hides"),
            "{:?}",
            rows[1].remarks
        );
    }

    #[test]
    fn a_rule_that_takes_too_much_is_named() {
        for line in [
            "",
            "source = \"0.0.0.0/0\"",
            "host = \"*\"",
            "port = \"0-65535\"",
            "windows = \"02:00-03:00\"",
        ] {
            let (_, rows) = applied(&one(line), vec![knock()]);
            assert!(
                rows[0]
                    .remarks
                    .iter()
                    .any(|r| r.contains("too broad: it names no")),
                "{line} {:?}",
                rows[0]
            );
        }
        let source = one("source = \"203.0.113.7\"");
        let (_, rows) = applied(&source, vec![knock(); MANY_INCIDENTS]);
        assert!(rows[0].remarks.is_empty());
        let (_, rows) = applied(&source, vec![knock(); MANY_INCIDENTS + 1]);
        assert!(
            rows[0].remarks[0].contains("hides 21 incidents on 1 host;"),
            "{:?}",
            rows[0].remarks
        );
        let on = |n: usize| {
            let mut finding = knock();
            finding.entities.host_name = format!("FS{n:02}").into();
            finding
        };
        let (_, rows) = applied(&source, (0..=MANY_HOSTS).map(on).collect());
        assert!(
            rows[0].remarks[0].contains("hides 6 incidents on 6 hosts"),
            "{:?}",
            rows[0].remarks
        );
    }

    #[test]
    fn what_a_known_scanner_started_is_kept_at_info_with_the_reason() {
        let kept = |text: &str| {
            let config = Config::read(text.as_bytes()).unwrap();
            let mut findings = [knock()];
            known_scanners(
                &mut findings,
                &config.scanners,
                &config.assets,
                &Identity::default(),
            );
            let [finding] = findings;
            (
                finding.severity,
                finding.notes.last().cloned().unwrap_or_default(),
            )
        };
        let (severity, note) = kept("[known]\nscanners = [\"203.0.113.0/24\"]\n");
        assert_eq!(severity, Severity::Info);
        assert_eq!(
            note,
            "Kept at info: 203.0.113.0/24 is one of the known scanners of the settings file."
        );
        let (severity, note) = kept("[roles]\n\"203.0.113.7\" = \"scanner\"\n");
        assert_eq!(severity, Severity::Info);
        assert!(note.contains("203.0.113.7 has the role scanner"), "{note}");
        // Its target is no scanner's doing.
        assert_eq!(
            kept("[known]\nscanners = [\"10.20.0.15\"]\n").0,
            Severity::High
        );
        assert_eq!(
            kept("[roles]\n\"203.0.113.7\" = \"monitoring\"\n").0,
            Severity::High
        );
    }
}
