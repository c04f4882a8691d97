//! What each key of a rule takes, what a rule did, and what a known scanner keeps at info.

use super::*;
use crate::case::incident::number;
use crate::config::Config;
use crate::context::identity::IdentityBuilder;
use crate::model::finding::{Reach, Role};
use crate::model::firewall::{Layer, Rule as FirewallChange, RuleChange, RuleSource};
use crate::model::host_event::{HostEvent, HostWhat, Process, Verdict};
use crate::model::neighbour::{Neighbour, ToldBy};
use crate::model::provenance::Item;
use crate::model::{Endpoint, Event, Span, Transport, What};
use crate::report::samples::{knock, place, wake};

/// A finding whose only record says `what`.
fn saying(what: HostWhat) -> Finding {
    let mut finding = knock();
    finding.entities.process = "".into();
    let mut step = finding.steps.remove(3);
    let What::Host(host) = &mut step.event.what else {
        panic!("a record")
    };
    let mut said = HostEvent::clone(host);
    said.what = what;
    step.event.what = What::host(said);
    finding.steps = vec![step];
    finding
}

fn by(image: &str) -> Process {
    Process {
        image: image.into(),
        ..Process::default()
    }
}

fn changed(rule: FirewallChange) -> HostWhat {
    HostWhat::FirewallRule {
        change: RuleChange::Added,
        source: RuleSource::FirewallLog,
        rule: Box::new(rule),
    }
}

/// What is known of hosts: `address` is `name`'s; `mac` announced itself with `of_mac` at the time of
/// the findings.
fn known(name: &str, address: &str, mac: [u8; 6], of_mac: &str) -> Identity {
    let mut builder = IdentityBuilder::default();
    builder.state(name, address.parse().unwrap());
    let time = wake().first_time();
    builder.observe(&Event {
        time,
        recorded: time,
        provenance: place(1, Item::Packet, 9),
        what: What::Neighbour(Box::new(Neighbour {
            mac: Some(mac),
            address: of_mac.parse().unwrap(),
            name: None,
            told_by: ToldBy::Arp,
            answer: false,
            asks: false,
            lease: None,
            before: None,
        })),
    });
    builder.freeze()
}

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

fn hides_knowing(line: &str, finding: Finding, identity: &Identity) -> bool {
    let mut incidents = number(vec![finding], &[]);
    apply(&one(line), &mut incidents, identity, &["AN0842", "AN1448"]);
    incidents[0].suppressed.is_some()
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
    let mut many = knock();
    many.entities.reach = Some(Reach {
        ports: [4444, 5555].into(),
        ..Reach::default()
    });
    assert!(!hides("port = 4444", many.clone()), "5555 was tried too");
    assert!(hides("port = [4444, 5555]", many.clone()));
    many.entities.reach = many.entities.reach.map(|reach| Reach {
        more: true,
        ..reach
    });
    assert!(!hides("port = [4444, 5555]", many), "more than are listed");
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

#[test]
fn every_record_gives_its_program_and_its_account() {
    let near = Endpoint::new("10.20.0.15".parse().unwrap(), 50_000);
    let (process, transport) = (by(r"C:\Tools\marker.exe"), Transport::TCP);
    let rule = FirewallChange {
        changed_by: r"C:\Tools\marker.exe".into(),
        changed_by_user: r"CORP\marker".into(),
        ..FirewallChange::default()
    };
    let records = [
        (
            true,
            HostWhat::ProcessStarted {
                process: process.clone(),
                command_line: "".into(),
                parent: Process::default(),
                parent_command_line: "".into(),
                user: r"CORP\marker".into(),
                file: None,
            },
        ),
        (
            true,
            HostWhat::Connected {
                process: process.clone(),
                initiated: true,
                transport,
                source: near,
                destination: near,
                user: r"CORP\marker".into(),
                utc_time: None,
            },
        ),
        (
            false,
            HostWhat::Filtered {
                verdict: Verdict::Permitted,
                layer: Layer::Connect,
                isn: None,
                opens: None,
                direction: None,
                process: process.clone(),
                transport,
                source: near,
                destination: near,
            },
        ),
        (
            false,
            HostWhat::Bound {
                verdict: Verdict::Permitted,
                process: process.clone(),
                transport,
                local: near,
            },
        ),
        (
            false,
            HostWhat::Listening {
                verdict: Verdict::Permitted,
                process: process.clone(),
                transport,
                local: near,
            },
        ),
        (
            false,
            HostWhat::NameQueried {
                process: process.clone(),
                name: "x".into(),
                status: None,
                results: "".into(),
                utc_time: None,
            },
        ),
        (
            false,
            HostWhat::BlockedListener {
                process: process.clone(),
                transport,
                port: 1,
            },
        ),
        (true, changed(rule)),
        (
            false,
            HostWhat::FirewallSetting {
                setting: "".into(),
                value: "".into(),
                enabled: None,
                profiles: 0,
                changed_by: r"C:\Tools\marker.exe".into(),
            },
        ),
        (
            true,
            HostWhat::ServiceInstalled {
                name: "m".into(),
                image: r"C:\Tools\marker.exe -k C:\Tools\other.exe".into(),
                account: r"CORP\marker".into(),
            },
        ),
    ];
    for (has_account, what) in records {
        let said = format!("{what:?}");
        let finding = saying(what);
        assert!(hides("process = \"marker.exe\"", finding.clone()), "{said}");
        let whole = r"process = 'D:\tools\marker.exe'";
        assert!(hides(whole, finding.clone()), "{said}");
        assert!(!hides("process = \"other.exe\"", finding.clone()), "{said}");
        let account = r"account = 'corp\marker'";
        assert_eq!(hides(account, finding.clone()), has_account, "{said}");
        // What stands beside the pattern is not what the finding is about.
        let mut beside = finding;
        beside.steps[0].role = Role::Context;
        assert!(!hides("process = \"marker.exe\"", beside), "{said}");
    }
    let mut alone = saying(changed(FirewallChange::default()));
    assert!(!hides("process = \"*\"", alone.clone()), "none is named");
    assert!(!hides("account = \"*\"", alone.clone()), "none is named");
    alone.entities.process = r"C:\Tools\marker.exe".into();
    assert!(hides("process = \"marker.exe\"", alone));
    let dash = changed(FirewallChange {
        changed_by: "-".into(),
        changed_by_user: "-".into(),
        ..FirewallChange::default()
    });
    assert!(!hides("process = \"?\"", saying(dash.clone())));
    assert!(!hides("account = \"?\"", saying(dash)));
    // A volume whose number is left open is no spelling of a drive.
    let volume = r"\Device\HarddiskVolume3\x.exe";
    let local = near;
    let listens = saying(HostWhat::Listening {
        verdict: Verdict::Permitted,
        process: by(volume),
        transport,
        local,
    });
    assert!(hides(r"process = '\device\harddiskvolume?\x.exe'", listens));
}

#[test]
fn all_rules_that_changed_must_be_named_by_name_or_else_by_id() {
    let rule = |id: &str, name: &str| FirewallChange {
        id: id.into(),
        name: name.into(),
        ..FirewallChange::default()
    };
    let mut finding = saying(changed(rule("{1}", "Core")));
    assert!(hides("rule = \"core\"", finding.clone()));
    assert!(!hides("rule = \"{1}\"", finding.clone()), "it has a name");
    finding.steps.extend(saying(changed(rule("{2}", ""))).steps);
    assert!(!hides("rule = \"core\"", finding.clone()));
    assert!(hides("rule = [\"core\", \"{2}\"]", finding));
}

#[test]
fn a_rule_holds_for_the_whole_pattern_and_for_nothing_around_it() {
    let moved = |step: usize, by: i64| {
        let mut finding = knock();
        let at = &mut finding.steps[step].event.time;
        *at = at.shifted(Span::seconds(by));
        finding
    };
    let last = knock().steps.len() - 1;
    let window = "windows = \"02:11-02:12\"";
    assert!(hides(window, knock()));
    assert!(
        !hides(window, moved(last, 3_600)),
        "it went on after the window"
    );
    assert!(!hides(window, moved(0, -3_600)), "it began before");
    let mut around = moved(last, 3_600);
    around.steps[last].role = Role::Context;
    assert!(hides(window, around));
    // It began on the rule's last day and went on the day after.
    let text = format!("[[suppress]]\nport = 4444\n{MUST}").replace("2026-04-01", "2026-03-14");
    let (incidents, rows) = applied(&rules(&text), vec![moved(last, 86_400)]);
    assert!(incidents[0].suppressed.is_none());
    assert_eq!(rows[0].too_late, [1]);
}

#[test]
fn many_expired_incidents_are_told_in_part() {
    let text = format!("[[suppress]]\nport = 4444\n{MUST}").replace("2026-04-01", "2026-03-13");
    let told = |n: usize| {
        applied(&rules(&text), vec![knock(); n]).1[0]
            .remarks
            .join(" ")
    };
    assert!(told(10).contains("hides #1, #2, #3, #4, #5, #6, #7, #8, #9, #10: the time"));
    assert!(told(11).contains("#9, #10 and more: the time"));
}

#[test]
fn what_a_rule_took_in_part_before_another_is_no_reason_to_delete_it() {
    let two = rules(&format!(
        "[[suppress]]\nport = 4444\n{MUST}[[suppress]]\nsource = [\"203.0.113.7\", \"10.20.0.5\"]\n{MUST}"
    ));
    let (incidents, rows) = applied(&two, vec![knock(), wake()]);
    assert!(incidents.iter().all(|i| i.suppressed.is_some()));
    assert_eq!(rows[1].suppressed.len(), 1);
    assert!(rows[1].remarks.is_empty(), "{:?}", rows[1].remarks);
    let (_, rows) = applied(
        &one("windows = \"00:00-23:59\"\nanalytic = \"AN0842\""),
        vec![knock()],
    );
    assert!(
        rows[0].remarks[0].contains("hides everything of AN0842 inside its windows; narrow it"),
        "{:?}",
        rows[0].remarks
    );
    let (_, rows) = applied(&one(""), vec![knock()]);
    assert!(rows[0].remarks[0].contains("hides everything; narrow it"));
}

#[test]
fn hosts_are_counted_once_however_they_are_spelled() {
    let on = |n: usize| {
        let mut finding = knock();
        let name = format!("FS{:02}", n % MANY_HOSTS);
        finding.entities.host_name = match n < MANY_HOSTS {
            true => name.into(),
            false => name.to_lowercase().into(),
        };
        finding
    };
    let source = one("source = \"203.0.113.7\"");
    let (_, rows) = applied(&source, (0..2 * MANY_HOSTS).map(on).collect());
    assert!(rows[0].remarks.is_empty(), "{:?}", rows[0].remarks);
    // A finding about nobody in particular is about no host.
    let mut nobodys = knock();
    (nobodys.entities.host_name, nobodys.entities.host_address) = ("".into(), None);
    let (_, rows) = applied(&source, vec![nobodys; MANY_INCIDENTS + 1]);
    assert!(
        rows[0].remarks[0].contains("on 0 hosts"),
        "{:?}",
        rows[0].remarks
    );
    // Without a name an address stands for it.
    let nameless = |n: u8| {
        let mut finding = knock();
        finding.entities.host_name = "".into();
        finding.entities.host_address = Some([10, 0, 0, n].into());
        finding
    };
    let (_, rows) = applied(&source, (1..8).map(nameless).collect());
    assert!(
        rows[0].remarks[0].contains("on 7 hosts"),
        "{:?}",
        rows[0].remarks
    );
}

#[test]
fn a_side_goes_by_every_name_it_was_known_by_then() {
    let woken = wake().entities.woken[0];
    let identity = known("SRV07.corp.example", "10.20.0.5", woken, "10.20.0.77");
    for line in [
        "source = \"srv07\"",
        "target = \"10.20.0.77\"",
        "host = \"10.20.0.77\"",
        "target = \"aa:bb:cc:00:01:02\"",
    ] {
        assert!(hides_knowing(line, wake(), &identity), "{line}");
    }
    let later = |mut finding: Finding| {
        let at = &mut finding.steps[0].event.time;
        *at = at.shifted(Span::seconds(-86_400 * 30));
        finding
    };
    // Long before, nothing shows that it had this address.
    let line = "target = \"10.20.0.77\"";
    assert!(!hides_knowing(line, later(wake()), &Identity::default()));
    // A finding that names the host it wakes: both are one.
    let mut named = wake();
    named.entities.host_name = "WS07".into();
    named.entities.host_address = Some([10, 20, 0, 78].into());
    for line in [
        "host = \"ws07\"",
        "target = \"ws07\"",
        "target = \"10.20.0.78\"",
        "target = \"10.20.0.77\"",
    ] {
        assert!(hides_knowing(line, named.clone(), &identity), "{line}");
    }
    // What the finding calls the host stands; the name that was known serves where it has none.
    let identity = known("OTHER", "10.20.0.15", woken, "10.20.0.77");
    assert!(hides_knowing("host = \"fs01\"", knock(), &identity));
    assert!(!hides_knowing("host = \"other\"", knock(), &identity));
    let mut nameless = knock();
    nameless.entities.host_name = "".into();
    assert!(hides_knowing("host = \"other\"", nameless, &identity));
    let identity = known("WS09", "10.20.0.77", woken, "10.20.0.77");
    assert!(hides_knowing("host = \"ws09\"", wake(), &identity));
}

#[test]
fn what_the_host_started_was_aimed_at_the_other_side() {
    let mut out = knock();
    for step in &mut out.steps {
        if let What::Attempt(attempt) = &mut step.event.what {
            let attempt = &mut **attempt;
            std::mem::swap(&mut attempt.initiator, &mut attempt.responder);
        }
    }
    assert!(hides("source = \"10.20.0.15\"", out.clone()));
    assert!(hides("target = \"203.0.113.7\"", out.clone()));
    assert!(!hides("target = \"10.20.0.15\"", out.clone()));
    out.entities.remote_mac = Some([2, 0, 0, 0, 0, 9]);
    assert!(hides("target = \"02:00:00:00:00:09\"", out.clone()));
    // Where it names no other side, the cited attempts say whom: all of them.
    (out.entities.remote, out.entities.remote_mac) = (None, None);
    assert!(hides("target = \"203.0.113.7\"", out.clone()));
    assert!(!hides("target = \"203.0.113.8\"", out));
}
