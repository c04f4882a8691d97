//! What is read side by side: the channel before and after, how it was disrupted, and what makes
//! the new one unusual.

use super::image::Images;
use super::judge::{Judged, sign_weight};
use super::relation::{Relation, Route};
use super::settings::FallbackSettings;
use crate::model::finding::Table;
use crate::model::payload::Shape;
use crate::model::plural::counted;
use crate::model::provenance::Item;
use crate::model::{Span, Timestamp, What};

/// Rows of a table of new channels.
const CHANNELS: usize = 20;

/// Before and after: `after` are the new channels of one process, the told one first.
pub fn before_and_after(after: &[Judged], images: &Images, settings: &FallbackSettings) -> Table {
    let mut columns = vec![String::new(), "before".to_owned()];
    let shown = &after[..after.len().min(3)];
    for (i, _) in shown.iter().enumerate() {
        columns.push(if i == 0 {
            "after".to_owned()
        } else {
            format!("after ({})", i + 1)
        });
    }
    let Some(first) = after.first() else {
        return Table::default();
    };
    let until = first.waiting.at;
    let row = |name: &str, of: &dyn Fn(&Route, &Relation) -> String| {
        let mut row = vec![name.to_owned(), of(&first.waiting.old, &first.old)];
        row.extend(shown.iter().map(|one| of(&one.waiting.new, &one.new)));
        row
    };
    // What began until then is counted whole, however long it went on.
    let mut counted = vec!["counts what began until".to_owned(), moment(first.until)];
    counted.extend(shown.iter().map(|one| moment(one.until)));
    let rows = vec![
        row("channel", &|route, _| route.words()),
        row("addresses", &|_, relation| {
            let all: Vec<String> = relation.addresses.iter().map(ToString::to_string).collect();
            all.join(", ")
        }),
        row("process", &|route, _| process_words(route)),
        row("image hash", &|route, _| {
            recorded(
                route,
                images
                    .of(&route.who, until)
                    .and_then(|i| i.hash().map(str::to_owned)),
            )
        }),
        row("image signed", &|route, _| {
            recorded(route, images.of(&route.who, until).and_then(|i| i.signer()))
        }),
        row("first contact", &|_, relation| moment(relation.first.time)),
        row("last good contact", &|_, relation| last_good(relation)),
        counted,
        row("contacts", &|_, relation| relation.contacts.to_string()),
        row("worked", &|_, relation| relation.worked.to_string()),
        row("failed", &|_, relation| relation.failed.to_string()),
        row("fate not told", &|_, relation| relation.untold.to_string()),
        row("median interval", &|_, relation| {
            relation
                .rhythm(settings)
                .map_or("-".to_owned(), |r| r.median.to_string())
        }),
        row("rhythm (0 to 1)", &|_, relation| {
            relation
                .rhythm(settings)
                .map_or("-".to_owned(), |r| format!("{:.2}", r.score))
        }),
        row("longest connection", &|_, relation| {
            if relation.longest > Span::ZERO {
                relation.longest.to_string()
            } else {
                "-".to_owned()
            }
        }),
        row("payload out / in", &|_, relation| bytes(relation)),
        row("payload looks like", &|_, relation| {
            match relation.shape {
                Shape::None => "not seen",
                shape => shape.word(),
            }
            .to_owned()
        }),
        row("seen in", &|_, relation| {
            let wire = wire_word(relation);
            match relation.seen {
                [true, true] => format!("{wire} and logs"),
                [true, false] => wire.to_owned(),
                _ => "logs".to_owned(),
            }
        }),
    ];
    Table {
        title: "Before and after".to_owned(),
        columns,
        rows,
    }
}

/// What tells of the wire: packets, or what somebody else's sensor wrote of them.
fn wire_word(relation: &Relation) -> &'static str {
    let events = [Some(&relation.first), relation.last_good.as_ref()];
    let mut attempts = events
        .into_iter()
        .flatten()
        .filter(|event| matches!(event.what, What::Attempt(_)));
    match attempts.all(|event| event.provenance.kind == Item::Line) {
        true => "a log of connections",
        false => "packets",
    }
}

/// `\users\x\y.exe (pid 4711, service Dnscache)`.
pub fn process_words(route: &Route) -> String {
    if !route.who.known() {
        return "not known".to_owned();
    }
    let mut text = route.who.program.to_string();
    let mut more = Vec::new();
    if let Some(pid) = route.who.pid {
        more.push(format!("pid {pid}"));
    }
    if !route.who.service.is_empty() {
        more.push(format!("service {}", route.who.service));
    }
    if !more.is_empty() {
        text.push_str(&format!(" ({})", more.join(", ")));
    }
    text
}

/// When it worked last, or was permitted last where no success is known.
pub fn last_good(relation: &Relation) -> String {
    match (&relation.last_good, &relation.last_permitted) {
        (Some(event), _) if relation.trouble.as_ref().is_some_and(|t| t.answered) => format!(
            "{}; what answered since, where its name was turned to, is not counted as good",
            moment(event.time)
        ),
        (Some(event), _) => moment(event.time),
        (None, Some(event)) => format!("none known, last permitted {}", moment(event.time)),
        (None, None) => "none".to_owned(),
    }
}

/// What is recorded of a process's file; of an unknown process there is nothing to record.
fn recorded(route: &Route, told: Option<String>) -> String {
    match told {
        Some(told) => told,
        None if route.who.known() => "not recorded".to_owned(),
        None => "-".to_owned(),
    }
}

/// A moment in a sentence or a table: UTC, to the millisecond, as the steps have it.
pub fn moment(time: Timestamp) -> String {
    format!("{} {}", time.date(), time.clock(3))
}

fn bytes(relation: &Relation) -> String {
    if !relation.seen[0] {
        return "not in logs".to_owned();
    }
    let share = relation.share_out().map_or(String::new(), |share| {
        format!(" ({:.0} % out)", share * 100.0)
    });
    format!("{} / {}{share}", relation.bytes[0], relation.bytes[1])
}

/// How the old channel was disrupted.
pub fn disruption(judged: &Judged) -> Table {
    Table {
        title: "How it was disrupted".to_owned(),
        columns: ["when", "kind", "strength", "what the evidence shows"]
            .map(str::to_owned)
            .to_vec(),
        rows: judged
            .signs
            .iter()
            .map(|sign| {
                vec![
                    moment(sign.at),
                    sign.kind.word().to_owned(),
                    if sign.strong { "strong" } else { "weak" }.to_owned(),
                    sign.text.clone(),
                ]
            })
            .collect(),
    }
}

/// Every term of the sum, in decibans.
pub fn terms(judged: &Judged) -> Table {
    let mut rows: Vec<Vec<String>> = vec![vec![
        "disruption".to_owned(),
        format!("{:+}", sign_weight(&judged.signs)),
        format!(
            "{}: {}",
            counted(judged.signs.len() as u64, "sign"),
            judged
                .signs
                .iter()
                .map(|sign| sign.kind.word())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    ]];
    rows.extend(judged.unusual.terms.iter().map(|term| {
        vec![
            term.name.to_owned(),
            format!("{:+}", term.weight),
            term.measured.clone(),
        ]
    }));
    Table {
        title: "What it adds up to (decibans: 10 make it ten times as likely)".to_owned(),
        columns: ["term", "weight", "measured"].map(str::to_owned).to_vec(),
        rows,
    }
}

/// All new channels of the process, where there are several.
pub fn channels(after: &[Judged]) -> Option<Table> {
    if after.len() < 2 {
        return None;
    }
    Some(Table {
        title: format!("New channels of the process ({})", after.len()),
        columns: ["first use", "channel", "worked", "failed", "decibans"]
            .map(str::to_owned)
            .to_vec(),
        rows: after
            .iter()
            .take(CHANNELS)
            .map(|one| {
                vec![
                    moment(one.waiting.at),
                    one.waiting.new.words(),
                    one.new.worked.to_string(),
                    one.new.failed.to_string(),
                    one.sum().to_string(),
                ]
            })
            .collect(),
    })
}
