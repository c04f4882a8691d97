//! What AN1448 says of a sequence: title, tier, severity, score, conditions, steps.

use super::back::{Program, Reached, Shows};
use super::settings::SignallingSettings;
use super::{Signalling, WAKERS};
use crate::analytics::Analytic;
use crate::analytics::kit::actions::of_sequence;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::{listens_on, made_by, program_words};
use crate::analytics::kit::doubts::Doubts;
use crate::analytics::kit::exposure::Tie;
use crate::analytics::kit::knock::Knock;
use crate::analytics::kit::opening::Opened;
use crate::analytics::kit::order;
use crate::analytics::kit::picture::{
    LINGER, Picture, afterwards_note, check_order, closes_again, entities, host_words,
    opened_by_listed, opened_port, order_pairs,
};
use crate::analytics::kit::sniffing::{CONDITION, Sign};
use crate::analytics::kit::steps::steps;
use crate::analytics::kit::unseen;
use crate::context::Context;
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::{
    Condition, Finding, OrderCheck, Role, ScoreItem, Severity, Step, Tier,
};
use crate::model::{Event, Timestamp, Transport, What};

/// Which connection came after.
pub(super) enum Success<'a> {
    /// By the same source, to the port.
    Same(&'a Arrival),
    /// By another source, to the port.
    Other(&'a Arrival),
    /// From the host back to the source.
    Back(Back<'a>),
}

impl Success<'_> {
    /// The event, as of the moment it was.
    pub(super) fn event(&self) -> &Event {
        match self {
            Self::Same(a) | Self::Other(a) => a.entry(),
            Self::Back(back) => &back.reached.event,
        }
    }

    /// When it was.
    pub(super) fn time(&self) -> Timestamp {
        self.event().time
    }
}

/// A program that reached so many others at a port before is no news there.
const HABIT: usize = 10;

/// A connection from the host back to the source.
#[derive(Clone, Copy)]
pub(super) struct Back<'a> {
    pub(super) reached: &'a Reached,
    /// The process that made it, where it is the one that shows the signs.
    pub(super) sniffer: Option<&'a Program>,
    /// How many others its process had reached at that port before the touches.
    pub(super) others: usize,
}

impl Back<'_> {
    /// What the evidence shows that the host did.
    fn words(&self) -> &'static str {
        let datagram = self.reached.transport == Transport::UDP;
        match (self.reached.shows, datagram) {
            (Shows::Made, false) => "connected back to it",
            (Shows::Made, true) => "exchanged datagrams with it",
            (_, false) => "tried to connect back to it, with what success is not told",
            (_, true) if self.reached.count > 1 => {
                "sent datagrams to it, of which no answer was seen"
            }
            (_, true) => "sent a datagram to it, to which no answer was seen",
        }
    }

    /// What its process did, for whoever acquires it.
    fn deed(&self) -> &'static str {
        let datagram = self.reached.transport == Transport::UDP;
        match (self.reached.shows, datagram) {
            (Shows::Made, false) => "connected to the source",
            (Shows::Made, true) => "exchanged datagrams with the source",
            (_, false) => "tried to connect to the source",
            (_, true) => "sent to the source",
        }
    }

    fn condition(&self) -> &'static str {
        let datagram = self.reached.transport == Transport::UDP;
        match (self.reached.shows, datagram) {
            (Shows::Made, false) => "the host connected back to the source",
            (Shows::Made, true) => "the host exchanged datagrams with the source",
            (_, false) => {
                "the host allowed a connection back to the source; what became of it is not told"
            }
            (_, true) => "the host sent to the source by UDP; no answer was seen",
        }
    }
}

/// The finding.
pub(super) fn tell(
    picture: &Picture<'_>,
    success: &Success<'_>,
    signs: &[&Sign],
    settings: &SignallingSettings,
    context: &Context,
) -> Finding {
    let about = &Signalling::ABOUT;
    let knock = picture.knock;
    let host = host_words(picture.place, context);
    let tie = picture
        .tied
        .iter()
        .map(|t| t.tie)
        .max()
        .unwrap_or(Tie::None);
    let check = match success {
        Success::Back(back) => order_back(picture, back, context),
        _ => check_order(picture, context),
    };
    let habit = match success {
        Success::Back(back) => habit_of(back),
        _ => None,
    };
    let allowed = opened_by_listed(&picture.tied, &settings.allowed_firewall_changers);
    let no_change = picture.tied.is_empty() && signs.is_empty();
    let wire = knock.touches.iter().any(|t| t.on_the_wire())
        || picture.arrival.is_some_and(Arrival::on_the_wire)
        || matches!(success, Success::Back(back) if matches!(back.reached.event.what, What::Attempt(_)));
    let tier = match (no_change, wire) {
        (true, _) => Tier::NetworkOnly,
        (false, true) => Tier::Both,
        (false, false) => Tier::HostOnly,
    };
    let doubts = match success {
        Success::Same(_) => picture.doubts(settings.min_sequence_len as usize, context),
        // Somebody else, or the host itself: no client that waits.
        Success::Other(_) | Success::Back(_) => Doubts {
            awaited: None,
            ..picture.doubts(settings.min_sequence_len as usize, context)
        },
    };
    let severity = match success {
        _ if allowed => Severity::Info,
        _ if no_change => Severity::Low,
        Success::Other(_) if signs.is_empty() => Severity::Low,
        Success::Same(_)
            if check.certain
                && tier == Tier::Both
                && picture.plain(context).is_none()
                && tie != Tie::Program =>
        {
            Severity::High
        }
        Success::Back(_) if habit.is_some() => Severity::Low,
        Success::Back(back) => {
            let told = tier == Tier::Both && check.certain;
            severity_back(back, told, knock.only_client_ports())
        }
        _ => Severity::Medium,
    };
    let severity = severity.min(doubts.ceiling());
    let mut score = vec![match success {
        _ if no_change => item("refused touches, then a first success, no change seen", 25),
        Success::Same(_) => item("the same source connected after the change", 45),
        Success::Back(back) if back.reached.shows == Shows::Made => {
            item("the host connected back to the source", 40)
        }
        Success::Back(_) => item(
            "the host reached back for the source; what became of it is not told",
            25,
        ),
        Success::Other(_) => item("another source connected after the change", 20),
    }];
    score.extend(doubts.score());
    match tie {
        Tie::Exact if matches!(success, Success::Back(_)) => {
            score.push(item("a process began to listen after the touches", 10));
        }
        Tie::Exact => score.push(item("a change names the port", 20)),
        Tie::Program => {
            let words = picture.strongest().map(|t| program_words(t.change));
            score.push(item(words.unwrap_or_default(), 15));
        }
        Tie::Covers => score.push(item("a change covers the port among others", 10)),
        Tie::Weak | Tie::None => {}
    }
    let mut kinds: Vec<&str> = signs.iter().map(|s| s.what).collect();
    kinds.dedup();
    for kind in &kinds {
        score.push(item(&format!("sniffer sign: {kind}"), 10));
    }
    if picture
        .tied
        .iter()
        .any(|t| made_by(t.change, &settings.suspicious_processes))
    {
        score.push(item(
            "the change was made by one of SuspiciousProcesses",
            10,
        ));
    }
    if picture.arrival.is_some_and(|a| closes_again(picture, a)) {
        score.push(item(
            "the door was closed again within 300 s of the connection",
            10,
        ));
    }
    if let Some(reason) = picture.plain(context) {
        score.push(item(reason, -15));
    }
    if allowed {
        score.push(item(
            "the change was made by a program or account on AllowedFirewallChangers",
            -40,
        ));
    }
    let cap = if !check.certain || no_change {
        39
    } else {
        doubts.cap()
    };
    let confidence = score.iter().map(|i| i.points).sum::<i32>().clamp(0, cap) as u8;

    let port = opened_port(picture)
        .map(|p| format!("port {p}/tcp"))
        .unwrap_or_default();
    let mut entities = entities(picture, context);
    if let Success::Back(back) = success
        && let Some(program) = back.sniffer
    {
        entities.process = program.image.clone();
        entities.pid = program.pid;
    }
    let sniffer = (!kinds.is_empty() && !entities.process.is_empty()).then(|| Program {
        image: entities.process.clone(),
        pid: entities.pid,
    });
    let what = if !kinds.is_empty() {
        "a process with signs of a packet sniffer opened a socket"
    } else if no_change {
        "no change was seen"
    } else {
        "the exposure of the host changed"
    };
    let source = knock.source;
    let end = match success {
        Success::Same(_) => match picture.opened() {
            Some(Opened::ByAnother { address, .. }) => {
                format!("and {source} then connected to {port}, after {address} had")
            }
            Some(Opened::Before) => {
                format!("and {source}, turned away there before, then connected to {port}")
            }
            _ => format!("and {source} then made the first connection to {port}"),
        },
        Success::Other(a) => format!(
            "and {} then made the first connection to {port}",
            a.remote.address
        ),
        Success::Back(back) => format!("and the host then {}", back.words()),
    };
    let then = match (success, &sniffer) {
        (Success::Back(back), Some(program)) if back.sniffer.is_some() => format!(
            "{}, which shows signs of a packet sniffer, then {}",
            program.words(),
            back.words()
        ),
        _ => format!("{what}, {end}"),
    };
    let mut steps = steps(picture);
    for sign in signs {
        steps.push(Step {
            role: Role::Context,
            event: sign.event.clone(),
            also: Vec::new(),
            remark: sign.what.to_owned(),
        });
    }
    if let Success::Back(back) = success {
        let mut also = back.reached.told_by.clone();
        also.extend(back.reached.of);
        also.retain(|p| *p != back.reached.event.provenance);
        steps.push(Step {
            role: Role::Connect,
            event: back.reached.event.clone(),
            also,
            remark: "from the host back to the source".to_owned(),
        });
    }
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by(|a, b| a.event.provenance == b.event.provenance);
    let last = steps.last().map_or(knock.first(), |s| s.event.time);
    let called_back = match success {
        Success::Back(back) if back.sniffer.is_some() => Some(back.deed()),
        _ => None,
    };
    let mut actions = of_sequence(&entities, &steps, called_back);
    if kinds.is_empty() {
        actions.push(LOADED.to_owned());
    }
    Finding {
        analytic: about.id,
        span: picture.span(),
        also_satisfies: Vec::new(),
        title: format!(
            "{} touched {} closed ports of {host}; {then}",
            knock.source,
            knock.ports().len()
        ),
        severity,
        tier,
        confidence,
        actions,
        entities,
        conditions: conditions(picture, success, &kinds, sniffer.as_ref(), settings),
        tables: Vec::new(),
        score,
        order: check,
        unseen: unseen::of_exposure(picture.place, knock.first(), last, context),
        alternatives: about
            .benign
            .iter()
            .filter(|s| **s != WAKERS)
            .map(|s| (*s).to_owned())
            .collect(),
        notes: [Some(reject_mix(knock)), afterwards_note(knock), habit]
            .into_iter()
            .flatten()
            .collect(),
        steps,
    }
}

/// What to ask where no sign of a packet sniffer was seen.
const LOADED: &str = "list the libraries and drivers that the program has loaded: a capture library or driver among them says how it \
                      heard the touches";

/// What is said of a program that reached many others at that port before the touches: sensors that look
/// at whoever speaks to their host call back, too.
fn habit_of(back: &Back<'_>) -> Option<String> {
    let program = back.sniffer.filter(|_| back.others >= HABIT)?;
    Some(format!(
        "held at low: {} had reached port {}/{} of at least {} other addresses before the touches",
        image_name(&program.image),
        back.reached.port,
        back.reached.transport,
        back.others
    ))
}

/// Holds the order that a connection back rests on against the clocks.
fn order_back(picture: &Picture<'_>, back: &Back<'_>, context: &Context) -> OrderCheck {
    let event = &back.reached.event;
    let mut pairs = order_pairs(picture, context);
    pairs.push((&picture.knock.arming().event, event));
    // What listens before the host connects back is part of the chain.
    if let Some((_, change)) = pairs.first().filter(|_| !picture.tied.is_empty()).copied() {
        pairs.push((change, event));
    }
    order::check(&pairs, context)
}

/// A connection back that was made stands at high where packets and logs show the chain (`told`), the
/// process that made it shows the signs, and the touches are no client's; one that may have failed says
/// less, and least where nothing but the host's own permission tells of it.
fn severity_back(back: &Back<'_>, told: bool, only_client_ports: bool) -> Severity {
    let by_sniffer = back.sniffer.is_some();
    match (back.reached.shows, told) {
        (Shows::Made, true) if by_sniffer && !only_client_ports => Severity::High,
        (Shows::Made, _) => Severity::Medium,
        (_, true) if by_sniffer => Severity::Medium,
        _ => Severity::Low,
    }
}

fn item(reason: &str, points: i32) -> ScoreItem {
    ScoreItem {
        reason: reason.to_owned(),
        points,
    }
}

fn conditions(
    picture: &Picture<'_>,
    success: &Success<'_>,
    kinds: &[&str],
    sniffer: Option<&Program>,
    settings: &SignallingSettings,
) -> Vec<Condition> {
    let knock = picture.knock;
    let window = format!("within {} of the first touch", settings.time_window);
    let mut conditions = vec![Condition {
        text: "distinct closed ports touched by one source".to_owned(),
        setting: format!(
            "at least {} within {}",
            settings.min_sequence_len, settings.knock_span
        ),
        measured: format!("{} in {}", knock.ports().len(), knock.length()),
    }];
    if let Some(tied) = picture.strongest() {
        let text = match listens_on(tied.change) {
            Some((_, port)) => format!("a process began to listen on port {port}"),
            None => "a firewall rule was added or enabled".to_owned(),
        };
        let measured = tied.change.event.time.since(knock.first()).to_string();
        conditions.push(Condition {
            text,
            setting: window.clone(),
            measured,
        });
    }
    if !kinds.is_empty() {
        conditions.push(Condition {
            text: CONDITION.to_owned(),
            setting: "one strong sign or two weak ones".to_owned(),
            measured: match sniffer {
                Some(program) => format!("{}; {}", program.words(), kinds.join("; ")),
                None => kinds.join("; "),
            },
        });
    }
    let first = !matches!(
        picture.opened(),
        Some(Opened::ByAnother { .. } | Opened::Before)
    );
    let (text, at) = match success {
        Success::Same(a) if !first && a.completed => (
            "the same source completed a connection to the port",
            a.time(),
        ),
        Success::Same(a) if !first => (
            "the host let in the same source's connection to the port; its log does not tell whether the handshake \
             was completed",
            a.time(),
        ),
        Success::Same(a) if a.completed => (
            "the same source made the first completed connection to the port",
            a.time(),
        ),
        Success::Same(a) => (
            "the host let in the same source's connection to the port, the first; its log does not tell whether the \
             handshake was completed",
            a.time(),
        ),
        Success::Other(a) if a.completed => (
            "another source made the first completed connection to the port",
            a.time(),
        ),
        Success::Other(a) => (
            "the host let in another source's connection to the port, the first; its log does not tell whether the \
             handshake was completed",
            a.time(),
        ),
        Success::Back(back) => (back.condition(), back.reached.event.time),
    };
    conditions.push(Condition {
        text: text.to_owned(),
        setting: window,
        measured: at.since(knock.first()).to_string(),
    });
    conditions
}

/// How the touches were turned away, in numbers.
fn reject_mix(knock: &Knock) -> String {
    use crate::analytics::kit::touch::Answer;
    let count = |answers: &[Answer]| {
        knock
            .touches
            .iter()
            .filter(|t| answers.contains(&t.answer))
            .count()
    };
    let logged = knock.touches.iter().filter(|t| t.logged).count();
    format!(
        "of {} touches: {} reset, {} refused by ICMP, {} without an answer, {} known from the host's log alone; the \
         host's log shows {logged} of them dropped or blocked (a door that closes again is looked for during {LINGER})",
        knock.touches.len(),
        count(&[Answer::Reset]),
        count(&[Answer::PortUnreachable, Answer::Prohibited]),
        count(&[Answer::Silence]),
        count(&[Answer::Dropped, Answer::Blocked])
    )
}
