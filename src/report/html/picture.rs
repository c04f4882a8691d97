//! Pictures: swim lanes of one finding, and of the whole window. Each shows what the table beside
//! it says, and nothing else; marks have presentation attributes and classes only.

use crate::report::escape::{fit, html};
use crate::report::json::read::moment;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Report, Step};
use std::collections::BTreeMap;

/// Width of the coordinate system; the browser scales it.
const WIDTH: i64 = 1_000;
/// Where lanes begin, right of their names.
const LEFT: i64 = 190;
const RIGHT: i64 = WIDTH - 20;
/// Height of a lane.
const LANE: i64 = 46;
/// Lanes drawn at most; further hosts share one more.
const LANES: usize = 24;
/// Its name.
const FURTHER: &str = "further hosts";
/// Steps drawn at most; the table holds all.
const STEPS: usize = 400;
/// Places along a lane of the overview: marks at the same place become one with a number.
const PLACES: i64 = 160;

/// Where a moment lies between two others, as an x coordinate.
fn x(at: i64, first: i64, last: i64) -> i64 {
    let span = i128::from(last).saturating_sub(i128::from(first)).max(1);
    let passed = i128::from(at)
        .saturating_sub(i128::from(first))
        .clamp(0, span);
    LEFT + i64::try_from(passed * i128::from(RIGHT - LEFT) / span).unwrap_or(0)
}

/// The lane of a step: the host whose log tells it, or the sensors.
fn lane(step: &Step) -> String {
    match step.refs.first().and_then(Ref::computer) {
        Some("") => "event log".to_owned(),
        Some(computer) => computer.to_owned(),
        None => "capture".to_owned(),
    }
}

fn number_of(lanes: &mut Vec<String>, name: String) -> i64 {
    let at = lanes
        .iter()
        .position(|lane| *lane == name)
        .unwrap_or_else(|| {
            match lanes.len() {
                n if n < LANES => lanes.push(name),
                LANES => lanes.push(FURTHER.to_owned()),
                _ => {}
            }
            lanes.len() - 1
        });
    i64::try_from(at).unwrap_or(0)
}

fn zoom(page: &mut String) {
    page.push_str(
        "<div class=\"tools zoom\" hidden><button type=\"button\" value=\"1\" aria-label=\"zoom in\">+</button>\
         <button type=\"button\" value=\"-1\" aria-label=\"zoom out\">-</button></div>",
    );
}

/// Opens the picture and draws its lanes and their names.
fn open(title: &str, lanes: &[String], ends: (&str, &str), page: &mut String) {
    let height = i64::try_from(lanes.len()).unwrap_or(0) * LANE + 30;
    page.push_str(&format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"picture\"><svg role=\"img\" aria-label=\"{title}\" \
         viewBox=\"0 0 {WIDTH} {height}\"><title>{title}</title>\n",
        title = html(title)
    ));
    for (name, row) in lanes.iter().zip(0_i64..) {
        let y = row * LANE + LANE / 2;
        page.push_str(&format!(
            "<text x=\"6\" y=\"{}\">{}</text><line class=\"ln\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y}\" y2=\"{y}\"/>\n",
            y + 4,
            html(&fit(name, 24)),
        ));
    }
    page.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{y}\">{}</text><text x=\"{RIGHT}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n",
        html(ends.0),
        html(ends.1),
        y = height - 8
    ));
}

/// The steps of a finding, by who tells of them.
pub(super) fn lanes(finding: &Finding, page: &mut String) {
    let steps = &finding.steps[..finding.steps.len().min(STEPS)];
    let times = || steps.iter().map(|s| moment(&s.time));
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return;
    };
    let zone = |at| {
        let of = steps.iter().find(|s| moment(&s.time) == at);
        of.map_or("UTC", |step| finding.zone_of(&step.time))
    };
    let mut names = vec!["capture".to_owned()];
    let rows: Vec<i64> = steps
        .iter()
        .map(|s| number_of(&mut names, lane(s)))
        .collect();
    zoom(page);
    let title = format!("Steps of {} in time, by source", finding.short_id);
    open(
        &title,
        &names,
        (
            &format!("{} {} {}", first.date(), first.clock(3), zone(first)),
            &format!(
                "{} {}, {} later",
                last.clock(3),
                zone(last),
                last.since(first)
            ),
        ),
        page,
    );
    // Where marks of a lane would lie on each other, their numbers go up and down in turn.
    let mut before: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (step, row) in steps.iter().zip(&rows) {
        let at = moment(&step.time);
        let here = x(at.0, first.0, last.0);
        let y = row * LANE + LANE / 2;
        let level = match before.get(row) {
            Some((other, level)) if (here - other).abs() < 22 => (level + 1) % 4,
            _ => 0,
        };
        before.insert(*row, (here, level));
        if *row > 0 && finding.order.uncertainty_ns > 0 {
            let from = x(
                at.0.saturating_sub(finding.order.uncertainty_ns),
                first.0,
                last.0,
            );
            let to = x(
                at.0.saturating_add(finding.order.uncertainty_ns),
                first.0,
                last.0,
            );
            page.push_str(&format!(
                "<rect class=\"unc\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"16\"/>",
                y - 8,
                (to - from).max(1)
            ));
        }
        let class = role_class(&step.role);
        let text_y = y + [-9, 17, -1, 9][usize::try_from(level).unwrap_or(0)];
        let text_x = here + if level > 1 { 14 } else { 0 };
        page.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{here}\" cy=\"{y}\" r=\"5\"/><text class=\"n\" x=\"{text_x}\" y=\"{text_y}\">{}</text>\n",
            step.n
        ));
    }
    page.push_str("</svg></div>\n");
    if finding.steps.len() > steps.len() {
        page.push_str(&format!(
            "<p>The picture shows {} of {} steps; the table holds all.</p>\n",
            steps.len(),
            finding.steps.len()
        ));
    }
}

/// A role that is a class name whatever the report says.
fn role_class(role: &str) -> &'static str {
    [
        "probe", "change", "connect", "block", "fallback", "process", "scan", "failed", "wake",
    ]
    .into_iter()
    .find(|known| *known == role)
    .unwrap_or("context")
}

/// All findings over the whole window, a lane for each host.
pub(super) fn overview(report: &Report, findings: &[&Finding], page: &mut String) {
    let (Some(first), Some(last)) = (&report.summary.first_time, &report.summary.last_time) else {
        page.push_str("<p>The evidence holds no event.</p>\n");
        return;
    };
    if findings.is_empty() {
        page.push_str("<p>No finding to show.</p>\n");
        return;
    }
    let (first, last) = (moment(first), moment(last));
    let mut names: Vec<String> = Vec::new();
    let mut marks: BTreeMap<(i64, i64), (u64, &Finding)> = BTreeMap::new();
    for finding in findings {
        let name = match finding.host() {
            "" => "network".to_owned(),
            host => host.to_owned(),
        };
        let row = number_of(&mut names, name);
        let place =
            (x(moment(&finding.first_time).0, first.0, last.0) - LEFT) * PLACES / (RIGHT - LEFT);
        // The report is sorted by severity, so the first of a place is its most severe.
        marks.entry((row, place)).or_insert((0, finding)).0 += 1;
    }
    zoom(page);
    open(
        "Findings over the whole window, by host; the table below holds the same",
        &names,
        (
            &format!("{} {} UTC", first.date(), first.clock(0)),
            &format!("{} {} UTC", last.date(), last.clock(0)),
        ),
        page,
    );
    for ((row, place), (count, finding)) in marks {
        let here = LEFT + place * (RIGHT - LEFT) / PLACES;
        let y = row * LANE + LANE / 2;
        let severity = crate::report::record::severity(&finding.severity.0).word();
        let label = if count == 1 {
            format!("#{}", finding.number)
        } else {
            format!("{count}x")
        };
        page.push_str(&format!(
            "<circle class=\"{severity}\" cx=\"{here}\" cy=\"{y}\" r=\"5\"/><text class=\"n\" x=\"{here}\" y=\"{}\">{label}</text>\n",
            y - 9
        ));
    }
    page.push_str("</svg></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_lane_share_one_that_says_so() {
        let mut lanes = Vec::new();
        let name = |n: i64| format!("WS{n:02}");
        let rows: Vec<i64> = (0..30).map(|n| number_of(&mut lanes, name(n))).collect();
        assert_eq!((rows[0], rows[23], rows[24], rows[29]), (0, 23, 24, 24));
        assert_eq!(lanes.last().map(String::as_str), Some(FURTHER));
        assert_eq!(number_of(&mut lanes, name(7)), 7);
    }
}
