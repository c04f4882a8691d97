//! What may stand after the time on a story line. One table of verbs each for hosts and the wire.

use super::cast::{
    Carrying, Deed, End, Ending, FlowLine, Outcome, ProcessName, RuleChange, RuleLine, Seen,
    WakeLine, What,
};
use super::parse::{Reader, log_kind};
use super::words::{Read, Words};
use crate::pcap::frame::{Mac, flags};
use std::net::IpAddr;

const FLOW_WORDS: &str = "outcomes unanswered [once | N times], refused [icmp 3/3 [from HOST] | wrong-ack], \
     half-open, empty, accepted, midstream, aborted, one-sided, expired from HOST, flags fin, datagram N, \
     answered; and bytes 120/4000, for 30s, stays, reset by client|server, rtt 20ms, ttl 64, answer-ttl 60, \
     vlan 30, hairpin 30, by x.exe, served by x.exe, fast-open, carrying base64|padding|magic MAC, \
     only 5156, without 5156, but not on the wire, but not in the log";
const HOST_VERBS: &str = "-> (a connection), firewall, listens, stops listening, starts, ends, loads, \
     installs service, service, clears, changes clock, changes audit, profile, reloads policy, adds callout, \
     boots, shuts down, announces, sysmon, logon, runs script, creates file, resolves, logs, pings, arp";

/// Reads everything after the time.
pub(super) fn act(reader: &mut Reader, words: &mut Words) -> Read<(What, Seen)> {
    let mut seen = Seen::default();
    if words.take("wake") {
        let wake = wake(reader, words)?;
        rest(
            words,
            &mut seen,
            "the words of: wake MAC from HOST by udp/9|ethernet",
        )?;
        return Ok((What::Wake(wake), seen));
    }
    if words.peek_second() == Some("->") {
        let flow = flow(reader, words, &mut seen)?;
        return Ok((What::Flow(flow), seen));
    }
    let name = words.next("who acts")?;
    let from = end(reader, words, &name)?;
    let verb = words.next("what it does")?;
    let what = match verb.as_str() {
        "pings" => {
            let name = words.next("whom")?;
            let to = end(reader, words, &name)?;
            What::Ping {
                from,
                to,
                answered: !words.take("unanswered"),
            }
        }
        "arp" => {
            words.take("who-has");
            let name = words.next("which address")?;
            let to = end(reader, words, &name)?;
            let first = reader.hosts[to.host]
                .addresses
                .iter()
                .find(|a| a.is_ipv4())
                .copied();
            let to = to
                .address
                .or(first)
                .ok_or_else(|| words.error("arp needs an IPv4 address"))?;
            What::Arp {
                from,
                to,
                answered: !words.take("unanswered"),
            }
        }
        _ => What::Host(from.host, deed(reader, words, &verb)?),
    };
    rest(
        words,
        &mut seen,
        "the end of the line, only …, without …, but not on the wire, but not in the log",
    )?;
    Ok((what, seen))
}

/// Modifiers that any line may end with; anything else is an error.
fn rest(words: &mut Words, seen: &mut Seen, understood: &str) -> Read<()> {
    while !words.is_done() {
        if !modifier(words, seen)? {
            let word = words.next("a word")?;
            return words.unknown("word", &word, understood);
        }
    }
    Ok(())
}

fn modifier(words: &mut Words, seen: &mut Seen) -> Read<bool> {
    if words.take_all("but not on the wire") {
        seen.not_on_the_wire = true;
    } else if words.take_all("but not in the log") {
        seen.not_in_the_log = true;
    } else if words.take("only") {
        seen.only = ids(words)?;
    } else if words.take("without") {
        seen.without = ids(words)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

pub(super) fn ids(words: &mut Words) -> Read<Vec<u16>> {
    let mut ids = Vec::new();
    while let Some(id) = words.peek().and_then(|w| w.parse().ok()) {
        words.next("event id")?;
        ids.push(id);
    }
    if ids.is_empty() {
        return Err(words.error("event ids are missing, such as: only 4946 5447"));
    }
    Ok(ids)
}

/// `WS01`, `WS01:49700`, an address, or an IPv6 address in brackets with a port.
fn end(reader: &mut Reader, words: &Words, text: &str) -> Read<End> {
    let (name, port) = match (text.rsplit_once(':'), text.parse::<IpAddr>()) {
        (Some((name, port)), Err(_)) if !text.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port = match port.map(str::parse::<u16>) {
        Some(Err(_)) => {
            return Err(words.error(format!("the port in \"{text}\" is no number up to 65535")));
        }
        Some(Ok(port)) => Some(port),
        None => None,
    };
    let (host, address) = reader.find(words, name)?;
    Ok(End {
        host,
        address,
        port,
    })
}

fn flow(reader: &mut Reader, words: &mut Words, seen: &mut Seen) -> Read<FlowLine> {
    let source = words.next("the initiator")?;
    let from = end(reader, words, &source)?;
    words.take("->");
    let target = words.next("the responder")?;
    let Some((target, protocol)) = target.rsplit_once('/') else {
        return Err(words.error(format!(
            "\"{target}\" should be HOST:PORT/tcp or HOST:PORT/udp"
        )));
    };
    let protocol = protocol_number(words, protocol)?;
    let to = end(reader, words, target)?;
    let port = to
        .port
        .ok_or_else(|| words.error(format!("\"{target}\" needs a port: HOST:PORT/tcp")))?;
    let mut flow = FlowLine {
        from,
        to,
        port,
        protocol,
        outcome: if protocol == 6 {
            Outcome::Accepted
        } else {
            Outcome::Unanswered
        },
        tries: None,
        bytes: None,
        lasts: None,
        round_trip: None,
        ttl: None,
        answer_ttl: None,
        vlan: None,
        hairpin: None,
        by: None,
        served_by: None,
        fast_open: false,
        ending: Ending::Closed,
        carrying: Carrying::Filler,
    };
    let mut outcomes = 0;
    while !words.is_done() {
        if modifier(words, seen)? {
            continue;
        }
        let word = words.next("a word")?;
        if let Some(outcome) = outcome(reader, words, &word, &mut flow)? {
            flow.outcome = outcome;
            outcomes += 1;
            continue;
        }
        match word.as_str() {
            "once" => flow.tries = Some(1),
            "bytes" => flow.bytes = Some(bytes(words)?),
            "for" => flow.lasts = Some(words.duration("how long")?),
            "stays" => flow.ending = Ending::Stays,
            "reset" => {
                words.take("by");
                flow.ending = match words.next("client or server")?.as_str() {
                    "client" => Ending::ResetByClient,
                    "server" => Ending::ResetByServer,
                    other => return words.unknown("side", other, "client, server"),
                }
            }
            "rtt" => flow.round_trip = Some(words.duration("the round trip")?),
            "ttl" => flow.ttl = Some(words.number("the ttl")?),
            "answer-ttl" => flow.answer_ttl = Some(words.number("the ttl")?),
            "vlan" => flow.vlan = Some(words.number("the vlan")?),
            "hairpin" => flow.hairpin = Some(words.number("the vlan")?),
            "by" => flow.by = Some(process(words)?),
            "served" => {
                words.take("by");
                flow.served_by = Some(process(words)?);
            }
            "fast-open" => flow.fast_open = true,
            "carrying" => {
                flow.carrying = match words.next("what it carries")?.as_str() {
                    "base64" => Carrying::Base64,
                    "padding" => Carrying::Padding,
                    "magic" => Carrying::Magic(mac(words)?),
                    other => return words.unknown("payload", other, "base64, padding, magic MAC"),
                }
            }
            number if words.peek() == Some("times") && number.parse::<u32>().is_ok() => {
                words.take("times");
                flow.tries = number.parse().ok();
            }
            other => return words.unknown("word of a connection", other, FLOW_WORDS),
        }
    }
    if outcomes > 1 {
        return Err(words.error("a connection has one outcome; split the line in two"));
    }
    if outcomes == 0 {
        let message =
            format!("what becomes of the connection is missing; understood: {FLOW_WORDS}");
        return Err(words.error(message));
    }
    let tcp_only = !matches!(
        flow.outcome,
        Outcome::Unanswered | Outcome::Icmp { .. } | Outcome::Answered
    );
    if flow.protocol == 17 && tcp_only {
        return Err(words.error(
            "a udp line understands: datagram N, answered, unanswered, refused icmp 3/3, expired",
        ));
    }
    if flow.protocol == 6 && flow.outcome == Outcome::Answered {
        return Err(words.error("answered is for udp; a tcp connection is accepted"));
    }
    Ok(flow)
}

fn outcome(
    reader: &mut Reader,
    words: &mut Words,
    word: &str,
    flow: &mut FlowLine,
) -> Read<Option<Outcome>> {
    Ok(Some(match word {
        "unanswered" => Outcome::Unanswered,
        "refused" if words.take("icmp") => {
            let code = words.next("type and code such as 3/3")?;
            let parsed = code
                .split_once('/')
                .and_then(|(t, c)| Some((t.parse().ok()?, c.parse().ok()?)));
            let Some((kind, code)) = parsed else {
                return words.unknown("icmp code", &code, "type/code such as 3/3 or 1/4");
            };
            Outcome::Icmp {
                kind,
                code,
                from: from_host(reader, words)?,
            }
        }
        "refused" if flow.protocol == 17 => {
            let v6 = flow
                .to
                .address
                .or(reader.hosts[flow.to.host].addresses.first().copied());
            let (kind, code) = if v6.is_some_and(|a| a.is_ipv6()) {
                (1, 4)
            } else {
                (3, 3)
            };
            Outcome::Icmp {
                kind,
                code,
                from: None,
            }
        }
        "refused" => Outcome::Reset {
            wrong_ack: words.take("wrong-ack"),
        },
        "expired" => {
            let v6 = flow
                .to
                .address
                .or(reader.hosts[flow.to.host].addresses.first().copied());
            let kind = if v6.is_some_and(|a| a.is_ipv6()) {
                3
            } else {
                11
            };
            Outcome::Icmp {
                kind,
                code: 0,
                from: from_host(reader, words)?,
            }
        }
        "half-open" => Outcome::HalfOpen,
        "empty" => Outcome::Empty,
        "accepted" => Outcome::Accepted,
        "midstream" => Outcome::Midstream,
        "aborted" => Outcome::Aborted,
        "one-sided" => Outcome::OneSided,
        "flags" => {
            let names = words.next("the flags")?;
            let mut bits = 0;
            for name in names.split(',') {
                bits |= match name {
                    "fin" => flags::FIN,
                    "ack" => flags::ACK,
                    "rst" => flags::RST,
                    "psh" => flags::PSH,
                    "urg" => flags::URG,
                    "none" => 0,
                    other => return words.unknown("flag", other, "fin, ack, rst, psh, urg, none"),
                };
            }
            Outcome::Flags(bits)
        }
        "datagram" => {
            if let Some(size) = words.peek().and_then(|w| w.parse().ok()) {
                words.next("the size")?;
                flow.bytes = Some((size, 0));
            }
            Outcome::Unanswered
        }
        "answered" => Outcome::Answered,
        _ => return Ok(None),
    }))
}

fn from_host(reader: &mut Reader, words: &mut Words) -> Read<Option<usize>> {
    if !words.take("from") {
        return Ok(None);
    }
    let name = words.next("who sends the error")?;
    Ok(Some(reader.find(words, &name)?.0))
}

/// `120/4000`, initiator and responder.
fn bytes(words: &mut Words) -> Read<(usize, usize)> {
    let text = words.next("the bytes")?;
    let pair = text
        .split_once('/')
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match pair {
        Some((a, b)) if a <= 2_000_000 && b <= 2_000_000 => Ok((a, b)),
        _ => Err(words.error(format!(
            "bytes look like 120/4000, each up to 2000000, not \"{text}\""
        ))),
    }
}

fn wake(reader: &mut Reader, words: &mut Words) -> Read<WakeLine> {
    let target = mac(words)?;
    if !words.take("from") {
        return Err(words.error("a wake line reads: wake aa:bb:cc:dd:ee:ff from HOST by udp/9"));
    }
    let name = words.next("who sends")?;
    let from = end(reader, words, &name)?;
    let mut wake = WakeLine {
        target,
        from,
        udp: Some(9),
        to: None,
        unicast: false,
        password: 0,
        copies: 1,
        repetitions: 16,
        vlan: None,
    };
    loop {
        if words.take("by") {
            if words.take("ethernet") {
                wake.udp = None;
            } else {
                wake.udp = Some(protocol_port(words)?.1);
            }
        } else if words.take("to") {
            let text = words.next("the address")?;
            let address = text.parse();
            wake.to = Some(address.map_err(|_| words.error(format!("\"{text}\" is no address")))?);
        } else if words.take("unicast") {
            wake.unicast = true;
        } else if words.take("broadcast") {
            wake.unicast = false;
        } else if words.take("password") {
            wake.password = words.number("the password's length")?;
        } else if words.take("copies") {
            wake.copies = words.number("the number of copies")?;
        } else if words.take("repetitions") {
            wake.repetitions = words.number("the number of repetitions")?;
        } else if words.take("vlan") {
            wake.vlan = Some(words.number("the vlan")?);
        } else {
            return Ok(wake);
        }
    }
}

pub(super) fn mac(words: &mut Words) -> Read<Mac> {
    let text = words.next("a MAC address")?;
    let bytes: Option<Vec<u8>> = text
        .split([':', '-'])
        .map(|p| u8::from_str_radix(p, 16).ok())
        .collect();
    bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| {
        words.error(format!(
            "a MAC address looks like aa:bb:cc:dd:ee:ff, not \"{text}\""
        ))
    })
}

fn protocol_number(words: &Words, text: &str) -> Read<u8> {
    match text {
        "tcp" => Ok(6),
        "udp" => Ok(17),
        other => words.unknown("protocol", other, "tcp, udp"),
    }
}

/// `tcp/3389`.
pub(super) fn protocol_port(words: &mut Words) -> Read<(u8, u16)> {
    let text = words.next("protocol and port")?;
    let Some((protocol, port)) = text.split_once('/') else {
        return words.unknown("port", &text, "protocol/port such as tcp/3389");
    };
    let protocol = protocol_number(words, protocol)?;
    let port = port
        .parse()
        .map_err(|_| words.error(format!("\"{port}\" is no port up to 65535")))?;
    Ok((protocol, port))
}

/// `x.exe [pid 4242] [as CORP\user] [under parent.exe]`.
fn process(words: &mut Words) -> Read<ProcessName> {
    let mut process = ProcessName {
        image: words.next("the process")?,
        pid: None,
        account: None,
        under: None,
    };
    process_words(words, &mut process)?;
    Ok(process)
}

fn process_words(words: &mut Words, process: &mut ProcessName) -> Read<()> {
    loop {
        if words.take("pid") {
            process.pid = Some(words.number("the process id")?);
        } else if words.take("as") {
            process.account = Some(words.next("the account")?);
        } else if words.take("under") {
            process.under = Some(words.next("the parent process")?);
        } else {
            return Ok(());
        }
    }
}

/// `by x.exe …`, or the default.
fn by(words: &mut Words, default: &str) -> Read<ProcessName> {
    if words.take("by") {
        return process(words);
    }
    Ok(ProcessName {
        image: default.into(),
        pid: None,
        account: None,
        under: None,
    })
}

fn deed(reader: &mut Reader, words: &mut Words, verb: &str) -> Read<Deed> {
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
            let mut command_line = None;
            loop {
                process_words(words, &mut process)?;
                if words.take("by") {
                    process.under = Some(words.next("the parent process")?);
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
        "shuts" => {
            words.take("down");
            Deed::ShutsDown
        }
        "announces" => Deed::Announces,
        "sysmon" => {
            let state = words.next("starts, stops or configured")?;
            if !matches!(state.as_str(), "starts" | "stops" | "configured") {
                return words.unknown("state of Sysmon", &state, "starts, stops, configured");
            }
            Deed::Sysmon { state }
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
            words.take("to");
            let text = words.next("the answer")?;
            let answer = text
                .parse()
                .map_err(|_| words.error(format!("\"{text}\" is no address")))?;
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
