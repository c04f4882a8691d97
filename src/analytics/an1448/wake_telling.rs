//! What AN1448 says of magic packets: title, severity, score, conditions, steps.

use super::followed::{Followed, best};
use super::settings::SignallingSettings;
use super::visits::Visit;
use super::wake_notes::{notes, unseen};
use super::waking::signal_of;
use super::{Sender, Signalling};
use crate::analytics::Analytic;
use crate::analytics::kit::order;
use crate::analytics::kit::steps::waited;
use crate::context::Context;
use crate::model::finding::{
    Condition, Entities, Finding, OrderCheck, Role, ScoreItem, Severity, Step, Tier,
};
use crate::model::net::mac_text;
use crate::model::plural::counted;
use crate::model::{Event, Span, What};
use std::collections::{BTreeMap, VecDeque};

/// Signals by the hardware address they are for.
pub(super) type Targets<'a> = BTreeMap<[u8; 6], Vec<&'a Event>>;

/// The finding about signals of one sender that lie close together; `beyond` more followed than are held.
pub(super) fn tell(
    sender: Sender,
    signals: &[Event],
    beyond: u64,
    visits: &VecDeque<Visit>,
    settings: &SignallingSettings,
    context: &Context,
) -> Finding {
    let about = &Signalling::ABOUT;
    let mut targets: Targets<'_> = BTreeMap::new();
    for event in signals {
        if let Some(signal) = signal_of(event) {
            targets.entry(signal.target).or_default().push(event);
        }
    }
    let busiest = busiest_window(signals, settings.mass_wake_window);
    let after: Vec<Followed<'_>> = targets
        .values()
        .filter_map(|signals| best(signals, visits, settings, context))
        .collect();
    let many = busiest >= settings.mass_wake_targets as usize;
    let approved = signals
        .iter()
        .all(|e| settings.wol_allowed_windows.iter().any(|w| w.holds(e.time)))
        || is_allowed_sender(sender, signals, &settings.wol_allowed_senders);
    let (severity, base, grade) = graded(approved, many, &after);
    let mut score = vec![ScoreItem {
        reason: grade.to_owned(),
        points: base,
    }];
    let entered = after.iter().any(Followed::is_entered);
    let mut point = |fits: bool, reason: &str| {
        if fits && !entered {
            score.push(ScoreItem {
                reason: reason.to_owned(),
                points: 10,
            });
        }
    };
    point(
        after.iter().any(Followed::woke),
        "a target started or announced itself afterwards",
    );
    point(
        after.iter().any(|w| w.visits().next().is_some()),
        "the sender then opened an administrative port of a target; that the signal woke it is not shown",
    );
    let told = after
        .iter()
        .find(|w| w.is_sure())
        .or(after.iter().find(|w| w.is_entered()))
        .or(after.iter().find(|w| w.visits().next().is_some()));
    let main = told
        .or(after.iter().find(|w| w.start.is_some()))
        .or(after.iter().find(|w| w.late.is_some()));
    let sender_words = called(sender, signals, context);
    let steps = steps(sender, signals, &after, settings);
    let host = steps.iter().any(|s| matches!(s.event.what, What::Host(_)));
    let entries = || after.iter().flat_map(Followed::visits).map(Visit::entry);
    let times = || {
        entries()
            .chain(steps.iter().map(|s| &s.event))
            .map(|e| e.time)
    };
    Finding {
        analytic: about.id,
        // What came of a signal is context to it, and may be all that came.
        span: times().min().zip(times().max()),
        also_satisfies: Vec::new(),
        title: match told {
            Some(w) => followed_words(&sender_words, w, settings),
            None => sent_words(&sender_words, &targets, (busiest, beyond), settings),
        },
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
        conditions: conditions(signals, &targets, &after, (busiest, beyond), settings),
        tables: Vec::new(),
        score,
        order: main.map_or(OrderCheck::of_one_clock(), |w| {
            order::check(&w.pairs(), context)
        }),
        unseen: unseen(&targets, &after, context),
        alternatives: about.benign[2..3]
            .iter()
            .chain(&["a management tool's wake-up before updates"])
            .map(|s| (*s).to_owned())
            .collect(),
        actions: about.actions[2..].iter().map(|s| (*s).to_owned()).collect(),
        notes: notes(signals, &after, settings),
        steps,
    }
}

/// A sender by its address, and by its name where it is a host of this evidence.
fn called(sender: Sender, signals: &[Event], context: &Context) -> String {
    let address = match sender {
        Sender::Address(address) => address,
        Sender::Mac(mac) => return mac_text(mac),
    };
    let at = signals.first().map(|signal| signal.time);
    let place = at.map(|at| context.identity.place(address, at));
    match place.and_then(|place| context.identity.name(place)) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    }
}

/// Severity and points, and what they stand for.
fn graded(approved: bool, many: bool, after: &[Followed<'_>]) -> (Severity, i32, &'static str) {
    let entered = || after.iter().find(|w| w.is_entered());
    if approved {
        (
            Severity::Info,
            20,
            "a wake signal from an approved sender or in an approved window",
        )
    } else if after.iter().any(Followed::is_sure) {
        (
            Severity::High,
            75,
            "the woken host started, and the sender then opened an administrative port of it",
        )
    } else if let Some(w) = entered() {
        let reason = match (w.certain, w.up_before) {
            (true, true) => {
                "the target started after the signal and the sender then came; heard shortly before it, it may have been up"
            }
            (true, false) => {
                "the woken host started, and then let the sender in; that a connection was completed is not told"
            }
            (false, _) => {
                "the woken host started and the sender opened an administrative port of it, in an order that is not certain"
            }
        };
        (Severity::Medium, 60, reason)
    } else if many {
        (
            Severity::Medium,
            60,
            "one sender signalled to many hosts within a short time",
        )
    } else {
        (Severity::Low, 50, "a magic packet was sent")
    }
}

/// The title where the sender came to a target.
fn followed_words(sender: &str, w: &Followed<'_>, settings: &SignallingSettings) -> String {
    let sent = format!("{sender} sent a magic packet for {}", mac_text(w.mac));
    let host = w.words();
    let completed = w.visits().any(|v| v.completed);
    if let (true, Some(later)) = (w.is_entered(), w.started_after()) {
        let how = if w.up_before { "started" } else { "was up" };
        let up = format!("{sent}; {host} {how} {later} later");
        return match (completed, w.certain) {
            (true, true) => format!("{up}, and {sender} then connected to it"),
            (false, true) => format!("{up}, and then let in a connection of {sender}"),
            (true, false) => format!(
                "{up}, and {sender} connected to it, whether in this order the clocks do not tell"
            ),
            (false, false) => format!(
                "{up}, and let in a connection of {sender}, whether in this order the clocks do not tell"
            ),
        };
    }
    let seen = if w.was_up {
        "was up before it was seen to start".to_owned()
    } else if w.late.is_some() {
        format!("was not seen to start within {}", settings.wake_within)
    } else {
        "was not seen to start".to_owned()
    };
    match completed {
        true => format!("{sent} and then connected to {host}, which {seen}"),
        false => format!("{sent}; {host}, which {seen}, then let in a connection of {sender}"),
    }
}

/// The title where nobody was seen to come.
fn sent_words(
    sender: &str,
    targets: &Targets<'_>,
    (busiest, beyond): (usize, u64),
    settings: &SignallingSettings,
) -> String {
    let least = at_least(beyond);
    let mut macs = targets.keys();
    match (macs.next(), macs.next()) {
        (Some(mac), None) => format!("{sender} sent a magic packet to wake {}", mac_text(*mac)),
        _ => format!(
            "{sender} sent magic packets to wake {least}{} hosts, {least}{busiest} of them within {}",
            targets.len(),
            settings.mass_wake_window
        ),
    }
}

fn at_least(beyond: u64) -> &'static str {
    if beyond > 0 { "at least " } else { "" }
}

fn steps(
    sender: Sender,
    signals: &[Event],
    after: &[Followed<'_>],
    settings: &SignallingSettings,
) -> Vec<Step> {
    let context = |event: &Event, remark: String| Step {
        role: Role::Context,
        event: event.clone(),
        also: Vec::new(),
        remark,
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
    for w in after {
        if let Some(start) = &w.start {
            let remark = match (w.was_up, w.up_before) {
                (true, _) => "after the signal, but it was up before",
                (false, true) => "after the signal; it had been heard shortly before that",
                (false, false) => "up after the signal",
            };
            steps.push(context(start, remark.to_owned()));
        }
        if let Some(logged) = &w.logged {
            let remark = "the same by its own log, whose clock was not measured";
            steps.push(context(logged, remark.to_owned()));
        }
        if let Some(late) = &w.late {
            let remark = format!("later than WakeWithin ({}) allows", settings.wake_within);
            steps.push(context(late, remark));
        }
        for visit in w.visits() {
            let whom = match w.woke() && !w.up_before {
                true => "the woken host",
                false => "the target",
            };
            let other = match sender {
                Sender::Address(address) if address != visit.remote.address => format!(
                    "; {} is another address of its hardware address",
                    visit.remote.address
                ),
                _ => String::new(),
            };
            steps.push(Step {
                role: Role::Connect,
                event: visit.event.clone(),
                also: visit.also.clone(),
                remark: format!("from the sender to {whom}{other}{}", waited(&visit.event)),
            });
        }
    }
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by(|a, b| a.event.provenance == b.event.provenance);
    steps
}

fn conditions(
    signals: &[Event],
    targets: &Targets<'_>,
    after: &[Followed<'_>],
    (busiest, beyond): (usize, u64),
    settings: &SignallingSettings,
) -> Vec<Condition> {
    let further = match beyond {
        0 => String::new(),
        beyond => format!("; {beyond} further signals are not held"),
    };
    let mut conditions = vec![Condition {
        text: "six bytes 0xFF, then one hardware address sixteen times".to_owned(),
        setting: "exact; not all zero, not all ones, not a group address".to_owned(),
        measured: format!(
            "{} for {}{further}",
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
            measured: match beyond {
                0 => format!("{busiest} at most"),
                _ => format!("{busiest} or more"),
            },
        });
    }
    for w in after {
        if let (true, Some(later)) = (w.woke(), w.started_after()) {
            conditions.push(Condition {
                text: format!(
                    "{} started or announced itself after the signal",
                    mac_text(w.mac)
                ),
                setting: format!("within {}", settings.wake_within),
                measured: later.to_string(),
            });
        }
        for visit in w.visits() {
            let mac = mac_text(w.mac);
            let text = match visit.completed {
                true => format!("the sender opened an administrative port of {mac}"),
                false => format!(
                    "{mac} let in the sender's connection to an administrative port; its log does not tell whether \
                     the handshake was completed"
                ),
            };
            conditions.push(Condition {
                text,
                setting: format!("within {}", settings.admin_within),
                measured: visit.entry().time.since(w.signal.time).to_string(),
            });
        }
    }
    conditions
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
