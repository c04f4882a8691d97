//! A firewall change and everything it leaves behind, in the order and with the gaps measured for
//! one `netsh advfirewall firewall add rule`: 4688, Sysmon 1, a tenth of a second, Sysmon 12 and
//! 13, 5447 per layer, 4946, the firewall's own record; then live flows are logged again.

use super::cast::{LogKind, ProcessName, RuleChange, RuleLine};
use super::deeds::{ended, parent, started};
use super::traces;
use super::world::World;
use crate::evtx::events::firewall::{self, Changer, Rule};
use crate::evtx::events::{Program, nt_path, security, sysmon};
use crate::moment::MILLISECOND;
use LogKind::{Firewall, PowerShell, Security, Sysmon};

const MICROSECOND: i64 = 1000;
const RULES_KEY: &str = "HKLM\\System\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules";
const SERVICE_SID: &str = "S-1-5-80-3088073201-1464728630-1879813800-1107566885-823218052";

/// Adds, changes or deletes a rule.
pub(super) fn rule(world: &mut World<'_>, host: usize, at: i64, line: &RuleLine) {
    let rule = describe(world, host, line);
    let tool = begin(world, host, at, &line.by, &command(line, &rule));
    let mpssvc = world.service(host, "mpssvc");
    let windows_11 = line.windows_11 || world.hosts[host].windows_11;
    let changer = modifying(&line.by, &tool);
    let by = Changer {
        sid: &tool.account.sid,
        application: &changer,
    };

    registry(
        world,
        host,
        at - 3 * MILLISECOND,
        line.change,
        &rule,
        &mpssvc,
    );
    filters(world, host, at, line.change, &rule, &mpssvc);
    let audit = match line.change {
        RuleChange::Add => 4946,
        RuleChange::Enable | RuleChange::Disable => 4947,
        RuleChange::Delete => 4948,
    };
    let event = security::rule_changed(audit, &rule.id, &rule.name);
    world.log(host, Security, at + 400 * MICROSECOND, event);
    let event = match (line.change, windows_11) {
        (RuleChange::Add, false) => firewall::rule(2004, &rule, by, &mpssvc),
        (RuleChange::Add, true) => firewall::rule(2097, &rule, by, &mpssvc),
        (RuleChange::Delete, false) => firewall::rule_deleted(2006, &rule, by, &mpssvc),
        (RuleChange::Delete, true) => firewall::rule_deleted(2052, &rule, by, &mpssvc),
        (_, false) => firewall::rule(2005, &rule, by, &mpssvc),
        (_, true) => firewall::rule(2099, &rule, by, &mpssvc),
    };
    world.log(host, Firewall, at + 1_200 * MICROSECOND, event);
    finish(world, host, at, &line.by, &tool);
    traces::relog(world, host, at);

    let rules = &mut world.running[host].rules;
    rules.retain(|known| known.name != rule.name);
    if line.change != RuleChange::Delete {
        rules.push(rule);
    }
}

/// The rule a line is about: a new one, or the known one with the change applied.
fn describe(world: &World<'_>, host: usize, line: &RuleLine) -> Rule {
    let words = |name: &str| security::rule_id(&[&world.hosts[host].name, name]);
    if line.change != RuleChange::Add {
        let name = line.name.clone().unwrap_or_default();
        let known = world.running[host]
            .rules
            .iter()
            .find(|r| r.name == name)
            .cloned();
        let mut rule = known.unwrap_or_else(|| Rule {
            id: words(&name),
            name,
            application: line.program.clone(),
            service: line.service.clone(),
            inbound: !line.outbound,
            protocol: line.protocol,
            local_ports: line.ports.clone(),
            remotes: line.remotes.clone(),
            allow: true,
            active: true,
            profiles: line.profiles,
        });
        match line.change {
            RuleChange::Enable => rule.active = true,
            RuleChange::Disable => rule.active = false,
            RuleChange::Add | RuleChange::Delete => {}
        }
        return rule;
    }
    let what = match (line.protocol, line.ports.as_str()) {
        (6, ports) if !ports.is_empty() => format!("TCP {ports}"),
        (17, ports) if !ports.is_empty() => format!("UDP {ports}"),
        _ => "any".into(),
    };
    let name = line.name.clone().unwrap_or_else(|| {
        let verb = if line.allow { "Allow" } else { "Block" };
        format!("{verb} {what}")
    });
    Rule {
        id: words(&name),
        name,
        application: line.program.clone(),
        service: line.service.clone(),
        inbound: !line.outbound,
        protocol: line.protocol,
        local_ports: line.ports.clone(),
        remotes: line.remotes.clone(),
        allow: line.allow,
        active: line.active,
        profiles: line.profiles,
    }
}

/// Command-line tools are started for the change; everything else is already running.
fn is_tool(by: &ProcessName) -> bool {
    let name = by
        .image
        .rsplit('\\')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    matches!(name.as_str(), "netsh.exe" | "powershell.exe" | "pwsh.exe")
}

fn is_powershell(by: &ProcessName) -> bool {
    is_tool(by) && !by.image.to_lowercase().ends_with("netsh.exe")
}

fn begin(world: &mut World<'_>, host: usize, at: i64, by: &ProcessName, command: &str) -> Program {
    if !is_tool(by) {
        return world.program(host, by);
    }
    let parent = parent(world, host, by);
    let line = if is_powershell(by) {
        format!("powershell.exe -NoProfile -Command {command}")
    } else {
        command.to_owned()
    };
    let tool = world.start(host, by, Some(&line));
    started(world, host, at - 107 * MILLISECOND, &tool, &parent);
    if is_powershell(by) {
        let event = crate::evtx::events::windows::script_block(&tool.account, command);
        world.log(host, PowerShell, at - 60 * MILLISECOND, event);
    }
    tool
}

fn finish(world: &mut World<'_>, host: usize, at: i64, by: &ProcessName, tool: &Program) {
    if is_tool(by) {
        ended(world, host, at + 21 * MILLISECOND, tool);
        world.end(host, &by.image);
    }
}

/// PowerShell's cmdlets act through the WMI provider host, and that is whom the firewall names.
fn modifying(by: &ProcessName, tool: &Program) -> String {
    if is_powershell(by) {
        return "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe".into();
    }
    tool.image.clone()
}

fn command(line: &RuleLine, rule: &Rule) -> String {
    let protocol = match rule.protocol {
        6 => "TCP",
        17 => "UDP",
        _ => "any",
    };
    let action = if rule.allow { "allow" } else { "block" };
    if is_powershell(&line.by) {
        let name = &rule.name;
        return match line.change {
            RuleChange::Add => format!(
                "New-NetFirewallRule -DisplayName '{name}' -Direction {} -Action {action} -Protocol {protocol} -LocalPort {}",
                if rule.inbound { "Inbound" } else { "Outbound" },
                rule.local_ports,
            ),
            RuleChange::Enable => format!("Enable-NetFirewallRule -DisplayName '{name}'"),
            RuleChange::Disable => format!("Disable-NetFirewallRule -DisplayName '{name}'"),
            RuleChange::Delete => format!("Remove-NetFirewallRule -DisplayName '{name}'"),
        };
    }
    let name = format!("name=\"{}\"", rule.name);
    match line.change {
        RuleChange::Add => {
            let direction = if rule.inbound { "in" } else { "out" };
            let mut text = format!(
                "netsh advfirewall firewall add rule {name} action={action} dir={direction} protocol={protocol}"
            );
            for (key, value, none) in [
                ("localport", &rule.local_ports, ""),
                ("remoteip", &rule.remotes, "*"),
                ("program", &rule.application, ""),
            ] {
                if value != none {
                    text.push_str(&format!(" {key}={value}"));
                }
            }
            text
        }
        RuleChange::Enable => format!("netsh advfirewall firewall set rule {name} new enable=yes"),
        RuleChange::Disable => format!("netsh advfirewall firewall set rule {name} new enable=no"),
        RuleChange::Delete => format!("netsh advfirewall firewall delete rule {name}"),
    }
}

/// Sysmon sees the service write the registry, whoever asked for it.
fn registry(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    change: RuleChange,
    rule: &Rule,
    mpssvc: &Program,
) {
    let utc = world.host_time(host, at - 5 * MILLISECOND);
    let value = format!("{RULES_KEY}\\{}", rule.id);
    if change == RuleChange::Delete {
        let event = sysmon::registry(utc, mpssvc, "DeleteValue", &value, None);
        world.log(host, Sysmon, at, event);
        return;
    }
    if change == RuleChange::Add {
        let event = sysmon::registry(utc, mpssvc, "CreateKey", RULES_KEY, None);
        world.log(host, Sysmon, at, event);
    }
    let event = sysmon::registry(utc, mpssvc, "SetValue", &value, Some(&details(rule)));
    world.log(host, Sysmon, at + 100 * MICROSECOND, event);
}

/// The rule as the registry stores it.
fn details(rule: &Rule) -> String {
    let mut text = String::from("v2.30|");
    let mut put = |key: &str, value: &str| text.push_str(&format!("{key}={value}|"));
    put("Action", if rule.allow { "Allow" } else { "Block" });
    put("Active", if rule.active { "TRUE" } else { "FALSE" });
    put("Dir", if rule.inbound { "In" } else { "Out" });
    if rule.protocol != 256 {
        put("Protocol", &rule.protocol.to_string());
    }
    for (bit, name) in [(1, "Domain"), (2, "Private"), (4, "Public")] {
        if rule.profiles < 8 && rule.profiles & bit != 0 {
            put("Profile", name);
        }
    }
    for port in rule
        .local_ports
        .split(',')
        .filter(|p| !p.is_empty() && *p != "*")
    {
        put(
            match (rule.inbound, port.contains('-')) {
                (true, true) => "LPort2_10",
                (true, false) => "LPort",
                (false, true) => "RPort2_10",
                (false, false) => "RPort",
            },
            port,
        );
    }
    for remote in rule.remotes.split(',').filter(|r| *r != "*") {
        put(if remote.contains(':') { "RA6" } else { "RA4" }, remote);
    }
    if !rule.application.is_empty() {
        put("App", &rule.application);
    }
    if !rule.service.is_empty() {
        put("Svc", &rule.service);
    }
    put("Name", &rule.name);
    text
}

/// 5447 per layer that the rule reaches.
fn filters(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    change: RuleChange,
    rule: &Rule,
    mpssvc: &Program,
) {
    if !rule.active && change == RuleChange::Add {
        return;
    }
    let application = (!rule.application.is_empty()).then(|| nt_path(&rule.application));
    let layers = if rule.inbound { 0..4 } else { 4..6 };
    for (i, layer) in layers.enumerate() {
        let event = security::FilterChange {
            mpssvc,
            provider: security::FIREWALL_PROVIDER,
            name: &rule.name,
            layer,
            added: matches!(change, RuleChange::Add | RuleChange::Enable),
            permit: rule.allow,
            id: 75_143 + world.chance(0, 9_000, "filter").cast_unsigned() + i as u64,
            port: rule.local_ports.parse().ok(),
            protocol: u8::try_from(rule.protocol).ok(),
            remote: rule.remotes.parse().ok(),
            application: application.as_deref(),
        };
        world.log(
            host,
            Security,
            at + i as i64 * 60 * MICROSECOND,
            event.event(),
        );
    }
}

/// Switches the firewall of a profile on or off.
pub(super) fn switch(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    on: bool,
    profile: &str,
    by: &ProcessName,
) {
    let state = if on { "on" } else { "off" };
    let name = profile.to_lowercase();
    let command = if is_powershell(by) {
        format!(
            "Set-NetFirewallProfile -Profile {profile} -Enabled {}",
            if on { "True" } else { "False" }
        )
    } else {
        format!("netsh advfirewall set {name}profile state {state}")
    };
    let tool = begin(world, host, at, by, &command);
    let mpssvc = world.service(host, "mpssvc");
    let word = if on { "Yes" } else { "No" };
    let windows_11 = world.hosts[host].windows_11;
    let setting = if windows_11 {
        "Enable Windows Defender Firewall"
    } else {
        "Enable Windows Firewall"
    };
    let utc = world.host_time(host, at - 8 * MILLISECOND);
    let key = RULES_KEY.trim_end_matches("FirewallRules");
    let object = format!("{key}{profile}Profile\\EnableFirewall");
    let value = format!("DWORD (0x{:08x})", u8::from(on));
    let event = sysmon::registry(utc, &mpssvc, "SetValue", &object, Some(&value));
    world.log(host, Sysmon, at - 3 * MILLISECOND, event);
    world.log(
        host,
        Security,
        at,
        security::setting_changed(profile, setting, word),
    );
    let bit = super::host_lines::profile_bit(profile).unwrap_or(4);
    let changer = modifying(by, &tool);
    let by_whom = Changer {
        sid: &tool.account.sid,
        application: &changer,
    };
    let id = if windows_11 { 2082 } else { 2003 };
    let event = firewall::switched(id, bit, on, by_whom, &mpssvc);
    world.log(host, Firewall, at + MILLISECOND, event);
    finish(world, host, at, by, &tool);
    traces::relog(world, host, at);
}

/// What a first logon of a user does: a rule for every app package, one every 1.15 s.
pub(super) fn storm(world: &mut World<'_>, host: usize, at: i64, rules: usize) {
    let mpssvc = world.service(host, "mpssvc");
    let windows_11 = world.hosts[host].windows_11;
    for i in 0..rules {
        let moment = at + i as i64 * 1_150 * MILLISECOND;
        let name = format!("@{{Microsoft.Package{i:03}_8wekyb3d8bbwe?ms-resource://DisplayName}}");
        let rule = Rule {
            id: security::rule_id(&[&world.hosts[host].name, &name, "storm"]),
            name,
            application: String::new(),
            service: String::new(),
            inbound: i % 2 == 1,
            protocol: 256,
            local_ports: String::new(),
            remotes: "*".into(),
            allow: true,
            active: true,
            profiles: 7,
        };
        registry(
            world,
            host,
            moment - 3 * MILLISECOND,
            RuleChange::Add,
            &rule,
            &mpssvc,
        );
        world.log(
            host,
            Security,
            moment,
            security::rule_changed(4946, &rule.id, &rule.name),
        );
        let by = Changer {
            sid: SERVICE_SID,
            application: "C:\\Windows\\System32\\svchost.exe",
        };
        let event = firewall::rule(if windows_11 { 2097 } else { 2004 }, &rule, by, &mpssvc);
        world.log(host, Firewall, moment + MILLISECOND, event);
    }
    traces::relog(world, host, at);
}

/// Another profile becomes active.
pub(super) fn profile(world: &mut World<'_>, host: usize, at: i64, name: &str) {
    let mpssvc = world.service(host, "mpssvc");
    let new = super::host_lines::profile_bit(name).unwrap_or(4);
    let old = std::mem::replace(&mut world.running[host].profile, new);
    world.log(
        host,
        Firewall,
        at,
        firewall::profile_changed(old, new, &mpssvc),
    );
    world.log(
        host,
        Security,
        at + MILLISECOND,
        security::profile_active(name),
    );
}

/// A whole policy is applied again: filters deleted and added, no rule changed.
pub(super) fn reload(world: &mut World<'_>, host: usize, at: i64, filters: usize) {
    const NAMES: [&str; 5] = [
        "Boot Time Filter",
        "Port Scanning Prevention Filter",
        "Query User",
        "Inbound Default Rule",
        "Core Networking - IPv6 (IPv6-In)",
    ];
    let mpssvc = world.service(host, "mpssvc");
    for i in 0..filters {
        let event = security::FilterChange {
            mpssvc: &mpssvc,
            provider: security::FIREWALL_PROVIDER,
            name: NAMES[i / 2 % NAMES.len()],
            layer: i % 6,
            added: i % 2 == 1,
            permit: true,
            id: 80_000 + i as u64,
            port: None,
            protocol: None,
            remote: None,
            application: None,
        };
        world.log(
            host,
            Security,
            at + i as i64 * 700 * MICROSECOND,
            event.event(),
        );
    }
    traces::relog(world, host, at);
}

/// A program permits a port by a filter of its own, without a rule and without a provider.
pub(super) fn add_filter(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    (name, protocol, port): (&str, u8, u16),
    by: &Program,
) {
    let event = security::FilterChange {
        mpssvc: by,
        provider: "",
        name,
        layer: 1,
        added: true,
        permit: true,
        id: 90_000 + u64::from(port),
        port: Some(port),
        protocol: Some(protocol),
        remote: None,
        application: None,
    };
    world.log(host, Security, at, event.event());
}
