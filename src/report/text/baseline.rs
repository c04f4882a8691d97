//! What a baseline file rests on and holds: `casewire baseline show`.

use super::Style;
use super::page::Page;
use super::table;
use crate::context::baseline::file::{BaselineFile, Counts, HostPart};
use crate::model::finding::Table;

/// Rows of each table.
const MOST: usize = 40;

/// The page.
pub fn render(file: &BaselineFile, width: usize) -> String {
    let mut page = Page::new(&Style {
        width,
        ..Style::default()
    });
    let days = match (file.days.first(), file.days.last()) {
        (Some(first), Some(last)) => format!("{} from {first} to {last}", file.days.len()),
        _ => "none: nothing was counted".to_owned(),
    };
    page.hanging(0, "Made by: ", &file.made_by);
    page.hanging(0, "Days: ", &days);
    page.hanging(0, "Hosts: ", &file.hosts.len().to_string());
    if file.left_out > 0 {
        let text = format!(
            "{} entries beyond the bounds; counts of such hosts may be too small",
            file.left_out
        );
        page.hanging(0, "Left out: ", &text);
    }
    for loss in &file.losses {
        let of = match &loss.sha256 {
            Some(hash) => format!(" (of {})", hash.chars().take(16).collect::<String>()),
            None => String::new(),
        };
        let times = match loss.count {
            1 => String::new(),
            n => format!(" ({n} times)"),
        };
        let text = format!("{}{times}{of}: {}", loss.message, loss.effect);
        page.hanging(0, "Not read: ", &text);
    }
    page.gap();
    write(
        "RESTS ON",
        &["sha256", "kind", "bytes"],
        file.evidence
            .iter()
            .map(|e| {
                vec![
                    e.sha256.chars().take(16).collect(),
                    e.kind.clone(),
                    e.size.to_string(),
                ]
            })
            .collect(),
        &mut page,
    );
    write(
        "HOSTS",
        &[
            "host",
            "days",
            "programs",
            "that talk",
            "peers",
            "missing, most in a day",
        ],
        file.hosts
            .iter()
            .map(|(name, part)| {
                let talk = part.images.values().filter(|i| !i.networked.is_empty());
                let missing = part.contacts.values().map(|c| c.missing).max();
                vec![
                    name.clone(),
                    days_of(part).to_string(),
                    part.images
                        .keys()
                        .filter(|i| !i.is_empty())
                        .count()
                        .to_string(),
                    talk.count().to_string(),
                    part.peers.len().to_string(),
                    missing.unwrap_or(0).to_string(),
                ]
            })
            .collect(),
        &mut page,
    );
    let mut talking: Vec<Vec<String>> = Vec::new();
    for (name, part) in &file.hosts {
        for (image, of) in part.images.iter().filter(|(_, of)| !of.ports.is_empty()) {
            let ports: Vec<&str> = of.ports.keys().take(8).map(String::as_str).collect();
            let what = if image.is_empty() {
                "(packets name no program)"
            } else {
                image
            };
            talking.push(vec![
                name.clone(),
                total(&of.executions).to_string(),
                total(&of.networked).to_string(),
                format!("{what}: {}", ports.join(", ")),
            ]);
        }
    }
    write(
        "PROGRAMS THAT TALK",
        &["host", "starts", "that talked", "program and ports"],
        talking,
        &mut page,
    );
    page.finish()
}

fn days_of(part: &HostPart) -> usize {
    let mut days: Vec<&String> = part.seen.values().flat_map(|c| c.days.keys()).collect();
    days.extend(part.contacts.keys());
    days.sort_unstable();
    days.dedup();
    days.len()
}

/// As the baseline counts: the largest of the counters.
fn total(counts: &Counts) -> u64 {
    counts
        .values()
        .map(|count| count.days.values().sum())
        .max()
        .unwrap_or(0)
}

fn write(title: &str, columns: &[&str], mut rows: Vec<Vec<String>>, page: &mut Page) {
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    page.gap();
    let table = Table {
        title: title.to_owned(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows,
    };
    table::write(&table, page);
    if more > 0 {
        page.text(2, &format!("{more} more are not shown: see -f json"));
    }
}
