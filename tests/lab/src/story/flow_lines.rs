//! Lines about connections and datagrams: `FROM -> TO:PORT/tcp OUTCOME WORDS`.

use super::cast::{Carrying, Ending, FlowLine, Outcome, Seen};
use super::lines::{end, mac, modifier, process, protocol_number};
use super::parse::Reader;
use super::words::{Read, Words};
use crate::pcap::frame::flags;
use crate::pcap::speech::Protocol;

const FLOW_WORDS: &str = "outcomes blocked, unanswered [once | N times], refused [icmp 3/3 [from HOST] | wrong-ack], \
     half-open, empty, accepted, midstream, aborted, one-sided, expired from HOST, flags fin, datagram N, \
     answered; and bytes 120/4000, for 30s, stays, reset by client|server, rtt 20ms, ttl 64, answer-ttl 60, \
     vlan 30, hairpin 30, by x.exe, served by x.exe, fast-open, sni NAME, http-host NAME, http-connect NAME:PORT, \
     carrying tls|http|dns|ssh|smb|rdp|ldap|binary|base64|padding|magic MAC, \
     only 5156, without 5156, but not on the wire, but not in the log";

pub(super) fn flow(reader: &mut Reader, words: &mut Words, seen: &mut Seen) -> Read<FlowLine> {
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
        idle: None,
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
                };
                if words.take("idle") {
                    flow.idle = Some(words.duration("how long it had been idle")?);
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
                    "binary" => Carrying::Binary,
                    "tls" => Carrying::Speech(Protocol::Tls, String::new()),
                    "http" => Carrying::Speech(Protocol::Http, "lab.example".into()),
                    "dns" => Carrying::Speech(Protocol::Dns, "lab.example".into()),
                    "ssh" => Carrying::Speech(Protocol::Ssh, String::new()),
                    "smb" => Carrying::Speech(Protocol::Smb, String::new()),
                    "rdp" => Carrying::Speech(Protocol::Rdp, String::new()),
                    "ldap" => Carrying::Speech(Protocol::Ldap, String::new()),
                    other => {
                        let known = "tls, http, dns, ssh, smb, rdp, ldap, binary, base64, padding, magic MAC";
                        return words.unknown("payload", other, known);
                    }
                }
            }
            "sni" => {
                flow.carrying = Carrying::Speech(Protocol::Tls, words.next("the server name")?);
            }
            "http-host" => {
                flow.carrying = Carrying::Speech(Protocol::Http, words.next("the host")?);
            }
            "http-connect" => {
                flow.carrying = Carrying::Speech(Protocol::Connect, words.next("the target")?);
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
        Outcome::Unanswered | Outcome::Icmp { .. } | Outcome::Answered | Outcome::Blocked
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
        "blocked" => Outcome::Blocked,
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

pub(super) fn from_host(reader: &mut Reader, words: &mut Words) -> Read<Option<usize>> {
    if !words.take("from") {
        return Ok(None);
    }
    let name = words.next("who sends the error")?;
    Ok(Some(reader.find(words, &name)?.0))
}

/// `120/4000`, initiator and responder.
pub(super) fn bytes(words: &mut Words) -> Read<(usize, usize)> {
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
