//! Wake-on-LAN: who wakes whom, how many, and what follows.

use super::followed::{Followed, followed};
use super::settings::SignallingSettings;
use super::{Sender, Signalling};
use crate::analytics::Analytic;
use crate::analytics::found::Found;
use crate::analytics::kit::order;
use crate::context::Context;
use crate::model::finding::{
    Condition, Entities, Finding, NearMiss, OrderCheck, Role, ScoreItem, Severity, Step, Tier,
    Unseen,
};
use crate::model::net::mac_text;
use crate::model::plural::counted;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Event, Outcome, Span, Timestamp, What};
use std::collections::{BTreeMap, VecDeque};

/// Signals held per sender, and connections to administrative ports.
const SIGNALS: usize = 1024;
const VISITS: usize = 1024;
/// Targets named in one sentence.
const NAMED: usize = 4;
/// Signals of one sender closer than this are told as one finding.
const TOGETHER: Span = Span::seconds(600);

/// What is remembered of one sender.
#[derive(Default)]
pub struct Waking {
    signals: Vec<Event>,
    visits: VecDeque<Event>,
}

/// The sender of a signal: its IP address, else the address its MAC announced, else the MAC.
pub fn sender_of(signal: &WakeSignal, time: Timestamp, context: &Context) -> Sender {
    if let Some(sender) = signal.sender {
        return Sender::Address(sender.address);
    }
    let mac = signal.sender_mac.unwrap_or_default();
    context
        .identity
        .waker(&mac, time)
        .map_or(Sender::Mac(mac), Sender::Address)
}

pub(super) fn signal_of(event: &Event) -> Option<&WakeSignal> {
    match &event.what {
        What::Wake(signal) => Some(signal),
        _ => None,
    }
}

impl Waking {
    /// How many events are remembered.
    pub(super) fn held(&self) -> usize {
        self.signals.len() + self.visits.len()
    }

    pub(super) fn step(
        &mut self,
        sender: Sender,
        event: &Event,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        if let Some(last) = self.signals.last()
            && event.time.since(last.time) > settings.admin_within.plus(TOGETHER)
        {
            self.close(sender, settings, context, found);
        }
        match &event.what {
            What::Wake(_) => {
                if self.signals.len() < SIGNALS {
                    self.signals.push(event.clone());
                } else {
                    found.dropped += 1;
                }
            }
            What::Attempt(attempt)
                if !self.signals.is_empty() && attempt.outcome == Outcome::Established =>
            {
                if self.visits.len() >= VISITS {
                    self.visits.pop_front();
                    found.dropped += 1;
                }
                self.visits.push_back(event.clone());
            }
            _ => {}
        }
    }

    pub(super) fn close(
        &mut self,
        sender: Sender,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        let signals = std::mem::take(&mut self.signals);
        let visits = std::mem::take(&mut self.visits);
        let (sure, doubtful): (Vec<Event>, Vec<Event>) = signals
            .into_iter()
            .partition(|e| signal_of(e).is_some_and(stands));
        for event in doubtful {
            let Some(signal) = signal_of(&event) else {
                continue;
            };
            found.near_miss(NearMiss {
                analytic: Signalling::ABOUT.id,
                missing: 1,
                time: event.time,
                text: format!(
                    "a magic packet pattern for {} {}: not counted as a signal",
                    mac_text(signal.target),
                    if signal.repetitions < 16 {
                        "is cut short by the snap length"
                    } else {
                        "lies inside a TCP stream, where files that hold one pass by"
                    }
                ),
                references: vec![event.provenance],
            });
        }
        let mut group: Vec<Event> = Vec::new();
        for event in sure {
            if group
                .last()
                .is_some_and(|last| event.time.since(last.time) > TOGETHER)
            {
                found.finding(tell(sender, &group, &visits, settings, context));
                group.clear();
            }
            group.push(event);
        }
        if !group.is_empty() {
            found.finding(tell(sender, &group, &visits, settings, context));
        }
    }
}

/// True if a pattern counts as a signal by itself.
fn stands(signal: &WakeSignal) -> bool {
    !matches!(signal.carrier, WakeCarrier::Tcp(_)) && signal.repetitions >= 16
}

fn tell(
    sender: Sender,
    signals: &[Event],
    visits: &VecDeque<Event>,
    settings: &SignallingSettings,
    context: &Context,
) -> Finding {
    let about = &Signalling::ABOUT;
    let mut targets: BTreeMap<[u8; 6], &Event> = BTreeMap::new();
    for event in signals {
        if let Some(signal) = signal_of(event) {
            targets.entry(signal.target).or_insert(event);
        }
    }
    let busiest = busiest_window(signals, settings.mass_wake_window);
    let after: Vec<Followed<'_>> = targets
        .values()
        .filter_map(|signal| followed(signal, visits, settings, context))
        .collect();
    let entered = after.iter().any(Followed::is_entered);
    let approved = signals
        .iter()
        .all(|e| settings.wol_allowed_windows.iter().any(|w| w.holds(e.time)))
        || is_allowed_sender(sender, signals, &settings.wol_allowed_senders);
    let (severity, base, grade) = if approved {
        (
            Severity::Info,
            20,
            "a wake signal from an approved sender or in an approved window",
        )
    } else if entered {
        (
            Severity::High,
            75,
            "the woken host started, and the sender then opened an administrative port of it",
        )
    } else if busiest >= settings.mass_wake_targets as usize {
        (
            Severity::Medium,
            60,
            "one sender woke many hosts within a short time",
        )
    } else {
        (Severity::Low, 50, "a magic packet was sent")
    };
    let mut score = vec![ScoreItem {
        reason: grade.to_owned(),
        points: base,
    }];
    let mut point = |fits: bool, reason: &str| {
        if fits && !entered {
            score.push(ScoreItem {
                reason: reason.to_owned(),
                points: 10,
            });
        }
    };
    point(
        after.iter().any(|w| w.start.is_some()),
        "a target started or announced itself afterwards",
    );
    point(
        after.iter().any(|w| w.visit.is_some()),
        "the sender then opened an administrative port of a target; that the signal woke it is not shown",
    );
    let sender_words = match sender {
        Sender::Address(address) => address.to_string(),
        Sender::Mac(mac) => mac_text(mac),
    };
    let told = after.iter().find(|w| w.is_entered());
    let told = told.or(after.iter().find(|w| w.visit.is_some()));
    let title = match (targets.len(), told) {
        (_, Some(w)) => {
            let sent = format!("{sender_words} sent a magic packet for {}", mac_text(w.mac));
            match w.started_after(targets[&w.mac]) {
                Some(later) => format!(
                    "{sent}; {} was up {later} later, and {sender_words} then connected to it",
                    w.words()
                ),
                None => format!(
                    "{sent} and then connected to {}, which was not seen to start",
                    w.words()
                ),
            }
        }
        (1, None) => format!(
            "{sender_words} sent a magic packet to wake {}",
            targets
                .keys()
                .next()
                .map(|m| mac_text(*m))
                .unwrap_or_default()
        ),
        (n, None) => format!(
            "{sender_words} sent magic packets to wake {n} hosts, {busiest} of them within {}",
            settings.mass_wake_window
        ),
    };
    let mut steps: Vec<Step> = signals
        .iter()
        .map(|event| Step {
            role: Role::Wake,
            event: event.clone(),
            also: signal_of(event)
                .map(|s| s.copy_packets.clone())
                .unwrap_or_default(),
            remark: String::new(),
        })
        .collect();
    for w in &after {
        if let Some(start) = &w.start {
            steps.push(Step {
                role: Role::Context,
                event: start.clone(),
                also: Vec::new(),
                remark: "up after the signal".to_owned(),
            });
        }
        if let Some(visit) = w.visit {
            let whom = match w.start.is_some() {
                true => "the woken host",
                false => "the target",
            };
            steps.push(Step {
                role: Role::Connect,
                event: visit.clone(),
                also: Vec::new(),
                remark: format!("from the sender to {whom}"),
            });
        }
    }
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by(|a, b| a.event.provenance == b.event.provenance);
    let mut conditions = vec![Condition {
        text: "six bytes 0xFF, then one hardware address sixteen times".to_owned(),
        setting: "exact; not all zero, not all ones, not a group address".to_owned(),
        measured: format!(
            "{} for {}",
            counted(signals.len() as u64, "signal"),
            counted(targets.len() as u64, "target")
        ),
    }];
    let (least, within) = (settings.mass_wake_targets, settings.mass_wake_window);
    // What is not met is no reason.
    if busiest >= least as usize {
        conditions.push(Condition {
            text: "distinct targets of one sender".to_owned(),
            setting: format!("at least {least} within {within}"),
            measured: format!("{busiest} at most"),
        });
    }
    for w in &after {
        if let Some(later) = w.started_after(targets[&w.mac]) {
            conditions.push(Condition {
                text: format!(
                    "{} started or announced itself after the signal",
                    mac_text(w.mac)
                ),
                setting: format!("within {}", settings.wake_within),
                measured: later.to_string(),
            });
        }
        if let Some(visit) = w.visit {
            conditions.push(Condition {
                text: "the sender opened an administrative port of it".to_owned(),
                setting: format!("within {}", settings.admin_within),
                measured: visit.time.since(targets[&w.mac].time).to_string(),
            });
        }
    }
    let main = told.or(after.first());
    let pair = main.and_then(|w| Some((targets[&w.mac], w.start.as_ref()?, w.visit?)));
    let logged = |w: &Followed<'_>| {
        let start = w.start.as_ref();
        start.is_some_and(|start| matches!(start.what, What::Host(_)))
    };
    let host = after.iter().any(logged);
    Finding {
        analytic: about.id,
        span: None,
        also_satisfies: Vec::new(),
        title,
        severity,
        tier: if host { Tier::Both } else { Tier::NetworkOnly },
        confidence: score.iter().map(|i| i.points).sum::<i32>().clamp(0, 100) as u8,
        entities: Entities {
            remote: match sender {
                Sender::Address(address) => Some(address),
                Sender::Mac(_) => None,
            },
            remote_mac: match sender {
                Sender::Mac(mac) => Some(mac),
                Sender::Address(_) => signals
                    .iter()
                    .find_map(|e| signal_of(e).and_then(|s| s.sender_mac)),
            },
            host_name: main.map(|w| w.name.clone()).unwrap_or_default(),
            host_address: main.and_then(|w| w.address),
            woken: targets.keys().copied().collect(),
            ..Entities::default()
        },
        steps,
        conditions,
        tables: Vec::new(),
        score,
        order: check_order(pair, context),
        unseen: unseen(&targets, &after, context),
        alternatives: about.benign[2..3]
            .iter()
            .chain(&["a management tool's wake-up before updates"])
            .map(|s| (*s).to_owned())
            .collect(),
        actions: about.actions[2..].iter().map(|s| (*s).to_owned()).collect(),
        notes: notes(signals, &after),
    }
}

fn check_order(chain: Option<(&Event, &Event, &Event)>, context: &Context) -> OrderCheck {
    let Some((signal, start, visit)) = chain else {
        return OrderCheck::of_one_clock();
    };
    order::check(&[(signal, start), (start, visit)], context)
}

/// The most distinct targets within any window of this length, anchored on each signal.
fn busiest_window(signals: &[Event], window: Span) -> usize {
    let mut most = 0;
    for (i, event) in signals.iter().enumerate() {
        let mut targets: Vec<[u8; 6]> = signals[i..]
            .iter()
            .take_while(|e| e.time.since(event.time) <= window)
            .filter_map(|e| signal_of(e).map(|s| s.target))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        most = most.max(targets.len());
    }
    most
}

fn is_allowed_sender(sender: Sender, signals: &[Event], allowed: &[String]) -> bool {
    let mut names = vec![match sender {
        Sender::Address(address) => address.to_string(),
        Sender::Mac(mac) => mac_text(mac),
    }];
    names.extend(
        signals
            .iter()
            .filter_map(|e| signal_of(e).and_then(|s| s.sender_mac))
            .map(mac_text),
    );
    allowed.iter().any(|a| {
        names
            .iter()
            .any(|n| n.eq_ignore_ascii_case(&a.replace('-', ":")))
    })
}

fn unseen(
    targets: &BTreeMap<[u8; 6], &Event>,
    after: &[Followed<'_>],
    context: &Context,
) -> Vec<Unseen> {
    let mut unseen = vec![Unseen {
        telemetry: "other segments".to_owned(),
        host: None,
        effect: "magic packets are seen only where a sensor captures; others cannot be excluded"
            .to_owned(),
    }];
    let unheard: Vec<String> = targets
        .keys()
        .filter(|mac| context.identity.announcements(mac).is_empty())
        .filter(|mac| !after.iter().any(|w| w.mac == **mac))
        .map(|mac| mac_text(*mac))
        .collect();
    if !unheard.is_empty() {
        let shown: Vec<&str> = unheard.iter().take(NAMED).map(String::as_str).collect();
        let more = match unheard.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        unseen.push(Unseen {
            telemetry: format!("the address of {} of {} targets", unheard.len(), targets.len()),
            host: None,
            effect: format!(
                "no announcement (ARP, ND, DHCP) of {}{more} was captured, so whether it woke and what followed could \
                 not be looked for",
                shown.join(", ")
            ),
        });
    } else if !after.iter().any(|w| w.start.is_some()) {
        unseen.push(Unseen {
            telemetry: "a start of a target".to_owned(),
            host: None,
            effect: "no target was seen to start or announce itself in time; it may have been up already".to_owned(),
        });
    }
    unseen
}

fn notes(signals: &[Event], after: &[Followed<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    for w in after.iter().filter(|w| w.start.is_none()) {
        notes.push(match w.heard {
            Some(last) => format!(
                "{} was last heard {} {} before its signal: it may have been up all along",
                mac_text(w.mac),
                last.date(),
                last.clock(0)
            ),
            None => format!(
                "of {} nothing was heard before its signal, and afterwards only answers: it may have been up all along",
                mac_text(w.mac)
            ),
        });
    }
    let all = || signals.iter().filter_map(signal_of);
    let passwords: Vec<&WakeSignal> = all().filter(|s| s.password_len > 0).collect();
    if let Some(one) = passwords.first() {
        let digest: String = one
            .password_digest
            .unwrap_or_default()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        notes.push(format!(
            "{} of {} signals carry a SecureOn password of {} bytes; it is not printed (SHA-256 begins {digest})",
            passwords.len(),
            signals.len(),
            one.password_len
        ));
    }
    let routed = all()
        .filter(|s| {
            matches!(s.carrier, WakeCarrier::Udp(_)) && s.mac_to.is_some_and(|m| m[0] & 1 == 0)
        })
        .count();
    if routed > 0 {
        notes.push(format!(
            "{routed} of {} signals were sent to a single hardware address by UDP: they may come from another segment",
            signals.len()
        ));
    }
    notes
}
