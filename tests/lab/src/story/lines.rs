//! What may stand after the time on a story line, and the words that lines share.

use super::cast::{End, PingLine, ProcessName, Seen, WakeLine, What};
use super::flow_lines::{self, flow};
use super::host_lines::deed;
use super::parse::Reader;
use super::words::{Read, Words};
use crate::moment::SECOND;
use crate::pcap::frame::Mac;
use std::net::IpAddr;

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
        return Ok((What::Flow(Box::new(flow)), seen));
    }
    let name = words.next("who acts")?;
    let from = end(reader, words, &name)?;
    let verb = words.next("what it does")?;
    let what = match verb.as_str() {
        "pings" => What::Ping(ping(reader, words, from)?),
        "arp" | "asks" => {
            if verb == "asks" {
                words.take_all("arp for");
            } else {
                words.take("who-has");
            }
            let name = words.next("which address")?;
            let to = end(reader, words, &name)?;
            // By name: as two hosts with addresses of both families, over IPv4.
            let addresses = &reader.hosts[to.host].addresses;
            let first = addresses.iter().find(|a| a.is_ipv4()).or(addresses.first());
            let to = to
                .address
                .or(first.copied())
                .ok_or_else(|| words.error("arp needs an address"))?;
            let (mut answered, mut tries) = (true, 1);
            loop {
                if words.take("unanswered") {
                    answered = false;
                } else if words.take("answered") {
                    answered = true;
                } else if words.peek_second() == Some("times") {
                    tries = words.number("how often")?;
                    words.take("times");
                } else {
                    break;
                }
            }
            What::Arp {
                from,
                to,
                answered,
                tries,
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

/// `A pings B …`
fn ping(reader: &mut Reader, words: &mut Words, from: End) -> Read<PingLine> {
    let name = words.next("whom")?;
    let mut ping = PingLine {
        from,
        to: end(reader, words, &name)?,
        answered: true,
        times: 1,
        every: SECOND,
        bytes: None,
        error: None,
        kind: None,
    };
    loop {
        if words.take("answered") {
            ping.answered = true;
        } else if words.take("unanswered") {
            ping.answered = false;
        } else if words.take("unreachable") {
            ping.answered = false;
            let from = flow_lines::from_host(reader, words)?;
            let code = u8::from(!ping.to.address.is_some_and(|a| a.is_ipv6()));
            ping.error = Some((3, code, from));
        } else if words.take("bytes") {
            ping.bytes = Some(flow_lines::bytes(words)?);
        } else if words.take("type") {
            ping.kind = Some(words.number("the ICMP type")?);
        } else if words.take("every") {
            ping.every = words.duration("the pause between requests")?;
        } else if words.peek_second() == Some("times") {
            ping.times = words.number("how often")?;
            words.take("times");
        } else {
            return Ok(ping);
        }
    }
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

pub(super) fn modifier(words: &mut Words, seen: &mut Seen) -> Read<bool> {
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
pub(super) fn end(reader: &mut Reader, words: &Words, text: &str) -> Read<End> {
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

pub(super) fn protocol_number(words: &Words, text: &str) -> Read<u8> {
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
pub(super) fn process(words: &mut Words) -> Read<ProcessName> {
    let mut process = ProcessName {
        image: words.next("the process")?,
        pid: None,
        account: None,
        under: None,
    };
    process_words(words, &mut process)?;
    Ok(process)
}

pub(super) fn process_words(words: &mut Words, process: &mut ProcessName) -> Read<()> {
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
pub(super) fn by(words: &mut Words, default: &str) -> Read<ProcessName> {
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
