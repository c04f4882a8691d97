//! Lines about what a host does: `HOST VERB …`.

use super::cast::{Deed, NameAnswer, NameService, ProcessName, RuleChange, RuleLine};
use super::lines::{by, end, process, process_words, protocol_port};
use super::parse::{Reader, log_kind};
use super::words::{Read, Words};
use std::net::IpAddr;

const HOST_VERBS: &str = "-> (a connection), firewall, listens, stops listening, starts, ends, loads, \
     installs service, service, clears, changes clock, changes audit, profile, reloads policy, adds callout, adds filter, \
     boots, resumes, shuts down, announces, gets, names itself, sysmon, event log, loses, logon, runs script, creates file, resolves, injects into, logs, pings, \
     asks arp for";

/// Reads the rest of a line after its verb.
pub(super) fn deed(reader: &mut Reader, words: &mut Words, verb: &str) -> Read<Deed> {
    Ok(match verb {
        "firewall" => return firewall(reader, words),
        "listens" => {
            let (protocol, port) = protocol_port(words)?;
            Deed::Listens {
                protocol,
                port,
                by: by(words, "svchost.exe")?,
            }
        }
        "stops" if words.take("listening") => {
            let (protocol, port) = protocol_port(words)?;
            Deed::StopsListening { protocol, port }
        }
        "starts" => {
            let mut process = ProcessName {
                image: words.next("the image")?,
                pid: None,
                account: None,
                under: None,
            };
            let (mut command_line, mut original) = (None, None);
            loop {
                process_words(words, &mut process)?;
                if words.take("by") {
                    process.under = Some(words.next("the parent process")?);
                } else if words.take("original") {
                    original = Some(words.next("the original file name")?);
                } else if words
                    .peek()
                    .is_none_or(|w| matches!(w, "only" | "without" | "but"))
                {
                    break;
                } else {
                    command_line = Some(words.next("the command line")?);
                }
            }
            Deed::Starts {
                process,
                command_line,
                original,
            }
        }
        "ends" => Deed::Ends {
            image: words.next("the process")?,
        },
        "loads" => match words.next("library or driver")?.as_str() {
            "library" => {
                let path = words.next("the library")?;
                let by = by(words, "svchost.exe")?;
                Deed::LoadsLibrary {
                    path,
                    by,
                    signer: signer(words)?,
                }
            }
            "driver" => Deed::LoadsDriver {
                path: words.next("the driver")?,
                signer: signer(words)?,
            },
            other => return words.unknown("thing to load", other, "library, driver"),
        },
        "installs" => {
            words.take("service");
            let name = words.next("the service's name")?;
            words.take("image");
            Deed::InstallsService {
                name,
                image: words.next("the service's image")?,
            }
        }
        "service" => {
            let state = match words.next("starts or stops")?.as_str() {
                "starts" => "running",
                "stops" => "stopped",
                other => return words.unknown("state", other, "starts, stops"),
            };
            Deed::Service {
                name: words.next("the service's display name")?,
                state: state.into(),
            }
        }
        "clears" => {
            let name = words.next("which log")?;
            let Some(kind) = log_kind(&name) else {
                return words.unknown(
                    "log",
                    &name,
                    "security, system, sysmon, firewall, powershell",
                );
            };
            words.take("log");
            let account = if words.take("as") {
                Some(words.next("the account")?)
            } else {
                None
            };
            Deed::ClearsLog { kind, account }
        }
        "changes" if words.take("audit") => {
            words.take("policy");
            Deed::AuditPolicy {
                subcategory: words.next("the subcategory's GUID")?,
                change: words.next("the change")?,
            }
        }
        "changes" => {
            words.take("clock");
            let by_nanos = words.duration("the step")?;
            Deed::ChangesClock {
                by_nanos,
                by: by(words, "svchost.exe")?,
            }
        }
        "profile" => Deed::Profile {
            name: words.next("the profile")?,
        },
        "reloads" => {
            words.take("policy");
            let filters = words.number("the number of filters")?;
            words.take("filters");
            Deed::ReloadsPolicy { filters }
        }
        "adds" if words.take("filter") => {
            let name = words.next("the filter's name")?;
            let (protocol, port) = protocol_port(words)?;
            Deed::AddsFilter {
                name,
                protocol,
                port,
                by: by(words, "svchost.exe")?,
            }
        }
        "adds" => {
            words.take("callout");
            let name = words.next("the callout's name")?;
            words.take("by");
            Deed::AddsCallout {
                name,
                provider: words.next("the provider's name")?,
            }
        }
        "boots" => Deed::Boots,
        "resumes" => {
            let mut asleep = None;
            if words.take_all("asleep for") {
                asleep = Some(words.duration("how long it slept")?);
            }
            let mut by = None;
            if words.take_all("woken by") {
                by = Some(words.next("what woke it")?);
            }
            Deed::Resumes { asleep, by }
        }
        "shuts" => {
            words.take("down");
            Deed::ShutsDown
        }
        "announces" => Deed::Announces,
        "gets" => {
            let text = words.next("the address")?;
            let address = text.parse();
            let address =
                address.map_err(|_| words.error(format!("\"{text}\" is no IPv4 address")))?;
            if !words.take_all("by dhcp") {
                return Err(words.error("an address is got so: HOST gets 10.0.0.9 by dhcp"));
            }
            Deed::Gets { address }
        }
        "names" if words.take_all("itself by") => {
            let by = words.next("the name service")?;
            Deed::NamesItself {
                by: match by.as_str() {
                    "mdns" => NameService::Mdns,
                    "nbns" => NameService::Nbns,
                    other => return words.unknown("name service", other, "mdns, nbns"),
                },
            }
        }
        "sysmon" => {
            let state = words.next("starts, stops or configured")?;
            if !matches!(state.as_str(), "starts" | "stops" | "configured") {
                return words.unknown("state of Sysmon", &state, "starts, stops, configured");
            }
            Deed::Sysmon { state }
        }
        "loses" => {
            let records = words.number("the number of records")?;
            words.take_all("records of the");
            let name = words.next("which log")?;
            let Some(kind) = log_kind(&name) else {
                return words.unknown(
                    "log",
                    &name,
                    "security, system, sysmon, firewall, powershell",
                );
            };
            words.take("log");
            Deed::Loses { records, kind }
        }
        "event" => {
            words.take("log");
            let state = words.next("starts or stops")?;
            if !matches!(state.as_str(), "starts" | "stops") {
                return words.unknown("state of the event log service", &state, "starts, stops");
            }
            Deed::EventLog {
                starts: state == "starts",
            }
        }
        "logon" => {
            let account = words.next("the account")?;
            words.take("from");
            let name = words.next("where it comes from")?;
            let from = end(reader, words, &name)?;
            let kind = if words.take("type") {
                words.number("the logon type")?
            } else {
                3
            };
            Deed::Logon {
                account,
                from,
                kind,
            }
        }
        "runs" => {
            words.take("script");
            Deed::Script {
                text: words.next("the script")?,
            }
        }
        "creates" => {
            words.take("file");
            let path = words.next("the file")?;
            Deed::CreatesFile {
                path,
                by: by(words, "explorer.exe")?,
            }
        }
        "resolves" => {
            let name = words.next("the name")?;
            let answer = if words.take("nxdomain") {
                NameAnswer::NoSuchName
            } else if words.take("servfail") {
                NameAnswer::Failure
            } else {
                words.take("to");
                let text = words.next("the answer")?;
                let addresses: Result<Vec<IpAddr>, _> = text.split(',').map(str::parse).collect();
                NameAnswer::Addresses(addresses.map_err(|_| {
                    words.error(format!(
                        "\"{text}\" is no address; understood: to ADDRESS[,ADDRESS], nxdomain, servfail"
                    ))
                })?)
            };
            let via = if words.take("via") {
                let name = words.next("the name server")?;
                Some(reader.find(words, &name)?.0)
            } else {
                None
            };
            Deed::Resolves {
                name,
                answer,
                via,
                by: by(words, "svchost.exe")?,
            }
        }
        "injects" => {
            words.take("into");
            let image = words.next("the process that is reached into")?;
            let into = ProcessName {
                image,
                pid: None,
                account: None,
                under: None,
            };
            Deed::Intrudes {
                into,
                by: by(words, "powershell.exe")?,
            }
        }
        "logs" => {
            let name = words.next("which log")?;
            let Some(kind) = log_kind(&name) else {
                return words.unknown(
                    "log",
                    &name,
                    "security, system, sysmon, firewall, powershell",
                );
            };
            let id = words.number("the event id")?;
            let mut fields = Vec::new();
            while let Some((field, value)) = words.peek().and_then(|w| w.split_once('=')) {
                let mut value = value.to_owned();
                let field = field.to_owned();
                words.next("a field")?;
                // Field="two words" arrives as two words.
                if value.starts_with('"') {
                    while !value[1..].contains('"') {
                        value = format!("{value} {}", words.next("the closing quotation mark")?);
                    }
                    value = value.trim_matches('"').to_owned();
                }
                fields.push((field, value));
            }
            Deed::Logs { kind, id, fields }
        }
        other => return words.unknown("thing to do", other, HOST_VERBS),
    })
}

fn signer(words: &mut Words) -> Read<Option<String>> {
    if words.take("signed") {
        words.next("the signer").map(Some)
    } else {
        Ok(None)
    }
}

const RULE_WORDS: &str = "allows|blocks tcp/3389|udp/53|tcp/5000-5010|any, enables|disables|deletes rule \"name\", \
     on, off, storm N; then from ADDRESS, program PATH, service NAME, by x.exe [pid N] [as ACCOUNT] [under y.exe], \
     outbound, inactive, named \"rule\", profile domain|private|public, win11";

fn firewall(reader: &mut Reader, words: &mut Words) -> Read<Deed> {
    let verb = words.next("what the firewall does")?;
    if verb == "storm" {
        return Ok(Deed::RuleStorm {
            rules: words.number("the number of rules")?,
        });
    }
    let mut rule = RuleLine {
        change: RuleChange::Add,
        protocol: 256,
        ports: String::new(),
        remotes: "*".into(),
        program: String::new(),
        service: String::new(),
        outbound: false,
        allow: verb != "blocks",
        active: true,
        name: None,
        profiles: 2_147_483_647,
        windows_11: false,
        by: ProcessName {
            image: "netsh.exe".into(),
            pid: None,
            account: None,
            under: None,
        },
    };
    let mut profile = "Public".to_owned();
    match verb.as_str() {
        "allows" | "blocks" => {
            if words
                .peek()
                .is_some_and(|w| w.starts_with("tcp/") || w.starts_with("udp/"))
            {
                let text = words.next("protocol and ports")?;
                let (protocol, ports) = text.split_at(3);
                rule.protocol = if protocol == "tcp" { 6 } else { 17 };
                rule.ports = ports[1..].to_owned();
            } else if words.take("tcp") {
                (rule.protocol, rule.ports) = (6, "*".into());
            } else if words.take("udp") {
                (rule.protocol, rule.ports) = (17, "*".into());
            } else {
                words.take("any");
            }
        }
        "enables" | "disables" | "deletes" => {
            rule.change = match verb.as_str() {
                "enables" => RuleChange::Enable,
                "disables" => RuleChange::Disable,
                _ => RuleChange::Delete,
            };
            words.take("rule");
            rule.name = Some(words.next("the rule's name")?);
        }
        "on" | "off" => {}
        other => return words.unknown("thing for a firewall to do", other, RULE_WORDS),
    }
    while let Some(word) = words.peek().map(str::to_owned) {
        match word.as_str() {
            "only" | "without" | "but" => break,
            _ => words.next("a word")?,
        };
        match word.as_str() {
            "from" => {
                let text = words.next("the remote address")?;
                let host = reader.hosts.iter().find(|h| h.name == text);
                rule.remotes = host.map_or(text, |h| h.addresses[0].to_string());
            }
            "program" => rule.program = words.next("the program")?,
            "service" => rule.service = words.next("the service")?,
            "by" => rule.by = process(words)?,
            "outbound" => rule.outbound = true,
            "inactive" => rule.active = false,
            "named" => rule.name = Some(words.next("the rule's name")?),
            "win11" => rule.windows_11 = true,
            "profile" => {
                profile = words.next("the profile")?;
                rule.profiles = match profile_bit(&profile) {
                    Some(bit) => bit,
                    None => return words.unknown("profile", &profile, "domain, private, public"),
                };
            }
            other => return words.unknown("word of a firewall line", other, RULE_WORDS),
        }
    }
    Ok(match verb.as_str() {
        "on" | "off" => Deed::Firewall {
            on: verb == "on",
            profile,
            by: rule.by,
        },
        _ => Deed::Rule(Box::new(rule)),
    })
}

/// The bit of a profile name in a rule's mask.
pub(super) fn profile_bit(name: &str) -> Option<u32> {
    match name.to_ascii_lowercase().as_str() {
        "domain" => Some(1),
        "private" => Some(2),
        "public" => Some(4),
        _ => None,
    }
}
