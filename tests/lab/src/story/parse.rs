//! From a Markdown page to a story: the page's blocks, the declarations, repeated lines.

use super::cast::{Act, Host, LogKind, Sensor};
use super::words::{Read, StoryError, Words, clock, duration};
use super::{Expected, Story, lines};
use crate::moment::{Moment, SECOND};
use crate::pcap::Format;
use crate::pcap::tunnel::{Tunnel, Wrap};
use crate::zeek::Notation;
use std::net::IpAddr;

/// The most acts one line may unfold into: a story is a test, not a benchmark.
const MOST_TURNS: i64 = 50_000;

const HOST_WORDS: &str = "logs, clock, zone, etw, mac, named, orientation receiver-first, relogs on|off, \
     win11, linux, ttl, open tcp/445, without 5156, file archived|dirty|plain|terminated|merged, records from";
const SENSOR_WORDS: &str = "sees, snaplen, from, to, rotate, format pcap|pcap-ns|pcapng|pcapng-us|zeek|zeek-json, \
     clock, delay, drops, disordered, through vxlan|geneve|gre|erspan FROM TO";
const FORMATS: &str = "pcap, pcap-ns, pcapng, pcapng-us, zeek, zeek-json";

/// What is known while the story block is read.
pub(super) struct Reader {
    pub(super) hosts: Vec<Host>,
    sensors: Vec<Sensor>,
    no_sensor: bool,
    day: Option<Moment>,
    acts: Vec<Act>,
    last: i64,
}

/// Reads a whole page.
pub(super) fn page(markdown: &str) -> Read<Story> {
    let mut title = String::new();
    let mut why = Vec::new();
    let mut story = Vec::new();
    let mut expect = Vec::new();
    let mut settings: Option<String> = None;
    let mut block: Option<(String, usize)> = None;
    let (mut saw_story, mut saw_expect) = (false, false);
    for (number, line) in (1..).zip(markdown.lines()) {
        match (&block, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => block = None,
            (None, Some(language)) => {
                let language = language.trim().to_owned();
                for (name, seen) in [("story", &mut saw_story), ("expect", &mut saw_expect)] {
                    if language == name && std::mem::replace(seen, true) {
                        let message = format!("a second {name} block; a page tells one story");
                        return Err(StoryError {
                            line: number,
                            message,
                        });
                    }
                }
                block = Some((language, number));
            }
            (Some((language, _)), None) => match language.as_str() {
                "story" => story.push((number, line)),
                "toml" => settings
                    .get_or_insert_default()
                    .push_str(&format!("{line}\n")),
                "expect" if !line.trim().is_empty() => expect.push(Expected::of(number, line)),
                _ => {}
            },
            (None, None) => match line.strip_prefix("# ") {
                Some(text) if title.is_empty() => title = text.trim().to_owned(),
                _ => why.push(line),
            },
        }
    }
    if let Some((_, line)) = block {
        return Err(StoryError {
            line,
            message: "this block is never closed with ```".into(),
        });
    }
    if !saw_story {
        return Err(StoryError {
            line: 1,
            message: "the page has no ```story block".into(),
        });
    }
    let mut reader = Reader {
        hosts: Vec::new(),
        sensors: Vec::new(),
        no_sensor: false,
        day: None,
        acts: Vec::new(),
        last: 0,
    };
    for (number, line) in story {
        reader.line(number, line)?;
    }
    let day = reader.day.ok_or_else(|| StoryError {
        line: 1,
        message: "the story does not say when it is; it needs a line such as: day 2026-03-01"
            .into(),
    })?;
    if reader.sensors.is_empty() && !reader.no_sensor {
        reader.sensors.push(Sensor::named("span"));
    }
    reader.acts.sort_by_key(|act| act.at);
    let kind = why
        .iter()
        .find_map(|line| line.strip_prefix("Kind:"))
        .map(|kind| kind.trim().to_owned());
    Ok(Story {
        title,
        kind,
        settings,
        why: why.join("\n").trim().to_owned(),
        expect,
        day,
        hosts: reader.hosts,
        sensors: reader.sensors,
        acts: reader.acts,
    })
}

impl Reader {
    fn line(&mut self, number: usize, text: &str) -> Read<()> {
        let mut words = Words::of(number, text)?;
        let Some(first) = words.peek().map(str::to_owned) else {
            return Ok(());
        };
        match first.as_str() {
            "day" => {
                words.next("day")?;
                let date = words.next("the date")?;
                let day = Moment::parse_date(&date).ok_or_else(|| {
                    words.error(format!("no such date \"{date}\"; write 2026-03-01"))
                })?;
                self.day = Some(day);
                done(&words, "nothing more after the date")
            }
            "host" => self.host(words),
            "sensor" => self.sensor(words),
            _ => self.event(number, text),
        }
    }

    /// The host called `name`, or the one that has this address; an unknown address becomes a host
    /// of its own.
    pub(super) fn find(&mut self, words: &Words, name: &str) -> Read<(usize, Option<IpAddr>)> {
        if let Some(host) = self.hosts.iter().position(|h| h.name == name) {
            return Ok((host, None));
        }
        let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() else {
            let known: Vec<&str> = self.hosts.iter().map(|h| h.name.as_str()).collect();
            return words.unknown(
                "host",
                name,
                &format!("{}, or an address", known.join(", ")),
            );
        };
        let known = self
            .hosts
            .iter()
            .position(|h| h.addresses.contains(&address));
        let host = known.unwrap_or_else(|| {
            let mut host = Host::named(name);
            host.addresses.push(address);
            self.hosts.push(host);
            self.hosts.len() - 1
        });
        Ok((host, Some(address)))
    }

    fn host(&mut self, mut words: Words) -> Read<()> {
        words.next("host")?;
        let name = words.next("the host's name")?;
        if self.hosts.iter().any(|h| h.name == name) {
            return Err(words.error(format!("host {name} is declared twice")));
        }
        let mut host = Host::named(&name);
        while let Some(address) = words.peek().and_then(|w| w.parse::<IpAddr>().ok()) {
            words.next("address")?;
            host.addresses.push(address);
        }
        if host.addresses.is_empty() {
            return Err(words.error(format!("host {name} needs an address after its name")));
        }
        while !words.is_done() {
            let word = words.next("a word")?;
            match word.as_str() {
                "logs" => {
                    while let Some(kind) = words.peek().and_then(log_kind) {
                        words.next("log")?;
                        host.logs.insert(kind);
                    }
                    if host.logs.is_empty() {
                        let found = words.peek().unwrap_or("").to_owned();
                        return words.unknown("log", &found, LOG_WORDS);
                    }
                    if host.logs.contains(&LogKind::Drops) {
                        host.logs.insert(LogKind::Security);
                    }
                }
                "clock" => read_clock(&mut words, &mut host.clock)?,
                "zone" => host.zone = words.duration("the zone's offset")?,
                "etw" => host.etw = Some(words.duration("the bias of Sysmon 3")?),
                "mac" => host.mac = Some(lines::mac(&mut words)?),
                "named" => host.computer = words.next("the computer name")?,
                "orientation" => {
                    host.receiver_first = match words.next("the orientation")?.as_str() {
                        "receiver-first" => true,
                        "packet" => false,
                        other => {
                            return words.unknown("orientation", other, "receiver-first, packet");
                        }
                    }
                }
                "relogs" => host.relogs = words.next("on or off")? == "on",
                "win11" => host.windows_11 = true,
                "linux" => host.linux = true,
                "ttl" => host.ttl = Some(words.number("the ttl")?),
                "open" => {
                    while words.peek().is_some_and(|w| w.contains('/')) {
                        let (protocol, port) = lines::protocol_port(&mut words)?;
                        host.open.push((protocol, port));
                    }
                }
                "without" => host.without = lines::ids(&mut words)?,
                "file" => match words.next("the kind of file")?.as_str() {
                    "archived" => host.archived = true,
                    "dirty" => host.dirty = true,
                    "plain" => host.plain = true,
                    "terminated" => host.terminated = true,
                    "merged" => host.merged = true,
                    other => {
                        let known = "archived, dirty, plain, terminated, merged";
                        return words.unknown("kind of file", other, known);
                    }
                },
                "records" => {
                    words.take("from");
                    host.first_record = words.number("the first record id")?;
                }
                other => return words.unknown("word of a host", other, HOST_WORDS),
            }
        }
        self.hosts.push(host);
        Ok(())
    }

    fn sensor(&mut self, mut words: Words) -> Read<()> {
        words.next("sensor")?;
        let name = words.next("the sensor's name, or none")?;
        if name == "none" {
            self.no_sensor = true;
            return done(&words, "nothing more after: sensor none");
        }
        let mut sensor = Sensor::named(&name);
        while !words.is_done() {
            let word = words.next("a word")?;
            match word.as_str() {
                "sees" => {
                    for pair in words.next("what it sees")?.split(',') {
                        let (from, to, both) = match (pair.split_once("<->"), pair.split_once("->"))
                        {
                            (Some((a, b)), _) => (a, Some(b), true),
                            (None, Some((a, b))) => (a, Some(b), false),
                            (None, None) => (pair, None, true),
                        };
                        let from = self.find(&words, from)?.0;
                        let to = to.map(|to| self.find(&words, to)).transpose()?.map(|t| t.0);
                        sensor.sees.push((from, to, both));
                    }
                }
                "snaplen" => sensor.snap_length = words.number("the snap length")?,
                "from" => sensor.from = Some(words.clock("the capture's begin")?),
                "to" => sensor.to = Some(words.clock("the capture's end")?),
                "rotate" => sensor.rotate.push(words.clock("the moment of rotation")?),
                "format" => match words.next("the format")?.as_str() {
                    "pcap" => sensor.format = Format::Micro,
                    "pcap-ns" => sensor.format = Format::Nano,
                    "pcapng" => sensor.format = Format::PcapNg,
                    "pcapng-us" => sensor.format = Format::PcapNgMicro,
                    "zeek" => sensor.sums_up = Some(Notation::Table),
                    "zeek-json" => sensor.sums_up = Some(Notation::Json),
                    other => return words.unknown("format", other, FORMATS),
                },
                "clock" => read_clock(&mut words, &mut sensor.clock)?,
                "delay" => sensor.clock.offset += words.duration("the delay")?,
                "drops" => sensor.dropped = words.number("the number of dropped packets")?,
                "disordered" => sensor.disordered = true,
                "through" => {
                    let wrap = match words.next("the kind of tunnel")?.as_str() {
                        "vxlan" => Wrap::Vxlan,
                        "geneve" => Wrap::Geneve,
                        "gre" => Wrap::Gre,
                        "erspan" => Wrap::Erspan,
                        other => {
                            return words.unknown(
                                "kind of tunnel",
                                other,
                                "vxlan, geneve, gre, erspan",
                            );
                        }
                    };
                    let from = words.number("the address of its one end")?;
                    let to = words.number("the address of its other end")?;
                    sensor.tunnel = Some(Tunnel { wrap, from, to });
                }
                other => return words.unknown("word of a sensor", other, SENSOR_WORDS),
            }
        }
        sensor.rotate.sort_unstable();
        self.sensors.push(sensor);
        Ok(())
    }

    fn event(&mut self, number: usize, text: &str) -> Read<()> {
        let error = |message: &str| StoryError {
            line: number,
            message: message.into(),
        };
        let (at, rest) = self.time(text);
        let Some((start, rest)) = at.map(|at| (at, rest.trim_start())) else {
            return Err(error(
                "understood at the begin of a line: day, host, sensor, a time such as 02:11:04.000, \
                 +2d 02:11:04, +450ms after the line before, or every … for …:",
            ));
        };
        let (turns, step, line) = match rest.split_once(": ") {
            Some((head, line)) if head.starts_with("every ") => {
                let mut words = Words::of(number, head)?;
                words.next("every")?;
                let step = words.duration("the period")?;
                if !words.take("for") || step <= 0 {
                    return Err(error("a repeated line begins with: every 5m for 30d:"));
                }
                let total = words.duration("the length")?;
                (total.div_euclid(step).max(1), step, line)
            }
            Some((head, line)) if head.starts_with("repeat ") => {
                let mut words = Words::of(number, head)?;
                words.next("repeat")?;
                let turns: i64 = words.number("how often")?;
                if !words.take("every") {
                    return Err(error("a repeated line begins with: repeat 82 every 1.1s:"));
                }
                (turns, words.duration("the period")?, line)
            }
            _ => (1, 0, rest),
        };
        if turns > MOST_TURNS {
            return Err(error("a line may repeat at most 50000 times"));
        }
        self.last = start;
        for turn in 0..turns {
            let line = substitute(line, turn).ok_or_else(|| {
                error("in braces understood: {7000+n}, {9000-n}, {7000+n*10} or {7000|8000|9000}")
            })?;
            let mut words = Words::of(number, &line)?;
            let (what, seen) = lines::act(self, &mut words)?;
            let turn_index = usize::try_from(turn).unwrap_or(0);
            self.acts.push(Act {
                line: number,
                turn: turn_index,
                at: start + turn * step,
                what,
                seen,
            });
        }
        Ok(())
    }

    /// The time at the begin of a line and the rest of it.
    fn time<'a>(&self, text: &'a str) -> (Option<i64>, &'a str) {
        let text = text.trim_start();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if matches!(first, "every" | "repeat") {
            return (Some(0), text);
        }
        if let Some(at) = clock(first) {
            return (Some(at), rest);
        }
        let Some(more) = first.starts_with('+').then(|| duration(first)).flatten() else {
            return (None, rest);
        };
        let (second, after) = rest
            .trim_start()
            .split_once(char::is_whitespace)
            .unwrap_or((rest, ""));
        match clock(second) {
            Some(at) if more % (86_400 * SECOND) == 0 => (Some(more + at), after),
            _ => (Some(self.last + more), rest),
        }
    }
}

const LOG_WORDS: &str = "security, system, sysmon, firewall, powershell, drops";

pub(super) fn log_kind(word: &str) -> Option<LogKind> {
    Some(match word {
        "security" => LogKind::Security,
        "system" => LogKind::System,
        "sysmon" => LogKind::Sysmon,
        "firewall" => LogKind::Firewall,
        "powershell" => LogKind::PowerShell,
        "drops" => LogKind::Drops,
        _ => return None,
    })
}

/// `+1.8s [drift 20ppm] [steps -90s at 02:12:00]` or only `steps …`.
fn read_clock(words: &mut Words, clock: &mut super::cast::Clock) -> Read<()> {
    if words.peek().is_some_and(|w| duration(w).is_some()) {
        clock.offset += words.duration("the clock's offset")?;
    }
    loop {
        if words.take("drift") {
            let ppm = words.next("the drift")?;
            clock.drift_ppm = ppm
                .strip_suffix("ppm")
                .and_then(|n| n.trim_start_matches('+').parse().ok())
                .ok_or_else(|| words.error(format!("a drift looks like 20ppm, not \"{ppm}\"")))?;
        } else if words.take("steps") {
            let by = words.duration("the step")?;
            if !words.take("at") {
                return Err(words.error("a step needs a moment: steps -90s at 02:12:00"));
            }
            clock.steps.push((words.clock("the step's moment")?, by));
        } else {
            return Ok(());
        }
    }
}

fn done(words: &Words, understood: &str) -> Read<()> {
    match words.peek() {
        None => Ok(()),
        Some(word) => words.unknown("word", word, understood),
    }
}

/// Replaces `{7000+n}`, `{7000-n}`, `{7000+n*10}` and `{a|b|c}` for turn `n`.
fn substitute(line: &str, turn: i64) -> Option<String> {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        // A GUID in braces is not a substitution.
        let (inside, after) = after.split_once('}')?;
        out.push_str(before);
        if inside.contains('|') {
            let choices: Vec<&str> = inside.split('|').collect();
            out.push_str(choices[usize::try_from(turn).ok()? % choices.len()]);
        } else if let Some((base, factor)) = inside.split_once("+n") {
            out.push_str(&(base.parse::<i64>().ok()? + turn * times(factor)?).to_string());
        } else if let Some((base, factor)) = inside.split_once("-n") {
            out.push_str(&(base.parse::<i64>().ok()? - turn * times(factor)?).to_string());
        } else if inside.len() == 36 {
            out.push_str(&format!("{{{inside}}}"));
        } else {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn times(factor: &str) -> Option<i64> {
    if factor.is_empty() {
        Some(1)
    } else {
        factor.strip_prefix('*')?.parse().ok()
    }
}
