//! What AN1448 says of magic packets: severity, score, conditions. `wake_titles` has the titles,
//! `wake_steps` the steps, `wake_notes` what is noted beside.

use super::followed::{Doings, Followed, best};
use super::router::passed_on;
use super::settings::SignallingSettings;
use super::starts::Start;
use super::visits::Visit;
use super::wake_advice::{actions, alternatives};
use super::wake_notes::{notes, unseen};
use super::wake_steps::steps;
use super::wake_titles::{called, title};
use super::waking::signal_of;
use super::{Sender, Signalling};
use crate::analytics::Analytic;
use crate::analytics::kit::order;
use crate::context::Context;
use crate::model::finding::{
    Condition, Entities, Finding, OrderCheck, ScoreItem, Severity, Table, Tier,
};
use crate::model::net::mac_text;
use crate::model::plural::counted;
use crate::model::{Event, Span, What};
use std::collections::BTreeMap;

/// Signals by the hardware address they are for.
pub(super) type Targets<'a> = BTreeMap<[u8; 6], Vec<&'a Event>>;

/// The finding about signals of one sender that lie close together; `beyond` more followed than are held.
pub(super) fn tell(
    sender: Sender,
    signals: &[Event],
    beyond: u64,
    doings: Doings<'_>,
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
        .filter_map(|signals| best(signals, doings, settings, context))
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
    let mut by_visit: Vec<&Followed<'_>> = after.iter().collect();
    by_visit.sort_by_key(|w| (w.visits().next().map(|v| v.entry().order()), w.mac));
    let of = |wanted: &dyn Fn(&Followed<'_>) -> bool| by_visit.iter().copied().find(|w| wanted(w));
    let main = of(&|w| w.is_sure())
        .or(of(&|w| w.is_entered()))
        .or(of(&|w| w.visits().next().is_some()))
        .or(after.iter().find(|w| w.start.is_some()))
        .or(after.iter().find(|w| w.late.is_some()));
    let sender_words = sender_words(sender, signals, context);
    let router = passed_on(sender, signals, context);
    let steps = steps(sender, signals, &after, settings);
    let host = steps.iter().any(|s| matches!(s.event.what, What::Host(_)));
    let entries = || after.iter().flat_map(Followed::visits).map(Visit::entry);
    let times = || {
        entries()
            .chain(steps.iter().map(|s| &s.event))
            .map(|e| e.time)
            // What shows that a target was up may have begun before.
            .filter(|time| signals.first().is_none_or(|first| *time >= first.time))
    };
    Finding {
        analytic: about.id,
        // What came of a signal is context to it, and may be all that came.
        span: times().min().zip(times().max()),
        also_satisfies: Vec::new(),
        title: title(&sender_words, &targets, &after, (busiest, beyond), settings),
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
                Sender::Address(_) if router.is_some() => None,
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
        tables: table(&targets, &after, context).into_iter().collect(),
        score,
        order: main.map_or(OrderCheck::of_one_clock(), |w| {
            order::check(&w.pairs(), context)
        }),
        unseen: unseen(&targets, &after, context),
        alternatives: alternatives(&after),
        actions: actions(
            &sender_words,
            (&targets, &after),
            router.is_some(),
            settings,
        ),
        notes: notes(signals, &after, router, (&targets, settings), context),
        steps,
    }
}

/// A sender by its address, and by its name where it is a host of this evidence.
fn sender_words(sender: Sender, signals: &[Event], context: &Context) -> String {
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
        let doubtful = w.untold || w.again.is_some();
        let reason = match (w.certain, w.up_before) {
            (true, false) if doubtful => {
                "the target announced itself after the signal and the sender then came; its own log does not tell of a start then"
            }
            (true, true) if w.start.as_ref().is_some_and(Start::resumed) => {
                "the target came back from sleep after the signal and the sender then came; heard shortly before it, it may have been awake when it was signalled"
            }
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
                0 => format!("{busiest} in the busiest {within}"),
                _ => format!("{busiest} or more"),
            },
        });
    }
    for w in after {
        if let (true, Some(later)) = (w.woke(), w.started_after()) {
            conditions.push(Condition {
                text: format!(
                    "{} started, came back from sleep or announced itself after the signal",
                    mac_text(w.mac)
                ),
                setting: format!("within {}", settings.wake_within),
                measured: match w.sent.0 {
                    0 | 1 => later.to_string(),
                    _ => format!("{later} after the last signal before it"),
                },
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
                measured: {
                    let times = w.signals_before(visit.entry().time, signals);
                    let last = times.last().unwrap_or(w.signal.time);
                    let gap = visit.entry().time.since(last);
                    match w.sent.0 {
                        0 | 1 => gap.to_string(),
                        _ => format!("{gap} after the last signal before it"),
                    }
                },
            });
        }
    }
    conditions
}

/// Several targets side by side: whose hardware address it is, whether it came up, and who came.
fn table(targets: &Targets<'_>, after: &[Followed<'_>], context: &Context) -> Option<Table> {
    const ROWS: usize = 64;
    if targets.len() < 2 {
        return None;
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (mac, signals) in targets.iter().take(ROWS) {
        let w = after.iter().find(|w| w.mac == *mac);
        let none = || "-".to_owned();
        let first = signals.first().map(|e| e.time);
        let known = first.and_then(|at| context.identity.addresses_of(mac, at).first().copied());
        let address = w.and_then(|w| w.address).or(known);
        let up = w.and_then(|w| w.start.as_ref().filter(|_| w.woke()));
        let came = w.and_then(|w| w.visits().next());
        rows.push(vec![
            mac_text(*mac),
            w.filter(|w| !w.name.is_empty()).map_or_else(none, called),
            address.map_or_else(none, |address| address.to_string()),
            signals.len().to_string(),
            up.map_or_else(none, |start| start.at.time.clock(0)),
            came.map_or_else(none, |visit| visit.entry().time.clock(0)),
        ]);
    }
    let more = targets.len().saturating_sub(ROWS);
    let title = match more {
        0 => "Targets".to_owned(),
        more => format!("Targets, the first {ROWS}; {more} more are not shown"),
    };
    let columns = [
        "hardware address",
        "host",
        "address",
        "signals",
        "up",
        "entered",
    ];
    Some(Table {
        title,
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    })
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
