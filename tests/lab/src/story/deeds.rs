//! What hosts do, as their logs tell it: rules, listeners, processes, services, drivers, clocks.

use super::cast::{Deed, LogKind, NameAnswer, ProcessName};
use super::world::World;
use super::{firewall, naming, signals};
use crate::evtx::Value;
use crate::evtx::events::{Account, Program, security, sysmon, windows};
use crate::evtx::{guid_from_text, sid};
use crate::moment::{MILLISECOND, SECOND};
use LogKind::{PowerShell, Security, Sysmon, System};
use std::net::IpAddr;

const MICROSECOND: i64 = 1000;

/// Plays one deed of `host` at `at`.
pub(super) fn play(world: &mut World<'_>, host: usize, at: i64, deed: &Deed) {
    match deed {
        Deed::Rule(rule) => firewall::rule(world, host, at, rule),
        Deed::Firewall { on, profile, by } => firewall::switch(world, host, at, *on, profile, by),
        Deed::RuleStorm { rules } => firewall::storm(world, host, at, *rules),
        Deed::Profile { name } => firewall::profile(world, host, at, name),
        Deed::ReloadsPolicy { filters } => firewall::reload(world, host, at, *filters),
        Deed::Listens { protocol, port, by } => listens(world, host, at, *protocol, *port, by),
        Deed::StopsListening { protocol, port } => {
            world.running[host].listeners.remove(&(*protocol, *port));
        }
        Deed::Starts {
            process,
            command_line,
            original,
        } => {
            let parent = parent(world, host, process);
            let mut program = world.start(host, process, command_line.as_deref());
            program.original.clone_from(original);
            started(world, host, at, &program, &parent);
        }
        Deed::Ends { image } => {
            if let Some(program) = world.end(host, image) {
                ended(world, host, at, &program);
            }
        }
        Deed::LoadsLibrary { path, by, signer } => {
            let program = world.program(host, by);
            let utc = world.host_time(host, at);
            let event = sysmon::library_loaded(utc, &program, path, signer.as_deref());
            world.log(host, Sysmon, at + 12 * MILLISECOND, event);
        }
        Deed::LoadsDriver { path, signer } => {
            let event = sysmon::driver_loaded(world.host_time(host, at), path, signer.as_deref());
            world.log(host, Sysmon, at + 12 * MILLISECOND, event);
        }
        Deed::InstallsService { name, image } => {
            let by = world.account_named(host, None);
            world.log(
                host,
                Security,
                at,
                security::service_installed(name, image, &by),
            );
            world.log(
                host,
                System,
                at + MILLISECOND,
                windows::service_installed(name, image, &by),
            );
        }
        Deed::Service { name, state } => {
            world.log(host, System, at, windows::service_state(name, state))
        }
        Deed::ClearsLog { kind, account } => {
            let by = world.account_named(host, account.as_deref());
            match channel(*kind) {
                None => world.log(host, Security, at, security::log_cleared(&by)),
                Some(channel) => world.log(host, System, at, windows::log_cleared(&by, channel)),
            }
        }
        Deed::ChangesClock { by_nanos, by } => changes_clock(world, host, at, *by_nanos, by),
        Deed::AddsFilter {
            name,
            protocol,
            port,
            by,
        } => {
            let program = world.program(host, by);
            firewall::add_filter(world, host, at, (name, *protocol, *port), &program);
        }
        Deed::AddsCallout { name, provider } => {
            let mpssvc = world.service(host, "mpssvc");
            world.log(
                host,
                Security,
                at,
                security::callout_added(&mpssvc, name, provider),
            );
        }
        Deed::AuditPolicy {
            subcategory,
            change,
        } => {
            let by = world.account_named(host, None);
            let change = match change.as_str() {
                "success-removed" => "%%8448",
                "success-added" => "%%8449",
                "failure-removed" => "%%8450",
                "failure-added" => "%%8451",
                other => other,
            };
            world.log(
                host,
                Security,
                at,
                security::audit_policy_changed(&by, subcategory, change),
            );
        }
        Deed::Boots => {
            let moment = world.host_time(host, at);
            world.log(host, System, at + 2 * MILLISECOND, windows::started(moment));
            world.log(
                host,
                Sysmon,
                at + 5 * SECOND,
                sysmon::state(moment, "Started"),
            );
            signals::announce(world, at + 3 * SECOND, host);
        }
        Deed::Resumes { asleep, by } => {
            let woke = world.host_time(host, at);
            let slept = asleep.map(|asleep| world.host_time(host, at - asleep));
            let record = windows::resumed(slept, woke, by.as_deref());
            world.log(host, System, at + 2 * SECOND, record);
        }
        Deed::ShutsDown => {
            let moment = world.host_time(host, at);
            world.log(host, System, at, windows::stopped(moment));
            let end = at + SECOND;
            world
                .live
                .iter_mut()
                .filter(|l| l.host == host)
                .for_each(|l| l.to = l.to.min(end));
        }
        Deed::Announces => signals::announce(world, at, host),
        Deed::Gets { address } => naming::leased(world, at, host, *address),
        Deed::NamesItself { by } => naming::named(world, at, host, *by),
        Deed::Sysmon { state } => {
            let utc = world.host_time(host, at);
            let event = match state.as_str() {
                "configured" => sysmon::configured(utc, "C:\\Windows\\sysmon.xml"),
                "starts" => sysmon::state(utc, "Started"),
                _ => sysmon::state(utc, "Stopped"),
            };
            world.log(host, Sysmon, at + 4 * MILLISECOND, event);
        }
        Deed::Loses { records, kind } => {
            *world.running[host].lost.entry(*kind).or_default() += records;
        }
        Deed::EventLog { starts: true } => {
            world.logs_from(host, at);
            world.log(host, System, at, windows::event_log_started());
        }
        Deed::EventLog { starts: false } => {
            world.log(host, Security, at, security::event_log_stopped());
            world.log(host, System, at, windows::event_log_stopped());
            world.logs_until(host, at);
        }
        Deed::Logon {
            account,
            from,
            kind,
        } => {
            let who = world.account_named(host, Some(account));
            let v6 = !world.hosts[host]
                .addresses
                .iter()
                .any(std::net::IpAddr::is_ipv4);
            let address = from.address.unwrap_or_else(|| world.address(from.host, v6));
            let event = security::logged_on(&who, *kind, (address, from.port.unwrap_or(0)));
            world.log(host, Security, at, event);
        }
        Deed::Script { text } => {
            let by = world.account_named(host, None);
            world.log(host, PowerShell, at, windows::script_block(&by, text));
        }
        Deed::CreatesFile { path, by } => {
            let program = world.program(host, by);
            let utc = world.host_time(host, at);
            world.log(
                host,
                Sysmon,
                at + 6 * MILLISECOND,
                sysmon::file_created(utc, &program, path),
            );
        }
        Deed::Resolves {
            name,
            answer,
            via,
            by,
        } => {
            let program = world.program(host, by);
            let utc = world.etw_time(host, at);
            // DNS_ERROR_RCODE_NAME_ERROR and DNS_ERROR_RCODE_SERVER_FAILURE of winerror.h.
            let (status, results) = match answer {
                NameAnswer::Addresses(addresses) => ("0", listed(addresses)),
                NameAnswer::NoSuchName => ("9003", "-".to_owned()),
                NameAnswer::Failure => ("9002", "-".to_owned()),
            };
            let event = sysmon::name_queried(utc, &program, name, status, &results);
            let late = world.chance(1_000, 1_960, "sysmon 22");
            world.log(host, Sysmon, at + late * MILLISECOND, event);
            if let Some(server) = via {
                signals::dns(world, at, host, *server, name, answer);
            }
        }
        Deed::Intrudes { by, into } => {
            let (by, into) = (world.program(host, by), world.program(host, into));
            let utc = world.host_time(host, at);
            let event = sysmon::thread_started(utc, &by, &into);
            world.log(host, Sysmon, at + 7 * MILLISECOND, event);
        }
        Deed::Logs { kind, id, fields } => raw(world, host, at, *kind, *id, fields),
    }
}

/// Addresses as Sysmon lists them.
fn listed(addresses: &[IpAddr]) -> String {
    let one = |address: &IpAddr| match address {
        IpAddr::V4(a) => format!("::ffff:{a};"),
        IpAddr::V6(a) => format!("{a};"),
    };
    addresses.iter().map(one).collect()
}

/// The parent a line names, or the shell.
pub(super) fn parent(world: &mut World<'_>, host: usize, process: &ProcessName) -> Program {
    let image = process.under.clone().unwrap_or_else(|| "cmd.exe".into());
    world.program(
        host,
        &ProcessName {
            image,
            pid: None,
            account: None,
            under: None,
        },
    )
}

/// 4688 and Sysmon 1.
pub(super) fn started(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    program: &Program,
    parent: &Program,
) {
    world.log(
        host,
        Security,
        at,
        security::process_created(program, parent),
    );
    let utc = world.host_time(host, at - MILLISECOND);
    world.log(
        host,
        Sysmon,
        at + 3 * MILLISECOND,
        sysmon::process_created(utc, program, parent),
    );
}

/// 4689 and Sysmon 5.
pub(super) fn ended(world: &mut World<'_>, host: usize, at: i64, program: &Program) {
    world.log(host, Security, at, security::process_ended(program));
    let utc = world.host_time(host, at);
    world.log(
        host,
        Sysmon,
        at + 13 * MILLISECOND,
        sysmon::process_ended(utc, program),
    );
}

fn listens(world: &mut World<'_>, host: usize, at: i64, protocol: u8, port: u16, by: &ProcessName) {
    let program = match by.image.to_lowercase().as_str() {
        "svchost.exe" if by.pid.is_none() && by.account.is_none() => world.usual_server(host, port),
        _ => world.program(host, by),
    };
    world.running[host]
        .listeners
        .insert((protocol, port), program.clone());
    for (i, v6) in [false, true].into_iter().enumerate() {
        let moment = at + i as i64 * 180 * MICROSECOND;
        world.log(
            host,
            Security,
            moment,
            security::bound(&program, port, v6, protocol),
        );
        if protocol == 6 {
            let event = security::listening(&program, port, v6);
            world.log(host, Security, moment + 400 * MICROSECOND, event);
        }
    }
}

fn changes_clock(world: &mut World<'_>, host: usize, at: i64, by_nanos: i64, by: &ProcessName) {
    let program = world.program(host, by);
    let before = world.host_time(host, at);
    world.running[host].clock_changes.push((at, by_nanos));
    let after = world.host_time(host, at);
    world.log(
        host,
        Security,
        at + MILLISECOND,
        security::time_changed(&program, before, after),
    );
    world.log(
        host,
        System,
        at + MILLISECOND,
        windows::time_changed(before, after),
    );
}

/// The channel whose clearing System 104 reports; `None` for Security, which reports it itself.
fn channel(kind: LogKind) -> Option<&'static str> {
    match kind {
        LogKind::Security | LogKind::Drops => None,
        LogKind::System => Some("System"),
        LogKind::Sysmon => Some(sysmon::CHANNEL),
        LogKind::Firewall => Some(crate::evtx::events::firewall::CHANNEL),
        LogKind::PowerShell => Some(windows::POWERSHELL_CHANNEL),
    }
}

/// An event with the fields as written; types are those Windows has for fields of that name.
fn raw(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    kind: LogKind,
    id: u16,
    given: &[(String, String)],
) {
    let sysmon_log = kind == LogKind::Sysmon;
    let fields = given
        .iter()
        .map(|(name, text)| (name.clone(), typed(name, text, sysmon_log)))
        .collect();
    let event = match kind {
        LogKind::Security | LogKind::Drops => security::other(id, fields),
        LogKind::Sysmon => sysmon::other(id, fields),
        LogKind::System | LogKind::Firewall | LogKind::PowerShell => {
            let mut event = match kind {
                LogKind::System => windows::service_state("", ""),
                LogKind::PowerShell => windows::script_block(&Account::system(), ""),
                _ => crate::evtx::events::firewall::profile_changed(
                    0,
                    0,
                    &world.service(host, "mpssvc"),
                ),
            };
            event.id = id;
            *event.fields_mut() = fields;
            event
        }
    };
    world.log(host, kind, at, event);
}

fn typed(name: &str, text: &str, sysmon_log: bool) -> Value {
    let number = text.parse::<u64>().ok();
    match (name, number) {
        ("ProcessId", Some(n)) if sysmon_log => Value::U32(n as u32),
        ("SourcePort" | "DestinationPort", Some(n)) if sysmon_log => Value::U16(n as u16),
        ("ProcessID" | "ProcessId" | "FilterRTID" | "LayerRTID", Some(n)) => Value::U64(n),
        ("Protocol", Some(n)) => Value::U32(n as u32),
        ("Initiated", _) => Value::Bool(text == "true"),
        _ if text.starts_with("0x") => match u64::from_str_radix(&text[2..], 16) {
            Ok(n) => Value::Hex64(n),
            Err(_) => Value::text(text),
        },
        _ if text.starts_with("S-1-") => sid(text).map_or_else(|| Value::text(text), Value::Sid),
        _ if name == "ProcessGuid" => {
            guid_from_text(text).map_or_else(|| Value::text(text), Value::Guid)
        }
        _ => Value::text(text),
    }
}
